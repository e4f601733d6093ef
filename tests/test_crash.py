"""Kills a working `orch` at random moments and lets it go on: nothing stored is asked again, nothing differs.

The project and its model are in `process_desk`.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from process_desk import Project, ended, until

KILLS = 20
SEED = 20260
ITEMS = 12
PAUSE = 0.01  # seconds the model takes for an answer

SCRIPT = """\
import { @claude } from @orch/llm

exe llm @name(n) = @claude(`name @n`)
exe llm @judge(text, place) = [
  let @answer = @claude(`judge @text`)
  output @answer to @place
  => { text: @text, verdict: @answer }
]

checkpoint "name"
var @names = for parallel(4) @n in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] => @name(@n)

checkpoint "judge"
var @verdicts = for parallel(4) @text in @names => @judge(@text, "@root/out/@text\\.txt")

output @verdicts to "@root/final.json"
show `@verdicts.length verdicts`
"""


class Uninterrupted:
    """What a run that nobody disturbs leaves behind, and how long it takes."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root, SCRIPT, PAUSE)
        began = time.monotonic()
        done = self.project.orch("run", "job")
        self.seconds = time.monotonic() - began
        assert (done.exit, done.out) == (0, f"{ITEMS} verdicts\n"), done.err
        assert len(self.project.asked()) == 2 * ITEMS
        self.files = written(self.project)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    return Uninterrupted(tmp_path_factory.mktemp("whole") / "project")


def written(project: Project) -> dict[str, bytes]:
    """Everything that the script wrote, by its path."""
    found = [project.root / "final.json", *sorted((project.root / "out").iterdir())]
    return {str(path.relative_to(project.root)): path.read_bytes() for path in found}


def kill(project: Project, moment: float) -> bool:
    """Start the script and kill it after `moment` seconds; False if it was done by then."""
    before = project.stored()
    mark = len(project.asked())
    with project.started("run", "job") as process:
        time.sleep(moment)
        process.kill()
        done = ended(process)
    assert not repeated(project, before, mark)
    return done.exit == -9


def repeated(project: Project, stored: set[str], mark: int) -> list[str]:
    """Prompts asked since `mark` although the answer had been stored by then."""
    inputs = {prompt_of(first) for first in stored}
    return [prompt for prompt in project.asked()[mark:] if prompt in inputs]


def prompt_of(first_argument: str) -> str:
    return f"name {first_argument}" if first_argument.isdigit() else f"judge {first_argument}"


def test_a_kill_at_any_moment_loses_and_repeats_nothing(tmp_path: Path, whole: Uninterrupted) -> None:
    chance = random.Random(SEED)
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        project = Project(tmp_path / f"killed-{rounds}", SCRIPT, PAUSE)
        for _ in range(KILLS // 4):
            kills += kill(project, chance.uniform(0.15, 0.6) * whole.seconds)
        before, mark = project.stored(), len(project.asked())
        done = project.orch("run", "job")
        assert (done.exit, done.out) == (0, f"{ITEMS} verdicts\n"), done.err
        assert not repeated(project, before, mark)
        assert written(project) == whole.files


def test_a_kill_in_the_seventh_of_four_at_a_time_repeats_no_finished_item(tmp_path: Path) -> None:
    die = "if x == 7 and not os.path.exists('once'): open('once', 'w').close(); os.kill(os.getppid(), 9)"
    item = f"exe llm @item(x) = py {{\nimport os\nopen('calls', 'a').write(f'{{x}}\\n')\n{die}\nprint(x)\n}}\n"
    project = Project(
        tmp_path / "p", item + "var @r = for parallel(4) @x in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] => @item(@x)\nshow @r\n"
    )
    assert project.orch("run", "job").exit == -9
    stored, mark = project.stored(), len(calls(project))
    assert stored and "7" in calls(project)
    assert project.orch("run", "job").exit == 0
    again = set(calls(project)[mark:])
    assert "7" in again and not again & stored
    assert again | stored == {str(number) for number in range(1, 11)}


@pytest.mark.parametrize("edited", [False, True])
def test_a_kill_between_the_requests_of_one_call_loses_those_under_way_only(tmp_path: Path, edited: bool) -> None:
    steps = "".join(f"  let @{name} = @claude(`{name} @x`)\n" for name in ("one", "two", "three"))
    script = "import { @claude } from @orch/llm\nexe llm @steps(x) = [\n" + steps + "  => `@one, @two, @three`\n]\n"
    project = Project(tmp_path / "p", script + 'show @steps("ab")\n')
    project.put("pause", "30 if prompt.startswith('three') else 0")
    with project.started("run", "job") as process:
        until(lambda: len(project.asked()) == 3)
        process.kill()
        assert ended(process).exit == -9
    project.pause(0)
    if edited:
        project.put("llm/run/job.mld", script.replace("=> `", "=> `1 ") + 'show @steps("ab")\n')
    done = project.orch("run", "job")
    assert (done.exit, project.asked()[3:]) == (0, ["three ab"])
    assert done.out == "1 " * edited + "one ab: 6, two ab: 6, three ab: 8\n"
    assert project.orch("run", "job").exit == 0
    assert len(project.asked()) == 4


def calls(project: Project) -> list[str]:
    return (project.root / "calls").read_text().split()


def test_a_finished_run_asks_nothing_and_restores_what_is_missing(whole: Uninterrupted) -> None:
    for path in (whole.project.root / "out").iterdir():
        path.unlink()
    assert whole.project.orch("run", "job").exit == 0
    assert len(whole.project.asked()) == 2 * ITEMS
    assert written(whole.project) == whole.files


def test_two_that_begin_together_share_the_folder_and_the_calls(tmp_path: Path) -> None:
    begin = "exe llm @begin() = `begun`\nvar @begun = @begin()\n"
    wait = "var @ready = sh { until [ -e go ]; do sleep 0.02; done; echo yes }\n"
    ask = "exe llm @ask(dir) = @claude(`ask @dir`)\nshow @ask(@mx.outDir)\n"
    project = Project(tmp_path / "p", f"import {{ @claude }} from @orch/llm\n{begin}{wait}{ask}", 0.3)
    with project.started("run", "job") as first, project.started("run", "job") as second:
        until(lambda: project.rows("SELECT count(*) FROM executions") == [(2,)])
        project.put("go", "")
        done = [ended(first), ended(second)]
    assert [one.exit for one in done] == [0, 0]
    assert done[0].out == done[1].out
    assert len(project.asked()) == 1
    assert [folder.name[-2:] for folder in (project.root / "llm/output/job").iterdir()] == ["-0"]

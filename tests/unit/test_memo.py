"""What is served, what is made again and what is kept, seen from whole runs of small scripts.

Signals and kills are in `test_interrupt` and `test_crash`; what the store itself does has tests of its own.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from orchestra.cli.dispatch import dispatch
from orchestra.cli.shell import Shell

RATE = """\
exe llm @rate(fruit) = sh { echo "rate $fruit" >> calls; printf %s "$fruit" | wc -c; }
exe llm @sum(ns) = sh { echo sum >> calls; echo "$ns" | tr -dc '0-9\\n' | head -1; }

checkpoint "rating"
var @ns = for @f in ["fig", "plum", "peach"] => @rate(@f)

checkpoint "summing"
show `total @sum(@ns)`
show `again @rate("fig")`
"""
ALL = ["rate fig", "rate plum", "rate peach", "sum"]


class Desk:
    """A project with one script; `calls` are the lines that bodies of functions wrote since the last look."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"HOME": str(root.parent), "PATH": "/usr/bin:/bin"}
        self.out = self.err = ""
        (root / "orch.toml").write_text("")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *words: str, exit: int = 0) -> list[str]:
        """Run the script and return the calls that were made."""
        calls = self.root / "calls"
        calls.unlink(missing_ok=True)
        out, err = io.StringIO(), io.StringIO()
        code = dispatch(["s.mld", *words], Shell(io.StringIO(), out, err, self.environ, self.root))
        self.out, self.err = out.getvalue(), err.getvalue()
        assert code == exit, self.err
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "p").mkdir()
    return Desk(tmp_path / "p")


FORMS: list[tuple[tuple[str, ...], list[str]]] = [
    ((), []),
    (("--resume",), []),
    (("--resume", "summing"), ["sum"]),
    (("--resume", "rat"), ALL),
    (("--resume", "@rate"), ALL[:3]),
    (("--resume", '@rate("pl")'), ["rate plum", "rate peach"]),
    (("--resume", '@rate("p"*)'), ["rate plum", "rate peach"]),
    (("--resume", '@rate("pl"*)'), ["rate plum"]),
    (("--resume", '@rate("nothing")'), []),
    (("--resume", "@rate:0"), ALL[:3]),
    (("--resume", "@rate:1"), []),
    (("--resume", "@sum", "--resume", '@rate("fig"*)'), ["rate fig", "sum"]),
    (("--new",), ALL),
    (("--fresh",), ALL),
    (("--no-checkpoint",), [*ALL, "rate fig"]),
]


def test_a_call_site_that_is_not_there_is_named_with_those_that_are(desk: Desk) -> None:
    desk.write("s.mld", RATE)
    desk.run()
    assert desk.run("--resume", "@rate:7", exit=2) == []
    assert "error[E803]: @rate has no call site 7\n" in desk.err
    assert "call sites: @rate:0 (s.mld:5:49), @rate:1 (s.mld:9:13)\n" in desk.err
    desk.write(
        "lib.mld", "exe llm @a(x) = sh { echo a >> calls; echo a; }\nexe llm @b(x) = sh { echo b >> calls; echo b; }\n"
    )
    desk.write("s.mld", 'import { @a as @other, b } from "./lib.mld"\nshow @other(1)\nshow @b(1)\nshow @other(2)\n')
    desk.run("--new")
    assert desk.run("--resume", "@a:1") == ["a"]
    assert desk.run("--resume", "@b:1", exit=2) == []


@pytest.mark.parametrize(("words", "made"), FORMS, ids=lambda words: " ".join(words) or "plain")
def test_what_each_form_makes_again(words: tuple[str, ...], made: list[str], desk: Desk) -> None:
    desk.write("s.mld", RATE)
    assert desk.run() == ALL
    first = desk.out
    assert desk.run(*words) == made
    assert desk.out == first
    assert desk.run() == []


WRONG = [
    ("ing", 'error[E801]: unknown checkpoint "ing"\n   = help: available checkpoints: rating, summing\n'),
    (
        "@rat",
        'error[E803]: unknown function "@rat"\n'
        "   = help: did you mean @rate? functions with entries: @rate (3), @sum (1)\n",
    ),
    (
        "@rate(",
        'error[E803]: invalid --resume target "@rate("\n'
        '   = help: write checkpoint-name, @function, @function:index or @function("prefix")\n',
    ),
]


@pytest.mark.parametrize(("target", "error"), WRONG)
def test_unknown_targets_run_nothing(target: str, error: str, desk: Desk) -> None:
    desk.write("s.mld", RATE)
    desk.run()
    assert desk.run("--resume", target, exit=2) == []
    assert desk.err == error


def test_a_prefix_of_two_phases_is_ambiguous(desk: Desk) -> None:
    desk.write("s.mld", 'checkpoint "review"\ncheckpoint "rerank"\n')
    desk.run("--resume", "re", exit=2)
    assert desk.err == 'error[E802]: ambiguous checkpoint match "re"\n   = help: matches: review, rerank\n'


@pytest.mark.parametrize("words", [("--resume", "rating"), ("--new",)])
def test_what_was_to_be_redone_stays_so_after_an_early_end(words: tuple[str, ...], desk: Desk) -> None:
    desk.write(
        "s.mld",
        RATE.replace('checkpoint "summing"', 'if @payload.stop [ bail "stop" ]\ncheckpoint "summing"'),
    )
    desk.run()
    assert desk.run(*words, "--stop", exit=1) == ALL[:3]
    assert desk.run() == ["sum"]


def test_new_holds_even_if_the_run_ends_before_its_first_call(desk: Desk) -> None:
    desk.write("s.mld", 'if @payload.stop [ bail "stop" ]\n' + RATE)
    desk.run()
    assert desk.run("--new", "--stop", exit=1) == []
    assert desk.run() == ALL


def test_an_item_inserted_before_a_resume(desk: Desk) -> None:
    desk.write("s.mld", RATE)
    desk.run()
    desk.write("s.mld", RATE.replace('"fig",', '"kiwi", "fig",'))
    assert desk.run("--resume", "summing") == ["rate kiwi", "sum"]


@pytest.mark.parametrize(
    ("mode", "again", "lifted"), [("auto", [], []), ("manual", ["one"], []), ("never", ["one"], ["one"])]
)
def test_header_modes(mode: str, again: list[str], lifted: list[str], desk: Desk) -> None:
    desk.write(
        "s.mld",
        f'resume: {mode}\nexe llm @f(x) = sh {{ echo $x >> calls; echo r; }}\nshow @f("one")\nshow @f("one")\n',
    )
    assert desk.run() == ["one"], "equal calls of one run share a result in every mode"
    assert desk.run() == again
    assert desk.run("--resume") == lifted


def phase(options: str) -> str:
    return f'checkpoint "p" with {{ {options} }}\nexe llm @f() = sh {{ echo f >> calls; echo r; }}\nshow @f()\n'


def test_a_phase_is_served_once_it_was_complete(desk: Desk) -> None:
    desk.write("s.mld", phase("complete: @payload.whole"))
    assert desk.run() == ["f"]
    assert desk.run("--whole") == ["f"]
    assert desk.run("--whole") == []


def test_answers_older_than_the_ttl_are_made_again(desk: Desk) -> None:
    desk.write("s.mld", phase('ttl: "1h"'))
    assert (desk.run(), desk.run()) == (["f"], [])
    desk.write("s.mld", phase('ttl: "0s"'))
    assert (desk.run(), desk.run("--resume")) == (["f"], [])


TWO = """\
import { @f } from "./a.mld"
import "./b.mld" as @b
show @f("x")
show @b.f("x")
"""
PART = """\
exe @part() = "%s"
exe llm @f(x) = [
  let @y = sh { echo %s >> calls; echo r; }
  => `@part() @x`
]
export { @f }
"""


def test_two_modules_with_the_same_name_and_what_they_reach(desk: Desk) -> None:
    desk.write("s.mld", TWO)
    desk.write("a.mld", PART % ("A", "a"))
    desk.write("b.mld", PART % ("B", "b"))
    assert desk.run() == ["a", "b"]
    assert desk.out == "A x\nB x\n"
    desk.write("b.mld", ">> a comment\n" + PART % ("C", "b"))
    assert desk.run() == ["b"]
    assert desk.out == "A x\nC x\n"
    assert "stale @f: code @part in b.mld changed; what depends on it is made again\n" in desk.err


def test_a_change_in_a_module_behind_a_namespace_is_seen(desk: Desk) -> None:
    desk.write(
        "s.mld",
        'import "./b.mld" as @b\nexe llm @g(x) = [\n  let @y = sh { echo g >> calls; }\n'
        "  => @b.part()\n]\nshow @g(1)\n",
    )
    desk.write("b.mld", 'exe @part() = "old"\nexport { @part }\n')
    assert desk.run() == ["g"]
    desk.write("b.mld", 'exe @part() = "new"\nexport { @part }\n')
    assert desk.run() == ["g"]
    assert desk.out == "new\n"


def test_stale_use_and_ask(desk: Desk) -> None:
    one = 'exe llm @f(x) = sh { echo f >> calls; echo "%s $x"; }\nshow @f(1)\n'
    desk.write("s.mld", one % "old" + "var @two = @f(2)\n")
    desk.run()
    desk.write("s.mld", one % "new")
    assert desk.run("--stale", "use") == [] and desk.out == "old 1\n"
    assert desk.run("--stale", "ask", exit=3) == []
    assert "error[E807]: 2 stored answers of @f are stale: code @f changed\n" in desk.err
    assert "continue with: orch s.mld --stale rerun\n" in desk.err
    assert desk.run("--stale", "rerun") == ["f"] and desk.out == "new 1\n"


def test_an_edited_template_makes_the_call_again(desk: Desk) -> None:
    letter = 'exe @letter(x) = template "letter.att"\n'
    desk.write("s.mld", letter + "exe llm @f(x) = [\n  run sh { echo f >> calls; }\n  => @letter(@x)\n]\nshow @f(1)\n")
    desk.write("letter.att", "Dear @x,\n")
    assert (desk.run(), desk.run()) == (["f"], [])
    desk.write("letter.att", "Hello @x,\n")
    assert desk.run() == ["f"] and desk.out == "Hello 1,\n"
    assert "stale @f: template letter.att changed; what depends on it is made again\n" in desk.err


GUARD = 'guard @shut before op:exe = when [ @input.any.text.includes("plan") => deny "no plans"; * => allow ]\n'


def test_a_guard_added_later_holds_for_stored_answers(desk: Desk) -> None:
    script = 'exe llm @f(x) = sh { echo f >> calls; echo "r $x"; }\nshow @f("plan")\n'
    desk.write("s.mld", script)
    assert desk.run() == ["f"]
    desk.write("s.mld", GUARD + script)
    assert desk.run(exit=1) == []
    assert "no plans" in desk.err and desk.out == ""


def test_explain_names_the_reason(desk: Desk) -> None:
    one = 'exe llm @f(x) = sh { echo f >> calls; echo r; }\nshow @f("%s")\n'
    desk.write("s.mld", one % "a")
    desk.run("--explain")
    assert 'miss    @f(x: "a"): first call of the function\n' in desk.err
    desk.run("--explain")
    assert 'hit     @f(x: "a")\n' in desk.err
    desk.write("s.mld", one % "b")
    desk.run("--explain")
    assert 'miss    @f(x: "b"): argument 1 changed\n' in desk.err
    desk.run("--explain", "--resume", "@f")
    assert 'resumed @f(x: "b"): to be made again\n' in desk.err


NOT_STORED = {
    "an error": (
        "exe llm @f() = sh { echo f >> calls; exit 3; }\nshow @f()\n",
        ("--error-behavior", "continue"),
    ),
    "blank text": ("exe llm @f() = sh { echo f >> calls; }\nshow @f()\n", ()),
    "null": ("exe llm @f() = [\n  let @x = sh { echo f >> calls; }\n  => null\n]\nshow @f()\n", ()),
    "a secret": ("exe llm @f() = sh { echo f >> calls; echo $MY_TOKEN; }\nshow @f()\n", ()),
}


@pytest.mark.parametrize("what", NOT_STORED)
def test_what_is_never_stored(what: str, desk: Desk) -> None:
    script, words = NOT_STORED[what]
    desk.environ["MY_TOKEN"] = "very-secret-token"
    desk.write("s.mld", script)
    assert (desk.run(*words), desk.run(*words)) == (["f"], ["f"])
    assert ("1 result holds a secret and is not stored\n" in desk.err) == (what == "a secret")


SHARED = {
    "a stage": 'exe llm @f(x) = sh { echo f >> calls; echo "r $x"; }\nshow "a" | @f\n',
    "a variable": 'exe @g(x) = sh { echo f >> calls; echo "r $x"; }\nvar llm @v = @g("a")\nshow @v\n',
    "a statement": 'exe llm @f(x) = sh { echo f >> calls; echo "r $x"; }\nrun @f("a")\n',
    "equal calls in parallel": 'exe llm @f(x) = sh { echo f >> calls; sleep 0.05; echo "r $x"; }\n'
    'var @r = for parallel(3) @i in [1, 2, 3] => @f("a")\nshow @r.length\n',
}


@pytest.mark.parametrize("where", SHARED)
def test_where_calls_are_served(where: str, desk: Desk) -> None:
    desk.write("s.mld", SHARED[where])
    assert desk.run() == ["f"]
    first = desk.out
    assert desk.run() == [] and desk.out == first


def test_who_waits_for_an_equal_call_that_fails_makes_it_himself(desk: Desk) -> None:
    body = "echo $x >> calls; [ $x = z ] || [ $(grep -c a calls) -ge 2 ] || exit 3; echo r;"
    loop = 'var @r = for parallel(3) @i in ["z", "a", "a"] => @f(@i)\nshow @r.length\n'
    desk.write("s.mld", f"exe llm @f(x) = sh {{ {body} }}\n{loop}")
    assert sorted(desk.run(exit=5)) == ["a", "a", "z"]
    assert desk.run() == []


def test_samples_are_distinct(desk: Desk) -> None:
    desk.write(
        "s.mld",
        "exe llm @f(x) = sh { echo f >> calls; echo r; }\n"
        'var @r = for @i in [1, 2, 3] => @f("a") with { sample: @i }\nshow @r.length\n',
    )
    assert (desk.run(), desk.run()) == (["f"] * 3, [])


def test_every_try_is_a_call_of_its_own(desk: Desk) -> None:
    desk.write(
        "s.mld",
        "exe llm @draft(t) = sh { echo draft >> calls; echo r; }\nexe @made(t) = @draft(@t)\n"
        'exe @gate(t) = when [ @mx.try < 3 => retry `r@mx.try`; * => @t ]\nshow @made("q") | @gate\n',
    )
    assert (desk.run(), desk.run()) == (["draft"] * 3, [])


def test_files_come_back_and_differing_ones_are_left(desk: Desk) -> None:
    note = 'exe llm @note(t) = [\n  output @t to "n/@t\\.txt"\n  append @t to "all.txt"\n  => `noted @t`\n]\n'
    desk.write("s.mld", note + 'for @t in ["a", "b"] => @note(@t)\n')
    desk.run()
    (desk.root / "n/a.txt").unlink()
    (desk.root / "all.txt").unlink()
    desk.write("n/b.txt", "mine")
    desk.run()
    assert (desk.root / "n/a.txt").read_text() == "a"
    assert (desk.root / "all.txt").read_text() == "a\nb\n"
    assert (desk.root / "n/b.txt").read_text() == "mine"
    assert "n/b.txt differs from what the stored call wrote; it is left as it is\n" in desk.err


def test_a_changed_file_makes_the_call_again(desk: Desk) -> None:
    desk.write("s.mld", "exe llm @f() = [\n  let @x = sh { echo f >> calls; }\n  => <./data.txt>\n]\nshow @f()\n")
    desk.write("data.txt", "one")
    assert (desk.run(), desk.run()) == (["f"], [])
    desk.write("data.txt", "two")
    assert desk.run() == ["f"] and desk.out == "two\n"
    assert "stale @f: data.txt changed; what depends on it is made again\n" in desk.err


@pytest.mark.parametrize("words", [(), ("--new",), ("--resume",)])
def test_a_script_without_labelled_calls_leaves_no_store(words: tuple[str, ...], desk: Desk) -> None:
    desk.write("s.mld", 'checkpoint "a"\nvar @x = for parallel(2) @i in [] => @i\nshow "done"\n')
    desk.run(*words)
    assert not (desk.root / ".orch/store.db").exists()

"""Whether parsing, loading and calling grow no faster than the script: costs per line and definition.

python bench/parsing.py
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from measure import best, row, scratch

from orchestra.cli.collector import relax
from orchestra.cli.in_process import run_in_process
from orchestra.parse import parse_script
from orchestra.source import Source

LINES = (2_000, 20_000)
DEFINITIONS = (1_000, 3_000, 10_000)
PASSAGE = """\
>> one passage of ten lines
exe @grade{n}(score, limit) = [
  let @half = @score / 2 + 1
  if @half > @limit && @score != 10 [ => "high" ]
  => when [ @half > 5 => "mid"; * => `low: @score of @limit` ]
]
var @list{n} = [{{ name: "a", at: [1, 2, 3] }}, {{ name: "b", at: null }}]
var @names{n} = for @x in @list{n} => @x.name.toUpperCase()
show `@names{n}.0 and @grade{n}(12, 3)`

"""


def parse_cost(lines: int) -> float:
    """Seconds for one line of a script that was never parsed before."""
    text = "".join(PASSAGE.format(n=number) for number in range(lines // 10))
    return best(lambda: parse_script(Source("bench", f">> {time.perf_counter_ns()}\n{text}")), 2) / lines


def compile_cost(lines: int) -> float:
    """The same for Python's own compiler, on as many lines of Python."""
    passage = "def grade{n}(score):\n    half = score / 2\n    return 'high' if half > 5 else str(score)\n"
    text = "".join(passage.format(n=number) for number in range(lines // 3))
    return best(lambda: compile(text, "bench", "exec"), 2) / lines


def run_cost(labels: str, count: int, folder: Path) -> tuple[float, float]:
    """Seconds for one function that is defined and called, in a new script and when that is run again."""
    lines = [f"exe {labels}@f{n}(x) = `@x is {n}`\nvar @v{n} = @f{n}(1)\n" for n in range(count)]
    folder.mkdir()
    (folder / "bench.mld").write_text("".join(lines))

    def run() -> None:
        done = run_in_process(["bench.mld"], folder, "", dict(os.environ))
        if done.exit:
            raise SystemExit(done.stderr)

    return best(run, 1) / count, best(run, 1) / count


def parsing() -> None:
    parse_cost(LINES[0])  # reads the parser's tables
    row("parsing", "µs a line", "× compile()", "× the first")
    first = parse_cost(LINES[0])
    for lines in LINES:
        cost = parse_cost(lines)
        row(
            f"{lines:,} lines",
            f"{1e6 * cost:.0f}",
            f"{cost / compile_cost(lines):.0f}×",
            f"{cost / first:.2f}×",
        )


def definitions(labels: str, root: Path) -> None:
    print()
    row(f"exe {labels}defined and called once", "µs each", "× the first", "again, µs", "× the first")
    base: tuple[float, float] | None = None
    for count in DEFINITIONS:
        new, again = run_cost(labels, count, root / f"{labels}{count}")
        base = base or (new, again)
        row(
            f"{count:,} definitions",
            *(f"{1e6 * new:.0f}", f"{new / base[0]:.2f}×", f"{1e6 * again:.0f}", f"{again / base[1]:.2f}×"),
        )


def main() -> None:
    relax()
    with scratch() as root:
        os.environ["XDG_CACHE_HOME"] = str(root / "cache")  # parsed scripts are kept there
        parsing()
        run_cost("llm ", 10, root / "warm")  # loads what is loaded at the first call
        for labels in ("", "llm "):
            definitions(labels, root)


if __name__ == "__main__":
    main()

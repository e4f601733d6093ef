"""Looks for programs that break the interpreter: random mutations of good ones, for as long as is wanted.

Whatever the text, a part of `orch` may only answer or raise an `OrchError` that has a place. What breaks this
rule is shown with the smallest program found that still does it: `python tests/fuzz.py --seconds 60`.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from orchestra.check import Finding, check_script
from orchestra.cli.format import formatted
from orchestra.cli.howto import FOLDER as MANUAL
from orchestra.cli.in_process import run_in_process
from orchestra.config import load
from orchestra.errors import OrchError
from orchestra.nodes.base import CLASSES, Node, walk
from orchestra.nodes.functions import Exe
from orchestra.nodes.placement import check_placement
from orchestra.nodes.templates import Text
from orchestra.printing import difference, print_script, print_template
from orchestra.scan.headers import read_header
from orchestra.source import Source
from orchestra.syntax import ScanInput, build

CASES = Path(__file__).parent / "cases"
BLOCK = re.compile(r"^(`{3,})(?:file \S*\.)?(?:mld|md|att|mtt)[^`\n]*\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
MODES: Final = ("strict", "strict", "markdown", "att", "mtt")
PIECES: Final = (
    *"@`\"'[](){}<>|=,:;!?.*/\\#\n -+%~&$1aé\0\r",
    *("=>", "@x", "[[", "{{", "::", ":::", "/for @x in @y\n", "/end", "<<", ">>", "when", "if", "for", "sh {"),
    *("cmd {", "js {", "let ", "var ", "@f(", "with {", "parallel", "...", "??", "\ufeff"),
)
ALARM: Final = 5  # seconds that one program may take
# What leaves the scratch folder, waits, or need not end is parsed and checked but not run.
NOT_RUN: Final = tuple(
    CLASSES[rule]
    for rule in (
        *("command", "old_command", "code", "code_dir", "prose", "run", "needs", "import", "import_whole"),
        *("loop", "while_stage", "duration", "retry"),
    )
)


class Hang(BaseException):
    """The alarm went off."""


def corpus() -> list[str]:
    """The programs of all cases, of the manual, of the examples and of the standard library."""
    root = CASES.parent.parent
    files = (*CASES.glob("*/*/example.m*"), *root.glob("examples/**/*.mld"), *root.glob("stdlib/*.mld"))
    topics = [path.read_text("utf-8") for path in sorted(MANUAL.glob("*/*.md"))]
    return [
        *(path.read_bytes().decode(errors="replace") for path in sorted(files)),
        *(found[2] for topic in topics for found in BLOCK.finditer(topic)),
    ]


def mutated(text: str, programs: list[str], chance: random.Random) -> str:
    """The text after one to six random edits: pieces put in, cut out, borrowed or doubled."""
    for _ in range(chance.randint(1, 6)):
        at, kind = chance.randint(0, len(text)), chance.random()
        if kind < 0.4:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif kind < 0.7:
            text = text[:at] + text[at + chance.randint(1, 5) :]
        else:
            donor = chance.choice(programs) if kind < 0.85 else text
            start = chance.randint(0, len(donor))
            text = text[:at] + donor[start : start + chance.randint(1, 30)] + text[at:]
    return text


def noise(chance: random.Random) -> str:
    """Random bytes, read as every script is read."""
    return chance.randbytes(chance.randint(1, 60)).decode("latin-1" if chance.random() < 0.5 else "utf-8", "replace")


# ── what must hold ───────────────────────────────────────────────────────────────────────────────


def parsed(text: str, mode: str) -> Node:
    """The tree of a text, never from the cache."""
    source = Source("fuzz", text)
    if mode in ("att", "mtt"):
        made: Node = build(ScanInput(source, mode), "text_body")
        return made
    script = build(ScanInput(source, mode, read_header(source).end), "script")
    check_placement(script)
    return script  # type: ignore[no-any-return]


def parse(text: str, mode: str, folder: Path) -> None:
    """Parsing gives a tree or an error with a place, and the printed tree means the same."""
    try:
        tree = parsed(text, mode)
    except OrchError as error:
        assert error.span is not None, f"an error without a place: {error.message}"
        return
    again = parsed(printed(tree, mode), mode)
    assert difference(tree, again) is None, f"printed and parsed again it differs: {difference(tree, again)}"


def printed(tree: Any, mode: str) -> str:
    """The canonical text of a tree."""
    return print_template(tree, mode) if mode in ("att", "mtt") else print_script(tree, mode)


def layout(text: str, mode: str, folder: Path) -> None:
    """`orch format` keeps the meaning, which it sees to by itself, and what it has laid out stays as it is."""
    if mode in ("att", "mtt"):
        return
    try:
        once = formatted(Source("fuzz", text), mode)
    except OrchError as error:
        assert error.code != "E901", error.message
        return
    assert formatted(Source("fuzz", once), mode) == once, "the second layout differs"


def check(text: str, mode: str, folder: Path) -> None:
    """`orch check` reports, whatever it is given."""
    checked(text, mode, folder)


def checked(text: str, mode: str, folder: Path) -> list[Finding]:
    """The errors that `orch check` finds."""
    if mode in ("att", "mtt"):
        return []
    name = "fuzz.md" if mode == "markdown" else "fuzz.mld"
    (report,) = check_script(Source(name, text, folder / name), load(folder, {}), mode=mode)
    return [finding for finding in report.findings if finding.level == "error"]


def run(text: str, mode: str, folder: Path) -> None:
    """A run ends without an internal error, and well only where the check has found no error."""
    if mode not in ("strict", "markdown") or not may_run(text, mode):
        return
    name = "fuzz.md" if mode == "markdown" else "fuzz.mld"
    (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    done = run_in_process([name], folder, "", {"PATH": str(folder), "HOME": str(folder)})
    internal = re.search(r"internal error[^\n]*", done.stderr)
    assert internal is None, internal.group() if internal else ""
    wrong = checked(text, mode, folder) if done.exit == 0 else []
    assert not wrong, f"runs, although check finds: {wrong[0].code} {wrong[0].message}"


def may_run(text: str, mode: str) -> bool:
    """Whether a program parses and stays in its folder and in its time."""
    try:
        nodes = list(walk(parsed(text, mode)))
    except OrchError:
        return False
    return not any(isinstance(node, NOT_RUN) or _leaves(node) for node in nodes)


def _leaves(node: Node) -> bool:
    if isinstance(node, Exe):
        return "recursive" in node.labels or "llm" in node.labels
    token = node.value if isinstance(node, Text) else getattr(node, "token", "")
    return isinstance(token, str) and re.search(r"://|\.\.|^\s*[/~]|@root|@base", token) is not None


CHECKS: Final[tuple[Callable[[str, str, Path], None], ...]] = (parse, layout, check, run)


# ── finding and showing ──────────────────────────────────────────────────────────────────────────


@contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """Raise `Hang` in the block after some seconds."""

    def ring(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fault(text: str, mode: str, folder: Path, checks: tuple[Callable[[str, str, Path], None], ...] = CHECKS) -> str:
    """What a text breaks: the check, the failure and its place, without what differs by chance; or ""."""
    for rule in checks:
        try:
            with alarm(ALARM):
                rule(text, mode, folder)
        except Hang:
            return f"{rule.__name__}: no end after {ALARM} s"
        except AssertionError as error:
            return f"{rule.__name__}: {_steady(str(error))}"
        except Exception as error:
            return f"{rule.__name__}: {type(error).__name__} in {_place(error)}: {_steady(str(error))}"
    return ""


def _steady(message: str) -> str:
    return re.sub(r"'[^']*'|\d+|\(.*", "…", message.partition("\n")[0])[:100]


def _place(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame is not None else "?"


def smallest(text: str, still: Callable[[str], bool]) -> str:
    """A text made shorter by cutting ever smaller stretches as long as it is `still` at fault."""
    size = max(1, len(text) // 2)
    while size:
        at = 0
        while at < len(text):
            shorter = text[:at] + text[at + size :]
            if still(shorter):
                text = shorter
            else:
                at += size
        size //= 2
    return text


def search(chance: random.Random, folder: Path, goes_on: Callable[[], bool]) -> Iterator[tuple[str, str, str]]:
    """Fault, mode and smallest program for each new kind of fault, as long as `goes_on`."""
    programs, seen = corpus(), set[str]()
    while goes_on():
        text = noise(chance) if chance.random() < 0.05 else mutated(chance.choice(programs), programs, chance)
        mode = chance.choice(MODES)
        found = fault(text, mode, folder)
        if found and found not in seen:
            seen.add(found)
            yield found, mode, text if "no end" in found else smallest(text, _same_fault(found, mode, folder))


def _same_fault(found: str, mode: str, folder: Path) -> Callable[[str], bool]:
    return lambda text: fault(text, mode, folder) == found


def main() -> int:
    options = argparse.ArgumentParser(description="Look for programs that break the interpreter.")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=None, help="repeats a search; shown at its beginning")
    given = options.parse_args()
    seed = given.seed if given.seed is not None else time.time_ns() % 1_000_000
    print(f"seed {seed}")
    end, tried, faults = time.monotonic() + given.seconds, 0, 0

    def goes_on() -> bool:
        nonlocal tried
        tried += 1
        return bool(time.monotonic() < end)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # trees are kept by content, and these contents come once
        for found, mode, text in search(random.Random(seed), Path(folder), goes_on):
            faults += 1
            print(f"\n{found}\n  {mode}: {text!r}", flush=True)
    print(f"\n{tried - 1} programs, {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Runs every example of the manual and checks that the manual is whole.

An example is a program in a fenced block, `mld` (words after the tag are its arguments) or `md`, or a
session in a `console` block. Before it may stand what it needs: blocks `file NAME`, `replies` (answers of the
models) and `stdin`. After it stands what it did: `output` (stdout), `stderr` (stderr up to the error) and
`error`, each exact and each empty if absent; the line that counts model calls at the end is left out. In a
session every `$` line is run, in one folder; below it stand its stdout and its stderr, where `…` is anything.
How topics are found and shown is left to `orchestra.cli.topics`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestra.cli import COMMANDS
from orchestra.cli.howto import FOLDER
from orchestra.cli.in_process import Finished, run_in_process
from orchestra.cli.topics import SECTIONS, Topic, read_topics
from orchestra.errors import NAMES

BLOCK = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (?P<words>.*)\n(?P<shown>(?:(?!\$ ).*\n)*)", re.MULTILINE)
LEDGER = re.compile(r"^\d+ calls?, .* s\n", re.MULTILINE)
PACKAGE = FOLDER.parent
MOST_FRAGMENTS = 10


@dataclass(slots=True)
class Example:
    """One program or session with its surroundings and what is said to come of it."""

    kind: str
    text: str
    args: list[str]
    files: dict[str, str]
    stdin: str = ""
    says: dict[str, str] = field(default_factory=dict)


def examples(text: str) -> Iterator[Example]:
    """The examples of a topic in order."""
    example: Example | None = None
    files: dict[str, str] = {}
    for block in BLOCK.finditer(text):
        kind, _, words = block["info"].partition(" ")
        if kind in ("output", "stderr", "error"):
            assert example is not None, f"{kind} without a program"
            example.says[kind] = block["text"]
            continue
        if example is not None:
            yield example
            example = None
        if kind == "file":
            files[words] = block["text"]
        elif kind in ("replies", "stdin"):
            files[kind] = block["text"]
        elif words != "fragment":
            assert kind in ("mld", "md", "console"), f"a block of unknown kind: {block['info']}"
            example = Example(kind, block["text"], shlex.split(words), files, files.pop("stdin", ""))
            files = {}
    assert not files, f"files without a program: {sorted(files)}"
    if example is not None:
        yield example


def topics() -> list[Topic]:
    return read_topics(FOLDER)


def written() -> list[Path]:
    return sorted(FOLDER.glob("*/*.md"))


def numbered() -> list[tuple[str, Example]]:
    """Every example with the name of its file and its number in it."""
    return [
        (f"{path.relative_to(FOLDER)}:{number}", example)
        for path in written()
        for number, example in enumerate(examples(path.read_text(encoding="utf-8")), 1)
    ]


def prepare(example: Example, work: Path) -> dict[str, str]:
    """Write the files of the example. Returns the environment to run it in."""
    work.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(work.parent), "LANG": "C.UTF-8"}
    for name, text in example.files.items():
        target = work / ("replies.jsonl" if name == "replies" else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    if "replies" in example.files:
        environ["ORCH_LLM_REPLAY"] = str(work / "replies.jsonl")
    return environ


def error_of(done: Finished) -> str:
    """The part of stderr from the error on."""
    return done.stderr[done.stderr.index("error[") :] if "error[" in done.stderr else ""


def run_program(example: Example, work: Path) -> None:
    environ = prepare(example, work)
    script = "example.mld" if example.kind == "mld" else "example.mld.md"
    (work / script).write_text(example.text, encoding="utf-8")
    done = run_in_process([script, *example.args], work, example.stdin, environ)
    error = error_of(done)
    did = {
        "output": done.stdout + ("\n" if done.stdout and not done.stdout.endswith("\n") else ""),
        "stderr": LEDGER.sub("", done.stderr.removesuffix(error)),
        "error": error,
    }
    assert did == {"output": "", "stderr": "", "error": ""} | example.says
    assert bool(done.exit) == bool(error)


def run_session(example: Example, work: Path) -> None:
    environ = prepare(example, work)
    status = 0
    commands = list(COMMAND.finditer(example.text))
    assert "".join(command[0] for command in commands) == example.text, "a session begins with a command"
    for command in commands:
        if command["words"] == "echo $?":
            assert command["shown"] == f"{status}\n"
            continue
        program, *words = shlex.split(command["words"])
        assert program == "orch"
        done = run_in_process(words, work, example.stdin, environ)
        status = done.exit
        assert like(command["shown"], shown(done)), f"$ {command['words']}\n{done}"


def shown(done: Finished) -> str:
    """What stands on the terminal at the end: what is run, then the output, then what is said about it."""
    announced = re.match(r"Running .*\n", done.stderr)
    head = announced[0] if announced else ""
    return head + done.stdout + done.stderr.removeprefix(head)


def like(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, in which `…` stands for anything."""
    return re.fullmatch(re.escape(pattern).replace("…", ".*"), text, re.DOTALL) is not None


@pytest.mark.parametrize(("name", "example"), numbered(), ids=[name for name, _ in numbered()])
def test_example(name: str, example: Example, tmp_path: Path) -> None:
    run = run_session if example.kind == "console" else run_program
    run(example, tmp_path / "work")


def test_few_fragments_do_not_run() -> None:
    texts = [path.read_text(encoding="utf-8") for path in written()]
    infos = [block["info"] for text in texts for block in BLOCK.finditer(text)]
    assert infos.count("mld fragment") <= MOST_FRAGMENTS
    assert all(info == "mld fragment" for info in infos if info.endswith("fragment"))


def test_front_matter_is_complete() -> None:
    by_id = {topic.id: topic for topic in topics()}
    for path in written():
        topic = by_id[re.sub(r"^\d+-", "", path.stem)]
        assert topic.section in SECTIONS
        assert topic.brief and topic.text and topic.tags
        assert not topic.text.startswith("# "), "the title is put above the text when it is shown"


def test_ids_are_unique() -> None:
    ids = [topic.id for topic in topics()]
    assert len(ids) == len(set(ids))


def test_related_topics_and_parents_exist() -> None:
    ids = {topic.id for topic in topics()}
    named = {(topic.id, other) for topic in topics() for other in topic.related}
    named |= {(topic.id, topic.parent) for topic in topics() if topic.parent}
    assert {(topic, other) for topic, other in named if other not in ids} == set()


def test_references_in_the_texts_lead_somewhere() -> None:
    words = {word for topic in topics() for word in (topic.id, topic.section, *topic.aliases)}
    named = {(t.id, name) for t in topics() for name in re.findall(r"`orch howto ([a-z][\w-]*)`", t.text)}
    assert {(topic, name) for topic, name in named if name not in words} == set()


def test_every_command_has_a_topic() -> None:
    told = {word for topic in topics() if topic.section == "cli" for word in (topic.id, *topic.aliases)}
    assert set(COMMANDS) - told == set()


def raised() -> set[str]:
    """The codes that stand anywhere in the program but in the table of codes."""
    sources = [path for path in PACKAGE.rglob("*.py") if path.name != "errors.py"]
    return {code for path in sources for code in re.findall(r'"([EW]\d{3})"', path.read_text(encoding="utf-8"))}


def test_every_error_is_explained_by_one_topic() -> None:
    explained = [code for topic in topics() for code in topic.codes]
    assert len(explained) == len(set(explained))
    assert set(explained) == set(NAMES)
    assert raised() - set(explained) == set()


@pytest.mark.parametrize("word", ["intro", "qs", "file-loading-metadata"])
def test_words_that_manuals_tell_their_readers_to_ask_for(word: str, tmp_path: Path) -> None:
    done = run_in_process(["howto", word], tmp_path, "", {})
    assert done.exit == 0
    assert done.stdout.startswith("# ")

"""A `.prose` program as a script, with what could not be carried over.

How each part is written stands in `values` and `statements`; the layout is that of `orch format`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestra.errors import OrchError
from orchestra.parse import parse_script
from orchestra.printing import laid_out
from orchestra.prose_import import syntax as s
from orchestra.prose_import.frame import Note, Program
from orchestra.prose_import.naming import blocks_of, reached, scoping, script_name, within
from orchestra.prose_import.reading import read_program
from orchestra.prose_import.statements import Statements
from orchestra.scan.headers import read_header
from orchestra.source import Source

__all__ = ["Translation", "translated"]


@dataclass(frozen=True)
class Translation:
    """The script, and notes in the order of the program's lines."""

    text: str
    notes: Sequence[Note]

    @property
    def is_whole(self) -> bool:
        return not any(note.left for note in self.notes)


def translated(source: Source) -> Translation:
    """Raises the first syntax error of the program."""
    read, numbered = read_program(source), frozenset[str]()
    while True:
        program = _prepared(read, numbered)
        text = _written(program, read.statements)
        if program.repeated <= numbered:
            break
        numbered |= program.repeated  # once they are told so, those that they call are called again too
    notes = sorted(program.notes.all, key=lambda note: note.line)
    return Translation(_laid_out(text, source), notes)


def _prepared(read: s.Program, numbered: frozenset[str]) -> Program:
    """What is known before anything is written. numbered: blocks that are to be told how often they are called."""
    blocks = blocks_of(read.statements)
    variables = scoping(read.statements)
    for block in blocks.values():
        scoping(block.body, block.parameters, variables)  # tells which of the program's variables blocks change
    inner = _inner_names(blocks.values())
    program = Program(_agents(read.statements, variables.known | set(blocks)), {}, variables)
    program.blocks = _apart(blocks, variables.known | inner, "block")
    program.bodies, program.comments, program.numbered = blocks, dict(read.comments), numbered
    sessions = [node for node in within(read.statements) if isinstance(node, s.Session)]
    program.resumed = {node.agent for node in sessions if node.resume and node.agent is not None}
    program.asking = {block.name for block in blocks.values() if _asks(block, blocks)}
    while program.nth in variables.known | inner:
        program.nth += "_"
    return program


def _asks(block: s.Block, blocks: dict[str, s.Block]) -> bool:
    called = [block, *(blocks[name] for name in reached(block, blocks))]
    return any(isinstance(node, s.Session) for each in called for node in within(each))


def _written(program: Program, lines: s.Lines) -> str:
    writer = Statements(program, program.scoping, top=True)
    text = writer.whole(lines)
    for name, parameters in program.missing.items():
        text = f'exe @{name}({", ".join(parameters)}) = [\nthrow "{name} is not translated"\n]\n{text}'
    if writer.outputs:
        fields = ", ".join(f"{script_name(name)}: {writer.read(name)}" for name in writer.outputs)
        text += f"\n=> {{ {fields} }}"
    rest = "".join(f"\n>> {program.comments[line]}" for line in sorted(program.comments))
    return f"{text}{rest}\n"


def _laid_out(text: str, source: Source) -> str:
    made = Source(f"the translation of {source.name}", text)
    try:
        return laid_out(parse_script(made), "strict", read_header(made).end)
    except OrchError as error:
        place = error.span.where if error.span is not None else source.name
        raise OrchError("E901", f"{place}: {error.message}\n{text}") from error


def _agents(lines: s.Lines, others: Iterable[str]) -> dict[str, str]:
    names = [node.name for node in within(lines) if isinstance(node, s.Agent)]
    return _apart(names, set(others), "agent")


def _apart(names: Iterable[str], others: set[str], kind: str) -> dict[str, str]:
    """Names in the script; one that something else has too says what it is."""
    taken = {script_name(name) for name in others}
    return {
        name: f"{script_name(name)}_{kind}" if script_name(name) in taken else script_name(name) for name in names
    }  # fmt: skip


def _inner_names(blocks: Iterable[s.Block]) -> set[str]:
    return {name for block in blocks for name in scoping(block.body, block.parameters).known}

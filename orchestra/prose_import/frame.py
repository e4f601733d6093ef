"""What is known while a program or one of its blocks is written: names in sight, rounds, what was left out.

`values` and `statements` build on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestra.prose_import import syntax as s
from orchestra.prose_import.naming import Scoping, changed_in, mentioned, script_name
from orchestra.prose_import.texts import Parts

__all__ = ["CONSTANTS", "Frame", "Notes", "Round"]

CONSTANTS = frozenset({"true", "false", "null"})
MANY = 1000  # more rounds than any loop inside another one has


@dataclass(frozen=True)
class Note:
    """left: it is missing in the script; else the script does it its own way."""

    line: int
    text: str
    left: bool


@dataclass
class Notes:
    """What the script does not have, or has otherwise; `fresh` are those not yet written into it."""

    all: list[Note] = field(default_factory=list)
    fresh: list[Note] = field(default_factory=list)

    def leave(self, line: int, text: str) -> None:
        self._add(Note(line, text, True))

    def tell(self, line: int, text: str) -> None:
        self._add(Note(line, text, False))

    def _add(self, note: Note) -> None:
        if note not in self.all:
            self.all.append(note)
            self.fresh.append(note)


@dataclass
class Round:
    """A loop around what is written. changing: the names that differ from round to round; index: its number, from 0."""

    changing: set[str]
    index: str
    used: bool = False


@dataclass
class Program:
    """What all parts of a script share.

    agents, blocks: what they are called in the script
    asked:          how often the same was asked, and whether in a loop too
    missing:        functions that only end the script, with their parameters
    bodies:         the blocks, by name
    resumed:        agents that remember
    asking:         blocks that ask, also through others
    repeated:       those of them that are called with the same arguments again
    numbered:       those that are told how often, by the parameter `nth`
    """

    agents: dict[str, str]
    blocks: dict[str, str]
    scoping: Scoping
    notes: Notes = field(default_factory=Notes)
    comments: dict[int, str] = field(default_factory=dict)
    asked: dict[Any, tuple[int, bool]] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bodies: dict[str, s.Block] = field(default_factory=dict)
    resumed: set[str] = field(default_factory=set)
    asking: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    numbered: frozenset[str] = frozenset()
    nth: str = "nth"
    moved: int = 0  # the line of a block that is written before its turn


class Frame:
    """The names of a program or block, and where it is written."""

    def __init__(self, program: Program, scoping: Scoping, top: bool = False) -> None:
        self.program, self.notes, self.scoping = program, program.notes, scoping
        self.top = top
        self.depth = 0
        self.rounds: list[Round] = []
        self.caught: list[str] = []
        self.walls: list[int] = []  # how many names are outside of the parallel loops around
        self.last: str | None = None  # what a condition is about: `""` for what the interpreter takes by itself
        self._sight: list[dict[str, str]] = [{name: f"{script_name(name)}.now" for name in scoping.hoisted}]
        self._fresh: set[str] = set()

    # ── names ────────────────────────────────────────────────────────────────────────────────────

    def enter(self, lines: s.Lines, *names: str | None) -> str:
        """Go into lines where parameters or items have these names; those that change there get a box, made first."""
        self.depth += 1
        self._sight.append({})
        made, changed = "", changed_in(lines)
        for name in names:
            if name is None:
                continue
            self._sight[-1][name] = script_name(name)
            if name in changed:
                box = self.fresh(f"{script_name(name)}_now")
                made += f"let @{box} = {{ now: @{script_name(name)} }}\n"
                self._sight[-1][name] = f"{box}.now"
        return made

    def leave(self) -> None:
        self.depth -= 1
        self._sight.pop()

    def sees(self, name: str) -> None:
        """A variable begins here."""
        boxed = name in self.scoping.boxed
        self._sight[-1][name] = f"{script_name(name)}.now" if boxed else script_name(name)

    @property
    def in_sight(self) -> list[str]:
        return list(dict.fromkeys(name for names in self._sight for name in names))

    def is_variable(self, name: str) -> bool:
        return name in self.in_sight or name in self.scoping.variables or name in self.program.scoping.variables

    def is_boxed(self, name: str) -> bool:
        return self.read(name).endswith(".now")

    def read(self, name: str) -> str:
        """The value of a variable."""
        if name in self.caught:
            return f"@{script_name(name)}.message"
        for names in reversed(self._sight):
            if name in names:
                return f"@{names[name]}"
        boxed = name in self.scoping.boxed if name in self.scoping.variables else name in self.program.scoping.boxed
        return f"@{script_name(name)}.now" if boxed else f"@{script_name(name)}"

    def change(self, name: str, value: str) -> str:
        """The statement that gives a variable in a box another value."""
        return f"{self.read(name).removesuffix('.now')} += {{ now: {value} }}"

    def fresh(self, name: str) -> str:
        """A name that nothing has yet."""
        taken = {script_name(each) for each in (*self.scoping.known, *self.program.scoping.known)} | self._fresh
        number = 1
        while (made := name if number == 1 else f"{name}{number}") in taken:
            number += 1
        self._fresh.add(made)
        return made

    def free(self, name: str) -> None:
        self._fresh.remove(name)

    # ── texts ────────────────────────────────────────────────────────────────────────────────────

    def parts(self, text: s.Text) -> Parts:
        """The pieces of a text; what names nothing stays as it is written."""
        made: list[str | tuple[str, str]] = []
        for part in text.parts:
            if isinstance(part, s.Path) and self.is_variable(part.names[0]):
                made.append((self.path(part), ".".join(part.names)))
            else:
                piece = part if isinstance(part, str) else f"{{{'.'.join(part.names)}}}"
                if made and isinstance(made[-1], str):
                    made[-1] += piece
                else:
                    made.append(piece)
        return made

    def path(self, path: s.Path) -> str:
        first, *rest = path.names
        return ".".join([self.read(first), *(() if first in self.caught else map(script_name, rest))])

    # ── what a condition is about ────────────────────────────────────────────────────────────────

    def about(self, condition: s.Text) -> str | None:
        """The value that a condition is about; `""` if that needs no word, None if there is nothing."""
        if named := self.named_in(condition):
            return self.together(named)
        if self.last is not None:
            return self.last
        filled_in = [name for name in self.in_sight if name in mentioned(condition)]
        return self.together(filled_in or self.in_sight)

    def named_in(self, condition: s.Text) -> list[str]:
        """The variables that a condition speaks of."""
        words = re.sub(r"[\W_]+", " ", " ".join(part for part in condition.parts if isinstance(part, str))).lower()
        return [name for name in self.in_sight if f" {re.sub(r'[_-]', ' ', name).lower()} " in f" {words} "]

    def together(self, names: Sequence[str]) -> str | None:
        """The values of these variables as one."""
        if len(names) == 1:
            return self.read(names[0])
        fields = ", ".join(f"{script_name(name)}: {self.read(name)}" for name in names)
        return f"{{ {fields} }}" if names else None

    # ── rounds ───────────────────────────────────────────────────────────────────────────────────

    def sample(self, session: s.Session) -> str | None:
        """What tells a session apart from an equal one before it, which would get the same answer."""
        number = self.number(session, (session.agent, session.prompt, session.properties, session.resume))
        return None if session.resume else number

    def number(self, node: s.Node, what: Any) -> str | None:
        """The how-manieth time this is asked, as far as that is not seen from what is asked; None for the first."""
        key = _shape(what)
        count, in_rounds = self.program.asked.get(key, (0, False))
        in_rounds = in_rounds or bool(self.rounds)
        self.program.asked[key] = count + 1, in_rounds
        made = str(count * MANY * MANY if in_rounds else count) if count else None
        for index in self._telling_rounds(mentioned(node)):
            made = f"@{index}" if made is None else f"({made}) * {MANY} + @{index}"
        return made

    def _telling_rounds(self, names: set[str]) -> list[str]:
        """The rounds in which a session with these names would be the same each time."""
        made = []
        for around in self.rounds:
            if not names & (around.changing | {around.index}):
                around.used = True
                made.append(around.index)
        return made


def _shape(node: Any) -> Any:
    """A node without its lines."""
    if isinstance(node, tuple):
        return tuple(map(_shape, node))
    if isinstance(node, s.Node):
        return (type(node).__name__, *(_shape(value) for key, value in vars(node).items() if key != "line"))
    return node

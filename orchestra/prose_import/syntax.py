"""The nodes of a `.prose` program: plain data, each with the line it begins at.

They are made by `reading`; what they mean in a script is written in `values` and `statements`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "Agent", "Anonymous", "Argument", "Assign", "Bare", "Block", "Branch", "Chain", "Choice", "Do", "Expr",
    "For", "If", "Import", "Input", "Let", "Lines", "List", "Loop", "Number", "Option", "Output", "Parallel", "Path",
    "Piped", "Program", "Properties", "Property", "Record", "Repeat", "Return", "Session", "Stage", "Statement",
    "Text", "Throw", "Try", "Use",
]  # fmt: skip


@dataclass(frozen=True)
class Node:
    line: int


# ── values ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Text(Node):
    """Literal pieces are `str`, what stands in braces is a `Path`."""

    parts: tuple[str | Path, ...]


@dataclass(frozen=True)
class Number(Node):
    digits: str


@dataclass(frozen=True)
class Path(Node):
    """A name with the fields behind it; `true`, `false`, `null` and bare words are names too."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class List(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Record(Node):
    entries: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Property(Node):
    """A setting below an agent or a session; nested ones are a tuple."""

    name: str
    value: Expr | tuple[Property, ...]


Properties: TypeAlias = tuple[Property, ...]


@dataclass(frozen=True)
class Session(Node):
    """agent: None for the usual model; name: what the session is called, if it is."""

    agent: str | None
    prompt: Text | None
    name: str | None = None
    resume: bool = False
    properties: Properties = ()


@dataclass(frozen=True)
class Argument(Node):
    name: str | None
    value: Expr


@dataclass(frozen=True)
class Do(Node):
    """A call of a block; `called` where that stands without `do`, as calls of other programs do."""

    block: str
    arguments: tuple[Argument, ...] = ()
    called: bool = False


@dataclass(frozen=True)
class Chain(Node):
    """`a -> b`: each gets what the one before said."""

    steps: tuple[Expr, ...]


@dataclass(frozen=True)
class Branch(Node):
    name: str | None
    value: Expr


@dataclass(frozen=True)
class Parallel(Node):
    modifiers: tuple[Argument, ...]
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Anonymous(Node):
    body: Lines


@dataclass(frozen=True)
class Stage(Node):
    """kind: `map`, `filter`, `pmap` or `reduce`; names: of the item, or of what is accumulated and the item."""

    kind: str
    names: tuple[str, ...]
    body: Lines


@dataclass(frozen=True)
class Piped(Node):
    source: Expr
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class For(Node):
    item: str
    index: str | None
    source: Expr
    body: Lines
    parallel: bool
    modifiers: tuple[Argument, ...]


Expr: TypeAlias = (
    Text | Number | Path | List | Record | Session | Do | Chain | Parallel | Anonymous | Piped | For
)  # fmt: skip


# ── statements ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Use(Node):
    source: str
    name: str | None


@dataclass(frozen=True)
class Import(Node):
    names: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Input(Node):
    name: str
    prompt: Text | None


@dataclass(frozen=True)
class Output(Node):
    name: str
    value: Expr


@dataclass(frozen=True)
class Agent(Node):
    name: str
    properties: Properties


@dataclass(frozen=True)
class Block(Node):
    name: str
    parameters: tuple[str, ...]
    body: Lines


@dataclass(frozen=True)
class Let(Node):
    """Several names where the fields of the value are taken apart."""

    names: tuple[str, ...]
    value: Expr
    apart: bool = False


@dataclass(frozen=True)
class Assign(Node):
    name: str
    value: Expr


@dataclass(frozen=True)
class Bare(Node):
    """A value that nobody takes."""

    value: Expr


@dataclass(frozen=True)
class Return(Node):
    value: Expr


@dataclass(frozen=True)
class Throw(Node):
    message: Text | None


@dataclass(frozen=True)
class If(Node):
    branches: tuple[tuple[Text, Lines], ...]
    otherwise: Lines | None


@dataclass(frozen=True)
class Option(Node):
    label: Text
    body: Lines


@dataclass(frozen=True)
class Choice(Node):
    question: Text
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Loop(Node):
    """way: `until`, `while`, or None for one that nothing but its limit ends."""

    way: str | None
    condition: Text | None
    modifiers: tuple[Argument, ...]
    index: str | None
    body: Lines


@dataclass(frozen=True)
class Repeat(Node):
    count: Expr
    index: str | None
    body: Lines


@dataclass(frozen=True)
class Try(Node):
    body: Lines
    caught: str | None
    handler: Lines | None
    last: Lines | None


Statement: TypeAlias = (
    Use | Import | Input | Output | Agent | Block | Let | Assign | Bare | Return | Throw | If | Choice | Loop | Repeat
    | Try
)  # fmt: skip
Lines: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True)
class Program:
    """comments: the text of each, without its mark, by line."""

    statements: Lines
    comments: dict[int, str] = field(default_factory=dict)

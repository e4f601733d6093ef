"""The nodes of a `.prose` program from Lark's trees, bottom up; and its texts, with names in braces told apart.

The rules are those of `prose.lark`. Who parses, and what a wrong program is told, is in `reading`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from lark import Token, Transformer, v_args
from lark.tree import Meta

from orchestra.prose_import import syntax as s

__all__ = ["Misplaced", "Nodes"]

ITEM = ("item",)  # what a stage calls its item unless it says so
_BRACES: Final = re.compile(r"\{([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)\}")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


class Misplaced(Exception):
    """Something that the grammar lets pass and that means nothing where it stands."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


# ── texts ────────────────────────────────────────────────────────────────────────────────────────


def _text(line: int, body: str) -> s.Text:
    """A text with `{name}` told apart; escapes are resolved in the rest."""
    parts: list[str | s.Path] = []
    start = 0
    for found in _BRACES.finditer(body):
        if found.start() and body[found.start() - 1] == "\\":
            continue
        parts += [_plain(body[start : found.start()]), s.Path(line, tuple(found[1].split(".")))]
        start = found.end()
    parts.append(_plain(body[start:]))
    return s.Text(line, tuple(part for part in parts if part != ""))


def _plain(body: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), body, flags=re.DOTALL)


def _dedented(body: str) -> str:
    """The body of a text over several lines, without the blanks that all lines begin with."""
    lines = body.split("\n")
    depths = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    depth = min(depths, default=0)
    kept = [lines[0], *(line[depth:] for line in lines[1:])]
    return "\n".join(kept).strip("\n").rstrip()


# ── nodes ────────────────────────────────────────────────────────────────────────────────────────


def _only(children: Sequence[Any], kind: type) -> tuple[Any, ...]:
    return tuple(child for child in children if isinstance(child, kind))


@v_args(meta=True)
class Nodes(Transformer[Token, Any]):
    """One method for each rule of the grammar; absent parts are None."""

    def program(self, meta: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(child for child in children if child is not None)

    suite = names = parameters = modifiers = arguments = single = pair = program

    # statements

    def use(self, meta: Meta, children: list[Any]) -> s.Use:
        source, name = children
        return s.Use(meta.line, source[1:-1], _name(name))

    def import_(self, meta: Meta, children: list[Any]) -> s.Import:
        names, source = children
        taken = tuple(map(str, names)) if isinstance(names, tuple) else (names[1:-1],)
        return s.Import(meta.line, taken, source[1:-1])

    def input(self, meta: Meta, children: list[Any]) -> s.Input:
        name, prompt = children
        return s.Input(meta.line, str(name), prompt)

    def output(self, meta: Meta, children: list[Any]) -> s.Output:
        return s.Output(meta.line, str(children[0]), children[1])

    def agent(self, meta: Meta, children: list[Any]) -> s.Agent:
        return s.Agent(meta.line, str(children[0]), tuple(children[1:]))

    def block(self, meta: Meta, children: list[Any]) -> s.Block:
        name, parameters, body = children
        return s.Block(meta.line, str(name), _names(parameters), body)

    def let(self, meta: Meta, children: list[Any]) -> s.Let:
        names, value = children
        apart = isinstance(names, tuple)
        return s.Let(meta.line, _names(names) if apart else (str(names),), value, apart)

    def assign(self, meta: Meta, children: list[Any]) -> s.Assign:
        return s.Assign(meta.line, str(children[0]), children[1])

    def bare(self, meta: Meta, children: list[Any]) -> s.Bare:
        return s.Bare(meta.line, children[0])

    def return_(self, meta: Meta, children: list[Any]) -> s.Return:
        return s.Return(meta.line, children[0])

    def throw(self, meta: Meta, children: list[Any]) -> s.Throw:
        return s.Throw(meta.line, children[0])

    def condition(self, meta: Meta, children: list[Any]) -> s.Text:
        words = " ".join(children[0].strip("*").split())
        return _text(meta.line, words)

    def if_(self, meta: Meta, children: list[Any]) -> s.If:
        first, body, *rest, otherwise = children
        return s.If(meta.line, ((first, body), *rest), otherwise)

    def elif_(self, meta: Meta, children: list[Any]) -> tuple[s.Text, s.Lines]:
        return children[0], children[1]

    def choice(self, meta: Meta, children: list[Any]) -> s.Choice:
        return s.Choice(meta.line, children[0], tuple(children[1:]))

    def option(self, meta: Meta, children: list[Any]) -> s.Option:
        return s.Option(meta.line, *children)

    def loop(self, meta: Meta, children: list[Any]) -> s.Loop:
        way, condition, modifiers, index, body = children
        kind = None if way is None else str(way)
        return s.Loop(meta.line, kind, condition, modifiers or (), _name(index), body)

    def repeat(self, meta: Meta, children: list[Any]) -> s.Repeat:
        count, index, body = children
        return s.Repeat(meta.line, count, _name(index), body)

    def try_(self, meta: Meta, children: list[Any]) -> s.Try:
        body, catch, last = children
        caught, handler = catch if catch is not None else (None, None)
        return s.Try(meta.line, body, caught, handler, last)

    def catch(self, meta: Meta, children: list[Any]) -> tuple[str | None, s.Lines]:
        return _name(children[0]), children[1]

    def modifier(self, meta: Meta, children: list[Any]) -> s.Argument:
        return s.Argument(meta.line, _name(children[0]), children[1])

    # values

    def configured(self, meta: Meta, children: list[Any]) -> s.Expr:
        value, *properties = children
        return _configured(value, tuple(properties))

    def property(self, meta: Meta, children: list[Any]) -> s.Property:
        name, *values = children
        nested = bool(values) and isinstance(values[0], s.Property)
        return s.Property(meta.line, str(name), tuple(values) if nested else values[0])

    def piped(self, meta: Meta, children: list[Any]) -> s.Piped:
        return s.Piped(meta.line, children[0], _only(children, s.Stage))

    def stage(self, meta: Meta, children: list[Any]) -> s.Stage:
        kind, names, body = children
        return s.Stage(meta.line, str(kind), _names(names) or ITEM, body)

    def parallel(self, meta: Meta, children: list[Any]) -> s.Parallel:
        modifiers, *branches = children
        return s.Parallel(meta.line, modifiers or (), tuple(branches))

    def branch(self, meta: Meta, children: list[Any]) -> s.Branch:
        return s.Branch(meta.line, _name(children[0]), children[1])

    def for_(self, meta: Meta, children: list[Any]) -> s.For:
        together, modifiers, item, index, source, body = children
        return s.For(meta.line, str(item), _name(index), source, body, together is not None, modifiers or ())

    def anonymous(self, meta: Meta, children: list[Any]) -> s.Anonymous:
        return s.Anonymous(meta.line, children[0])

    def chain(self, meta: Meta, children: list[Any]) -> s.Chain:
        first, *rest = children
        before = first.steps if isinstance(first, s.Chain) else (first,)
        return s.Chain(meta.line, (*before, *rest))

    def session(self, meta: Meta, children: list[Any]) -> s.Session:
        names = [str(child) for child in children if isinstance(child, Token)]
        prompt = next(iter(_only(children, s.Text)), None)
        agent = names[-1] if names else None
        return s.Session(meta.line, agent, prompt, names[0] if len(names) == 2 else None)

    def resume(self, meta: Meta, children: list[Any]) -> s.Session:
        agent, prompt = children
        return s.Session(meta.line, str(agent), prompt, resume=True)

    def do(self, meta: Meta, children: list[Any]) -> s.Do:
        name, arguments = children
        return s.Do(meta.line, str(name), arguments or ())

    def call(self, meta: Meta, children: list[Any]) -> s.Do:
        name, arguments = children
        return s.Do(meta.line, str(name), arguments, called=True)

    def path(self, meta: Meta, children: list[Any]) -> s.Path:
        return s.Path(meta.line, tuple(map(str, children)))

    def array(self, meta: Meta, children: list[Any]) -> s.List:
        return s.List(meta.line, tuple(child for child in children if child is not None))

    def record(self, meta: Meta, children: list[Any]) -> s.Record:
        return s.Record(meta.line, tuple(child for child in children if child is not None))

    def entry(self, meta: Meta, children: list[Any]) -> tuple[str, s.Expr]:
        name, value = children
        return str(name), value if value is not None else s.Path(meta.line, (str(name),))

    def text(self, meta: Meta, children: list[Any]) -> s.Text:
        written = str(children[0])
        body = _dedented(written[3:-3]) if written.startswith('"""') else written[1:-1]
        return _text(meta.line, body)

    def number(self, meta: Meta, children: list[Any]) -> s.Number:
        return s.Number(meta.line, str(children[0]))


# Rules that are called like words of Python.
for _rule in ("import", "return", "if", "elif", "for", "try"):
    setattr(Nodes, _rule, getattr(Nodes, f"{_rule}_"))


def _name(token: Token | None) -> str | None:
    return None if token is None else str(token)


def _names(tokens: Sequence[Token] | None) -> tuple[str, ...]:
    return tuple(str(token) for token in tokens or () if token is not None)


def _configured(value: s.Expr, properties: s.Properties) -> s.Expr:
    """A session with its settings; of a chain, the last step has them."""
    if isinstance(value, s.Chain):
        return s.Chain(value.line, (*value.steps[:-1], _configured(value.steps[-1], properties)))
    if isinstance(value, s.Session):
        prompt = next((each.value for each in properties if each.name == "prompt"), None)
        rest = tuple(each for each in properties if each.name != "prompt")
        taken = prompt if isinstance(prompt, s.Text) else value.prompt
        return s.Session(value.line, value.agent, taken, value.name, value.resume, rest)
    raise Misplaced(properties[0].line, f"{properties[0].name} is a setting, and only agents and sessions have any")

"""`try`, `catch`, `finally` and `throw`: errors as values of the script."""

from __future__ import annotations

import re
from typing import Any, Final

from orchestra.errors import NAMES, Note, OrchError
from orchestra.nodes.base import Node, Statement, execute, node, present, walk
from orchestra.nodes.blocks import Block
from orchestra.nodes.names import Reference
from orchestra.nodes.signals import Return
from orchestra.source import Span
from orchestra.values.scope import Scope
from orchestra.values.tagged import plain
from orchestra.values.text import template_text

__all__ = ["CODE", "Catch", "Throw", "Try", "names_of", "thrown_value"]


CODE: Final = re.compile(r"E\d+")

EXITS = range(1, 126)  # above are those of signals


@node
class Catch(Node):
    """`catch rejected, E401 @e [ … ]`: for errors with one of the names, without names for all."""

    caught: list[str]
    name: str | None
    body: Block

    def __post_init__(self) -> None:
        for name in self.caught:
            if CODE.fullmatch(name) and name not in NAMES:
                message = f"no error has the code {name}"
                raise OrchError("E207", message, self.place_of(name), help="orch howto errors lists them", exit=2)
        if len(self.caught) == 1 and self.name is None and self._mentions(self.caught[0]):
            word = self.caught[0]
            message, help = "the name of the error begins with @", f"catch @{word} [ … ]"
            raise OrchError("E101", message, self.place_of(word), help=help, exit=2)

    def _mentions(self, name: str) -> bool:
        return any(isinstance(part, Reference) and part.name == name for part in walk(self.body))

    def place_of(self, word: str) -> Span:
        start = self.span.source.text.index(word, self.span.start + len("catch"))
        return Span(self.span.source, start, start + len(word))

    def takes(self, error: OrchError) -> bool:
        return not self.caught or not names_of(error).isdisjoint(self.caught)

    def handle(self, error: OrchError, scope: Scope) -> Return | None:
        names = {str(self.name)[1:]: thrown_value(error)} if self.name else {}
        return self.body.exec(scope.child(names=names))


@node
class Try(Statement):
    """`try [ … ] catch name @e [ … ] catch @e [ … ] finally [ … ]`: the first `catch` that takes the error handles it.

    `bail` and cancellation are not caught.
    """

    body: Block
    handlers: list[Catch]
    last: Block | None

    def __post_init__(self) -> None:
        if not self.handlers and self.last is None:
            raise OrchError(
                "E101", "try needs catch or finally", self.span, help="try [ … ] catch @error [ … ]", exit=2
            )
        self._check_reach()

    def _check_reach(self) -> None:
        """E107 for a `catch` that those before it leave nothing."""
        taken: dict[str, Catch] = {}
        for number, handler in enumerate(self.handlers):
            before = self.handlers[number - 1] if number else None
            if before is not None and not before.caught:
                raise _unreached("this catch follows one that takes every error", handler, before)
            for name in handler.caught:
                if name in taken:
                    raise _unreached(f"{name} is caught already", handler, taken[name])
                taken[name] = handler

    def exec(self, scope: Scope) -> Return | None:
        try:
            ended = self.body.exec(scope)
        except OrchError as error:
            handler = next((handler for handler in self.handlers if handler.takes(error)), None)
            if handler is None or error.code == "E399" or error.fatal or scope.run.guesses:
                raise
            ended = handler.handle(error, scope)
        finally:
            if self.last is not None:
                with scope.run.to_its_end():
                    execute(self.last, scope)
        return ended


def _unreached(message: str, handler: Catch, before: Catch) -> OrchError:
    head = Span(handler.span.source, handler.span.start, handler.span.start + len("catch"))
    earlier = Span(before.span.source, before.span.start, before.span.start + len("catch"))
    return OrchError(
        "E107", message, head, help="remove one, or put it first", notes=[Note("it is here", earlier)], exit=2
    )


def names_of(error: OrchError) -> set[str]:
    """What a `catch` may call an error: its code, its name, and what was thrown or the name that it has.

    An error that a script has caught and thrown again keeps its names.
    """
    names = {error.code, error.name}
    value = error.details.get("value") if error.code == "E309" else None
    if isinstance(value, str):
        names.add(value)
    while isinstance(value, dict):
        names |= {name for name in (value.get("code"), value.get("name")) if isinstance(name, str)}
        value = value.get("value")
    return names


def thrown_value(error: OrchError) -> dict[str, Any]:
    """An error as `catch` sees it: code, message, place, details.

    Beside them stand `value` if it was thrown by a script, `errors`, `hint` and `document` of a model's wrong answer.
    """
    shown = {"E309": ("value",), "E714": ("errors", "hint", "document")}.get(error.code, ())
    return {**error.as_data(), **{name: error.details.get(name) for name in shown}}


@node
class Throw(Node):
    """`throw value`."""

    value: Node | None

    def exec(self, scope: Scope) -> None:
        value = present(plain(self.value.eval(scope))) if self.value is not None else None
        raise OrchError("E309", _said(value), self.span, **_told(value), details={"value": value})

    eval = exec


def _told(value: Any) -> dict[str, Any]:
    """The advice and the exit code that `throw { message, help, exit }` names."""
    if not isinstance(value, dict) or not isinstance(value.get("message"), str):
        return {}
    help, code = value.get("help"), value.get("exit")
    told: dict[str, Any] = {"help": help} if isinstance(help, str) else {}
    return told | ({"exit": code} if type(code) is int and code in EXITS else {})


def _said(value: Any) -> str:
    """What an uncaught `throw` of a value says: its message, or the value as text."""
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        value = value["message"]
    return "thrown" if value is None or value == "" else template_text(value)

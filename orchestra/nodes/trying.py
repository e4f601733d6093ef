"""`try`, `catch`, `finally` and `throw`: errors as values of the script."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, execute, node, present
from orchestra.nodes.blocks import Block
from orchestra.nodes.signals import Return
from orchestra.values.scope import Scope
from orchestra.values.tagged import plain
from orchestra.values.text import template_text

__all__ = ["Catch", "Throw", "Try", "thrown_value"]

EXITS = range(1, 126)  # above are those of signals


@node
class Catch(Node):
    """`catch @e [ … ]`."""

    name: str | None
    body: Block


@node
class Try(Statement):
    """`try [ … ] catch @e [ … ] finally [ … ]`. `bail` and cancellation are not caught."""

    body: Block
    handler: Catch | None
    last: Block | None

    def __post_init__(self) -> None:
        if self.handler is None and self.last is None:
            raise OrchError(
                "E101", "try needs catch or finally", self.span, help="try [ … ] catch @error [ … ]", exit=2
            )

    def exec(self, scope: Scope) -> Return | None:
        try:
            ended = self.body.exec(scope)
        except OrchError as error:
            if self.handler is None or error.code == "E399" or error.fatal or scope.run.guesses:
                raise
            ended = self._handle(self.handler, error, scope)
        finally:
            if self.last is not None:
                with scope.run.to_its_end():
                    execute(self.last, scope)
        return ended

    def _handle(self, handler: Catch, error: OrchError, scope: Scope) -> Return | None:
        names = {str(handler.name)[1:]: thrown_value(error)} if handler.name else {}
        return handler.body.exec(scope.child(names=names))


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

"""The functions of `@orch/test`: each says what should be, and fails with both sides where it is not.

Finding and running test files is the business of `orch test`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestra.errors import NAMES, Note, OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.regex import compile_js
from orchestra.values.executable import Executable
from orchestra.values.operators import equals, truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, unwrap
from orchestra.values.text import compact_json, display

__all__ = ["assertions"]

WIDEST = 200  # characters of a side before it is cut around the first difference


def assertions() -> dict[str, Native]:
    """The exports of the bundled module `@orch/test`."""
    checks: dict[str, Callable[..., None]] = {
        "equal": _equal,
        "contains": _contains,
        "matches": _matches,
        "holds": _holds,
    }
    made = {name: Native(name, PARAMS[name], _checking(name, check)) for name, check in checks.items()}
    return {**made, "fails": Native("fails", PARAMS["fails"], _fails)}


PARAMS: dict[str, tuple[str, ...]] = {
    "equal": ("actual", "expected", "what"),
    "contains": ("whole", "part", "what"),
    "matches": ("text", "pattern", "what"),
    "holds": ("condition", "what"),
    "fails": ("function", "code", "argument"),
}


def _checking(name: str, check: Callable[..., None]) -> Callable[[Op, Scope], Any]:
    """A body that counts its arguments and puts the words of the last one before the message."""
    params = PARAMS[name]

    def body(op: Op, scope: Scope) -> None:
        values = [plain(value) for value in op.inputs]
        if not len(params) - 1 <= len(values) <= len(params):
            raise _wrong(f"@{name}({', '.join(params[:-1])}) takes {len(params) - 1} values, and words for the message")
        *sides, what = [*values, None][: len(params)]
        try:
            check(*sides)
        except OrchError as error:
            if what is not None:
                error.message = f"{display(what)}: {error.message}"
            raise

    return body


def _equal(actual: Any, expected: Any) -> None:
    if not equals(actual, expected):
        raise _failed("not equal", *_sides(actual, expected))


def _contains(whole: Any, part: Any) -> None:
    if isinstance(whole, list):
        found = any(equals(item, part) for item in whole)
    elif isinstance(whole, dict):
        found = _has_fields(whole, part)
    else:
        found = isinstance(whole, str) and display(part) in whole
    if not found:
        raise _failed("not contained", f"whole: {_shown(whole)}", f"part:  {_shown(part)}")


def _has_fields(whole: dict[str, Any], part: Any) -> bool:
    """An object contains a name, or another object all of whose fields it has."""
    if isinstance(part, dict):
        return all(key in whole and equals(whole[key], value) for key, value in part.items())
    return part in whole if isinstance(part, str) else False


def _matches(text: Any, pattern: Any) -> None:
    if not isinstance(pattern, str):
        raise _wrong("the pattern of @matches is a text")
    if not isinstance(text, str) or compile_js(pattern).search(text) is None:
        raise _failed("no match", f"text:    {_shown(text)}", f"pattern: {pattern}")


def _holds(condition: Any) -> None:
    if not truthy(condition):
        raise _failed("does not hold", f"actual: {_shown(condition)}")


def _fails(op: Op, scope: Scope) -> dict[str, Any]:
    """Call a function that must fail; the error is the result. `code` is a code, its name, or null for any."""
    function, code, *arguments = [*op.inputs, None, None][: max(len(op.inputs), 2)]
    callee, wanted = unwrap(function), plain(code)
    if not isinstance(callee, Executable):
        raise _wrong("the first argument of @fails is a function: @fails(@read, \"E401\", 'no such file')")
    try:
        value = scope.run.call(Op("exe", callee.name, arguments, callee.labels, op.span, "", {}, callee), scope)
    except OrchError as error:
        if wanted is not None and wanted not in (error.code, error.name):
            told = f"actual:   {error.code} {error.name}: {error.message}"
            raise _failed(f"@{callee.name} fails otherwise", told, f"expected: {_named(wanted)}") from None
        return {"code": error.code, "name": error.name, "message": error.message}
    raise _failed(f"@{callee.name} does not fail", f"actual:   {_shown(plain(value))}", f"expected: {_named(wanted)}")


def _named(code: Any) -> str:
    if code is None:
        return "an error"
    return f"{code} {NAMES[code]}" if code in NAMES else str(code)


def _sides(actual: Any, expected: Any) -> tuple[str, ...]:
    """Both sides; of texts with several lines the first that differs."""
    if isinstance(actual, str) and isinstance(expected, str) and "\n" in actual + expected:
        ours, theirs = actual.split("\n"), expected.split("\n")
        place = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
        place = min(len(ours), len(theirs)) if place is None else place
        return f"actual:   {_line(ours, place)}", f"expected: {_line(theirs, place)}"
    left, right = _whole(actual), _whole(expected)
    start = max(0, _first_difference(left, right) - WIDEST // 2)
    return f"actual:   {_cut(left, start)}", f"expected: {_cut(right, start)}"


def _line(lines: list[str], place: int) -> str:
    if place >= len(lines):
        return f"no line {place + 1}"
    return f"line {place + 1} of {len(lines)}: {compact_json(lines[place])}"


def _first_difference(left: str, right: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def _cut(text: str, start: int) -> str:
    if len(text) <= WIDEST:
        return text
    return ("…" if start else "") + text[start : start + WIDEST] + ("…" if start + WIDEST < len(text) else "")


def _shown(value: Any) -> str:
    return _cut(_whole(value), 0)


def _whole(value: Any) -> str:
    if isinstance(value, Executable):
        return f"the function @{value.name}"
    return "nothing" if value is MISSING else compact_json(value)


def _failed(message: str, *sides: str) -> OrchError:
    return OrchError("E310", message, notes=[Note(side) for side in sides], details={"sides": list(sides)})


def _wrong(message: str) -> OrchError:
    return OrchError("E207", message)

"""The value that stands in a result for an item that failed, and remembers whether the script looked at it.

Who runs the items makes them and reports the unseen ones; reading fields is the business of `access`.
"""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.values.tagged import Value, unwrap

__all__ = ["ErrorItem", "check_condition", "find_error_item"]

_REVEALING = frozenset({"error", "message"})


class ErrorItem(dict[str, Any]):
    """The fields index, key, message, error (the same text) and value (the item that failed).

    `seen` turns true when the script reads `error` or `message` or uses the item as a condition.
    """

    __slots__ = ("seen",)

    def __init__(self, index: int, key: str | int, message: str, value: Value, seen: bool = False) -> None:
        super().__init__(index=index, key=key, message=message, error=message, value=value)
        self.seen = seen

    def __reduce__(self) -> tuple[type[ErrorItem], tuple[Any, ...]]:
        return ErrorItem, (self["index"], self["key"], self["message"], self["value"], self.seen)

    def read(self, name: str, default: Value) -> Value:
        """The field as a script reads it."""
        if name in _REVEALING:
            self.seen = True
        return self.get(name, default)


def find_error_item(value: Value) -> str | None:
    """Where the first error item in `value` stands, such as `value[1].rows`, or None. It counts as seen."""
    found = _search(unwrap(value), "value")
    return found[0] if found else None


def check_condition(value: Value) -> None:
    """Raise E301 if `value` is or holds an error item: a failure is neither true nor false."""
    found = _search(unwrap(value), "value")
    if found is None:
        return
    path, item = found
    raise OrchError(
        "E301",
        f"a condition met a failed item at {path}: {item['message']}",
        help="select by the error first, as in `for @x in @results when !@x.error => @x`",
    )


def _search(data: Value, path: str) -> tuple[str, ErrorItem] | None:
    if data.__class__ is list:
        return _search_list(data, path)
    if isinstance(data, ErrorItem):
        data.seen = True
        return path, data
    if data.__class__ is dict:
        return _search_dict(data, path)
    return None


def _search_list(items: list[Value], path: str) -> tuple[str, ErrorItem] | None:
    for index, item in enumerate(items):
        data = unwrap(item)
        if isinstance(data, (list, dict)) and (found := _search(data, f"{path}[{index}]")):
            return found
    return None


def _search_dict(fields: dict[str, Value], path: str) -> tuple[str, ErrorItem] | None:
    for key, item in fields.items():
        data = unwrap(item)
        if isinstance(data, (list, dict)) and (found := _search(data, f"{path}.{key}")):
            return found
    return None

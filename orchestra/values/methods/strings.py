"""Methods of strings. Lengths and positions count code points."""

from __future__ import annotations

from typing import Final

from orchestra.errors import OrchError
from orchestra.regex import WHITESPACE
from orchestra.values.builtin import Builtin, table
from orchestra.values.methods import patterns
from orchestra.values.methods.arguments import integer, text
from orchestra.values.tagged import Value

__all__ = ["STRINGS"]

LONGEST: Final = 2**29  # code points that padding and repeating may produce


def _length(string: str, *_: Value) -> int:
    return len(string)


def _includes(string: str, part: Value, start: Value = None, *_: Value) -> bool:
    return text(part) in string[_from(start) :]


def _starts_with(string: str, part: Value, start: Value = None, *_: Value) -> bool:
    return string.startswith(text(part), _from(start))


def _ends_with(string: str, part: Value, end: Value = None, *_: Value) -> bool:
    return string[: max(0, integer(end, len(string)))].endswith(text(part))


def _index_of(string: str, part: Value, start: Value = None, *_: Value) -> int:
    return string.find(text(part), _from(start))


def _from(start: Value) -> int:
    return max(0, integer(start, 0))


def _lower(string: str, *_: Value) -> str:
    return string.lower()


def _upper(string: str, *_: Value) -> str:
    return string.upper()


def _trim(string: str, *_: Value) -> str:
    return string.strip(WHITESPACE)


def _slice(string: str, start: Value = None, end: Value = None, *_: Value) -> str:
    return string[integer(start, 0) : integer(end, len(string))]


def _substring(string: str, start: Value = None, end: Value = None, *_: Value) -> str:
    bounds = sorted((max(0, integer(start, 0)), max(0, integer(end, len(string)))))
    return string[bounds[0] : bounds[1]]


def _substr(string: str, start: Value = None, count: Value = None, *_: Value) -> str:
    first = integer(start, 0)
    if first < 0:
        first = max(0, len(string) + first)
    return string[first : first + max(0, integer(count, len(string)))]


def _pad_start(string: str, length: Value, fill: Value = " ", *_: Value) -> str:
    return _padding(string, length, fill) + string


def _pad_end(string: str, length: Value, fill: Value = " ", *_: Value) -> str:
    return string + _padding(string, length, fill)


def _padding(string: str, length: Value, fill: Value) -> str:
    missing, piece = integer(length, 0) - len(string), text(fill)
    if missing <= 0 or not piece:
        return ""
    _check_length(missing)
    return (piece * (missing // len(piece) + 1))[:missing]


def _repeat(string: str, count: Value, *_: Value) -> str:
    times = integer(count, 0)
    if times < 0:
        raise OrchError("E206", f"a string cannot be repeated {times} times")
    _check_length(len(string) * times)
    return string * times


def _check_length(length: int) -> None:
    if length > LONGEST:
        raise OrchError("E206", f"a string of {length} characters is too long")


STRINGS = table(
    Builtin("length", "how many characters there are", '"née".length()', "3", _length),
    Builtin("includes", "whether it contains a text", '"planet".includes("plan")', "true", _includes, 1),
    Builtin("startsWith", "whether it begins with a text", '"planet".startsWith("plan")', "true", _starts_with, 1),
    Builtin("endsWith", "whether it ends with a text", '"a.md".endsWith(".md")', "true", _ends_with, 1),
    Builtin("indexOf", "position of the first such text, or -1", '"planet".indexOf("net")', "3", _index_of, 1),
    Builtin("toLowerCase", "in small letters", '"Ada".toLowerCase()', "ada", _lower),
    Builtin("toUpperCase", "in capital letters", '"Ada".toUpperCase()', "ADA", _upper),
    Builtin("trim", "without blanks and line ends at both ends", '"  a b ".trim()', "a b", _trim),
    Builtin(
        "slice",
        "the part from a position up to another; negative counts from the end",
        '"planet".slice(-3)',
        "net",
        _slice,
    ),
    Builtin(
        "substring",
        "the part between two positions in any order; negative is 0",
        '"planet".substring(4, 0)',
        "plan",
        _substring,
    ),
    Builtin("substr", "the part from a position, so many characters long", '"planet".substr(1, 3)', "lan", _substr),
    Builtin(
        "split",
        "the parts between separators; without one, the characters",
        '"a,b".split(",")',
        '["a","b"]',
        patterns.split,
    ),
    Builtin(
        "replace",
        "the first match replaced, every one with /…/g",
        '"a-b-c".replace("-", "+")',
        "a+b-c",
        patterns.replace,
        2,
    ),
    Builtin(
        "replaceAll",
        "every match replaced; an object replaces each key by its value",
        '"a-b-c".replaceAll("-", "+")',
        "a+b+c",
        patterns.replace_all,
        1,
    ),
    Builtin(
        "match",
        "the match and its groups, all matches with /…/g, or null",
        '"v1.20".match(/([0-9]+)[.]([0-9]+)/)',
        '["1.20","1","20"]',
        patterns.match,
        1,
    ),
    Builtin("padStart", "filled up at the start to a length", '"7".padStart(3, "0")', "007", _pad_start, 1),
    Builtin("padEnd", "filled up at the end to a length", '"ab".padEnd(4, ".")', "ab..", _pad_end, 1),
    Builtin("repeat", "so many times", '"ab".repeat(3)', "ababab", _repeat, 1),
)

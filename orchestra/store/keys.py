"""The identity of a labelled call: which function was asked what, in a form that never changes.

Whether a stored answer is still good is not decided here but by the validity kept beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from orchestra.store.places import in_texts
from orchestra.store.values import MARK, SECRET, SecretValue, Uncacheable
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Tagged

__all__ = ["ELSEWHERE", "Key", "canonical", "make_key"]

FORM: Final = 2  # of the identity; another number gives other digests
DIGITS: Final = 32  # of a key, hexadecimal: room for more calls than can ever be made
ELSEWHERE: Final = "elsewhere"  # in the meta of an answer: its key where the project lies in another folder
FEW_DIGITS: Final = 12  # of an argument's digest
LARGE, SMALL = 1e21, 1e-6  # bounds between which a number is written without exponent

_quote = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Key:
    """A call: defining module, name at definition, arguments, enclosing retries, sample number.

    arguments: canonical JSON of each
    attempts:  try and digest of the hint of each enclosing retry, outermost first
    digest:    of all of it, the beginning of the sha256 in hexadecimal
    """

    module: str
    function: str
    arguments: tuple[str, ...]
    attempts: tuple[tuple[int, str], ...]
    sample: int
    digest: str

    @property
    def args(self) -> str:
        """Canonical JSON of the list of arguments."""
        return f"[{','.join(self.arguments)}]"

    def of(self, module: str) -> Key:
        """The same call of a function of the same name in another module."""
        return _key(module, self.function, self.arguments, self.attempts, self.sample)

    def with_texts(self, change: Callable[[str], str]) -> Key:
        """The same call with every text in its arguments changed."""
        arguments = tuple(in_texts(change, argument) for argument in self.arguments)
        if arguments == self.arguments and change(self.module) == self.module:
            return self
        return _key(change(self.module), self.function, arguments, self.attempts, self.sample)

    @property
    def argument_digests(self) -> list[str]:
        return [_sha256(argument)[:FEW_DIGITS] for argument in self.arguments]


def make_key(
    module: str,
    function: str,
    args: Sequence[Any],
    attempts: tuple[tuple[int, str], ...] = (),
    sample: int = 0,
) -> Key:
    """The key of a call. Labels and facts of arguments do not count, missing ones at the end neither.

    Raises SecretValue or Uncacheable for arguments of which not even a digest may or can be kept.
    """
    try:
        arguments = tuple(canonical(arg) for arg in _given(args))
    except RecursionError as error:
        raise Uncacheable("an argument contains itself or is nested too deeply") from error
    return _key(module, function, arguments, attempts, sample)


def _key(
    module: str, function: str, arguments: tuple[str, ...], attempts: tuple[tuple[int, str], ...], sample: int
) -> Key:
    tries = canonical([[number, hint] for number, hint in attempts])
    identity = f"[{FORM},{_quote(module)},{_quote(function)},[{','.join(arguments)}],{tries},{sample}]"
    return Key(module, function, arguments, attempts, sample, _sha256(identity)[:DIGITS])


def canonical(value: Any) -> str:
    """`value` as JSON with one spelling for equal data: RFC 8785, extended by marks for what JSON lacks.

    Integers beyond 2^53 keep all their digits; halves of surrogate pairs stay as they are.
    """
    kind = value.__class__
    if kind is str:
        return _quote(value)
    if value is None or kind is bool:
        return "null" if value is None else "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        return _number(value)
    if kind is list:
        return f"[{','.join([canonical(item) for item in value])}]"
    if kind is dict:
        return _object(value)
    return _special(value)


def _given(args: Sequence[Any]) -> Sequence[Any]:
    end = len(args)
    while end and args[end - 1] is MISSING:
        end -= 1
    return args[:end]


def _object(fields: dict[str, Any]) -> str:
    pairs = [f"{_quote(name)}:{canonical(fields[name])}" for name in sorted(fields, key=_utf16)]
    text = f"{{{','.join(pairs)}}}"
    return _marked("object", text) if MARK in fields else text


def _special(value: Any) -> str:
    if value.__class__ is Tagged:
        if SECRET in value.meta.labels:
            raise SecretValue
        return canonical(value.data)
    if value is MISSING:
        return _marked("missing")
    if isinstance(value, Executable):
        return _marked("function", _quote(getattr(value, "digest", None) or value.name))
    raise Uncacheable(f"an argument contains a value of type {type(value).__name__}")


def _number(number: float) -> str:
    """The spelling of JavaScript, which RFC 8785 prescribes."""
    if not math.isfinite(number):
        return _marked("float", _quote(repr(number)))
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    if SMALL <= abs(number) < LARGE:
        return f"{Decimal(repr(number)):f}".removesuffix(".0")
    digits, _, exponent = repr(number).partition("e")
    return f"{digits}e{int(exponent):+d}"


def _marked(kind: str, *parts: str) -> str:
    return f'{{"{MARK}":[{",".join((_quote(kind), *parts))}]}}'


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _sha256(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

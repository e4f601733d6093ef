"""Values as text: JSON, with marks where JSON has no word for what a value is or what is known about it.

Which types beyond those of the language occur, such as the error items of parallel loops, is for their
owners to `register`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from orchestra.values.tagged import MISSING, Meta, Tagged

__all__ = ["Codec", "NotStored", "SecretValue", "Uncacheable"]

MARK: Final = "$"  # {"$": [kind, …]} stands for what JSON cannot say; an object with such a key is marked itself
SECRET: Final = "secret"

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class NotStored(Exception):
    """A value must not or cannot be kept; the text says why, for one line to the user."""


class SecretValue(NotStored):
    """The value carries the label `secret`."""

    def __init__(self) -> None:
        super().__init__("it carries the label secret")


class Uncacheable(NotStored):
    """The value has no lasting form: it contains itself, or something that lives only in this process."""


class Codec:
    """Turns values into text and back, with their types, labels and facts at any depth."""

    def __init__(self) -> None:
        self._encoders: dict[type, tuple[str, Callable[[Any], Any]]] = {}
        self._decoders: dict[str, Callable[[Any], Any]] = {}

    def register(self, type: type, encode: Callable[[Any], Any], decode: Callable[[Any], Any]) -> None:
        """Let values of `type` be kept: `encode` gives another value that can be, `decode` reverses it."""
        self._encoders[type] = type.__name__, encode
        self._decoders[type.__name__] = decode

    def encode(self, value: Any) -> str:
        """`value` as text without lone surrogates; raises SecretValue or Uncacheable."""
        try:
            return _as_json(self._pack(value))
        except RecursionError as error:
            raise Uncacheable("it contains itself or is nested too deeply") from error

    def decode(self, text: str) -> Any:
        """The value that `encode` was given; of a type that nobody registered, what its owner made of it."""
        return self._unpack(json.loads(text))

    def _pack(self, value: Any) -> Any:
        kind = value.__class__
        if kind is str:
            return _pack_text(value)
        if value is None or kind is bool or kind is int:
            return value
        if kind is float:
            return value if math.isfinite(value) else {MARK: ["float", repr(value)]}
        if kind is list:
            return [self._pack(item) for item in value]
        if kind is dict:
            return self._pack_fields(value)
        return {MARK: self._pack_special(value)}

    def _pack_fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        if MARK not in fields and all(_is_proper(name) for name in fields):
            return {name: self._pack(item) for name, item in fields.items()}
        return {MARK: ["object", [[_pack_text(name), self._pack(item)] for name, item in fields.items()]]}

    def _pack_special(self, value: Any) -> list[Any]:
        if value is MISSING:
            return ["missing"]
        if value.__class__ is Tagged:
            return ["tagged", self._pack(value.data), self._pack_meta(value.meta)]
        if value.__class__ in self._encoders:
            name, encode = self._encoders[value.__class__]
            return ["type", name, self._pack(encode(value))]
        raise Uncacheable(f"it contains a value of type {type(value).__name__}")

    def _pack_meta(self, meta: Meta) -> dict[str, Any]:
        if SECRET in meta.labels:
            raise SecretValue
        parts = {
            "labels": list(meta.labels),
            "taint": list(meta.taint),
            "sources": list(meta.sources),
            "text": meta.text,
            "facts": None if meta.facts is None else self._lasting(meta.facts),
        }
        return {name: self._pack(part) for name, part in parts.items() if part not in ([], None)}

    def _lasting(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts that can be kept; a live object among them is no reason to lose the value."""
        kept = {}
        for name, fact in facts.items():
            try:
                self._pack(fact)
            except Uncacheable:
                continue
            kept[name] = fact
        return kept

    def _unpack(self, data: Any) -> Any:
        if data.__class__ is list:
            return [self._unpack(item) for item in data]
        if data.__class__ is dict:
            if MARK in data:
                return self._unpack_special(*data[MARK])
            return {name: self._unpack(item) for name, item in data.items()}
        return data

    def _unpack_special(self, kind: str, *parts: Any) -> Any:
        if kind == "missing":
            return MISSING
        if kind == "float":
            return float(parts[0])
        if kind == "text":
            return bytes.fromhex(parts[0]).decode("utf-8", "surrogatepass")
        if kind == "object":
            return {self._unpack(name): self._unpack(item) for name, item in parts[0]}
        if kind == "tagged":
            return Tagged(self._unpack(parts[0]), self._unpack_meta(parts[1]))
        data = self._unpack(parts[1])
        return self._decoders[parts[0]](data) if parts[0] in self._decoders else data

    def _unpack_meta(self, packed: dict[str, Any]) -> Meta:
        parts = {name: self._unpack(part) for name, part in packed.items()}
        labels, taint, sources = (tuple(parts.get(name, ())) for name in ("labels", "taint", "sources"))
        return Meta(labels, taint, sources, parts.get("text"), parts.get("facts"))


def _is_proper(text: str) -> bool:
    """Whether UTF-8 has a form for `text`; halves of surrogate pairs have none."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _pack_text(text: str) -> Any:
    return text if _is_proper(text) else {MARK: ["text", text.encode("utf-8", "surrogatepass").hex()]}

"""Values with something to say about themselves: labels, taint, sources, the text they were parsed from, facts.

Values are plain Python data. `Tagged` wraps one only where there is something to tell; elements keep their own
tag and containers report the union. Equality, JSON and hashing of values ignore tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

__all__ = [
    "MISSING",
    "NOTHING",
    "Meta",
    "Tagged",
    "add_labels",
    "joined",
    "labels_of",
    "meta_of",
    "plain",
    "tag",
    "tag_each",
    "unwrap",
]

Value = Any


class _Missing:
    """What an absent variable, field or argument evaluates to. Not null, and falsy."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

NO_LABELS: tuple[str, ...] = ()


class Meta:
    """What is known about a value. Immutable; `labels`, `taint` and `sources` keep the order of their arrival.

    flows: whether labels, taint or sources must follow into values derived from this one
    text:  the original text of parsed data, shown instead of a new rendering; None if there is none
    inherited: whether it follows as it is, because there is nothing but that
    facts: fields of `.mx` that only this value has (file name, exit code, model call …)
    """

    __slots__ = ("_derived", "facts", "flows", "inherited", "labels", "sources", "taint", "text")

    def __init__(
        self,
        labels: tuple[str, ...] = NO_LABELS,
        taint: tuple[str, ...] = NO_LABELS,
        sources: tuple[str, ...] = NO_LABELS,
        text: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.labels = labels
        self.taint = taint
        self.sources = sources
        self.text = text
        self.facts = facts
        self.flows = bool(labels or taint or sources)
        self.inherited = self.flows and text is None and facts is None
        self._derived: Meta | None = None

    def derived(self) -> Meta:
        """What a value computed from this one inherits: labels, taint and sources, not text or facts."""
        if self.text is None and self.facts is None:
            return self
        if self._derived is None:
            self._derived = Meta(self.labels, self.taint, self.sources)
        return self._derived


NOTHING: Final = Meta()


class Tagged:
    """`data` with its `meta`. Never nested: `data` is plain at the top, its elements may be tagged."""

    __slots__ = ("data", "meta")

    def __init__(self, data: Value, meta: Meta) -> None:
        self.data = data
        self.meta = meta

    def __repr__(self) -> str:
        return f"Tagged({self.data!r}, {self.meta.labels})"

    def __eq__(self, other: object) -> bool:
        return bool(self.data == (other.data if isinstance(other, Tagged) else other))

    def __hash__(self) -> int:
        return hash(self.data)


def unwrap(value: Value) -> Value:
    """The data of a value; tags of elements stay."""
    return value.data if value.__class__ is Tagged else value


def plain(value: Value) -> Value:
    """The data of a value with the tags stripped at every depth; untagged containers come back unchanged."""
    if value.__class__ is Tagged:
        value = value.data
    if value.__class__ is list:
        items = [plain(item) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if value.__class__ is dict:
        fields = {key: plain(item) for key, item in value.items()}
        return fields if any(fields[key] is not value[key] for key in fields) else value
    return value


def meta_of(value: Value) -> Meta:
    return value.meta if value.__class__ is Tagged else NOTHING


def _union(a: tuple[str, ...], b: Iterable[str]) -> tuple[str, ...]:
    if a is b:
        return a
    new = [item for item in b if item not in a]
    return (*a, *dict.fromkeys(new)) if new else a


def merge(a: Meta, b: Meta) -> Meta:
    """The union of what flows from two values; `text` and `facts` belong to neither result."""
    if a is b or not b.flows:
        return a.derived()
    if not a.flows:
        return b.derived()
    labels, taint, sources = (
        _union(a.labels, b.labels),
        _union(a.taint, b.taint),
        _union(a.sources, b.sources),
    )
    if labels is a.labels and taint is a.taint and sources is a.sources:
        return a.derived()  # the same object, so that merging it again takes no time
    return Meta(labels, taint, sources)


def joined(values: Iterable[Value], deep: bool = False) -> Meta:
    """The union of what flows from `values`; with `deep` from the elements of containers as well."""
    meta = NOTHING
    for value in values:
        if value.__class__ is Tagged:
            meta = merge(meta, value.meta)
            value = value.data
        if deep:
            if value.__class__ is list:
                meta = merge(meta, joined(value, True))
            elif value.__class__ is dict:
                meta = merge(meta, joined(value.values(), True))
    return meta


def tag(value: Value, meta: Meta) -> Value:
    """`value` carrying what flows from `meta` besides its own tag. A value with nothing to say stays plain."""
    if not meta.flows or value is MISSING:
        return value
    if value.__class__ is not Tagged:
        return Tagged(value, meta if meta.inherited else meta.derived())
    own = value.meta
    union = own if own is meta else merge(own, meta)
    if union is own:
        return value
    return Tagged(value.data, Meta(union.labels, union.taint, union.sources, own.text, own.facts))


def tag_each(values: list[Value], meta: Meta) -> list[Value]:
    """`tag` for many values."""
    if not meta.flows:
        return values
    meta = meta.derived()
    return [tag(value, meta) if value.__class__ is Tagged else Tagged(value, meta) for value in values]


def add_labels(value: Value, labels: Iterable[str]) -> Value:
    """`value` with declared labels added (they count as taint too)."""
    names = tuple(labels)
    return tag(value, _declared(names)) if names else value


@lru_cache(maxsize=256)
def _declared(names: tuple[str, ...]) -> Meta:
    return Meta(labels=names, taint=names)


def labels_of(value: Value) -> tuple[str, ...]:
    """The labels of a value and of everything in it."""
    return joined((value,), deep=True).labels


def with_facts(value: Value, facts: Mapping[str, Any] | None = None, text: str | None = None) -> Value:
    """`value` with `.mx` facts and, for parsed data, its original text."""
    own = meta_of(value)
    return Tagged(
        unwrap(value),
        Meta(own.labels, own.taint, own.sources, text if text is not None else own.text, facts or own.facts),
    )

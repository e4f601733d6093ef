"""Labels given and taken away. How they travel from value to value is told in `values.tagged`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from orchestra.values.tagged import Meta, Tagged, add_labels, labels_of, unwrap

__all__ = ["relabelled", "without_labels"]


def relabelled(value: Any, labels: Iterable[str]) -> Any:
    """The value with labels added; `untrusted` takes the place of `trusted`."""
    names = tuple(labels)
    if "untrusted" in names and "trusted" in labels_of(value):
        value = without_labels(value, ("trusted",))
    return add_labels(value, names)


def without_labels(value: Any, names: Collection[str]) -> Any:
    """The value without labels of these names, at every depth."""
    data = unwrap(value)
    if data.__class__ is list:
        data = [without_labels(item, names) for item in data]
    elif data.__class__ is dict:
        data = {key: without_labels(item, names) for key, item in data.items()}
    if value.__class__ is not Tagged:
        return data
    meta = value.meta
    labels = tuple(label for label in meta.labels if label not in names)
    taint = tuple(label for label in meta.taint if label not in names)
    return Tagged(data, Meta(labels, taint, meta.sources, meta.text, meta.facts))

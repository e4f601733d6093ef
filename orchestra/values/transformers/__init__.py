"""The transformers, functions from value to value that stand in a pipeline as `| @name` or `| @name.variant`.

`@exists` and `@keep` look beyond the value and belong to the nodes.
"""

from __future__ import annotations

from orchestra.errors import OrchError, nearest
from orchestra.values.builtin import Builtin
from orchestra.values.tagged import Value, joined, tag, unwrap
from orchestra.values.transformers.layout import LAYOUT
from orchestra.values.transformers.parsing import PARSING
from orchestra.values.transformers.texts import TEXTS

__all__ = ["TRANSFORMERS", "apply", "find"]

TRANSFORMERS: dict[str, Builtin] = TEXTS | PARSING | LAYOUT


def find(name: str, variant: str | None = None) -> Builtin | None:
    """The transformer of that name, which may also be written in capitals; None if there is none."""
    key = name if variant is None else f"{name}.{variant}"
    return TRANSFORMERS.get(key.lower() if key.isupper() or name.isupper() else key)


def apply(name: str, variant: str | None, value: Value) -> Value:
    """`value | @name.variant`. The result carries what flows from `value` and its elements.

    E202 for an unknown name or variant, E307 where the transformer cannot do its work.
    """
    transformer = find(name, variant)
    if transformer is None:
        raise _unknown(name, variant)
    data = unwrap(value)
    result = transformer.function(data)
    if result is data and not isinstance(data, str):
        return value
    return tag(result, joined((value,), deep=True))


def _unknown(name: str, variant: str | None) -> OrchError:
    if variant is not None and find(name):
        variants = [key.partition(".")[2] for key in TRANSFORMERS if key.startswith(f"{name.lower()}.")]
        near = nearest(variant, variants)
        known = f"did you mean @{name}.{near}?" if near else _listed(name, variants)
        return OrchError("E202", f"@{name} has no variant .{variant}", help=known)
    near = nearest(name, list(TRANSFORMERS))
    return OrchError("E202", f"there is no transformer @{name}", help=f"did you mean @{near}?" if near else None)


def _listed(name: str, variants: list[str]) -> str | None:
    return "there is " + ", ".join(f"@{name}.{variant}" for variant in variants) if variants else None

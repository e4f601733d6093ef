"""The words `module`, `static`, `live` … in an import: which sources each of them fits."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from orchestra.errors import OrchError
from orchestra.location import is_url
from orchestra.lookup import is_named
from orchestra.source import Span

__all__ = ["check_kind"]

# What a source is → the words that may stand before it.
FITTING: Final = {
    "a file": ("static",),
    "a path behind a prefix": ("static", "live", "local", "module"),
    "an address": ("live", "cached"),
    "a package of Node": ("module",),
    "a named module": ("module", "local"),
    "a value of this run": ("live",),
}
LIVE: Final = ("@payload", "@state", "@input", "@now")


def check_kind(source: str, kind: str | None, virtual: bool, path: Path | None, span: Span) -> None:
    """E414 if the word does not fit the source. `path` is set for sources that are paths, `virtual` for no files."""
    what = _nature(source, virtual, path)
    if kind is not None and kind not in FITTING[what]:
        help = f"leave the word out, or write {FITTING[what][0]}"
        raise OrchError("E414", f"{kind} does not fit: {source} is {what}", span, help=help)


def _nature(source: str, virtual: bool, path: Path | None) -> str:
    if source.startswith("node:"):
        return "a package of Node"
    if is_url(source):
        return "an address"
    if virtual:
        return "a value of this run" if source in LIVE else "a named module"
    if path is None:
        return "a named module"
    return "a path behind a prefix" if is_named(source) else "a file"

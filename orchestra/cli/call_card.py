"""All that is known about one call, put together for `orch show RUN CALL`: ledger, archive, stored answer, reason.

Which call is meant is decided by `show`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestra.cli.tally import amount
from orchestra.cli.why import lines_of
from orchestra.store.belongings import Belongings, belongings
from orchestra.store.calls import CallRow
from orchestra.store.store import Store
from orchestra.store.why import Why, why

__all__ = ["Card", "card_of", "parted"]

HEAD = "---\n"
ASKED = ("tools", "dir", "poll")  # of the head of a prompt, shown beside what the ledger says
SHOWN = "answer", "prompt"


@dataclass(frozen=True, slots=True)
class Card:
    """call: None for one that asked no model; kept and why: None if no answer is stored; head: of the prompt.

    tools: name, input and result of each use; files: title → file and text of prompt and answer
    """

    script: str
    call: CallRow | None
    kept: Belongings | None
    why: Why | None
    head: dict[str, Any] = field(default_factory=dict)
    tools: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, tuple[Path, str]] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """The ledger's fields by their names, and the rest beside them."""
        call = asdict(self.call) if self.call is not None else {"id": None, "key": self.why and self.why.key}
        kept = {} if self.kept is None else {**asdict(self.kept), "written": self._written(self.kept)}
        texts = {title: text for title, (_, text) in self.files.items()}
        asked = {name: self.head.get(name) for name in ("system", "schema", "dir", "poll")}
        return {
            **call, **asked, **texts, "granted": self.head.get("tools"), "tools": self.tools, **kept,
            "why": self.why and asdict(self.why),
        }  # fmt: skip

    def _written(self, kept: Belongings) -> list[dict[str, Any]]:
        return [{"path": path, "mode": mode, "bytes": size} for path, mode, size in kept.written]

    def lines(self) -> Iterator[str]:
        """As a person reads it: figures first, then the texts."""
        for name, value in self._facts():
            if value not in (None, "", ()):
                yield f"{name:<12} {value}"
        if self.why is not None:
            yield from ("", "── why ──", *lines_of(self.why, self.script))
        for title in ("system", "schema"):
            if self.head.get(title):
                yield from ("", f"── {title} ──", _text(self.head[title]).rstrip())
        if self.tools:
            yield from ("", "── tools used ──")
        for use in self.tools:
            yield from _use_lines(use)
        for title, (file, text) in self.files.items():
            yield from (f"\n── {title} ── {file}", text)
        if self.kept is not None and "answer" not in self.files:
            yield from ("\n── answer ──", _text(self.kept.value).rstrip())

    def _facts(self) -> Iterator[tuple[str, Any]]:
        yield from asdict(self.call).items() if self.call is not None else ()
        yield from ((name, self.head.get(name)) for name in ASKED)
        if self.kept is None:
            return
        for name in ("labels", "taint", "sources"):
            yield name, ", ".join(getattr(self.kept, name))
        for path, mode, size in self.kept.written:
            yield "wrote", f"{path} ({mode}), {amount(size)} bytes"
        for path, digest in self.kept.read.items():
            yield "read", f"{path} (sha256 {digest[:8]}…)"
        for asked, answered in self.kept.models.items():
            yield "answered by", f"{answered}, asked for as {asked.strip('|')}"


def card_of(store: Store, script: str, key: str | None, call: CallRow | None, folder: Path) -> Card:
    """folder: where the prompts of the run lie"""
    known = {} if key is None else {"kept": belongings(store, script, key), "why": why(store, script, key)}
    card = Card(script, call, known.get("kept"), known.get("why"))  # type: ignore[arg-type]
    if call is None or call.archive is None:
        return card
    stem = Path(call.archive).name.removesuffix(".prompt.md")
    for title, suffix in (("prompt", ".prompt.md"), ("answer", ".result.md")):
        file = folder / f"{stem}{suffix}"
        if file.is_file():
            head, text = parted(file.read_text("utf-8", "replace"))
            card.head.update(head if title == "prompt" else {})
            card.files[title] = file, text
    tools = folder / f"{stem}.tools.jsonl"
    if tools.is_file():
        card.tools.extend(json.loads(line) for line in tools.read_text("utf-8").splitlines())
    return card


def parted(document: str) -> tuple[dict[str, Any], str]:
    """Front matter and text of an archived file."""
    if document.startswith(HEAD) and f"\n{HEAD}" in document:
        head, _, text = document[len(HEAD) :].partition(f"\n{HEAD}")
        try:
            return dict(yaml.safe_load(head) or {}), text.strip()
        except (yaml.YAMLError, TypeError, ValueError):
            pass
    return {}, document.rstrip()


def _use_lines(use: dict[str, Any]) -> Iterator[str]:
    yield f"{use['tool']} {json.dumps(use.get('input'), ensure_ascii=False)}"
    result = str(use.get("result", "")).rstrip()
    mark = "  error: " if use.get("error") else "  "
    yield from (f"{mark}{line}" for line in result.splitlines())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)

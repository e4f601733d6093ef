"""`--structured`: what a run did, as one JSON object for the program that started it.

The effects are noted where they happen; when and whether the object is printed is decided in `launch`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.views import View
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, joined, plain, unwrap
from orchestra.values.text import compact_json, template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["report", "told_effect", "told_value"]


def told_effect(kind: str, text: str, value: Any, span: Span | None, target: str | None) -> dict[str, Any]:
    """One effect: its type, what was said or written, where to, and what is known about the value."""
    made: dict[str, Any] = {"type": kind, "content": text, **_provenance(value), "location": _place(span)}
    return made | ({"target": target} if target is not None else {})


def told_value(value: Any) -> dict[str, Any]:
    """A value as `{data, text, labels, taint, sources}`."""
    data = plain(value)
    return {"data": json.loads(compact_json(data)), "text": template_text(value), **_provenance(value)}


def _provenance(value: Any) -> dict[str, list[str]]:
    meta = joined((value,), deep=True)
    taint = list(dict.fromkeys((*meta.labels, *meta.taint)))
    return {"labels": list(meta.labels), "taint": taint, "sources": list(meta.sources)}


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    line, column = span.source.place(span.start)
    return {"file": span.source.name, "line": line, "column": column}


def report(run: Run, document: str, result: Any, error: OrchError | None) -> str:
    """The object as a line of JSON. `result` is the value of `=>`, MISSING without one."""
    main = run.main
    own = {name: (main.exports or {}).get(name, name) for name in main.export_names()}
    values = {name: main.scope.names.get(own[name], MISSING) for name in own}
    told = {name: value for name, value in values.items() if not isinstance(unwrap(value), (Executable, View))}
    exports = {name: told_value(value) for name, value in told.items() if value is not MISSING}
    made = {
        "output": document,
        "exports": exports | ({"default": told_value(result)} if result is not MISSING else {}),
        "effects": run.effects or [],
        "stateWrites": run.state_writes,
        "denials": [],
    }
    if error is not None:
        made["error"] = error.as_data()
    return json.dumps(made, ensure_ascii=False, default=str) + "\n"

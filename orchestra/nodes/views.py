"""What `.mx` shows: facts about a value, and `@mx`, the surroundings of the running line.

Views are computed field by field when asked for; shown as a whole they become a plain object.
"""

from __future__ import annotations

from typing import Any

from orchestra.nodes.base import Node, parts_of
from orchestra.nodes.op import Op
from orchestra.values.scope import Context, ForFrame, LoopFrame, Scope, StageFrame
from orchestra.values.tagged import MISSING, Meta, joined, labels_of, meta_of, tag, unwrap
from orchestra.values.text import template_text

ITEMS = ("item", "each", "parallel-each")

# Fields of `.mx` that are made out of the value itself, and so carry what it carries.
CONTENT = frozenset("text data length keys values entries fm html md title description stderr diff".split())

__all__ = ["ContextView", "MetaViews", "PipelineView", "View", "metadata"]


class View:
    """Something with named fields that are computed on demand."""

    __slots__ = ()
    names: tuple[str, ...] = ()

    def field(self, name: str) -> Any:
        return MISSING

    def index(self, name: str) -> Any:
        """What stands in brackets after it."""
        return self.field(name)

    def plain(self) -> Any:
        """All fields as an object, without those that have nothing to say."""
        shown = {name: self.field(name) for name in self.names}
        return {
            name: value.plain() if isinstance(value, View) else value
            for name, value in shown.items()
            if value is not MISSING
        }

    def items(self) -> Any:
        """What a loop goes over."""
        return self.plain()

    def passed(self) -> Any:
        """What a function gets of it as an argument: what it says at this moment."""
        return self.plain()


def metadata(value: Any, source: Node, scope: Scope) -> View:
    """`.mx` of a value; for a loop variable also its place in the loop."""
    return MetaView(value, _loop_frame(source, scope))


def _loop_frame(source: Node, scope: Scope) -> ForFrame | None:
    name = getattr(source, "name", None)
    if name is None or "token" not in parts_of(type(source)) or len(parts_of(type(source))) != 1:
        return None
    owner = scope.owner(name)  # of several nested loops, the one that binds the name
    frame = owner.context.for_ if owner is not None and owner.kind in ITEMS else None
    return frame if frame is not None and frame.variable == name else None


class MetaView(View):
    """Labels, provenance, file or call facts, and the shape of one value."""

    __slots__ = ("frame", "value")
    names = ("labels", "taint", "sources", "text", "data", "length", "keys", "values", "entries")

    def __init__(self, value: Any, frame: ForFrame | None) -> None:
        self.value = value
        self.frame = frame

    def plain(self) -> dict[str, Any]:
        """What only this value has comes first."""
        names = dict.fromkeys((*(meta_of(self.value).facts or ()), *self.names))
        return {name: value for name in names if (value := self.field(name)) is not MISSING}

    def field(self, name: str) -> Any:
        meta = meta_of(self.value)
        if self.frame is not None and name in ("index", "key"):
            return MISSING if name == "index" and self.frame.keyed else getattr(self.frame, name)
        found = self._found(name, meta)
        if name not in CONTENT or found is MISSING:
            return found
        return tag(found, joined([self.value], deep=name == "text"))

    def _found(self, name: str, meta: Meta) -> Any:
        if meta.facts is not None and name in meta.facts:
            return meta.facts[name]
        own = getattr(self, f"_{name}", None)
        return own(meta) if own else MISSING

    def _labels(self, meta: Meta) -> list[str]:
        return list(labels_of(self.value))

    def _taint(self, meta: Meta) -> list[str]:
        return list(dict.fromkeys((*meta.labels, *meta.taint)))

    def _sources(self, meta: Meta) -> list[str]:
        return list(meta.sources)

    def _text(self, meta: Meta) -> str:
        return template_text(self.value)

    def _data(self, meta: Meta) -> Any:
        return unwrap(self.value)

    def _length(self, meta: Meta) -> Any:
        data = unwrap(self.value)
        return len(data) if isinstance(data, (str, list, dict)) else MISSING

    def _tokens(self, meta: Meta) -> int:
        return -(-len(template_text(self.value)) // 4)

    _tokest = _tokens

    def _keys(self, meta: Meta) -> Any:
        data = unwrap(self.value)
        return list(data) if isinstance(data, dict) else MISSING

    def _values(self, meta: Meta) -> Any:
        data = unwrap(self.value)
        return list(data.values()) if isinstance(data, dict) else MISSING

    def _entries(self, meta: Meta) -> Any:
        data = unwrap(self.value)
        return [[key, item] for key, item in data.items()] if isinstance(data, dict) else MISSING


class MetaViews(View):
    """`[*].mx`: what is known about each of several values."""

    __slots__ = ("views",)

    def __init__(self, values: list[Any]) -> None:
        self.views = [MetaView(value, None) for value in values]

    def field(self, name: str) -> Any:
        found = [view.field(name) for view in self.views]
        return [None if value is MISSING else value for value in found]

    def plain(self) -> list[Any]:
        return [view.plain() for view in self.views]


class ForView(View):
    __slots__ = ("frame",)
    names = ("index", "total", "key", "parallel", "batchIndex", "batchSize")

    def __init__(self, frame: ForFrame) -> None:
        self.frame = frame

    def field(self, name: str) -> Any:
        own = {"batchIndex": "batch", "batchSize": "size"}.get(name, name)
        value = getattr(self.frame, own, None) if own in ForFrame.__slots__ else None
        return MISSING if value is None else value


class LoopView(View):
    __slots__ = ("frame",)
    names = ("iteration", "limit", "active")

    def __init__(self, frame: LoopFrame) -> None:
        self.frame = frame

    def field(self, name: str) -> Any:
        if name == "active":
            return True
        return getattr(self.frame, name, MISSING) if name in ("iteration", "limit") else MISSING


class OpView(View):
    """`@mx.op`: the operation around the line, or the one that a hook watches."""

    __slots__ = ("op",)
    names = ("type", "subtype", "name", "labels", "command", "target", "location")

    def __init__(self, op: Any) -> None:
        self.op = op

    def field(self, name: str) -> Any:
        op = self.op
        if name == "type":
            return op.kind
        if name == "labels":
            return list(op.labels)
        if name == "location":
            return self._location()
        if name == "name":
            return op.name or MISSING
        return op.facts.get(name, MISSING)

    def _location(self) -> Any:
        span = self.op.span
        if span is None:
            return MISSING
        (line, column), (end_line, end_column) = span.source.place(span.start), span.source.place(span.end)
        return {
            "file": span.source.name,
            "start": {"line": line, "column": column},
            "end": {"line": end_line, "column": end_column},
        }


class OuterView(View):
    """`@mx.outer`: the pipeline stage around the running one."""

    __slots__ = ("frame",)
    names = ("try", "hint", "stage")

    def __init__(self, frame: StageFrame) -> None:
        self.frame = frame

    def field(self, name: str) -> Any:
        return {"try": self.frame.attempt, "hint": self.frame.hint, "stage": self.frame.stage}.get(name, MISSING)


class ContextView(View):
    """`@mx`."""

    __slots__ = ("context", "scope")
    names = (
        "try",
        "tries",
        "stage",
        "hint",
        "isPipeline",
        "input",
        "lastOutput",
        "errors",
        "op",
        "for",
        "loop",
        "while",
        "run",
    )

    def __init__(self, context: Context, scope: Scope) -> None:
        self.context = context
        self.scope = scope

    def field(self, name: str) -> Any:
        more = self.context.more
        if more is not None and name in more:
            return more[name]
        own = getattr(self, f"_{name}", None)
        if own is not None:
            return own()
        return self.scope.run.context_field(name, self.scope)

    def _try(self) -> int:
        return self.context.stage.attempt if self.context.stage else 1

    def _tries(self) -> list[Any]:
        return self.context.stage.tries if self.context.stage else []

    def _stage(self) -> int:
        return self.context.stage.stage if self.context.stage else 0

    def _hint(self) -> Any:
        return self.context.stage.hint if self.context.stage else None

    def _isPipeline(self) -> bool:
        return self.context.stage is not None

    def _input(self) -> Any:
        return self.context.stage.input if self.context.stage else None

    def _lastOutput(self) -> Any:
        return self.context.stage.input if self.context.stage and self.context.stage.stage > 0 else None

    def _outer(self) -> Any:
        outer = self.context.stage.outer if self.context.stage else None
        return OuterView(outer) if outer else MISSING

    def _errors(self) -> list[Any]:
        seen: list[Any] = self.scope.run.errors_seen(self.context)
        return seen

    def _op(self) -> Any:
        op = self._operation()
        return OpView(op) if op is not None else MISSING

    def _labels(self) -> list[str]:
        op = self._operation()
        return list(op.labels) if op is not None else []

    def _operation(self) -> Op | None:
        """The innermost call, or the operation that a hook watches."""
        frame = self.scope.frame
        if frame is None:
            return None
        return frame.op or Op("exe", frame.function.name, frame.inputs, frame.function.labels, frame.span)

    def _for(self) -> Any:
        return ForView(self.context.for_) if self.context.for_ is not None else MISSING

    def _loop(self) -> Any:
        frame = self.context.loop
        return LoopView(frame) if frame is not None and frame.kind == "loop" else MISSING

    def _while(self) -> Any:
        frame = self.context.loop
        return LoopView(frame) if frame is not None and frame.kind == "while" else MISSING


class PipelineView(View):
    """`@p`: outputs of the running pipeline; an index gives one, `tries` and `retries` the re-runs."""

    __slots__ = ("frame",)
    names = ("length", "stage", "try", "tries")

    def __init__(self, frame: StageFrame) -> None:
        self.frame = frame

    def field(self, name: str) -> Any:
        history = self.frame.history
        if name.lstrip("-").isdigit():
            return self._output(int(name))
        if name == "retries":
            return {"all": history.all_tries()}
        known = {"length": len(history.outputs) - 1, "stage": self.frame.stage, "try": self.frame.attempt}
        if name == "tries":
            return history.active_tries()
        return known.get(name, MISSING)

    def _output(self, index: int) -> Any:
        """0 is the source's value, n the output of stage n, negative counts from the last finished stage.

        Before any stage has finished a negative number gives empty text.
        """
        outputs = self.frame.history.outputs
        if index < 0:
            stages = outputs[1:]
            return "" if not stages else stages[index] if -index <= len(stages) else None
        return outputs[index] if index < len(outputs) else None

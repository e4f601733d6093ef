"""One run of a script: everything that nodes reach through `scope.run`, and the one seam that every effect passes.

Each service has its own module; this one puts them together and is the only place that waits.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import greenback
import trio

from orchestra.errors import OrchError, Warned
from orchestra.events import Event
from orchestra.nodes.base import Node
from orchestra.nodes.functions import Native, call_value
from orchestra.nodes.hooks import ActiveHook
from orchestra.nodes.op import Op
from orchestra.nodes.script import Script
from orchestra.nodes.signals import Return
from orchestra.nodes.templates import text_of
from orchestra.nodes.views import View
from orchestra.runtime.accounting import Accounting
from orchestra.runtime.builtins import Builtins, exists_call
from orchestra.runtime.deciding import Deciding
from orchestra.runtime.digests import Digests
from orchestra.runtime.executing import Executing
from orchestra.runtime.files.loader import Loader
from orchestra.runtime.files_read import FilesRead
from orchestra.runtime.gates.keeper import Gatekeeper
from orchestra.runtime.importing import Importing
from orchestra.runtime.memo import Memo
from orchestra.runtime.module import Module
from orchestra.runtime.modules import Modules, TemplateBody
from orchestra.runtime.parallel import Fanout
from orchestra.runtime.recording import Recording
from orchestra.runtime.seam import Seam
from orchestra.runtime.securing import Securing
from orchestra.runtime.sessions.asking import Sessions
from orchestra.runtime.sessions.background import Background
from orchestra.runtime.signals import Interrupted, finishing
from orchestra.runtime.sinks import Sinks
from orchestra.runtime.structured import told_effect
from orchestra.runtime.writing import Writing
from orchestra.source import Source, Span
from orchestra.values.error_item import ErrorItem
from orchestra.values.executable import Executable
from orchestra.values.scope import ABSENT, Context, Scope
from orchestra.values.tagged import MISSING, meta_of, unwrap, with_facts
from orchestra.values.text import display

__all__ = ["Run"]

BREATH = 256  # loop rounds between two looks at the rest of the world


class Run(Recording, Accounting, Executing, Writing, Importing, Securing, Deciding):
    """The mixins hold the store, commands and code, files and modules; here are evaluation and output."""

    def __init__(self, request: Any, sinks: Sinks, script_name: str) -> None:
        self.request = request
        self.options = request.options.settled(request.config.run)
        self.config = request.config
        self.root: Path = request.root
        self.cwd: Path = request.cwd
        self.environ: dict[str, str] = dict(request.environ)
        self.payload: dict[str, Any] = dict(request.payload)
        self.script_name = script_name
        self.sinks = sinks
        self.random = random.Random(self.options.seed)
        self.interrupted = False
        self.phase: str | None = None
        self.failed: list[tuple[ErrorItem, str]] = []
        self.reads_json = bool(self.config.run.autoParseJson)
        self.recursion_limit = int(self.environ.get("ORCH_RECURSION_DEPTH") or self.config.run.recursionDepth)
        self.parallel_limit = int(self.environ.get("ORCH_PARALLEL_LIMIT") or self.config.run.parallel)
        self.has_hooks = False  # whether something stands around operations: hooks, guards, policies
        self.effects: list[dict[str, Any]] | None = [] if self.options.structured else None
        self.state: dict[str, Any] | None = deepcopy(self.options.state)  # a snapshot that the script may change
        self.state_writes: list[dict[str, Any]] = []
        self._rounds = 0
        self.waits = 0  # how often something has been waited for
        self._loops = 0
        self._stdin: Any = MISSING
        self.seam = Seam(self)
        self.builtins = Builtins(self)
        self.files_read = FilesRead(self.root, self.project_name)
        self.modules = Modules(self)
        self.digests = Digests(self)
        self.memo = Memo(self)
        self.gates = Gatekeeper(self)
        self.loader = Loader(
            self.root, observe=self._observed, permit=self.readable, carried=self.carried_by, web=self._web
        )
        self.sessions, self.background = Sessions(self), Background(self)
        self._start_recording()
        self._start_executing()
        self._start_securing()
        self.main: Module

    # ── waiting ──────────────────────────────────────────────────────────────────────────────────

    def wait(self, work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Wait for an async function inside the trio task that evaluates."""
        self.tables.check_waiting()
        self.waits += 1
        try:
            return greenback.await_(work(*args))
        except BaseExceptionGroup as group:
            raise _cancellation(group) or group from None

    def breathe(self, rounds: int = 1) -> None:
        """Let signals, time limits and sibling tasks act during a long loop, of which `rounds` more have begun."""
        self._rounds += rounds
        if self._rounds >= BREATH and not self.tables.breathless:
            self._rounds = 0
            self.wait(trio.lowlevel.checkpoint)
            self.check_interrupted()

    def sleep(self, seconds: float) -> None:
        """Wait, or until the user interrupts. Where the time stands still (`--clock`) nobody waits for it."""
        if not self.options.clock:
            self.wait(self._sleep, seconds)
        self.check_interrupted()

    async def _sleep(self, seconds: float) -> None:
        finishing = self.interruption.is_set() and not self.interrupted  # inside a call that is let finish
        with trio.move_on_after(seconds):
            await (trio.sleep_forever() if finishing else self.interruption.wait())

    def to_its_end(self) -> AbstractContextManager[None]:
        """What is done within is done although the user asked to stop."""
        return finishing()

    def check_interrupted(self) -> None:
        if self.interrupted:
            raise Interrupted

    @property
    def interruption(self) -> trio.Event:
        """Set when the user asks to stop."""
        if not hasattr(self, "_interruption"):
            self._interruption = trio.Event()
        return self._interruption

    def interrupt(self) -> None:
        """Start nothing more."""
        self.interrupted = True
        self.interruption.set()
        for scope in self.ended_with_run:
            scope.cancel()

    def now(self) -> str:
        return self.options.clock or str(self.request.now())

    def event(self, kind: str, **data: Any) -> None:
        if not self.request.subscribers:
            return
        event = Event(kind, {name: self._told(value) for name, value in data.items()})
        for subscriber in self.request.subscribers:
            subscriber(event)

    def _told(self, value: Any) -> Any:
        """A field of an event without secrets."""
        if isinstance(value, Warned):
            clean = self.redactor.clean
            return replace(value, message=clean(value.message), help=clean(value.help) if value.help else None)
        return self.redactor.clean_data(value)

    def timed(self, statement: Node, scope: Scope) -> Any:
        """Execute a statement and tell when it is over, also if it failed."""
        started = time.perf_counter()
        try:
            return statement.exec(scope)
        finally:
            span = statement.span
            ms = round((time.perf_counter() - started) * 1000, 1)
            self.event("statement", file=span.source.name, line=span.line, text=span.text.split("\n")[0], ms=ms)

    def warn(self, warned: Warned) -> None:
        self.event("warning", warned=warned)

    @cached_property
    def _warned(self) -> set[tuple[str, Any]]:
        return set()

    def warn_once(self, warned: Warned) -> None:
        """The same, however often the place is passed."""
        if (warned.message, warned.span) not in self._warned:
            self._warned.add((warned.message, warned.span))
            self.warn(warned)

    def note(self, text: str) -> None:
        """A line beside the output."""
        self.sinks.error_line(self.redactor.clean(text))

    def trying_again(self, what: str, error: OrchError, attempt: int, most: int, seconds: float) -> None:
        """Tell that a declared retry follows a failure."""
        self.event("call:retry", what=what, attempt=attempt, wait=seconds, error=error.message)
        when = f" after {seconds:g} s" if seconds else ""
        self.note(f"  ↻ {what + ': ' if what else ''}{error.message}; attempt {attempt} of {most}{when}")

    # ── names ────────────────────────────────────────────────────────────────────────────────────

    def builtin(self, name: str, scope: Scope) -> Any:
        return self.builtins.value(name, scope)

    def builtin_function(self, name: str, scope: Scope) -> Any:
        return self.builtins.value(name, scope)

    def builtin_names(self) -> set[str]:
        return self.builtins.names()

    def stage_function(self, path: list[str], scope: Scope) -> Any:
        """A built-in function or transformer named by a stage such as `@parse.llm`."""
        function = self.builtins.value(path[0], scope)
        if isinstance(function, Native) and len(path) > 1:
            return self.builtins.variant(function, path[1])
        return function

    def variant(self, function: Executable, name: str) -> Executable:
        return self.builtins.variant(function, name)

    def call_variant(self, function: Executable, name: str, inputs: list[Any], scope: Scope, place: Node) -> Any:
        """`@parse.llm(text)` called as a function."""
        return call_value(self.builtins.variant(function, name), inputs, scope, place)

    def exists(self, argument: Node, scope: Scope) -> Any:
        return exists_call(argument, scope)

    def keep(self, value: Any) -> Any:
        """Mark a value so that native code receives its wrapper."""
        return with_facts(value, {**(meta_of(value).facts or {}), "kept": True})

    def standard_input(self) -> Any:
        """What came on standard input: JSON as data, else text; ABSENT without any."""
        if self._stdin is MISSING:
            self._stdin = self._read_stdin()
        return self._stdin

    def _read_stdin(self) -> Any:
        from orchestra.values.text import auto_parse

        stream = self.request.streams.stdin
        if stream is None or stream.isatty() or self.request.source_is_stdin:
            return ABSENT
        text = stream.read()
        return auto_parse(text) if text else ABSENT

    # ── the seam ─────────────────────────────────────────────────────────────────────────────────

    def call(self, op: Op, scope: Scope) -> Any:
        """Call a function: hooks, guards, cache, body."""
        function = op.function
        if "llm" not in op.labels and (function.__class__ is Native or not self.seam.watches("exe")):
            return function.run_body(op, scope)
        return self._labelled(op, lambda op, inner: function.run_body(op, inner), scope)

    def _labelled(self, op: Op, body: Callable[[Op, Scope], Any], scope: Scope) -> Any:
        facts: dict[str, Any] = {}

        def handler(op: Op, scope: Scope) -> Any:
            if "llm" not in op.labels:
                return body(op, scope)
            self.tables.check_waiting()
            try:
                return self.memo.call(op, body, scope, facts)
            except OrchError as error:
                error.labelled = True
                raise

        value = self.seam.perform(op, handler, scope, facts)
        if "llm" in op.labels:
            scope.remember(value)
        return value

    def perform(self, op: Op, handler: Callable[[Op], Any], scope: Scope) -> Any:
        """Every effect passes here."""
        if self.planning is not None and self.planning.leaves_out(op):
            return self.planning.left_out(op)
        return self.seam.perform(op, lambda op, scope: handler(op), scope, {})

    def around(self, kind: str, node: Node, scope: Scope, action: Callable[[Scope], Any], name: str = "") -> Any:
        """A construct that hooks may watch."""
        if not self.seam.watches(kind):
            return action(scope)
        return self.seam.perform(Op(kind, name, [], (), node.span), lambda op, scope: action(scope), scope, {})

    def statement(self, kind: str, node: Node, scope: Scope, action: Callable[[Scope], Return | None]) -> Return | None:
        """Likewise for one that may end the block around it; hooks see that as they see an error."""

        def act(scope: Scope) -> None:
            ended = action(scope)
            if ended is not None:
                raise ended

        try:
            self.around(kind, node, scope, act)
        except Return as ended:
            return ended
        return None

    def fire(self, timing: str, kind: str, node: Node, scope: Scope) -> None:
        """Run the hooks of one timing for something that is no single operation."""
        self.seam.hooks.fire(timing, Op(kind, "", [], (), node.span), scope)

    def round(self, node: Node, scope: Scope) -> None:
        """One round of a `loop`."""
        if self.seam.watches("loop"):
            self.perform(Op("loop", "", [], (), node.span), lambda op: None, scope)

    def watches(self, kind: str) -> bool:
        return bool(self.seam.watches(kind))

    def iteration(self, node: Node, key: str, item: Any, scope: Scope, body: Callable[[Any], Any]) -> Any:
        op = Op("for:iteration", "", [item], (), node.span)
        return self.perform(op, lambda op: body(op.inputs[0]), scope)

    def add_hook(self, hook: ActiveHook, span: Span) -> None:
        self.seam.hooks.add(hook, span)
        self.has_hooks = True

    def labelled_variable(self, node: Any, scope: Scope) -> Any:
        """`var llm @x = …`: the call on the right, or the whole expression, through the cache."""
        name = str(node.target)[1:]
        values = self._mentioned(node.value, scope)
        validity = self.digests.of_node(node.value, scope.module)
        facts = {"validity": validity, "module": scope.module.name}
        op = Op("exe", name, values, ("llm",), node.span, name, facts)
        return self._labelled(op, lambda op, inner: node.value.whole(inner), scope)

    def _mentioned(self, node: Node, scope: Scope) -> list[Any]:
        """Values of the variables that an expression mentions, in order."""
        from orchestra.nodes.templates import references

        names = dict.fromkeys(ref.name for ref in references(node))
        values = [scope.find(name) for name in names]
        return [v for v in values if v is not ABSENT and not isinstance(unwrap(v), (Executable, View))]

    # ── output ───────────────────────────────────────────────────────────────────────────────────

    def show(self, value: Any, scope: Scope, span: Span) -> str:
        """Print a value; the text is what `show` is worth as an arm of `when`."""
        op = Op("show", "", [value], (), span)
        return str(self.perform(op, lambda op: self._print(op.inputs[0], span), scope))

    def effect(
        self, kind: str, text: Callable[[], str], value: Any, span: Span | None, target: str | None = None
    ) -> None:
        """Note what was said or written, if the caller of this run wants to know."""
        if self.effects is not None:
            self.effects.append(told_effect(kind, text(), value, span, target))

    def _print(self, value: Any, span: Span | None = None) -> str:
        data = unwrap(value)
        text = display(data.plain() if isinstance(data, View) else value)
        self.sinks.show(text)
        self.event("show", text=text)
        self.effect("show", lambda: text, value, span)
        return text

    def emit(self, value: Any, scope: Scope) -> None:
        """Show the value of a bare call at the top level, unless it is null or was not what the call was for."""
        data = unwrap(value)
        if data is None or data is MISSING or (meta_of(value).facts or {}).get("quiet"):
            return
        self._print(value)

    def print_result(self, value: Any, scope: Scope, span: Span) -> None:
        """What `run` prints: structures on one line, nothing for an empty result."""
        if (data := unwrap(value)) == "" or (data in (None, MISSING) and meta_of(value).text is None):
            return
        self.sinks.show(text_of(value))
        self.effect("run", lambda: text_of(value), value, span)

    def prose(self, text: str) -> None:
        self.sinks.prose(text)

    def log(self, value: Any, scope: Scope, span: Span) -> None:
        op = Op("log", "", [value], (), span)
        self.perform(op, lambda op: self._log(op.inputs[0], span), scope)

    def _log(self, value: Any, span: Span) -> None:
        from orchestra.runtime.files.writer import render_output

        data = unwrap(value)
        text = render_output(data.plain() if isinstance(data, View) else value)
        self.sinks.error_line(self.redactor.clean(text))
        self.event("log", text=text)
        self.effect("log", lambda: text, value, span)

    @property
    def streamed(self) -> int:
        """How many pieces of live output there were."""
        return int(self.sinks.passed)

    def document_text(self) -> str:
        return str(self.sinks.document())

    # ── loops ────────────────────────────────────────────────────────────────────────────────────

    def parallel(
        self, count: int, width: int, pace: float, work: Callable[[int], Any], scope: Scope, *, label: str,
        canary: bool = False, patient: bool = False, enough: int | None = None, fail_fast: bool = False,
        again: Callable[[OrchError], bool] | None = None,
    ) -> list[Any]:  # fmt: skip
        """Outcomes of all items in source order: a value, an OrchError, or STOPPED."""
        scope.context.errors.clear()
        patient = patient or self.planning is not None  # an item that cannot be told ends no other
        fanout = Fanout(self, count, width, pace, work, label, canary, patient, enough, fail_fast, again)
        return fanout.outcomes()

    def begin_loop(self, total: int, width: int, label: str) -> int:
        self._loops += 1
        self.event("loop:start", id=self._loops, total=total, width=width, label=label)
        return self._loops

    def failed_item(self, item: ErrorItem, error: OrchError, scope: Scope) -> ErrorItem:
        """Note a failed item; if the script never looks at it, the run ends with exit 5."""
        if self.planning is not None:
            self.planning.failed(error)
        scope.context.errors.append(item)
        self.failed.append((item, error.message))
        self.note(f"  ⚠ for iteration {item['index']} error: {error.message}")
        return item

    def errors_seen(self, context: Context) -> list[Any]:
        """`@mx.errors`. Whoever reads it has looked."""
        for item in context.errors:
            item.seen = True
        return context.errors

    def unseen_failures(self) -> list[tuple[ErrorItem, str]]:
        return [(item, message) for item, message in self.failed if not item.seen]

    # ── context ──────────────────────────────────────────────────────────────────────────────────

    def context_field(self, name: str, scope: Scope) -> Any:
        """Fields of `@mx` that the run knows."""
        if name == "checkpoint":
            return {"hit": False}
        if name == "llm":
            from orchestra.runtime.llm_context import llm_context

            return llm_context(scope)
        if name == "profile" and self.profile is not None:
            return self.profile
        if name == "outDir":
            return self.out_dir
        if name == "run":
            return {
                "id": self.execution.run_id,
                "number": self.execution.number,
                "started": self.execution.started,
                "seed": self.execution.seed if self.options.seed is None else self.options.seed,
            }
        return MISSING

    def template_file(self, path: str, module: Any, span: Span) -> TemplateBody:
        owner = getattr(module, "owner", module)
        return self.modules.template(path, owner, span)

    def script_of(self, source: Source) -> Script | None:
        """The parsed script of a source text."""
        for module in self.modules.all():
            if module.script is not None and module.script.span.source is source:
                return module.script
        return None

    def front_matter(self, module: Module) -> Any:
        """`@fm`: the front matter of a script, scalars as text."""
        text = module.script.header.get("front_matter") if module.script is not None else None
        if text is None:
            return ABSENT
        import yaml

        try:
            return yaml.load(text, Loader=yaml.BaseLoader)
        except yaml.YAMLError as error:
            raise OrchError("E403", f"the front matter of {module.name} is not YAML: {error}") from None


def _cancellation(group: BaseExceptionGroup) -> trio.Cancelled | None:
    """A cancellation that several tasks saw at once is one cancellation; None if there is more to the group."""
    cancelled, rest = group.split(trio.Cancelled)
    found: BaseException | None = cancelled
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if rest is None and isinstance(found, trio.Cancelled) else None

"""Labelled calls: looked up before they run, on disk before anybody sees their result.

What is stored and how is the store's business; what a call depends on is found in `digests` and gathered here while
its body runs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from orchestra.errors import OrchError, Warned
from orchestra.nodes.base import walk
from orchestra.nodes.functions import Call
from orchestra.nodes.names import Reference
from orchestra.nodes.op import Op
from orchestra.store import Hit, Key, Miss, NotStored, SecretValue, Stale, WrittenFile, make_key
from orchestra.store.keys import canonical
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Context, Scope
from orchestra.values.tagged import meta_of, plain, unwrap, with_facts
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Memo", "MemoFrame"]

CLAIM_PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)  # seconds between looks at a call that another process makes
MODEL = "model:"  # begins the name of a dependency that is no file
SERVED_IN_LOOP = 3  # hits of one key in consecutive rounds after which the loop is suspected not to end


@dataclass(slots=True)
class MemoFrame:
    """The labelled call that is running: what it loaded, wrote and asked."""

    op: Op
    dependencies: dict[str, str] = field(default_factory=dict)
    files: list[WrittenFile] = field(default_factory=list)

    def loaded(self, path: Path, digest: str) -> None:
        self.dependencies[str(path)] = digest

    def asked(self, model: str, provider: str | None, resolved: str) -> None:
        """Note which model was asked for and which one answered."""
        self.dependencies[f"{MODEL}{provider or ''}|{model}"] = resolved

    def wrote(self, path: Path, mode: str) -> None:
        try:
            self.files.append(WrittenFile(str(path), mode, path.read_bytes()))
        except OSError:  # gone already: nothing to restore
            return


class Memo:
    """The honest cache as one run sees it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._flights: dict[str, trio.Event] = {}
        self._counts: dict[str, int] = {}
        self._stale_told: dict[str, int] = {}
        self._sites: dict[int, dict[tuple[str, int], int]] = {}
        self._rounds: dict[str, tuple[Any, int, int]] = {}
        self.hits = 0
        self.secrets = 0

    # ── one call ─────────────────────────────────────────────────────────────────────────────────

    def call(self, op: Op, handler: Callable[[Op, Scope], Any], scope: Scope, facts: dict[str, Any]) -> Any:
        """The result of a labelled call: stored, or made and stored. `facts` gets what hooks see of it."""
        facts["checkpoint"] = {"hit": False}
        if scope.context.memo is not None:
            return handler(op, scope)
        frame = MemoFrame(op)
        inner = scope.within(scope.context.with_(memo=frame), scope.kind)
        if not self._run.options.checkpoint or not op.cache:
            return handler(op, inner)
        key = self._key(op, scope)
        if key is None:
            return handler(op, inner)
        facts["checkpoint"]["key"] = key.digest
        while (flight := self._flights.get(key.digest)) is not None:
            self._run.wait(flight.wait)
        self._flights[key.digest] = trio.Event()
        try:
            return self._made_or_served(op, key, handler, inner, frame, facts)
        finally:
            self._flights.pop(key.digest).set()

    def _made_or_served(
        self, op: Op, key: Key, handler: Callable[[Op, Scope], Any], inner: Scope, frame: MemoFrame, facts: dict[str, Any]
    ) -> Any:
        store = self._run.execution
        seq = self._counts[op.name] = self._counts.get(op.name, 0) + 1
        validity = self._run.digests.of(op.function) if op.function is not None else op.facts["validity"]
        served = self._served(op, key, validity, seq)
        if served is None:
            served = self._claim(op, key, validity, seq)
        if served is not None:
            facts["checkpoint"]["hit"] = True
            return self._given(op, key, served, inner.context)
        self._run.check_interrupted()
        try:
            return self._make(op, key, validity, seq, handler, inner, frame)
        finally:
            store.claims.release(key)

    def _make(
        self, op: Op, key: Key, validity: dict[str, str], seq: int, handler: Callable[[Op, Scope], Any], inner: Scope, frame: MemoFrame
    ) -> Any:
        run = self._run
        run.event("call:start", fn=op.name, key=key.digest)
        started, status = trio.current_time(), "failed"
        try:
            value = handler(op, inner)
            status = "ok"
        finally:
            ms = round((trio.current_time() - started) * 1000)
            run.event("call:end", fn=op.name, ms=ms, status=status)
        if _is_result(value):
            self._store(op, key, validity, value, seq, ms, frame)
        return value

    def _store(
        self, op: Op, key: Key, validity: dict[str, str], value: Any, seq: int, ms: int, frame: MemoFrame
    ) -> None:
        first = template_text(op.inputs[0]) if op.inputs else ""
        place = op.span.where if op.span is not None else ""
        try:
            self._run.execution.checkpoints.put(
                key, validity, value, preview=first, first_arg=first, phase=self._run.phase, site=self._site(op),
                place=place, seq=seq, ms=ms, meta={}, files=frame.files, deps=frame.dependencies,
            )  # fmt: skip
        except SecretValue:
            self.secrets += 1
        except NotStored as error:
            self._run.warn(Warned("E806", f"the result of @{op.name} is not stored: {error}", op.span))

    # ── looking up ───────────────────────────────────────────────────────────────────────────────

    def _key(self, op: Op, scope: Scope) -> Key | None:
        """The key of a call, or None for one that cannot be told apart from others."""
        function = op.function
        module = function.scope.module.name if hasattr(function, "scope") else "@orch/llm"
        self._run.digests.fix(op.inputs)
        name = op.name if function is not None else f"var:{op.name}"
        try:
            return make_key(
                op.facts.get("module", module), name, op.inputs, attempts(scope.context), op.sample
            )  # fmt: skip
        except SecretValue:
            self.secrets += 1
        except NotStored as error:
            self._run.warn(Warned("E806", f"@{op.name} is not cached: {error}", op.span))
        return None

    def _served(self, op: Op, key: Key, validity: dict[str, str], seq: int) -> Hit | None:
        """The stored answer, if it may be served now."""
        if not self._run.reads_checkpoints and key.digest not in self._run.made_here:
            return None
        found = self._run.execution.checkpoints.look_up(key, validity, seq)
        if isinstance(found, Hit):
            self._run.explain(op, "hit", "")
            return found
        if isinstance(found, Stale):
            return self._stale(op, found)
        assert isinstance(found, Miss)
        if self._run.options.explain:
            kind, reason = ("resumed", found.reason) if found.resumed else ("miss", self._run.execution.checkpoints.explain(key))
            self._run.explain(op, kind, reason)
        return None

    def _stale(self, op: Op, found: Stale) -> Hit | None:
        """An answer of older code, other files or another model: by default it is made again."""
        what = _shown_parts(found.changed, self._run.root)
        wish = self._run.stale
        if wish == "ask":
            raise OrchError(
                "E807", f"stored answers of @{op.name} are stale: {what}", op.span,
                help="--stale rerun makes them again, --stale use serves them", exit=3, fatal=True,
            )  # fmt: skip
        count = self._stale_told[op.name] = self._stale_told.get(op.name, 0) + 1
        self._run.explain(op, "stale", what)
        if count == 1:
            verb = "is served all the same" if wish == "use" else "is made again"
            self._run.note(f"stale @{op.name}: {what}; what depends on it {verb}")
        return found.hit if wish == "use" else None

    def _claim(self, op: Op, key: Key, validity: dict[str, str], seq: int) -> Hit | None:
        """Make the call ours, or wait for the process that is making it and take its answer."""
        claims = self._run.execution.claims
        pause = 0
        while not claims.claim(key):
            self._run.wait(trio.sleep, CLAIM_PAUSES[min(pause, len(CLAIM_PAUSES) - 1)])
            pause += 1
            found = self._served(op, key, validity, seq)
            if found is not None:
                return found
        if pause:  # the other process may have stored its answer just before it let go
            found = self._served(op, key, validity, seq)
            if found is not None:
                claims.release(key)
            return found
        return None

    def _given(self, op: Op, key: Key, hit: Hit, context: Context) -> Any:
        """A stored answer as the call gives it back, with the files that it wrote."""
        self.hits += 1
        self._run.event("call:hit", fn=op.name, key=key.digest)
        for stored in hit.files:
            self._restore(stored)
        self._suspect_loop(op, key, context)
        facts = meta_of(hit.value).facts
        if facts is None or "llm" not in facts:
            return hit.value
        return with_facts(hit.value, {**facts, "llm": {**facts["llm"], "cached": True}})

    def _restore(self, stored: Any) -> None:
        """Put back a file that the call wrote: a missing one silently, a different one is left alone."""
        path = Path(stored.path)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._run.execution.checkpoints.content(stored))
        elif stored.mode == "poll" and hashlib.sha256(path.read_bytes()).hexdigest() != stored.digest:
            self._run.note(f"{self._run.project_name(path)} differs from what the stored call wrote; it is left as it is")

    def _suspect_loop(self, op: Op, key: Key, context: Context) -> None:
        """Warn once when a loop gets the same stored answer round after round."""
        loop = context.loop
        if loop is None:
            return
        known, last, times = self._rounds.get(key.digest, (loop, 0, 0))
        times = times + 1 if known is loop and loop.iteration == last + 1 else 1
        self._rounds[key.digest] = (loop, loop.iteration, times)
        if times == SERVED_IN_LOOP:
            self._run.note(f"@{op.name} answered from cache {times} times with the same context; the loop may not end")

    # ── call sites ───────────────────────────────────────────────────────────────────────────────

    def _site(self, op: Op) -> int:
        """Number of this call among the calls of the same name in its source, from 0."""
        if op.span is None:
            return 0
        source = op.span.source
        if id(source) not in self._sites:
            self._sites[id(source)] = self._numbered(source)
        return self._sites[id(source)].get((op.alias or op.name, op.span.start), 0)

    def _numbered(self, source: Any) -> dict[tuple[str, int], int]:
        script = self._run.script_of(source)
        counts: dict[str, int] = {}
        sites: dict[tuple[str, int], int] = {}
        for part in walk(script) if script is not None else ():
            if isinstance(part, Call) and isinstance(part.callee, Reference):
                name = part.callee.name
                sites[name, part.span.start] = counts[name] = counts.get(name, -1) + 1
        return sites

    def close(self) -> None:
        """Say what was not stored, and how many answers of older code were served."""
        if self.secrets:
            self._run.note(f"{self.secrets} results hold secrets and are not stored")
        for name, count in self._stale_told.items():
            if count > 1:
                self._run.note(f"stale @{name}: {count} answers")


def attempts(context: Context) -> tuple[tuple[int, str], ...]:
    """Try number and digest of the hint of every enclosing retry, outermost first."""
    found = []
    stage = context.stage
    while stage is not None:
        if stage.attempt > 1:
            found.append((stage.attempt, hashlib.sha256(canonical(stage.hint).encode()).hexdigest()[:16]))
        stage = stage.outer
    return tuple(reversed(found))


def _is_result(value: Any) -> bool:
    """Whether a value may be kept: no null, no blank text, no failed item."""
    data = unwrap(value)
    if data is None or (isinstance(data, str) and not data.strip()):
        return False
    return not _holds_failure(plain(value))


def _holds_failure(data: Any) -> bool:
    if isinstance(data, ErrorItem):
        return True
    if isinstance(data, list):
        return any(_holds_failure(item) for item in data)
    return isinstance(data, dict) and any(_holds_failure(item) for item in data.values())


def _shown_parts(changed: tuple[str, ...], root: Path) -> str:
    """The names of changed parts as a person reads them."""
    shown = []
    for part in changed:
        kind, _, name = part.partition(":")
        if kind == "file" and name.startswith(MODEL):
            shown.append("another model answers")
        elif kind == "file":
            shown.append(f"{os.path.relpath(name, root)} changed")
        else:
            shown.append(f"{kind} {name} changed")
    return ", ".join(shown)



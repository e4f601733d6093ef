"""Labelled calls: looked up before they run, on disk before anybody sees their result.

How answers are kept is the store's business, what a call depends on is found in `digests` and gathered in
`labelled` while its body runs, and which modes hold where is told by `recording`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio

from orchestra.errors import OrchError, Warned
from orchestra.nodes.commands import call_options
from orchestra.nodes.op import Op
from orchestra.runtime.callsites import CallSites
from orchestra.runtime.labelled import MemoFrame, attempts, holds_secret, is_result, shown_parts
from orchestra.runtime.restoring import Restoring
from orchestra.runtime.signals import Interrupted, finishing
from orchestra.store import ELSEWHERE, Hit, Key, Miss, NotStored, Reason, SecretValue, Stale, Story, make_key
from orchestra.values.executable import Executable
from orchestra.values.scope import Context, Scope
from orchestra.values.tagged import meta_of, with_facts
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.planning import Planning
    from orchestra.runtime.run import Run

__all__ = ["Memo", "MemoFrame"]

CLAIM_PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)  # seconds between looks at a call that another process makes
SERVED_IN_LOOP = 3  # hits of one key in consecutive rounds after which the loop is suspected not to end

Body = Callable[[], Any]


class Memo:
    """The honest cache as one run sees it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._sites = CallSites(run.script_of)
        self._restoring = Restoring(
            run.root,
            lambda file: run.execution.checkpoints.content(file),
            lambda path, digest: run.execution.checkpoints.wrote(path, digest),
            run.note,
        )
        self._flights: dict[str, trio.Event] = {}
        self._counts: dict[str, int] = {}  # calls so far, by function
        self._places: dict[str, int] = {}  # of the first call with a key
        self._failed: set[str] = set()  # keys whose bodies failed by themselves: another try gets other answers
        self._made: set[str] = set()  # keys stored by this execution: served whatever the mode
        self._kept: dict[str, tuple[Hit, dict[str, str]]] = {}  # not to be stored, with their dependencies
        self._stale: dict[str, int] = {}
        self._told: set[str] = set()
        self._rounds: dict[str, tuple[Any, int, int]] = {}
        self._secrets = 0
        self.in_flight = 0  # labelled calls whose bodies are running

    # ── one call ─────────────────────────────────────────────────────────────────────────────────

    def call(self, op: Op, handler: Callable[[Op, Scope], Any], scope: Scope, facts: dict[str, Any]) -> Any:
        """The result of a labelled call: stored, or made and stored. `facts` gets what hooks see of it.

        Within a labelled call others are part of it: only the outermost has a place in the store.
        """
        facts["checkpoint"] = {"hit": False}
        if scope.context.memo is not None:
            return handler(op, scope)
        frame = MemoFrame(op, self._run.root)
        inner = scope.within(scope.context.with_(memo=frame), scope.kind)
        frame.key = self._key(op, scope)
        if (planning := self._run.planning) is not None:
            return self._planned(planning, frame, lambda: handler(op, inner))
        if frame.key is None:
            if self._run.replaying is not None:
                self._run.replaying.found(op, None)
            return self._make(frame, lambda: handler(op, inner))
        facts["checkpoint"]["key"] = frame.key.digest
        frame.seq = self._place(op.name, frame.key)
        frame.anew = frame.key.digest in self._failed
        with self._alone(frame.key):
            return self._served_or_made(frame, lambda: handler(op, inner), scope.context, facts)

    def _planned(self, planning: Planning, frame: MemoFrame, body: Body) -> Any:
        def find() -> Hit | None:
            self._validate(frame)
            assert frame.key is not None
            return self._found(frame, frame.key)

        return planning.labelled(frame.op, frame.key, find, body)

    def _validate(self, frame: MemoFrame) -> None:
        op = frame.op
        frame.validity = op.facts["validity"] if op.function is None else self._run.digests.of(op.function)

    def _place(self, name: str, key: Key) -> int:
        """Where the call stands among those of its function; a repetition keeps its first place."""
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._places.setdefault(key.digest, self._counts[name])

    def _served_or_made(self, frame: MemoFrame, body: Body, context: Context, facts: dict[str, Any]) -> Any:
        key, writes = frame.key, self._run.writes_checkpoints
        assert key is not None
        with self._store_in_use():
            self._validate(frame)
            served = self._found(frame, key) or (self._claimed(frame, key) if writes else None)
            if served is not None:
                facts["checkpoint"]["hit"] = True
                return self._given(frame, served, context)
            frame.claimed = writes
        try:
            return self._make(frame, body)
        finally:
            if frame.claimed:
                self._release(key)

    def _make(self, frame: MemoFrame, body: Body) -> Any:
        """Run the body to its end, also when the run is to stop, and keep what came of it."""
        run = self._run
        run.check_interrupted()
        run.event("call:start", fn=frame.op.name, key=frame.key.digest if frame.key else None, stale=frame.stale)
        started, status = trio.current_time(), "failed"
        self.in_flight += 1
        try:
            with finishing():
                value = body()
            status = "ok"
        except OrchError as error:
            status = "stopped" if error.resumable else "failed"
            self._without_result(frame, error)
            raise
        finally:
            self.in_flight -= 1
            ms = round((trio.current_time() - started) * 1000)
            self._ended(frame, ms, status)
        if frame.key is not None and not frame.fleeting and is_result(value):
            self._keep(frame, frame.key, value, ms)
        else:
            self._without_result(frame, None)
        return value

    def _without_result(self, frame: MemoFrame, error: OrchError | None) -> None:
        """Nothing is stored. Where a model failed or the run is to end, the other answers are still good."""
        if frame.requests is None:
            return
        if frame.fleeting == "uncached":
            frame.requests.not_to_be_stored()
        elif frame.fleeting is None and not (error is not None and (error.resumable or error.fatal)):
            frame.requests.failed()
            if frame.key is not None:
                self._failed.add(frame.key.digest)

    def _ended(self, frame: MemoFrame, ms: int, status: str) -> None:
        """Tell that a body ran, and which of its model requests had been answered before."""
        asked, reused = (frame.requests.asked, frame.requests.reused) if frame.requests is not None else (0, 0)
        self._run.event("call:end", fn=frame.op.name, ms=ms, status=status, asked=asked, reused=reused)
        if reused:
            self._run.explain(frame.op, "reused", f"{reused} of {asked + reused} model requests had an answer")

    @contextmanager
    def _alone(self, key: Key) -> Iterator[None]:
        """Of equal calls at the same time one is made; the others wait, then find its answer or make one."""
        while (flight := self._flights.get(key.digest)) is not None:
            self._run.wait(flight.wait)
        self._flights[key.digest] = trio.Event()
        try:
            yield
        finally:
            self._flights.pop(key.digest).set()

    @contextmanager
    def _store_in_use(self) -> Iterator[None]:
        """Without its store a run asks nothing more: what it paid for would be lost."""
        try:
            yield
        except OrchError as error:
            if error.code != "E806":
                raise
            self._run.end_with(error)
            raise Interrupted from None

    # ── identity ─────────────────────────────────────────────────────────────────────────────────

    def _key(self, op: Op, scope: Scope) -> Key | None:
        """The key of a call, or None for one that is neither looked up nor stored."""
        if not self._run.options.checkpoint or not op.cache:
            return None
        function = op.function
        module = function.scope.module.name if hasattr(function, "scope") else "@orch/llm"
        name = op.name if function is not None else f"var:{op.name}"
        inputs = [*op.inputs, *_circumstances(function, scope)]
        try:
            self._run.digests.fix(inputs)
            return make_key(
                op.facts.get("module", module), name, inputs, attempts(scope.context), op.sample
            )  # fmt: skip
        except SecretValue:
            self._secrets += 1
        except NotStored as error:
            self._warn_once(op, f"calls of @{op.name} are not stored: {error}")
        return None

    # ── looking up ───────────────────────────────────────────────────────────────────────────────

    def _found(self, frame: MemoFrame, key: Key) -> Hit | None:
        """The stored answer, if it may be served now."""
        run = self._run
        repeated = self._repeated(key)
        if repeated is not None:
            return repeated
        if run.replaying is not None and key.digest not in self._made:
            return run.replaying.found(frame.op, key)
        if run.overlay is not None and (forked := run.overlay.look_up(key, frame.validity)) is not None:
            run.explain(frame.op, "hit", f"from {run.overlay.script}")
            return forked
        if not run.reads_checkpoints and key.digest not in self._made:
            self._refused(frame, Reason("miss", "stored answers are not served here"))
            return None
        found = run.execution.checkpoints.look_up(key, frame.validity, frame.seq)
        if isinstance(found, Miss):
            return self._brought_along(frame, key, found)
        if isinstance(found, Stale):
            return self._older(frame, found)
        if key.digest not in self._made and run.expired(found.created):
            self._refused(frame, Reason("miss", "older than the ttl of the phase"))
            return None
        run.explain(frame.op, "hit", "")
        return found

    def _refused(self, frame: MemoFrame, reason: Reason) -> None:
        """A stored answer is not served: tell why, and keep it for the answer that takes its place."""
        frame.reason = reason
        self._run.explain(frame.op, reason.kind, reason.text, self._changes(reason))

    def _changes(self, reason: Reason) -> list[str]:
        """The lines of code and templates that made an answer stale, if somebody asked."""
        if not self._run.options.explain:
            return []
        return list(self._run.execution.checkpoints.changes(reason.parts, self._text_of))

    def _text_of(self, digest: str) -> str | None:
        """What has this digest among the code of the script, unless a secret stands in it."""
        text = self._run.digests.text_of(digest)
        return text if text is not None and self._run.redactor.clean(text) == text else None

    def _repeated(self, key: Key) -> Hit | None:
        """The result of an equal call of this execution that was not to be stored."""
        kept = self._kept.get(key.digest)
        if kept is None or any(self._run.digest_now(name) != digest for name, digest in kept[1].items()):
            return None
        return kept[0]

    def _brought_along(self, frame: MemoFrame, key: Key, miss: Miss) -> Hit | None:
        """An imported answer in place of the missing one. It is accepted once: what made it is not known."""
        run, op = self._run, frame.op
        found = None if miss.resumed else run.execution.imported.find(key)
        if found is None or run.expired(found.created):
            self._explain_miss(frame, key, miss)
            return None
        run.explain(op, "hit", "imported")
        self._note_once(f"imported answers of @{op.name} are accepted, whatever code they were made by")
        if run.writes_checkpoints and not holds_secret(frame, found.value, run.redactor):
            self._put(frame, key, found.value, 0, also=lambda: run.execution.imported.accepted(found, key))
            self._made.add(key.digest)
            served = run.execution.checkpoints.look_up(key, frame.validity, frame.seq)  # a use of it, counted
            return served if isinstance(served, Hit) else found
        return found

    def _note_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._run.note(text)

    def _explain_miss(self, frame: MemoFrame, key: Key, found: Miss) -> None:
        if found.resumed:
            self._refused(frame, Reason("resumed", found.reason))
        elif self._run.options.explain:
            self._run.explain(frame.op, "miss", self._run.execution.checkpoints.explain(key))

    def _older(self, frame: MemoFrame, found: Stale) -> Hit | None:
        """An answer of other code, other files or another model: by default it is made again."""
        op, wish, what = frame.op, self._run.stale, shown_parts(found.changed)
        if wish == "ask":
            raise self._asking(frame, what)
        self._refused(frame, Reason("stale", what, found.parts))
        frame.stale = True
        count = self._stale[op.name] = self._stale.get(op.name, 0) + 1
        if count == 1:
            verb = "is served all the same" if wish == "use" else "is made again"
            self._run.note(f"stale @{op.name}: {what}; what depends on it {verb}")
        return found.hit if wish == "use" else None

    def _asking(self, frame: MemoFrame, what: str) -> OrchError:
        """The end of a run that is to ask before it makes answers of older code again."""
        assert frame.key is not None
        count = self._run.execution.checkpoints.count_stale(frame.key, frame.validity) or 1  # none: other files
        those = "1 stored answer of @{} is" if count == 1 else f"{count} stored answers of @{{}} are"
        help = "--stale rerun makes them again, --stale use serves them"
        message = f"{those.format(frame.op.name)} stale: {what}"
        return OrchError("E807", message, frame.op.span, help=help, exit=3, fatal=True)

    def _claimed(self, frame: MemoFrame, key: Key) -> Hit | None:
        """Make the call ours, or wait for the process that is making it and take its answer."""
        claims = self._run.execution.claims
        tries = 0
        while not claims.claim(key):
            self._run.sleep(CLAIM_PAUSES[min(tries, len(CLAIM_PAUSES) - 1)])
            tries += 1
        found = self._found(frame, key) if tries else None
        if found is not None:
            claims.release(key)
        return found

    def _release(self, key: Key) -> None:
        try:
            self._run.execution.claims.release(key)
        except OrchError as error:  # others see that this process is gone
            self._run.end_with(error)

    # ── giving ───────────────────────────────────────────────────────────────────────────────────

    def _given(self, frame: MemoFrame, hit: Hit, context: Context) -> Any:
        """A stored answer as the call gives it back, with the files that it wrote."""
        self._run.event("call:hit", fn=frame.op.name, key=hit.key)
        self._restoring.restore(hit.files)
        self._suspect_loop(frame.op, hit.key, context)
        facts = meta_of(hit.value).facts or {}
        return with_facts(hit.value, {**facts, "llm": {**facts.get("llm", {}), "cached": True}})

    def _suspect_loop(self, op: Op, key: str, context: Context) -> None:
        """Warn once when a loop gets the same stored answer round after round."""
        loop = context.loop
        if loop is None:
            return
        known, last, times = self._rounds.get(key, (loop, 0, 0))
        times = times + 1 if known is loop and loop.iteration == last + 1 else 1
        self._rounds[key] = (loop, loop.iteration, times)
        if times == SERVED_IN_LOOP:
            text = f"answered from cache {times} times with the same context; the loop may not end"
            self._run.note(f"@{op.name} {text}")

    # ── keeping ──────────────────────────────────────────────────────────────────────────────────

    def _keep(self, frame: MemoFrame, key: Key, value: Any, ms: int) -> None:
        """Store a result, or hold it for equal calls of this execution where it must not be stored."""
        if holds_secret(frame, value, self._run.redactor):
            self._secrets += 1
        elif self._run.writes_checkpoints and self._stored(frame, key, value, ms):
            self._made.add(key.digest)
            self._run.event("call:stored", fn=frame.op.name, key=key.digest)
            return
        hit = Hit(value, {}, (), key.digest, self._run.now(), self._run.phase, "")
        self._kept[key.digest] = hit, frame.dependencies

    def _stored(self, frame: MemoFrame, key: Key, value: Any, ms: int) -> bool:
        try:
            self._put(frame, key, value, ms, also=lambda: self._run.execution.claims.release(key))
            frame.claimed = False
            return True
        except SecretValue:
            self._secrets += 1
        except NotStored as error:
            self._warn_once(frame.op, f"results of @{frame.op.name} are not stored: {error}")
        except OrchError as error:  # the answer is there and can still be shown
            self._run.end_with(error)
        return False

    def _put(self, frame: MemoFrame, key: Key, value: Any, ms: int, *, also: Callable[[], None]) -> None:
        op = frame.op
        previews = [template_text(value) for value in op.inputs]
        first = previews[0] if previews else ""
        place = op.span.where if op.span is not None else ""
        self._run.execution.checkpoints.put(
            key, frame.validity, value, preview=first, first_arg=first, phase=self._run.phase,
            site=self._sites.number(op), place=place, seq=frame.seq, ms=ms,
            meta=self._elsewhere(key), files=list(frame.files.values()), deps=frame.dependencies, also=also,
            story=Story(previews, frame.reason, self._text_of),
        )  # fmt: skip

    def _elsewhere(self, key: Key) -> dict[str, Any]:
        """Under which key the call is found where the project lies in another folder, if that is another one."""
        places = self._run.places
        if not places.occur_in(key.args) and not places.occur_in(key.module):
            return {}
        digest = key.with_texts(places.hide).digest
        return {} if digest == key.digest else {ELSEWHERE: digest}

    def _warn_once(self, op: Op, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._run.warn(Warned("E806", text, op.span))

    def close(self) -> None:
        """Say what was not stored, and how many answers of other code there were."""
        if self._secrets:
            many = f"{self._secrets} results hold secrets and are"
            one = "1 result holds a secret and is"
            self._run.note(f"{one if self._secrets == 1 else many} not stored")
        for name, count in self._stale.items():
            if count > 1:
                self._run.note(f"stale @{name}: {count} answers")


def _circumstances(function: Executable | None, scope: Scope) -> list[Any]:
    """What stands around a call and makes another answer, as one more argument: options at it, boxes."""
    options = call_options(function, scope)
    found = options.answer_depends_on() if options is not None else {}
    guarding = scope.context.guarding
    if guarding is not None and guarding.boxes:
        found["boxes"] = [str(tools) for tools in guarding.boxes]
    if guarding is not None and guarding.tools:
        found["tools"] = [str(tools) for tools in guarding.tools]
    return [found] if found else []

"""Sessions beside the script: begun by `@start`, given more to do by `@send`, and waited for, looked at or stopped.

Each is a task of the run's nursery. One that nobody waits for is waited for at the end of the script, so that what it
cost is not lost. How a session is asked is left to `asking`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import greenback
import trio

from orchestra.errors import OrchError, nearest
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.nodes.sessions import Ask
from orchestra.nodes.tails import SESSION
from orchestra.runtime.lanes import Position, lane, next_position
from orchestra.source import Span
from orchestra.values.kinds import a_kind
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, plain, tag, unwrap
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Background"]


@dataclass(slots=True)
class _Started:
    """One session under way or over. `turns`: what was asked and answered, oldest first."""

    handle: str
    label: str
    whom: Any
    options: dict[str, Any]
    task: Any
    turns: list[tuple[str, str]] = field(default_factory=list)
    state: str = "created"
    value: Any = None
    error: OrchError | None = None
    raised: BaseException | None = None
    done: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


class Background:
    """The started sessions of one run. `nursery` is given when the run begins."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._started: dict[str, _Started] = {}
        self.nursery: trio.Nursery | None = None

    def functions(self) -> dict[str, Native]:
        """The exports of the bundled module `@orch/sessions`."""
        made = {
            "agent": (("name",), self._agent),
            "start": (("agent", "task", "options"), self._start),
            "send": (("session", "task"), self._send),
            "wait": (("session",), self._wait),
            "abort": (("session",), self._abort),
            "result": (("session",), self._result),
        }
        return {name: Native(name, params, work) for name, (params, work) in made.items()}

    async def finish(self) -> None:
        """Wait for the sessions that nobody has waited for."""
        for started in list(self._started.values()):
            await started.done.wait()

    async def close(self) -> None:
        """Stop what is still under way."""
        for started in self._started.values():
            started.scope.cancel()
        await self.finish()

    # ── what the script calls ────────────────────────────────────────────────────────────────────

    def _agent(self, op: Op, scope: Scope) -> Any:
        name = template_text(_argument(op, 0))
        return self._run.sessions.agent(name, scope.module.directory)

    def _start(self, op: Op, scope: Scope) -> Any:
        """Begin a session, and go on with the script."""
        options = _options(_argument(op, 2))
        whom = _argument(op, 0)
        name = plain(whom).get("name") if isinstance(unwrap(whom), dict) else whom
        label = template_text(options.get("label") or name or "session")
        started = _Started(f"s{len(self._started) + 1}", label, whom, options, _argument(op, 1))
        self._launch(started, op, scope, None)
        return {"session": started.handle, "agent": name, "label": label}

    def _send(self, op: Op, scope: Scope) -> Any:
        """A further task for the session, which knows what it was asked and what it answered."""
        before = self._of(op)
        after = _Started(before.handle, before.label, before.whom, before.options, _argument(op, 1), before.turns)
        self._launch(after, op, scope, before)
        return op.inputs[0]

    def _wait(self, op: Op, scope: Scope) -> Any:
        """The answer of the session's last task; its error if it failed."""
        started = self._of(op)
        self._run.wait(started.done.wait)
        self._run.check_interrupted()
        if started.raised is not None:
            raise started.raised
        if started.error is not None:
            raise started.error
        if started.state == "aborted":
            raise OrchError("E744", f"session {started.label} was aborted")
        return started.value

    def _abort(self, op: Op, scope: Scope) -> None:
        """Stop the session; the turn under way is given up."""
        started = self._of(op)
        started.scope.cancel()
        self._run.wait(started.done.wait)

    def _result(self, op: Op, scope: Scope) -> Any:
        """How the session stands, without waiting: state, value, error."""
        self._run.wait(trio.lowlevel.checkpoint)
        started = self._of(op)
        error = started.error.as_data() if started.error is not None else None
        return {"state": started.state, "label": started.label, "value": started.value, "error": error}

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────

    def _launch(self, started: _Started, op: Op, scope: Scope, before: _Started | None) -> None:
        assert self.nursery is not None and op.span is not None
        self._started[started.handle] = started
        self.nursery.start_soon(self._run_one, started, op.span, scope, next_position(), before)

    async def _run_one(
        self, started: _Started, span: Span, scope: Scope, position: Position, before: _Started | None
    ) -> None:
        await greenback.ensure_portal()
        try:
            with started.scope:
                if before is not None:
                    await before.done.wait()
                with lane((*position, 0)):
                    self._ask(started, span, scope)
        except OrchError as error:
            started.state, started.error = "failed", error
            started.raised = error if error.fatal else None
        except Exception:
            raise
        except BaseException as error:
            started.raised = error
            if isinstance(error, trio.Cancelled):
                raise
        finally:
            if started.state in ("created", "running"):
                started.state = "aborted"
            started.done.set()

    def _ask(self, started: _Started, span: Span, scope: Scope) -> None:
        started.state = "running"
        options = dict(started.options)
        if started.turns:
            told = "\n\n".join(f"Task: {task}\n\nAnswer: {answer}" for task, answer in started.turns)
            given = unwrap(options.get("context"))
            options["context"] = {**(given if isinstance(given, dict) else {}), "conversation": told}
        task = tag(template_text(started.task), joined((started.task,), deep=True))
        started.value = self._run.sessions.ask(Ask(started.whom, task, options, False, 1, span), scope)
        started.turns.append((template_text(started.task), template_text(started.value)))
        started.state = "completed"

    def _of(self, op: Op) -> _Started:
        handle = plain(_argument(op, 0))
        name = handle.get("session") if isinstance(handle, dict) else handle
        if not isinstance(name, str) or name not in self._started:
            help = "var @s = @start(@agent, …), then @wait(@s)"
            raise OrchError("E744", f"this is no session that was started here, it is {a_kind(handle)}", help=help)
        return self._started[name]


def _argument(op: Op, position: int) -> Any:
    return op.inputs[position] if position < len(op.inputs) else None


def _options(value: Any) -> dict[str, Any]:
    """What is said of the session, as behind `with`."""
    data = unwrap(value)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise OrchError("E744", f"the options of a session are an object, not {a_kind(data)}")
    for name in data:
        if name not in SESSION:
            close = nearest(name, SESSION)
            raise OrchError("E744", f"a session has no option {name}", help=f"did you mean {close}?" if close else None)
    return dict(data)

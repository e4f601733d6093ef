"""Runs one script from beginning to end: parse, evaluate inside trio, signals, exit code.

The command line calls `launch`; whoever embeds orch may do the same.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import greenback
import trio

from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.events import Subscriber
from orchestra.invocation import RunOptions
from orchestra.location import relative_name
from orchestra.nodes.signals import Signal
from orchestra.parse import parse_script
from orchestra.runtime.gates.keeper import WAITING, waits
from orchestra.runtime.lanes import lane
from orchestra.runtime.planning import Planning
from orchestra.runtime.replaying import PastRun
from orchestra.runtime.run import Run
from orchestra.runtime.signals import Interrupted
from orchestra.runtime.sinks import Sinks
from orchestra.runtime.structured import report
from orchestra.runtime.writing import read_source
from orchestra.source import Source
from orchestra.values.tagged import MISSING
from orchestra.values.text import display
from orchestra.values.transformers.tags import to_xml

__all__ = ["LaunchRequest", "Streams", "launch"]

DONE, FAILED, LEFT_OVER, UNSEEN, INTERRUPTED = 0, 1, 2, 5, 130
SIGNALLED = 128  # and the number of the signal: the exit code of a run that was stopped at once
BEAT = 20.0  # seconds between two signs of life for other processes


@dataclass(frozen=True, slots=True)
class Streams:
    """The three standard streams."""

    stdin: TextIO | None
    stdout: TextIO
    stderr: TextIO


def utc_now() -> str:
    """The time as ISO-8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """Everything a run is given. `source` is a file or the text of a script; `now` is its clock.

    name: what the store calls a text
    past: the run that is done again with the answers it got, if it is no usual one
    plan: gets what the run would ask; then nothing is asked or done
    """

    source: Path | str
    mode: str
    payload: Mapping[str, Any]
    options: RunOptions
    root: Path
    config: Config
    streams: Streams
    environ: Mapping[str, str]
    cwd: Path
    subscribers: Sequence[Subscriber] = ()
    argv: Sequence[str] = ()
    past: PastRun | None = None
    plan: Callable[[Planning], None] | None = None
    now: Callable[[], str] = field(default=utc_now)
    clock: trio.abc.Clock | None = None
    source_is_stdin: bool = False
    name: str = "-e"


def launch(request: LaunchRequest) -> int:
    """Run the script. Returns the exit code; raises the OrchError that ended it."""
    started = time.monotonic()
    source, name = _source(request)
    script = parse_script(source, request.mode)
    options = request.options.settled(request.config.run)
    shaped = options.structured or options.format is not None
    collect = shaped or options.stream is False or options.output is not None or options.stdout
    sinks = Sinks(request.streams.stdout, request.streams.stderr, collect=collect, tidy=options.tidy)
    run = Run(request, sinks, name)
    run.main = run.modules.main(source, script)
    run.main.scope.names.update(run.prelude())
    run.prepare_module(run.main)
    run.keep_to(request.config)
    exit, fault = FAILED, None
    session = _Session(run)
    try:
        with suppress(KeyboardInterrupt):  # before anybody listened, or when nothing was left to stop
            trio.run(session.main, clock=request.clock)
        exit = session.outcome()
        return exit
    except OrchError as error:
        exit, fault = error.exit, run.clean_error(error)
        raise
    finally:
        sinks.finish(lambda text: _shaped(text, session, fault), _document_writer(request))
        run.event("run:end", exit=exit, ms=round((time.monotonic() - started) * 1000))


def _source(request: LaunchRequest) -> tuple[Source, str]:
    """The text to run, and the script's name in the project."""
    if isinstance(request.source, str):
        return Source(request.name, request.source), request.name
    path = request.source.absolute()
    name = relative_name(path, request.root).removeprefix("./")
    return read_source(path, name), name


def _shaped(document: str, session: _Session, fault: OrchError | None) -> str:
    """The document in the form that was asked for."""
    options = session.run.options
    if options.format in ("xml", "llm"):
        document = to_xml(document) + "\n"
    return report(session.run, document, session.result, fault) if options.structured else document


def _document_writer(request: LaunchRequest) -> Callable[[str], None] | None:
    target = request.options.output
    if target is None:
        return None

    def write(text: str) -> None:
        from orchestra.runtime.files import writer

        writer.write(request.cwd / target, text)

    return write


class _Session:
    """The life of a run inside trio."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.exit = INTERRUPTED  # until it has come to an end
        self.error: BaseException | None = None
        self.result: Any = MISSING  # of `=>` in the script
        self.stopped = False  # from outside the script: what it was doing then counts no more

    async def main(self) -> None:
        await greenback.ensure_portal()
        # Around the nursery: a Ctrl-C that nobody took is raised here, and not within a group of exceptions.
        with _signals() as signals:
            await self._work(signals)

    async def _work(self, signals: AsyncIterator[int] | None) -> None:
        async with trio.open_nursery() as nursery:
            if signals is not None:
                nursery.start_soon(self._listen, signals, nursery.cancel_scope)
            if self.run.options.timeout is not None:
                nursery.start_soon(self._limit, self.run.options.timeout, nursery.cancel_scope)
            nursery.start_soon(self._beat)
            self.run.background.nursery = nursery
            try:
                await self._evaluate()
            finally:
                nursery.cancel_scope.cancel()

    def outcome(self) -> int:
        """The exit code. Raises what ended the run."""
        if self.error is not None:
            raise self.error
        return self.exit

    async def _evaluate(self) -> None:
        try:
            with lane():
                self._run_script()
        except BaseException as error:
            if not self.stopped:
                self._ended_by(error)
            elif not isinstance(error, Exception | Interrupted):
                raise  # the cancellation itself, which trio wants back
        finally:
            with trio.CancelScope(shield=True):
                await self._close()

    def _run_script(self) -> None:
        run = self.run
        run.prepare_store()
        run.event("run:start", script=run.script_name, run=None, number=None, out_dir=None)
        try:
            value = run.main.script.run(run.main.scope)  # type: ignore[union-attr]
        except Signal as stray:
            value = self._stray(stray)
        run.wait(run.background.finish)
        run.finish_phases()
        run.gates.finished()
        self.exit = self._finished(value)

    def _ended_by(self, error: BaseException) -> None:
        """What the exit code is when the script did not come to its end."""
        if isinstance(error, Interrupted):
            self.exit = INTERRUPTED
        elif waits(error):
            self.exit = WAITING
        else:
            self.error, self.exit = error, error.exit if isinstance(error, OrchError) else FAILED
        self.run.gates.tell()

    def _finished(self, value: Any) -> int:
        """The script came to its end: show its own value, and say which failures nobody looked at."""
        run = self.run
        if value is not None:
            self.result = value
            run.sinks.result(display(value))
        run.seam.hooks.report_repeats()
        unseen = run.unseen_failures()
        if run.interrupted:
            return INTERRUPTED
        if run.options.strict_models and (unused := run.agent.unused_replies()):
            run.note(f"{len(unused)} recorded replies answered nothing: {', '.join(unused[:10])}")
            return LEFT_OVER
        if not unseen:
            return DONE
        items = ", ".join(str(item["key"]) for item, _ in unseen[:10]) + (" …" if len(unseen) > 10 else "")
        run.note(f"{len(unseen)} items failed and nobody looked at them: {items} (first: {unseen[0][1]})")
        return UNSEEN

    def _stray(self, stray: Signal) -> Any:
        """A signal that nothing caught: `=>` ends the script with a value, the others are misplaced."""
        if stray.word == "=>":
            return stray.value
        if stray.word == "retry":
            help = "use it in a pipeline stage: value | @gate"
            raise OrchError("E305", "retry is used outside of a pipeline", stray.span, help=help) from None
        message = f"{stray.word} is used outside of a loop"
        raise OrchError("E107", message, stray.span, help="it belongs into a loop") from None

    async def _close(self) -> None:
        """Give everything back, whatever happens; what cannot be written down ends the run with its error."""
        self._take_ending(self.run.ending)
        try:
            self.run.tables.mirror()
        except OrchError as error:
            self._take_ending(error)
        try:
            await self.run.background.close()
            self.run.labelled_files.close()
            await self.run.close_workers()
            await self.run.close_agent()
        finally:
            try:
                self.run.close_store(self.exit)
            except OrchError as error:
                self._take_ending(error)

    def _take_ending(self, fault: OrchError | None) -> None:
        if fault is not None and self.error is None:
            self.error, self.exit = fault, fault.exit

    async def _beat(self) -> None:
        """Keep this process's claims alive while calls run."""
        while True:
            await trio.sleep(BEAT)
            if self.run.opened:
                self._claims_beat()

    def _claims_beat(self) -> None:
        try:
            self.run.execution.claims.beat()
            self.run.execution.tables.beat()
        except OrchError as error:
            self.run.end_with(error)

    async def _limit(self, seconds: float, scope: trio.CancelScope) -> None:
        await trio.sleep(seconds)
        message = f"the script ran longer than {seconds:g} s and was stopped"
        self.error = OrchError("E503", message, fatal=True)
        self._stop(scope, FAILED)

    async def _listen(self, signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
        """The first Ctrl-C lets calls in flight finish; the second, SIGTERM and SIGHUP cancel them."""
        interrupts = 0
        async for number in signals:
            interrupts += number == signal.SIGINT
            if number == signal.SIGINT and interrupts == 1:
                self.run.note(_farewell(self.run.memo.in_flight))
                self.run.interrupt()
            else:
                self._stop(scope, SIGNALLED + number)

    def _stop(self, scope: trio.CancelScope, exit: int) -> None:
        self.stopped, self.exit = True, exit
        self.run.interrupt()
        scope.cancel()


def _signals() -> AbstractContextManager[AsyncIterator[int] | None]:
    """The signals that end a run. Only the main thread gets them; `nohup` has a closed terminal ignored."""
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, *hangup)


def _farewell(calls: int) -> str:
    """What the first Ctrl-C is answered with."""
    if calls == 0:
        return "stopping; Ctrl-C again ends what still runs"
    in_flight = "1 call in flight is" if calls == 1 else f"{calls} calls in flight are"
    return f"stopping: {in_flight} finished and stored; Ctrl-C again gives them up"

"""The program `claude` of an installation of Claude Code: it has tools and a loop of its own.

Its flags are put together in `claude_flags`, its output is read in `claude_stream`. What its tools may reach is
confined by the program itself, by the permissions that it is given.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import IO, Any

import trio

from orchestra.errors import OrchError
from orchestra.providers.agents import AgentEvent, Errand, Step
from orchestra.providers.child import Lines, child_reading, run_child
from orchestra.providers.claude_flags import arguments, known_flags
from orchestra.providers.claude_stream import ClaudeStream
from orchestra.providers.faults import ProviderError, classify_text
from orchestra.providers.protocol import Surroundings

__all__ = ["ClaudeProgram", "open_model"]

NESTED = "CLAUDECODE"  # set for programs that claude starts; it refuses to be started by one
OUTPUT_TOKENS = "CLAUDE_CODE_MAX_OUTPUT_TOKENS"
HELP_TIMEOUT = 60.0
LONGEST_LINE = 64 * 1024**2
POLL = 1.0  # seconds between two looks at the file
STABLE = 2  # looks that must see the same
GRACE = 15.0  # seconds to end by itself when all is there
MOST_WORDS = 64 * 1024  # bytes of stderr that are looked at
TAIL = 5  # lines of a crash that are shown


def open_model(name: str, settings: Mapping[str, Any], around: Surroundings) -> ClaudeProgram:
    """The provider `name`, from its table: `command` is a list of words, by default `claude`. Raises E812."""
    command = settings.get("command", ["claude"])
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        what = f'the command of provider "{name}" must be a list of words'
        raise OrchError("E812", what, help='command = ["claude"]')
    return ClaudeProgram(name, command, around)


class ClaudeProgram:
    """One process for each errand. Which flags there are is asked once in a run."""

    def __init__(self, name: str, command: list[str], around: Surroundings) -> None:
        self.name = name
        self._command = command
        self._around = around
        self._environment = {key: value for key, value in around.environment.items() if key != NESTED}
        self._asking = trio.Lock()
        self._flags: frozenset[str] | None = None

    @asynccontextmanager
    async def errand(self, errand: Errand) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        flags = await self._known_flags()
        words = arguments(errand, flags, self.name)
        goes_on = errand.session is None or "--resume" in flags
        environment = dict(self._environment)
        if errand.max_tokens is not None:
            environment[OUTPUT_TOKENS] = str(errand.max_tokens)
        # Files, not pipes: nothing needs to feed them or to empty them meanwhile.
        with tempfile.TemporaryFile() as input, tempfile.TemporaryFile() as errors:
            input.write((errand.text if goes_on else errand.retold).encode("utf-8", "replace"))
            input.seek(0)
            child = child_reading(
                [*self._command, *words], cwd=errand.dir, environment=environment, input=input, errors=errors
            )
            async with AsyncExitStack() as stack:
                try:
                    process = await stack.enter_async_context(child)
                except OSError as error:
                    raise self._not_started(error) from None
                yield _Reading(self.name, process, errors, errand.written, self._around.log).events()

    async def close(self) -> None:
        """Nothing outlives an errand."""

    async def _known_flags(self) -> frozenset[str]:
        async with self._asking:
            if self._flags is None:
                self._flags = known_flags(await self._help())
        return self._flags

    async def _help(self) -> str:
        try:
            done = await run_child(
                [*self._command, "--help"],
                cwd=self._around.root,
                environment=self._environment,
                timeout=HELP_TIMEOUT,
                merge=True,
            )
        except OSError as error:
            raise self._not_started(error) from None
        if done.code != 0:
            told = _tail(done.stdout.decode("utf-8", "replace"))
            raise ProviderError("broken", f"{self.name}: {self._command[0]} --help does not work", notes=told)
        return done.stdout.decode("utf-8", "replace")

    def _not_started(self, error: OSError) -> ProviderError:
        told = error.strerror or str(error)
        return ProviderError("broken", f'{self.name}: the program "{self._command[0]}" cannot be started: {told}')


class _Reading:
    """Follows one process until its result is there, its file has been there long enough, or it has ended."""

    def __init__(
        self,
        name: str,
        process: trio.Process,
        errors: IO[bytes],
        written: Callable[[], Hashable | None] | None,
        log: Callable[[str], None],
    ) -> None:
        self._name = name
        self._process = process
        self._errors = errors
        self._watch = _Watch(written) if written is not None else None
        self._log = log
        self._stream = ClaudeStream(name)

    async def events(self) -> AsyncIterator[AgentEvent]:
        lines = Lines(LONGEST_LINE)
        stream = self._stream
        while not (stream.returned or stream.fault):
            chunk = await self._chunk()
            try:
                complete = list(lines.feed(chunk) if chunk else lines.rest() if chunk == b"" else ())
            except ValueError as error:
                raise ProviderError("broken", f"{self._name}: it printed {error}") from None
            for line in complete:
                self._log(line + "\n")
                for event in stream.read(line):
                    yield event
            if chunk == b"" and not (stream.returned or stream.fault):
                raise await self._crashed()
            if self._watch is not None and (told := self._watch.look()) is not None:
                yield Step(told)
                if self._watch.over:
                    yield stream.broken_off()
                    return
        yield Step(await self._ended())
        if stream.fault is not None:
            raise stream.fault
        assert stream.returned is not None
        yield stream.returned

    async def _chunk(self) -> bytes | None:
        """What was printed; None if that was nothing for a while, b"" if no more will come."""
        assert self._process.stdout is not None
        with trio.move_on_after(POLL):
            return bytes(await self._process.stdout.receive_some())
        return b"" if self._process.poll() is not None else None  # what it started may keep the pipe open

    async def _ended(self) -> str:
        """Gives the program the time to end by itself, and says how it did."""
        with trio.move_on_after(GRACE):
            return f"exit {await self._process.wait()}"
        return f"it did not end within {GRACE:g} s of its result and is stopped"

    async def _crashed(self) -> ProviderError:
        """What it means that the program ended without a result."""
        ending = await self._ended()
        self._errors.seek(max(0, os.fstat(self._errors.fileno()).st_size - MOST_WORDS))
        told = self._errors.read().decode("utf-8", "replace")
        self._log(told)
        words = "\n".join([*self._stream.noise, told]).strip()
        kind = classify_text(words) or "broken"
        return ProviderError(kind, f"{self._name}: the program ended without a result ({ending})", notes=_tail(words))


class _Watch:
    """Looks at the file now and then: unchanged for a while it is complete, and the program's time runs out."""

    def __init__(self, written: Callable[[], Hashable | None]) -> None:
        self._written = written
        self._looked = trio.current_time()
        self._stamp: Hashable | None = None
        self._same = 0
        self._deadline = float("inf")

    @property
    def over(self) -> bool:
        return trio.current_time() >= self._deadline

    def look(self) -> str | None:
        """Something to tell: that the file is there, or that its time is over."""
        now = trio.current_time()
        if self.over:
            return f"not done {GRACE:g} s after its file and stopped"
        if now - self._looked < POLL:
            return None
        self._looked = now
        stamp = self._written()
        self._same = self._same + 1 if stamp is not None and stamp == self._stamp else int(stamp is not None)
        if stamp != self._stamp:
            self._stamp, self._deadline = stamp, float("inf")
        if self._same == STABLE:
            self._deadline = now + GRACE
            return "the file is there"
        return None


def _tail(text: str) -> tuple[str, ...]:
    return tuple(f"it said: {line}" for line in text.rstrip().splitlines()[-TAIL:])

"""Who watches a run from the command line: the display, the stream of JSON lines, notes, the line at the end.

Each of them is a subscriber of the run's events; none of them changes what the script prints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, TextIO, cast

from orchestra.cli.shell import Shell
from orchestra.cli.steps import Steps, decision
from orchestra.cli.tally import Tally, clock
from orchestra.errors import OrchError, Warned
from orchestra.events import Event, Subscriber
from orchestra.invocation import RunOptions

__all__ = ["Reporting"]

MOST_LINES = 60  # of a gate's text on the terminal


class Reporting:
    """The watchers of one run. `stdout` and `stderr` are the streams to give to the script."""

    def __init__(self, shell: Shell, options: RunOptions) -> None:
        self.stdout = shell.stdout
        self.stderr = shell.stderr
        self.subscribers: list[Subscriber] = []
        self._options = options
        self._tally = Tally(shell.monotonic)
        self._close: Callable[[], None] = lambda: None
        self._waiting: list[Event] = []
        if options.json or options.trace == "json":
            self.subscribers.append(JsonLines(shell.stderr))
        else:
            self._watch(shell)

    def _watch(self, shell: Shell) -> None:
        self.subscribers.append(self._tally)
        self.subscribers.append(self._gates)
        if shell.stderr.isatty() and not self._options.quiet:
            self._show_live(shell)
        if self._options.trace == "plain":
            self.subscribers.append(Steps(self.stderr))
            self.subscribers.append(Notes(replace(shell, stderr=self.stderr), replace(self._options, verbose=False)))
        else:
            self.subscribers.append(Notes(replace(shell, stderr=self.stderr), self._options))
        if self._options.debug:
            self.subscribers.append(Trace(self.stderr))

    def _show_live(self, shell: Shell) -> None:
        from orchestra.cli.display import Above, Display

        display = Display(self._tally, shell.stderr, shell.monotonic)
        self.subscribers.append(display)
        self._close = display.close
        self.stderr = cast(TextIO, Above(shell.stderr, display))
        if shell.stdout.isatty():
            self.stdout = cast(TextIO, Above(shell.stdout, display))

    def __enter__(self) -> Reporting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        summary = self._tally.summary()
        if summary and not self._options.quiet:
            self.stderr.write(summary + "\n")
        for gate in self._waiting:  # last: what is to be done now
            self.stderr.write(waiting_for(gate.data, shown=not self._options.quiet) + "\n")

    def _gates(self, event: Event) -> None:
        if event.kind == "gate":
            self._waiting.append(event)


def waiting_for(gate: Mapping[str, Any], shown: bool) -> str:
    """What a gate asks, with its text if that is to be shown, and how to answer."""
    lines = gate["text"].rstrip().splitlines() if shown else []
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES} more lines are in {gate['file']}"]
    again = f" ({gate['occurrence']})" if gate["occurrence"] > 1 else ""
    how = f"{gate['run']} waits at gate {gate['name']}{again}: {gate['command']}"
    return "\n".join([*lines, how])


class JsonLines:
    """One event a line, as a JSON object with the kind under `event`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        line = json.dumps({"event": event.kind, **event.data}, ensure_ascii=False, default=_plain)
        self._stream.write(line + "\n")


def _plain(value: object) -> Any:
    if isinstance(value, Warned):
        return OrchError(value.code, value.message, value.span, help=value.help).as_data() | {"severity": "warning"}
    return str(value)


class Trace:
    """A line for each statement of a top level when it is over; those of a module before the import of it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        data = event.data
        if event.kind == "statement":
            self._stream.write(
                f"{data['ms']:>9.1f} ms  {data['file'].removeprefix('./')}:{data['line']}  {data['text']}\n"
            )
        elif event.kind == "run:end":
            self._stream.write(f"{data['ms']:>9.1f} ms  in all, exit {data['exit']}\n")


class Notes:
    """Lines beside the output: warnings, waits, and phases if asked for."""

    def __init__(self, shell: Shell, options: RunOptions) -> None:
        self._shell = shell
        self._options = options

    def __call__(self, event: Event) -> None:
        data = event.data
        if event.kind == "warning" and self._options.warn:
            self._shell.report(data["warned"])
        elif event.kind == "llm:retry" and not self._options.quiet:
            self._shell.note(f"waiting {clock(data['delay'])}: {data['reason']}")
        elif event.kind == "predicate" and (self._options.verbose or self._options.debug):
            self._shell.note(decision(data))
        elif event.kind == "phase" and self._options.verbose:
            self._shell.note(f"phase {data['name']}")

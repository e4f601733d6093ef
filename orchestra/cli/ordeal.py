"""A script as `orch chaos` puts it to the test: undisturbed, struck, run again, and compared.

Everything happens in a copy of the project. What strikes is told in `blows`, who is told of it in `chaos`.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from orchestra.cli.blows import BETWEEN, Blow
from orchestra.cli.forked import Ended, preload, run_forked
from orchestra.cli.fuse import VARIABLE
from orchestra.cli.scratch import LEFT_OUT, Scratch
from orchestra.store.listings import list_checkpoints
from orchestra.store.store import Store

__all__ = ["Ordeal", "Outcome", "Undisturbed"]

CLOCK, EARLIER = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
DONE = (0, 3, 5)  # exit codes of a script that came to its end, or to a gate
PATIENCE = 60.0  # seconds that a run may take longer than the undisturbed one
OURS = re.compile(r"\.orch/|llm/output/[^/]+/[^/]+/prompts/")  # records of what was asked, not the script's files
RUN_FOLDER = re.compile(r"(llm/output/[^/\s]+)/\d{4}-\d\d-\d\d-\d+")
SHOWN = 12  # lines of a difference


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and what it told."""

    ended: Ended

    def events(self) -> Iterator[dict[str, Any]]:
        for line in self.ended.stderr.splitlines():
            if line.startswith('{"event"'):
                with suppress(ValueError):  # cut by the kill
                    yield json.loads(line)

    @property
    def broken(self) -> bool:
        """Whether it fell over instead of ending."""
        return (
            self.ended.exit is None
            or "Traceback (most recent call last)" in self.ended.stderr
            or '"E901"' in self.ended.stderr
        )


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A run that nothing happened to. appended: files that are compared as sets of lines."""

    outcome: Outcome
    files: dict[str, bytes]
    appended: frozenset[str]
    events: int
    calls: int
    largest: int


class Ordeal:
    """The copy, and the command line that is tried in it.

    words:  what follows `orch run`
    folder: where in the project it is started
    script: its name in the store
    left_out: patterns of files that are not compared; `stdout` for what is printed
    """

    def __init__(
        self,
        scratch: Scratch,
        words: Sequence[str],
        environ: Mapping[str, str],
        *,
        folder: Path,
        script: str,
        left_out: Sequence[str],
    ) -> None:
        self._scratch = scratch
        self._words = words
        self._environ = environ
        self._folder = scratch.root / folder
        self._script = script
        self._left_out = left_out
        preload()
        self._store = scratch.root / ".orch/store.db"

    def undisturbed(self) -> Undisturbed:
        """The script in a fresh copy."""
        self._scratch.restore()
        outcome = self._run()
        told = list(outcome.events())
        appended = frozenset(one["path"] for one in told if one["event"] == "write" and one["mode"] == "append")
        sizes = [path.stat().st_size for path in self._scratch.root.rglob("*") if path.is_file()]
        calls = sum(one["event"] == "call:start" for one in told)
        return Undisturbed(outcome, self._files(), appended, len(told), calls, max(sizes))

    def suffer(self, blow: Blow, whole: Undisturbed) -> list[str]:
        """Strike a run in a fresh copy, run it again, and say what is not as it should be."""
        self._scratch.restore()
        struck = self._run(strikes=",".join(map(str, blow.strikes)), limit=blow.limit, clock=CLOCK)
        if struck.broken:
            return [f"the struck run broke down ({_ending(struck)})", *_last(struck.ended.stderr)]
        blow.damage(self._store)
        stored = self._stored()
        again = self._run(clock=EARLIER if blow.kind == "clock" else CLOCK)
        differences = self._differences(whole, again, forgotten=blow.kind in BETWEEN)
        return [*differences, *_repeated(again, stored)]

    def _run(self, *, strikes: str = "", limit: int | None = None, clock: str = CLOCK) -> Outcome:
        command = ["run", *self._words, "--json", "--clock", clock, "--seed", "1"]
        environ = {**self._environ, VARIABLE: strikes}
        return Outcome(run_forked(command, self._folder, environ, limit=limit, patience=PATIENCE))

    def _stored(self) -> dict[str, str]:
        """Key → function of what the next run is to serve. The store is read in a copy, since opening it repairs it."""
        copy = self._scratch.home / "store" / "store.db"
        shutil.rmtree(copy.parent, ignore_errors=True)
        if not self._store.is_file():
            return {}
        copy.parent.mkdir()
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copy(f"{self._store}{suffix}", f"{copy}{suffix}")
        store = Store.open(copy, now=lambda: datetime.now(UTC).isoformat())
        try:
            found = list_checkpoints(store, self._script)
            return {checkpoint.key: checkpoint.fn for checkpoint in found if checkpoint.state == "live"}
        finally:
            store.close()

    # ── comparing ────────────────────────────────────────────────────────────────────────────────

    def _files(self) -> dict[str, bytes]:
        """What the script made or changed, by path in the project."""
        names = (path.as_posix() for path in self._scratch.changed() if (self._scratch.root / path).is_file())
        return {name: (self._scratch.root / name).read_bytes() for name in names if self._compared(name)}

    def _compared(self, name: str) -> bool:
        path = PurePath(name)
        made_again = OURS.match(name) or not LEFT_OUT.isdisjoint(path.parts)
        return not made_again and not any(path.match(pattern) for pattern in self._left_out)

    def differences(self, first: Undisturbed, second: Undisturbed) -> list[str]:
        """How two undisturbed runs differ."""
        return [
            *self._outcomes(first.outcome.ended, second.outcome.ended),
            *_compared(first.files, second.files, first.appended),
        ]

    def _differences(self, whole: Undisturbed, again: Outcome, *, forgotten: bool) -> Iterator[str]:
        """forgotten: with the store the number and the day of the run may be gone, and its folder has another name."""
        if again.broken or again.ended.exit not in DONE:
            yield f"the next run did not come to its end ({_ending(again)})"
            yield from _last(again.ended.stderr)
            return
        before, files = whole.files, self._files()
        expected, found = whole.outcome.ended, again.ended
        if forgotten:
            before, files = _nameless(before), _nameless(files)
            expected, found = _nameless_run(expected), _nameless_run(found)
        yield from self._outcomes(expected, found)
        yield from _compared(before, files, whole.appended)

    def _outcomes(self, whole: Ended, found: Ended) -> Iterator[str]:
        if found.exit != whole.exit:
            yield f"exit {found.exit} instead of {whole.exit}"
        if found.stdout != whole.stdout and "stdout" not in self._left_out:
            yield "stdout differs"
            yield from _shown(whole.stdout, found.stdout)


def _nameless(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with one name for the folders of all runs; of several runs the last one counts."""
    return {RUN_FOLDER.sub(r"\1/*", name): content for name, content in sorted(files.items())}


def _nameless_run(ended: Ended) -> Ended:
    return replace(ended, stdout=RUN_FOLDER.sub(r"\1/*", ended.stdout))


def _compared(whole: Mapping[str, bytes], found: Mapping[str, bytes], appended: frozenset[str]) -> Iterator[str]:
    for name in sorted(whole.keys() | found.keys()):
        before, now = whole.get(name), found.get(name)
        if before is None or now is None:
            # What was begun before an interruption is put aside by the next attempt, for a person to look at.
            if not (name.endswith(".prev") and name.removesuffix(".prev") in whole):
                yield f"{name} is missing" if now is None else f"{name} is there and should not be"
        elif set(before.splitlines()) != set(now.splitlines()) if name in appended else before != now:
            yield f"{name} differs"
            yield from _shown(before.decode(errors="replace"), now.decode(errors="replace"))


def _repeated(again: Outcome, stored: Mapping[str, str]) -> list[str]:
    """Calls that were made although their results were stored and valid."""
    starts = [one for one in again.events() if one["event"] == "call:start" and not one.get("stale")]
    fns = [stored[one["key"]] for one in starts if one["key"] in stored]
    return [f"{len(fns)} stored calls were made again: {', '.join(sorted(set(fns)))}"] if fns else []


def _shown(before: str, now: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), now.splitlines(), "undisturbed", "found", lineterm="", n=1)
    return [f"  {line}" for line in [*lines][:SHOWN]]


def _ending(outcome: Outcome) -> str:
    return "it hung" if outcome.ended.exit is None else f"exit {outcome.ended.exit}"


def _last(err: str) -> list[str]:
    return [f"  {line}" for line in err.splitlines() if not line.startswith('{"event"')][-SHOWN:]

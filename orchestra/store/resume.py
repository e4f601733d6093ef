"""What a user wants made again: answers are marked, no longer served, and replaced by the new call.

Reading the target from the command line is left to the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.store.blobs import Blobs
from orchestra.store.connection import Connection, storable
from orchestra.store.requests import Marks

__all__ = ["Resume"]

MARKED = "UPDATE checkpoints SET state = 'marked' WHERE script = ? AND state = 'live'"


class Resume:
    """Marks on the answers of one script. Every method that changes some says how many."""

    def __init__(self, connection: Connection, *, script: str) -> None:
        self._connection = connection
        self._blobs = Blobs(connection)
        self._requests = Marks(connection, script=script)
        self._script = script

    def mark_phase(self, name: str, phases_in_source: Sequence[str]) -> int:
        """Mark what was made in the phase `name`, or the only one that begins so, and in all later ones.

        Raises E801 if there is none and E802 if there are several.
        """
        marked = self.mark(self.of_phase(name, phases_in_source))
        self._requests.mark_unfinished("phase", _from(name, phases_in_source))
        return marked

    def of_phase(self, name: str, phases_in_source: Sequence[str]) -> list[str]:
        """The keys of those answers."""
        later = _from(name, phases_in_source)
        places = ", ".join("?" * len(later))
        sql = f"SELECT key FROM checkpoints WHERE script = ? AND phase IN ({places})"
        return [key for (key,) in self._connection.all(sql, (self._script, *later))]

    def mark_function(self, name: str, site: int | None, prefix: str | None, only_matching: bool) -> int:
        """Mark the answers of the function or variable `name`; E803 if it has none.

        site:   only those made at this call site, counted in source order from 0
        prefix: only the first whose first argument begins so and the later calls of the same run, or with
                `only_matching` all that begin so
        """
        marked = self.mark(self.of_function(name, site, prefix, only_matching))
        self._requests.mark_unfinished("fn", [name])
        return marked

    def of_function(self, name: str, site: int | None, prefix: str | None, only_matching: bool) -> list[str]:
        """The keys of those answers."""
        self.check_function(name)
        rows = self._rows(name, site)
        if prefix is not None:
            start = storable(prefix)
            matching = [row for row in rows if self._first_argument(row).startswith(start)]
            rows = matching if only_matching else list(_from_first(matching, rows))
        return [row[0] for row in rows]

    def mark_all(self) -> int:
        self._requests.mark_all()
        return self._connection.change(MARKED, (self._script,))

    def restore(self) -> int:
        """Serve marked answers again; those replaced since stay replaced."""
        self._requests.restore()
        return self._connection.change(
            "UPDATE checkpoints SET state = 'live' WHERE script = ? AND state = 'marked'", (self._script,)
        )

    def functions(self) -> dict[str, int]:
        """The names of functions and variables with answers, and how many there are."""
        rows = self._connection.all(
            "SELECT fn, count(*) FROM checkpoints WHERE script = ? GROUP BY fn ORDER BY fn", (self._script,)
        )
        counts: dict[str, int] = {}
        for fn, count in rows:
            name = fn.removeprefix("var:")
            counts[name] = counts.get(name, 0) + count
        return counts

    def sites(self, name: str) -> set[int]:
        """The call sites from which answers of a function come; none if it has no answers."""
        sql = "SELECT DISTINCT site FROM checkpoints WHERE script = ? AND fn IN (?, ?)"
        return {site for (site,) in self._connection.all(sql, (self._script, name, f"var:{name}"))}

    def mark(self, keys: Iterable[str]) -> int:
        """Mark the answers with these keys."""
        chosen = list(keys)
        with self._connection.transaction():
            self._requests.mark(chosen)
            return sum(self._connection.change(f"{MARKED} AND key = ?", (self._script, key)) for key in chosen)

    def check_function(self, name: str) -> None:
        """Raises E803 if no answer is of the function or variable `name`."""
        counts = self.functions()
        if name in counts or name in self._requests.functions():
            return
        known = ", ".join(f"@{fn} ({count})" for fn, count in counts.items()) or "none"
        guess = nearest(name, list(counts))
        hint = f"did you mean @{guess}? " if guess else ""
        help = f"{hint}functions with entries: {known}"
        raise OrchError("E803", f'unknown function "@{name}"', help=help, exit=2)

    def _rows(self, name: str, site: int | None) -> list[tuple[Any, ...]]:
        """key, module, fn, last_run, seq, first_arg, first_blob of the answers in question."""
        sql = (
            "SELECT key, module, fn, last_run, seq, first_arg, first_blob FROM checkpoints"
            " WHERE script = ? AND fn IN (?, ?)"
        )
        values: tuple[Any, ...] = (self._script, name, f"var:{name}")
        if site is not None:
            sql, values = f"{sql} AND site = ?", (*values, site)
        return self._connection.all(sql, values)

    def _first_argument(self, row: tuple[Any, ...]) -> str:
        *_, text, blob = row
        return str(json.loads(text if blob is None else self._blobs.get(blob)))


def _from_first(matching: Iterable[tuple[Any, ...]], rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """The rows at or behind the first match within the same module, function and run."""
    first: dict[tuple[str, str, str], int] = {}
    for _, module, fn, run, seq, *_ in matching:
        group = module, fn, run
        first[group] = min(seq, first.get(group, seq))
    return (row for row in rows if row[1:4] in first and row[4] >= first[row[1:4]])


def _from(name: str, phases: Sequence[str]) -> Sequence[str]:
    """The phase `name` and all later ones."""
    return phases[phases.index(_chosen(name, phases)) :]


def _chosen(name: str, phases: Sequence[str]) -> str:
    if name in phases:
        return name
    matches = [phase for phase in phases if phase.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        message = f'ambiguous checkpoint match "{name}"'
        raise OrchError("E802", message, help=f"matches: {', '.join(matches)}", exit=2)
    available = ", ".join(phases) or "none"
    raise OrchError("E801", f'unknown checkpoint "{name}"', help=f"available checkpoints: {available}", exit=2)

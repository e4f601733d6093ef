"""What happens during a run, told on one bus to whoever listens: live display, JSON stream, trace.

An event carries plain data only; who shows or stores it decides on the form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Event", "Subscriber"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ============== ============================================================
    kind           fields of `data`
    ============== ============================================================
    run:start      script, run, number, out_dir
    run:end        exit, ms
    phase          name
    loop:start     id, total (None if unknown), width, label
    item:start     loop, index
    item:end       loop, index, status (ok, failed, skipped)
    loop:end       id
    call:start     fn, key, stale: the body of a labelled call is about to run; stale if an answer of older code exists
    call:hit       fn: it is served from the store, neither start nor end follow
    call:end       fn, ms, status (ok, failed, stopped), asked, reused (requests to models, see llm:reused)
    call:stored    fn, key: its result is on disk
    write          path (from the project root), mode (output, append): the script wrote a file
    llm:reused     call_id, fn, provider, model: nothing is asked, an equal request had an answer; no start or end
    llm:start      call_id, fn, provider, model
    llm:text       call_id, fn, text
    llm:tool_call  call_id, fn, name
    llm:usage      call_id, fn, input, output (tokens), cost (dollars, None if unknown)
    llm:retry      call_id, fn, delay (seconds), reason
    llm:end        call_id, fn, status (ok, error, stopped), ms
    show, log      text
    statement      file, line, text (its first line), ms; with `--debug` only
    warning        warned (an `errors.Warned`)
    ============== ============================================================

    Kinds and fields may be added; a subscriber passes over what it does not know.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


Subscriber = Callable[[Event], None]

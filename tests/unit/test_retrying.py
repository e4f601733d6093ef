"""How long declared retries wait. What may be tried again, and how it is told, is for cases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.nodes.retrying import BACKOFFS, Retrying


def waits(backoff: str, error: OrchError, more: int = 3) -> tuple[list[float], int]:
    """The pauses before the further attempts at something that always fails, and how often it was tried."""
    slept: list[float] = []
    tried: list[int] = []

    def work(number: int) -> Any:
        tried.append(number)
        raise error

    run = SimpleNamespace(guesses=False, sleep=slept.append, trying_again=lambda *told: None)
    with pytest.raises(OrchError):
        Retrying(more, BACKOFFS[backoff]).tried(work, SimpleNamespace(run=run), "it")  # type: ignore[arg-type]
    assert tried == list(range(1, len(tried) + 1))
    return slept, len(tried)


@pytest.mark.parametrize(
    ("backoff", "expected"), [("none", []), ("linear", [1.0, 2.0, 3.0]), ("exponential", [1.0, 2.0, 4.0])]
)
def test_waits(backoff: str, expected: list[float]) -> None:
    assert waits(backoff, OrchError("E717", "empty")) == (expected, 4)


def test_no_attempts_are_added() -> None:
    assert waits("none", OrchError("E717", "empty"), more=0) == ([], 1)


@pytest.mark.parametrize("code", ["E201", "E399", "E601", "E701", "E808"])
def test_what_would_fail_again(code: str) -> None:
    assert waits("linear", OrchError(code, "wrong"))[1] == 1


def test_what_ends_the_run() -> None:
    assert waits("linear", OrchError("E712", "no budget", fatal=True))[1] == 1

"""Waiting out rate limits of foreign code: which errors are waited for, how long, and how often."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.nodes.patience import WAITS, patiently


class Work:
    """Fails as often as there are errors, then answers."""

    def __init__(self, *errors: OrchError) -> None:
        self.errors = list(errors)
        self.waits: list[float] = []

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def result(self) -> str:
        scope: Any = SimpleNamespace(run=SimpleNamespace(sleep=self.waits.append))
        return str(patiently(self, scope))


def code(message: str, kind: str = "E504") -> OrchError:
    return OrchError(kind, message)


@pytest.mark.parametrize(
    "error",
    [
        code("Rate limit reached"),
        code("request failed with status code 429"),
        code("429 Too Many Requests"),
        OrchError("E501", "command failed with exit code 1", details={"stderr": "API rate limit exceeded\n"}),
    ],
)
def test_waits_for_what_reports_a_limit(error: OrchError) -> None:
    work = Work(error, code("rate limit"))
    assert (work.result(), work.waits) == ("done", [0.5, 1.0])


@pytest.mark.parametrize("error", [code("boom"), code("line 429 is wrong"), code("rate limit", "E711")])
def test_does_not_wait_for_anything_else(error: OrchError) -> None:
    work = Work(error)
    with pytest.raises(OrchError):
        work.result()
    assert work.waits == []


def test_gives_up_after_five_waits() -> None:
    work = Work(*[code("rate limit")] * 6)
    with pytest.raises(OrchError, match="rate limit"):
        work.result()
    assert work.waits == list(WAITS) == [0.5, 1.0, 2.0, 4.0, 8.0]

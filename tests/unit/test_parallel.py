"""When the items of a parallel loop start and start again: on a clock that jumps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import greenback
import trio
from trio.testing import MockClock

from orchestra.errors import OrchError
from orchestra.nodes.items import PASSED_OVER
from orchestra.nodes.loops import rate_limited, rate_limited_model
from orchestra.runtime.parallel import Fanout
from orchestra.runtime.run import Run


class Surroundings:
    """What a loop needs of a run."""

    def __init__(self) -> None:
        self.interrupted = False
        self.waits = 0
        self.interruption = trio.Event()

    def begin_loop(self, total: int, width: int, label: str) -> int:
        return 1

    def event(self, kind: str, **data: Any) -> None:
        pass

    def wait(self, work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        return greenback.await_(work(*args))


def starts(work: Callable[[int, int], Any], count: int, width: int, **options: Any) -> tuple[list[Any], list[Any]]:
    """Outcomes, and item and time of every try. `work` gets the item and the number of its try."""
    tries: list[tuple[int, float]] = []

    def one(index: int) -> Any:
        tries.append((index, trio.current_time() - began))
        return work(index, sum(index == before for before, _ in tries))

    async def main() -> list[Any]:
        nonlocal began
        await greenback.ensure_portal()
        began = trio.current_time()
        run = cast(Run, Surroundings())
        return Fanout(run, count, width, 0.0, one, "items", again=rate_limited, **options).outcomes()

    began = 0.0
    return trio.run(main, clock=MockClock(autojump_threshold=0)), tries


def told_to_wait() -> OrchError:
    return OrchError("E309", "Rate limit reached")


def test_an_item_that_is_told_to_slow_down_is_tried_five_times_more() -> None:
    def work(index: int, attempt: int) -> Any:
        if index == 1:
            raise told_to_wait()
        return index

    outcomes, tries = starts(work, 2, 1)
    assert outcomes[0] == 0 and isinstance(outcomes[1], OrchError)
    assert tries == [(0, 0), (1, 0), (1, 0.5), (1, 1.5), (1, 3.5), (1, 7.5), (1, 15.5)]


def test_nothing_starts_while_an_item_waits() -> None:
    def work(index: int, attempt: int) -> Any:
        if index == 0 and attempt < 3:
            raise told_to_wait()
        return index

    outcomes, tries = starts(work, 4, 2)
    assert outcomes == [0, 1, 2, 3]
    assert [when for index, when in tries if index == 0] == [0, 0.5, 1.5]
    assert [when for index, when in tries if index > 1] == [0.5, 0.5] or all(w >= 0.5 for i, w in tries if i > 1)


def test_other_errors_are_not_tried_again() -> None:
    def work(index: int, attempt: int) -> Any:
        if index == 1:
            raise OrchError("E309", "broken")
        return index

    _, tries = starts(work, 3, 1)
    assert tries == [(0, 0), (1, 0), (2, 0)]


def test_the_canary_is_the_first_item_that_is_not_passed_over() -> None:
    def work(index: int, attempt: int) -> Any:
        if index == 2:
            raise OrchError("E309", "broken")
        return PASSED_OVER if index < 2 else index

    for canary in (True, False):
        try:
            starts(work, 5, 1, canary=canary)
        except OrchError as error:
            assert error.message == "broken"
        else:
            raise AssertionError("the loop went on")


def test_what_counts_as_a_rate_limit() -> None:
    assert rate_limited(OrchError("E504", "API rate limit exceeded"))
    assert rate_limited(OrchError("E406", "answered", details={"status": 429}))
    assert not rate_limited(OrchError("E406", "answered", details={"status": 500}))
    assert not rate_limited(OrchError("E711", "rate limit: has waited already"))
    assert not rate_limited(OrchError("E399", "rate limit", fatal=True))
    assert not rate_limited_model(OrchError("E504", "rate limit"))

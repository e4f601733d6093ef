"""The fan-out as a Prefect flow: every task's result persisted and found again by its inputs.

    python prefect_fanout.py FOLDER ITEMS [again]

Its server is the one that it starts by itself, on this machine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

folder, count, again = Path(sys.argv[1]).absolute(), int(sys.argv[2]), "again" in sys.argv
os.environ |= {
    "PREFECT_HOME": str(folder / "prefect"),
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "DO_NOT_TRACK": "1",
}

from prefect import flow, task  # noqa: E402  (reads the environment when it is imported)
from prefect.cache_policies import INPUTS  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

made = 0


@task(persist_result=True, cache_policy=INPUTS)
def review(item: int) -> str:
    global made
    made += 1
    return f"Reviewed {item}"


@flow(task_runner=ThreadPoolTaskRunner(max_workers=20))
def fan_out(count: int) -> list[str]:
    return [future.result() for future in [review.submit(item) for item in range(count)]]


if __name__ == "__main__":
    done = fan_out(count)
    assert made == (0 if again else count), f"{made} calls were made"
    print(len(done))

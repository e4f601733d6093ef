"""The fan-out as a DBOS workflow: every step's result in its SQLite database, recovered after a crash.

python dbos_fanout.py FOLDER ITEMS [again]
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from dbos import DBOS, SetWorkflowID

WIDTH = 20
NAME = "fan-out"

folder, count, again = Path(sys.argv[1]).absolute(), int(sys.argv[2]), "again" in sys.argv
DBOS(
    config={
        "name": "bench",
        "system_database_url": f"sqlite:///{folder}/dbos.db",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
)
made = 0


@DBOS.step()
async def review(item: int) -> str:
    global made
    made += 1
    return f"Reviewed {item}"


@DBOS.workflow()
async def fan_out(count: int) -> list[str]:
    """In groups, because steps must begin in the same order each time."""
    results: list[str] = []
    for first in range(0, count, WIDTH):
        results += await asyncio.gather(*[review(item) for item in range(first, min(count, first + WIDTH))])
    if not again:
        assert made == count, f"{made} calls were made"
        print(made, flush=True)
        os._exit(0)  # a crash after the last step
    return results


async def main() -> None:
    DBOS.launch()  # recovers what a crash has left
    if again:
        done = await (await DBOS.retrieve_workflow_async(NAME)).get_result()
        assert made == 0, f"{made} calls were made"
        print(len(done))
    else:
        with SetWorkflowID(NAME):
            await fan_out(count)


if __name__ == "__main__":
    asyncio.run(main())
    DBOS.destroy()

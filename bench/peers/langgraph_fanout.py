"""The fan-out in LangGraph's functional API: every task's result in its SQLite saver, resumed after an error.

python langgraph_fanout.py FOLDER ITEMS [again]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.func import entrypoint, task

WIDTH = 20


class Stopped(Exception):
    """Ends the first run after its last task, as a crash would."""


made = 0


@task
async def review(item: int) -> str:
    global made
    made += 1
    return f"Reviewed {item}"


async def main(folder: str, count: int, again: bool) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(Path(folder) / "langgraph.db")) as saver:

        @entrypoint(checkpointer=saver)
        async def fan_out(items: list[int]) -> list[str]:
            results = await asyncio.gather(*[review(item) for item in items])
            if not again:
                raise Stopped
            return list(results)

        config: Any = {"configurable": {"thread_id": "bench"}, "max_concurrency": WIDTH}
        try:
            done = await fan_out.ainvoke(None if again else list(range(count)), config)
        except Stopped:
            done = range(made)
        assert made == (0 if again else count), f"{made} calls were made"
        print(len(done))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), "again" in sys.argv))

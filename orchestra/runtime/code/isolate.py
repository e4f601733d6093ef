"""The program of a worker process that runs blocks of JavaScript without Node, in V8 isolates of mini-racer.

It speaks the same messages as `worker.py`, beside which it lies and whose pipes it uses.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from py_mini_racer import JSPromise, MiniRacer

if TYPE_CHECKING:
    from orchestra.runtime.code.worker import Channel, prepare, serve
else:  # started by path, and then `orchestra` need not be importable
    from worker import Channel, prepare, serve

SHARED = (Path(__file__).parent / "block.js").read_text(encoding="utf-8")
ENGINE = (Path(__file__).parent / "isolate.js").read_text(encoding="utf-8")


def run_block(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Run one block in an isolate of its own. What it prints appears when it is done."""
    with MiniRacer() as isolate:
        isolate.eval(f"globalThis.orch_block = {SHARED}")
        isolate.eval(ENGINE)
        given = json.dumps({key: request[key] for key in ("code", "params", "shadow")})
        ending = isolate.eval(f"orch_run({json.dumps(given)})")
        text = ending.get() if isinstance(ending, JSPromise) else ending
    report = json.loads(str(text))
    sys.stdout.write(report["printed"])
    sys.stderr.write(report["warned"])
    reply: dict[str, Any] = report["reply"]
    return reply


if __name__ == "__main__":
    serve(prepare(), run_block)

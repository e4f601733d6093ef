"""All measurements, one after the other, each in a process of its own.

    python bench/run.py [start | nodes | parsing | calls | providers]…

A child inherits the peak memory of the process that starts it, so this one imports nothing that is measured.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PARTS = ("start", "nodes", "parsing", "calls", "providers")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no measurement is called {unknown[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        print(f"\n── {name} " + "─" * 60, flush=True)
        done = subprocess.run([sys.executable, Path(__file__).with_name(f"{name}.py")])
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

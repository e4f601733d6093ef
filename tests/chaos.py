"""`orch chaos` on every example: `make chaos` deals a thousand blows, `test_chaos` a few of them.

What an example is given to work on is in `small_examples`; what is done to it is the command's business.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from example_desk import EXAMPLES
from small_examples import small

from orchestra.cli.in_process import Finished, run_in_process

__all__ = ["examples", "ordeal"]

# These two look at their files to find out what is left to do: run again they decide, say and note less.
STATEFUL = ["stdout", "decisions/*", "events.jsonl"]
LEFT_OUT = {"research": STATEFUL, "development": STATEFUL}

# These ask a person, who has answered ahead.
ANSWERS = {
    "phased": ["consult=approve"],
    "conductor": [
        "plan=approve", "design:summarization=request", "route:extraction=yes", "route:cross-file-analysis=always",
    ],
}  # fmt: skip

# This one writes times into files that are compared, so that a clock that is turned back shows.
FAULTS = {"conductor": ["--faults", "disk,page,wal,term,hup,int,int-twice"]}


def examples() -> list[str]:
    """The names of all examples."""
    return sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())


def ordeal(name: str, home: Path, *words: str, whole: bool = False) -> Finished:
    """`orch chaos NAME WORDS` in a copy of the example, with what it is shipped with or with something small."""
    copy, given = small(name, home)
    if whole and name != "audit":  # which would look at a whole installed package
        given = []
    script = "." if (copy.project / "index.mld").is_file() else name
    left_out = [word for pattern in LEFT_OUT.get(name, []) for word in ("--ignore", pattern)]
    answers = [word for answer in ANSWERS.get(name, []) for word in ("--answer", answer)]
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPYCACHEPREFIX": str(home / "compiled"),  # once for all runs, which begin with a fresh copy each
    }
    return run_in_process(["chaos", script, *given, *answers, *left_out, *words], copy.project, "", environ)


def main() -> int:
    """Spread the kills over all examples and show what came of each. The exit code is 1 if something was hurt."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chosen, worst = examples(), 0
    for name in chosen:
        print(f"── {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="chaos-") as home:
            kills = ["--kills", str(args.kills // len(chosen)), "--seed", str(args.seed), *FAULTS.get(name, [])]
            done = ordeal(name, Path(home), *kills, whole=True)
        print(done.stdout + done.stderr, end="", flush=True)
        worst = max(worst, done.exit)
    return worst


if __name__ == "__main__":
    sys.exit(main())

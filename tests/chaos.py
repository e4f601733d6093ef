"""`orch chaos` on every example: `make chaos` deals a thousand blows, `test_chaos` a few of them.

What an example is given to work on stands here; what is done to it is the command's business.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestra.cli.in_process import Finished, run_in_process

__all__ = ["examples", "ordeal"]

EXAMPLES = Path(__file__).parent.parent / "examples"
# These two look at their files to find out what is left to do: run again they decide, say and note less.
STATEFUL = ["stdout", "decisions/*", "events.jsonl"]
LEFT_OUT = {"audit": [], "research": STATEFUL, "development": STATEFUL}
SOURCES = {
    "__init__.py": "",
    "reader.py": "def read(path):\n    file = open(path)\n    return file.read()\n",
    "worker.py": "def attempt(work):\n    try:\n        work()\n    except:\n        pass\n",
}


def examples() -> Iterator[tuple[Path, str]]:
    """Project and name of every script that ships."""
    for script in sorted(EXAMPLES.glob("*/llm/run/*")):
        yield script.parents[2], script.name.partition(".")[0]


def ordeal(project: Path, name: str, *words: str) -> Finished:
    """`orch chaos NAME WORDS` in a project, with something small to work on."""
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        package = Path(folder) / "shop"
        package.mkdir()
        for file, text in SOURCES.items():
            (package / file).write_text(text)
        given = ["--source", str(package)] if name == "audit" else []
        left_out = [word for pattern in LEFT_OUT[name] for word in ("--ignore", pattern)]
        return run_in_process(["chaos", name, *given, *left_out, *words], project, "", environ)


def main() -> int:
    """Spread the kills over all examples and show what came of each. The exit code is 1 if something was hurt."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chosen, worst = list(examples()), 0
    for project, name in chosen:
        print(f"── {project.name}: {name}", flush=True)
        done = ordeal(project, name, "--kills", str(args.kills // len(chosen)), "--seed", str(args.seed))
        print(done.stdout + done.stderr, end="", flush=True)
        worst = max(worst, done.exit)
    return worst


if __name__ == "__main__":
    sys.exit(main())

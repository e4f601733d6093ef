"""How long a start takes, as a multiple of an empty Python measured in the same minute.

python bench/start.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

ROUNDS = 15
MAIN = "import sys; from orchestra.cli import main; sys.argv = ['orch', *{words!r}]; main()"
SUBJECTS = {
    "orch --help": MAIN.format(words=["--help"]),
    "orch run --help": MAIN.format(words=["run", "--help"]),
    "orch run": MAIN.format(words=["run"]),
    "orch howto": MAIN.format(words=["howto"]),
    "import click": "import click",
    "everything": "import lark, trio, greenback, anthropic, sqlite_utils, jsonschema, rich, click",
}


def seconds(code: str, folder: str) -> float:
    """The shortest of several runs: what the machine can do when nothing disturbs it."""

    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    return min(once() for _ in range(ROUNDS))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare = seconds("pass", folder)
        print(f"{'empty Python':<18} {1000 * bare:7.1f} ms")
        for name, code in SUBJECTS.items():
            taken = seconds(code, folder)
            print(f"{name:<18} {1000 * taken:7.1f} ms  {taken / bare:5.1f} times")


if __name__ == "__main__":
    main()

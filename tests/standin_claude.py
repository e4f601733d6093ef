"""A stand-in for the program `claude`: knows its flags, keeps a log of how it was called, plays a scene.

Run as a program in a folder with `scene.json`: `{"flags": […], "plays": [[step, …], …]}`, one list of steps a call.
A step is an object with one key: a line of JSON to print (`say`), bytes to print as they are (`raw`, in Latin-1),
a file to write (`write`: path and content), words for stderr (`warn`), seconds to wait (`wait`), a program to start
in the background (`leave`), or the end (`exit`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

# Flag → whether it takes a value.
FLAGS = {
    "--output-format": True,
    "--verbose": False,
    "--include-partial-messages": False,
    "--model": True,
    "--tools": True,
    "--allowedTools": True,
    "--disallowedTools": True,
    "--permission-mode": True,
    "--max-turns": True,
    "--strict-mcp-config": False,
    "--append-system-prompt": True,
    "--json-schema": True,
    "--max-budget-usd": True,
    "--effort": True,
    "--session-id": True,
    "--resume": True,
    "--bare": False,
}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def main(home: Path) -> None:
    scene = json.loads((home / "scene.json").read_text())
    flags = {flag: takes for flag, takes in FLAGS.items() if flag in scene.get("flags", FLAGS)}
    if sys.argv[1:] == ["--help"]:
        note(home / "helped", "x")
        print("Usage: claude [options] [prompt]\n\nOptions:\n  -p, --print  print and exit")
        for flag, takes in flags.items():
            print(f"  {flag}{' <value>' if takes else ''}  what it is for")
        return
    options = parsed(sys.argv[1:], flags)
    count = len((home / "calls").read_text().splitlines()) if (home / "calls").exists() else 0
    call = {
        "flags": options,
        "prompt": sys.stdin.read(),
        "cwd": os.getcwd(),
        "env": dict(os.environ),
        "pid": os.getpid(),
    }
    note(home / "calls", json.dumps(call) + "\n")
    plays = scene["plays"]
    for step in plays[min(count, len(plays) - 1)]:
        play(step, home)


def parsed(words: list[str], flags: dict[str, bool]) -> dict[str, str]:
    """The options by name, refused as the real program refuses them."""
    options: dict[str, str] = {}
    while words:
        flag, *words = words
        if flag == "-p":
            options[flag] = ""
        elif flag not in flags:
            refuse(f"error: unknown option '{flag}'")
        elif flags[flag]:
            options[flag], *words = words
        else:
            options[flag] = ""
    if "-p" not in options or options.get("--output-format") != "stream-json" or "--verbose" not in options:
        refuse("Error: when using --print, --output-format=stream-json requires --verbose")
    if not UUID.fullmatch(options.get("--session-id", "0" * 8 + "-0000" * 3 + "-" + "0" * 12)):
        refuse("Error: invalid session ID")
    if "CLAUDECODE" in os.environ:
        refuse("Error: cannot be launched inside another session")
    return options


def play(step: dict[str, Any], home: Path) -> None:
    ((kind, value),) = step.items()
    if kind == "say":
        print(json.dumps(value), flush=True)
    elif kind == "raw":
        sys.stdout.buffer.write(value.encode("latin-1"))
        sys.stdout.buffer.flush()
    elif kind == "write":
        Path(value[0]).write_text(value[1])
    elif kind == "append":
        with open(value[0], "a") as file:
            file.write(value[1])
    elif kind == "warn":
        print(value, file=sys.stderr, flush=True)
    elif kind == "wait":
        time.sleep(value)
    elif kind == "leave":
        note(home / "left", f"{subprocess.Popen(value).pid}\n")
    elif kind == "exit":
        os._exit(value)


def note(path: Path, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)


def refuse(words: str) -> NoReturn:
    print(words, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main(Path(__file__).parent)

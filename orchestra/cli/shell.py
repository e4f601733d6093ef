"""What a command works with: the streams, the environment and the folder it was started in.

Commands take these from here and nowhere else, so that tests can run them in their own process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from orchestra.config import Config, load, with_aliases
from orchestra.errors import OrchError, Warned, render
from orchestra.paths import find_root, home

__all__ = ["Shell"]


@dataclass(frozen=True, slots=True)
class Shell:
    """The surroundings of one command. `monotonic` gives seconds from an arbitrary start."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    cwd: Path
    monotonic: Callable[[], float] = time.monotonic

    @classmethod
    def of_process(cls) -> Shell:
        return cls(sys.stdin, sys.stdout, sys.stderr, with_aliases(os.environ), Path.cwd())

    def root(self, start: Path | None = None) -> Path:
        return find_root(start or self.cwd, home(self.environ))

    def config(self, start: Path | None = None) -> Config:
        """The settings of the project around `start`; what is odd about them is reported."""
        config = load(self.root(start), self.environ)
        for warned in config.warnings:
            self.report(warned)
        return config

    def say(self, text: str) -> None:
        self.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """One line beside the output proper."""
        self.stderr.write(text + "\n")

    def report(self, fault: OrchError | Warned) -> None:
        """An error or warning on stderr, coloured on a terminal."""
        text = render(fault, self.cwd)
        if self.stderr.isatty():
            from orchestra.cli.render import coloured

            coloured(text, self.stderr)
        else:
            self.note(text)

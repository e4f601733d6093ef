"""What the tests of the command line share: a project folder in which commands are run in this process."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from orchestra.cli.dispatch import dispatch
from orchestra.cli.shell import Shell


@dataclass
class Desk:
    """A project folder, the commands run in it, and what came of them."""

    root: Path
    stdin: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    out: str = ""
    err: str = ""

    def write(self, name: str, text: str = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def orch(self, *words: str, cwd: str = ".") -> int:
        out, err = io.StringIO(), io.StringIO()
        environ = {"HOME": str(self.root.parent / "home"), **self.environ}
        shell = Shell(io.StringIO(self.stdin), out, err, environ, (self.root / cwd).resolve())
        code = dispatch(words, shell)
        self.out, self.err = out.getvalue(), err.getvalue()
        return code

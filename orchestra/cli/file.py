"""`orch FILE`, `orch -e CODE` and `orch -`: run a file, a text, or what comes on standard input.

Scripts of a project are run by name in `run`.
"""

from __future__ import annotations

from orchestra.cli.flag_values import usage
from orchestra.cli.options import read, with_arguments
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.errors import OrchError

__all__ = ["main"]

TEMPLATES = (".att", ".mtt")


def main(argv: list[str], shell: Shell) -> int:
    code, rest = _code(argv)
    line = read(rest, shell.cwd)
    if code is not None:
        return start(code, with_arguments(line, 0), shell.config(), shell)
    if not line.words:
        raise usage("no script named", "orch FILE, or orch --help")
    name, line = line.words[0], with_arguments(line, 1)
    if name == "-":
        return start(shell.stdin.read(), line, shell.config(), shell)
    path = shell.cwd / name
    if path.suffix in TEMPLATES:
        help = f'call it from a script: exe @text() = template "./{path.name}"'
        raise OrchError("E810", f"{name} is a template, not a script", help=help, exit=2)
    return start(path, line, shell.config(path), shell)


def _code(argv: list[str]) -> tuple[str | None, list[str]]:
    """The text after `-e`, and the command line without it."""
    end = argv.index("--") if "--" in argv else len(argv)
    if "-e" not in argv[:end]:
        return None, argv
    at = argv.index("-e")
    if at + 1 >= end:
        raise usage("-e requires the text of a script", "orch -e 'show `hello`'")
    return argv[at + 1], [*argv[:at], *argv[at + 2 :]]

"""`orch eval CODE…`: run statements given on the command line, and show what expressions are worth.

It is a script like any other, whose text is the arguments one below the other.
"""

from __future__ import annotations

from orchestra.cli.flag_values import usage
from orchestra.cli.options import read
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.errors import OrchError
from orchestra.parse import parse_script
from orchestra.source import Source

__all__ = ["main"]

HELP = """\
Usage: orch eval CODE… [OPTIONS] [--key value …]

Runs each CODE, one or more statements, as one script. A CODE that is an expression is shown.

  orch eval 'import { @haiku } from @orch/llm' '@haiku("A word for red?")' --models replies.jsonl
  orch eval '[3, 1, 2].sort()'

The options are those of `orch run`.
"""


def main(argv: list[str], shell: Shell) -> int:
    if argv and argv[0] in ("--help", "-h"):
        shell.say(HELP.rstrip())
        return 0
    line = read(argv, shell.cwd)
    if not line.words:
        raise usage("nothing to run", "orch eval '1 + 1'")
    return start("\n".join(map(_statement, line.words)), line, shell.config(), shell)


def _statement(code: str) -> str:
    """The code; with `show` before it, if that is what makes it one."""
    return code if _parses(code) or not _parses(shown := f"show {code}") else shown


def _parses(code: str) -> bool:
    try:
        parse_script(Source("-e", code), "strict")
    except OrchError:
        return False
    return True

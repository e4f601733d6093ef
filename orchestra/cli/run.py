"""`orch run [NAME]`: run a script of the project by name, or list the scripts there are.

Where scripts lie is told by `scripts`.
"""

from __future__ import annotations

from pathlib import Path

from orchestra.cli.flag_values import usage
from orchestra.cli.flags import FLAGS, Flag
from orchestra.cli.options import CommandLine, read, with_arguments
from orchestra.cli.scripts import Found, Scripts
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.errors import OrchError, Warned

__all__ = ["main"]

HEAD = """\
Usage: orch run [NAME] [OPTIONS] [--key value …] [-- …]

Runs llm/run/NAME.mld or llm/run/NAME/index.mld; without NAME the scripts are listed.
Options that orch does not know are fields of @payload, and so is everything after --.
"""


def main(argv: list[str], shell: Shell) -> int:
    if argv and argv[0] in ("--help", "-h"):
        shell.say(_help())
        return 0
    line = read(argv, shell.cwd)
    config = shell.config()
    scripts = Scripts.of(config, shell.environ)
    if not line.words:
        return _list(scripts, line, shell)
    try:
        found = scripts.find(line.words[0])
    except OrchError:
        shell.note(scripts.listing())
        raise
    _announce(found, line, config.root, shell)
    return start(found.path, with_arguments(line, 1), config, shell)


def _list(scripts: Scripts, line: CommandLine, shell: Shell) -> int:
    if line.payload:
        raise usage("no script named", "write the name first: orch run NAME --option")
    shell.say(scripts.listing())
    return 0


def _announce(found: Found, line: CommandLine, root: Path, shell: Shell) -> None:
    for path in found.shadowed:
        text = f"{_below(found.path, root)} is run; {_below(path, root)} has the same name"
        shell.report(Warned("E811", text, help="rename one of them"))
    if not (line.options.quiet or line.options.json):
        shell.note(f"Running {_below(found.path, root)}...")


def _below(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _help() -> str:
    width = max(len(_usage(flag)) for flag in FLAGS)
    return "\n".join([HEAD, "Options", *(f"  {_usage(flag):<{width}}  {flag.meaning}" for flag in FLAGS)])


def _usage(flag: Flag) -> str:
    return ", ".join(flag.names) + (f" {flag.value}" if flag.value else "")

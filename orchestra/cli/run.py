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
from orchestra.config import Config
from orchestra.errors import OrchError, Warned

__all__ = ["main"]

HEAD = """\
Usage: orch run [NAME] [OPTIONS] [--key value …] [-- …]

Runs llm/run/NAME.mld or llm/run/NAME/index.mld; without NAME the scripts are listed. NAME may be a file, or a folder
with an index.mld.
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
        found = scripts.locate(line.words[0], shell.cwd)
    except OrchError:
        shell.note(scripts.listing())
        raise
    _check(found.path, line, config, shell)
    _announce(found, line, config.root, shell)
    return start(found.path, with_arguments(line, 1), config, shell)


def _list(scripts: Scripts, line: CommandLine, shell: Shell) -> int:
    if line.payload:
        raise usage("no script named", "write the name first: orch run NAME --option")
    shell.say(scripts.listing())
    return 0


def _check(path: Path, line: CommandLine, config: Config, shell: Shell) -> None:
    """Find what can be found before anything is spent. Faults end the run here, doubts are shown."""
    from orchestra.check.script import check_script

    reports = check_script(path, config, mode=line.options.mode, given=line.options.modules, deep=True)
    findings = [finding for report in reports for finding in report.findings]
    faults = [finding.as_fault() for finding in findings if finding.level == "error"]
    if line.options.warn:
        for finding in findings:
            if finding.level == "warning":
                shell.report(finding.as_fault())
    if not faults:
        return
    shell.note("Pre-flight validation failed:")
    for fault in faults[:-1]:
        shell.report(fault)
    last = faults[-1]
    raise last if isinstance(last, OrchError) else OrchError(last.code, last.message, last.span, help=last.help, exit=2)


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

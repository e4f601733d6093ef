"""`orch check PATH …` (also `orch validate`): what can be told about scripts without running them.

What is checked is the business of `orchestra.check`; here are files, formats and the exit code: 0 without
errors, 1 with errors (or with warnings, if `--error-on-warnings` is given), 2 if there is nothing to check.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from orchestra.check import Report, check_script
from orchestra.check.report import ABOUT_NAMES
from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.cli.static_phase import emitted, expanded, faults_of_agents, phases
from orchestra.config import Config
from orchestra.errors import OrchError, render
from orchestra.paths import CONFIG_FILE
from orchestra.source import Source

__all__ = ["main", "scripts_in"]

SUFFIXES = (".mld", ".mld.md", ".att", ".mtt")
SKIPPED = ("node_modules", "__pycache__")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(check, argv, shell)


@click.command(name="check")
@click.argument("paths", nargs=-1, metavar="[PATH …]")
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", help="How to print.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--error-on-warnings", "strict", is_flag=True, help="Exit with 1 if there are warnings.")
@click.option("--deep", is_flag=True, help="Check imported files as well.")
@click.option("--no-check-variables", "lax", is_flag=True, help="Do not look for undefined names.")
@click.option("--emit", metavar="FILE", help="Write the core form of all scripts there, as JSON.")
@click.option("--expanded", "core", is_flag=True, help="Print the core form instead.")
@click.option("--verbose", is_flag=True, help="In folders too: what each file defines.")
@click.pass_obj
def check(
    shell: Shell,
    paths: tuple[str, ...],
    form: str,
    as_json: bool,
    strict: bool,
    deep: bool,
    lax: bool,
    emit: str | None,
    core: bool,
    verbose: bool,
) -> int:
    """Check scripts and templates without running them.

    PATH is a file, a folder with everything below it, or - for standard input; the default is this folder.
    The exit code is 0 without errors, 1 with errors, and 2 if there is nothing to check or a program is wrong
    before it asks anybody: a folder with an index.mld is checked as such a program.
    """
    wanted = paths or (".",)
    reports = _checked(list(_files(wanted, shell)), shell, deep, lax)
    if emit is not None:
        (shell.cwd / emit).write_text(emitted(reports, shell.root), "utf-8")
    if core:
        shell.say("\n".join(expanded(report, shell.root) for report in reports).rstrip("\n"))
        return 0
    single = len(reports) == 1 and not any((shell.cwd / path).is_dir() for path in wanted)
    _print(reports, shell, "json" if as_json else form, single, verbose)
    bad = int(any(report.errors or (strict and report.warnings) for report in reports))
    if form == "text" and not as_json:
        programs = [path for path in wanted if (shell.cwd / path / "index.mld").is_file()]
        if programs or any((shell.cwd / path / CONFIG_FILE).is_file() for path in paths):
            passed = _told_phases(reports, shell)
            return bad if passed or (bad and not programs) else 2
    return bad


def _told_phases(reports: Sequence[Report], shell: Shell) -> bool:
    """The phases before a program asks anybody, a line each. Whether all of them are passed."""
    faults = faults_of_agents(reports, shell.root)
    for fault in faults:
        shell.say(render(fault, shell.cwd) + "\n")
    lines = phases(reports, faults)
    shell.say("\n".join(lines))
    return not any(line.startswith("not") for line in lines)


def _print(reports: Sequence[Report], shell: Shell, form: str, single: bool, verbose: bool) -> None:
    if form == "json":
        data = [report.as_data() for report in reports]
        shell.say(json.dumps(data[0] if single else data, ensure_ascii=False, indent=2))
    elif form == "sarif":
        from orchestra.check.sarif import as_sarif

        shell.say(json.dumps(as_sarif(reports), ensure_ascii=False, indent=2))
    elif single:
        _print_one(reports[0], shell)
    else:
        _print_all(reports, shell, verbose)


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def _files(paths: Iterable[str], shell: Shell) -> Iterator[Path | Source]:
    """Everything to check. Raises OrchError with exit 2 for what is not there."""
    for name in paths:
        path = shell.cwd / name
        if name == "-":
            yield Source("-", shell.stdin.read())
        elif path.is_dir():
            found = sorted(_below(path))
            if not found:
                raise OrchError("E810", f"there are no scripts in {name}", exit=2)
            yield from found
        elif path.is_file():
            yield path
        else:
            raise OrchError("E401", f"file not found: {name}", exit=2)


def scripts_in(path: str, shell: Shell) -> list[Path]:
    """The scripts in a file or folder, tests aside."""
    files = [file for file in _files([path], shell) if isinstance(file, Path)]
    return [file for file in files if file.suffix not in (".att", ".mtt") and ".test." not in file.name]


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in SKIPPED:
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.name.endswith(SUFFIXES):
            yield path


def _checked(files: Iterable[Path | Source], shell: Shell, deep: bool, lax: bool) -> list[Report]:
    """The reports on all files, each file once."""
    configs: dict[Path, Config] = {}  # by root, so that what is odd about one is said once
    reports: dict[str, Report] = {}
    for script in files:
        start = script if isinstance(script, Path) else None
        root = shell.root(start)
        if root not in configs:
            config = shell.config(start)
            configs[root] = _without_names(config) if lax else config
        for report in check_script(script, configs[root], deep=deep):
            reports.setdefault(report.file, report)
    return list(reports.values())


def _without_names(config: Config) -> Config:
    silent = (*config.check.suppressWarnings, *ABOUT_NAMES)
    return replace(config, check=replace(config.check, suppressWarnings=silent))


# ── as text ──────────────────────────────────────────────────────────────────────────────────────


def _print_one(report: Report, shell: Shell) -> None:
    _print_findings(report, shell)
    shell.say(f"{'Valid' if report.valid else 'Invalid'} {report.kind}")
    _print_functions(report, shell)
    if report.findings:
        shell.say(_counts(report))


def _print_all(reports: Sequence[Report], shell: Shell, verbose: bool) -> None:
    for report in reports:
        mark = "✗" if report.errors else "⚠" if report.warnings else "✓"
        shell.say(f"{mark} {report.file}")
        if verbose:
            _print_functions(report, shell)
        _print_findings(report, shell)
    failed = sum(not report.valid for report in reports)
    files = "1 file" if len(reports) == 1 else f"{len(reports)} files"
    shell.say(f"{files}: {len(reports) - failed} passed, {failed} failed")


def _print_findings(report: Report, shell: Shell) -> None:
    for finding in report.findings:
        text = render(finding.as_fault(), shell.cwd) + "\n"
        if shell.stdout.isatty():
            from orchestra.cli.render import coloured

            coloured(text, shell.stdout)
        else:
            shell.say(text)


def _print_functions(report: Report, shell: Shell) -> None:
    for function in report.functions():
        labels = f" [{', '.join(function['labels'])}]" if function["labels"] else ""
        shell.say(f"  {function['name']}({', '.join(function['params'])}){labels}")


def _counts(report: Report) -> str:
    def counted(number: int, word: str) -> str:
        return f"{number} {word}" if number == 1 else f"{number} {word}s"

    return f"{counted(len(report.errors), 'error')}, {counted(len(report.warnings), 'warning')}"

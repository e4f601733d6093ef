"""One run of a script from the command line: what the engine is given, and who watches it.

Which file is run is decided by `file` and `run`; the run itself is `runtime.launch`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.cli.fuse import fuses
from orchestra.cli.options import CommandLine
from orchestra.cli.reporting import Reporting
from orchestra.cli.scripts import Scripts
from orchestra.cli.shell import Shell
from orchestra.config import Config, with_aliases
from orchestra.invocation import RunOptions

if TYPE_CHECKING:
    from orchestra.runtime.planning import Planning
    from orchestra.runtime.replaying import PastRun

__all__ = ["start"]


def start(
    source: Path | str,
    line: CommandLine,
    config: Config,
    shell: Shell,
    past: PastRun | None = None,
    plan: Callable[[Planning], None] | None = None,
    name: str = "-e",
) -> int:
    """Run a file, or a text in its place. Returns the exit code; raises OrchError for what ended the run.

    past: the run to do again with the answers it got
    plan: gets what would be asked, and nothing is
    name: what the store calls a text
    """
    from orchestra.runtime.launch import LaunchRequest, Streams, launch

    with Reporting(shell, line.options) as reporting:
        return launch(
            LaunchRequest(
                source=source,
                mode=line.options.mode or _mode(source),
                payload=line.payload,
                options=_named(line.options, config, shell),
                root=config.root,
                config=config,
                streams=Streams(shell.stdin, reporting.stdout, reporting.stderr),
                environ=_environ(line.options, shell),
                cwd=shell.cwd,
                subscribers=[*reporting.subscribers, *fuses(shell.environ)],
                argv=line.argv,
                past=past,
                plan=plan,
                name=name,
            )
        )


def _named(options: RunOptions, config: Config, shell: Shell) -> RunOptions:
    """The options with the script of `--fork` as the store knows it."""
    if options.fork is None:
        return options
    scripts = Scripts.of(config, shell.environ)
    return replace(options, fork=scripts.identity(options.fork, config.root, shell.cwd))


def _environ(options: RunOptions, shell: Shell) -> dict[str, str]:
    replay = {"ORCH_LLM_REPLAY": str(options.replay)} if options.replay else {}
    return with_aliases({**shell.environ, **options.env, **replay})


def _mode(source: Path | str) -> str:
    return "markdown" if isinstance(source, Path) and source.suffix == ".md" else "strict"

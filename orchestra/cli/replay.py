"""`orch replay RUN`: do a run again with the answers it got, without asking a model.

How calls are answered then is told by `runtime.replaying`. What a script does outside of labelled calls it does again.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.opened import bundle_named
from orchestra.cli.options import CommandLine, read, with_arguments
from orchestra.cli.settled import settled
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.cli.stored import chosen_run, now, open_store
from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.runtime.replaying import PastRun
from orchestra.store.listings import RunDetails, show_run
from orchestra.store.past import copy_store
from orchestra.store.places import Places
from orchestra.store.store import Store

__all__ = ["again", "main", "scratch_store"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(replay, argv, shell)


@click.command(name="replay")
@click.argument("run", default="last")
@click.option("--from", "live", metavar="@FUNCTION", help="Ask this function anew, and what depends on its answers.")
@click.option("--into", type=click.Path(path_type=Path), help="With a file: a new folder for the project in it.")
@click.option("--quiet", "-q", is_flag=True, help="No display and no summary.")
@click.pass_obj
def replay(shell: Shell, run: str, live: str | None, into: Path | None, quiet: bool) -> int:
    """Do RUN (the latest if none is named) again with the answers it got. No model is asked and nothing is stored.

    Options and payload are those of its last execution; time stands still at its start. Commands and files outside
    of labelled functions are done again, as in every execution. An answer that is missing is an error.

    With --from the run goes on instead: answers of @FUNCTION and of all calls that come to depend on them are asked
    for and stored; other calls keep theirs.

    RUN may be a file that `orch bundle` wrote. It is a program: do it again only if you trust who sent it. What it
    does happens in a folder that is thrown away, or in the one named with --into.
    """
    file = bundle_named(shell, run)
    if file is not None:
        with settled(file, into, shell) as project:
            inside = replace(shell, cwd=project.config.root)
            return again(project.config, inside, project.run, live, quiet, project.places)
    if into is not None:
        raise OrchError("E810", "--into is for the file of a bundle", help="orch replay FILE --into FOLDER", exit=2)
    config = shell.config()
    if live is not None:
        return again(config, shell, run, live, quiet)
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        with open_store(config, shell):  # which says so if there is none
            pass
        return again(scratch_store(config, Path(folder)), shell, run, live, quiet)


def again(config: Config, shell: Shell, run: str, live: str | None, quiet: bool, places: Places | None = None) -> int:
    """Do a run of the store again that `config` names; what comes of it is stored there."""
    with open_store(config, shell) as store:
        details = show_run(store, chosen_run(store, run).id)
        assert details is not None
        function = None if live is None else _known(store, details, live)
    past = PastRun(details.summary.id, details.executions[-1].ended or now(), function, places)
    return start(_source(details, config), _line(details, live is not None, quiet, shell), config, shell, past)


def scratch_store(config: Config, folder: Path) -> Config:
    """The settings of the project with a copy of its store in `folder`, so that the store stays as it is."""
    copy = folder / "store.db"
    if config.store_file.is_file():
        copy_store(config.store_file, copy)
    return replace(config, checkpoint=replace(config.checkpoint, store=str(copy)))


def _known(store: Store, details: RunDetails, live: str) -> str:
    """The name of a function that has answers. E803 if there is none."""
    name = live.removeprefix("@")
    known = store.resume(details.summary.script).functions()
    if name not in known:
        help = f"functions with results: {', '.join(f'@{fn}' for fn in known) or 'none'}"
        raise OrchError("E803", f'unknown function "@{name}"', help=help, exit=2)
    return name


def _source(details: RunDetails, config: Config) -> Path:
    path = config.root / details.summary.script
    if not path.is_file():
        what = "a text given with -e" if details.summary.script == "-e" else f"{details.summary.script}, which is gone"
        raise OrchError("E810", f"run {details.summary.id} is of {what}", help="only files can be run again", exit=2)
    return path


def _line(details: RunDetails, asks: bool, quiet: bool, shell: Shell) -> CommandLine:
    """The command line of the last execution, without what chooses answers there."""
    line = read(details.executions[-1].argv, shell.cwd)
    line = with_arguments(line, 1)
    if not line.argv:
        line = replace(line, payload=details.payload)
    kept = line.options
    options = replace(
        kept, new=False, resume=(), fork=None, checkpoint=True, explain=False, record=None, calls_out=None,
        strict_models=False, stale=None, quiet=quiet,
        replay=kept.replay if asks else None,
        clock=kept.clock if asks else kept.clock or details.executions[-1].started,
    )  # fmt: skip
    return replace(line, options=options)

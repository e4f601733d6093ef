"""`orch install [MODULE …]`: say whether modules are there, and take over skills that have changed.

With no registry, modules are bundled or files.

Loading a module is left to the runtime.
"""

from __future__ import annotations

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.lookup import completed, named_file, under_prefix
from orchestra.paths import bundled, home
from orchestra.runtime.sessions.skills import LOCK, SHOWN, Skills

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(install, argv, shell)


@click.command(name="install")
@click.argument("modules", nargs=-1)
@click.pass_obj
def install(shell: Shell, modules: tuple[str, ...]) -> None:
    """Check that MODULES can be imported; without names, those of the prelude in orch.toml.

    Without names the skills in orch.lock are taken as they are now, too.
    """
    config = shell.config()
    names = modules or config.prelude.modules
    skills = [] if modules else [_taken(*change) for change in Skills(config.root).refresh().items()]
    if not names and not skills:
        click.echo("Nothing to install: orch.toml names no modules, and no skill is locked.")
    for line in skills:
        click.echo(line)
    for name in names:
        click.echo(f"{name}: {_found(name, shell, config)}")


def _taken(name: str, hashes: tuple[str, str | None]) -> str:
    before, after = hashes
    if after is None:
        return f"skill {name}: gone, and no longer in {LOCK}"
    return f"skill {name}: {'unchanged' if before == after else f'{before[:SHOWN]} is now {after[:SHOWN]}'}"


def _found(name: str, shell: Shell, config: Config) -> str:
    if bundled(name) is not None:
        return "bundled, nothing to install"
    place = under_prefix(name, config.paths)
    path = completed(place) if place is not None else named_file(name, config, home(shell.environ))
    if path is not None:
        return f"found in {path}"
    if place is not None:
        raise OrchError("E410", f"{name} is not in {place.parent}")
    prefix = name.removeprefix("@").partition("/")[0]
    raise OrchError(
        "E410",
        f"{name} is not part of orch, and there is no registry",
        help=f'put it below llm/lib, or in a folder named in orch.toml: [paths] {prefix} = "FOLDER"',
    )

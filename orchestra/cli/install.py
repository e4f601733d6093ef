"""`orch install [MODULE …]`: say whether modules are there; with no registry, they are bundled or files.

Loading a module is left to the runtime.
"""

from __future__ import annotations

from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.paths import bundled

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(install, argv, shell)


@click.command(name="install")
@click.argument("modules", nargs=-1)
@click.pass_obj
def install(shell: Shell, modules: tuple[str, ...]) -> None:
    """Check that MODULES can be imported; without names, those of the prelude in orch.toml."""
    config = shell.config()
    names = modules or config.prelude.modules
    if not names:
        click.echo("Nothing to install: orch.toml names no modules.")
    for name in names:
        click.echo(f"{name}: {_found(name, config)}")


def _found(name: str, config: Config) -> str:
    if bundled(name) is not None:
        return "bundled, nothing to install"
    prefix, _, rest = name.removeprefix("@").partition("/")
    folder = config.paths.get(prefix)
    if folder is None:
        raise OrchError(
            "E410",
            f"{name} is not part of orch, and there is no registry",
            help=f'put it in a folder and name that in orch.toml: [paths] {prefix} = "FOLDER"',
        )
    return f"found in {_file(folder, rest, name)}"


def _file(folder: Path, rest: str, name: str) -> Path:
    for path in (folder / rest, folder / f"{rest}.mld", folder / rest / "index.mld"):
        if path.is_file():
            return path
    raise OrchError("E410", f"{name} is not in {folder}")

"""`orch init`: make a project in the current folder, with an example that runs without a model.

Existing files are left alone.
"""

from __future__ import annotations

from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.paths import CONFIG_FILE, STATE

__all__ = ["main"]

SETTINGS = """\
# Settings of this project; `orch howto orch-toml` lists every key.

[run]
scriptDir = "{scripts}"

[paths]
local = "{modules}"

[llm]
# provider = "anthropic"
"""
EXAMPLE = """\
>> An example that needs no model. Run it with: orch run hello --name you

import { @greeting } from @local/greeting

var @name = @payload.name ?? "world"
var @files = <*.md>

show @greeting(@name, @files.length)
"""
MODULE = """\
>> A module. Scripts import it as @local/greeting, its test stands beside it.

exe @greeting(name, count) = `Hello @name, this project has @count Markdown @plural(@count).`

exe @plural(count) = when [
  @count == 1 => "file"
  * => "files"
]

export { @greeting }
"""
TEST = """\
>> Run with: orch test

import { @greeting } from "./greeting.mld"
import { @equal, @contains } from @orch/test

@equal(@greeting("you", 2), "Hello you, this project has 2 Markdown files.")
@contains(@greeting("you", 1), "1 Markdown file.")
"""


def main(argv: list[str], shell: Shell) -> int:
    return invoke(init, argv, shell)


@click.command(name="init")
@click.option("--force", is_flag=True, help="Write orch.toml even if there is one.")
@click.option("--script-dir", default="llm/run", show_default=True, help="Folder of scripts run by name.")
@click.option("--local-path", default="llm/lib", show_default=True, help="Folder behind @local/… in imports.")
@click.pass_obj
def init(shell: Shell, force: bool, script_dir: str, local_path: str) -> None:
    """Make a project in this folder."""
    here = shell.cwd
    settings = here / CONFIG_FILE
    if settings.exists() and not force:
        return click.echo(f"{CONFIG_FILE} already exists. Use --force to overwrite it.")
    made = [_write(settings, SETTINGS.format(scripts=script_dir, modules=local_path), force)]
    made += [_folder(here / name) for name in (script_dir, local_path, "llm/mcp")]
    made += [_write(here / script_dir / "hello.mld", EXAMPLE)]
    made += [
        _write(here / local_path / f"greeting{end}", text) for end, text in ((".mld", MODULE), (".test.mld", TEST))
    ]
    made += [_ignore(here / ".gitignore")]
    for path in filter(None, made):
        click.echo(f"  {path.relative_to(here)}{'/' if path.is_dir() else ''}")
    return click.echo("\nNext: orch run hello, orch test, then orch howto intro")


def _write(path: Path, text: str, force: bool = False) -> Path | None:
    if path.exists() and not force:
        return None
    path.write_text(text, encoding="utf-8")
    return path


def _folder(path: Path) -> Path | None:
    if path.is_dir():
        return None
    path.mkdir(parents=True)
    return path


def _ignore(path: Path) -> Path | None:
    """Keep the project's state out of version control."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if f"{STATE}/" in lines or STATE in lines:
        return None
    path.write_text("\n".join([*lines, f"{STATE}/", ""]), encoding="utf-8")
    return path

"""`orch prose import FILE.prose`: translate a program of the `.prose` language into a script.

The other verbs are commands of the bundled module of the same name, and are called as `style` calls them.
"""

from __future__ import annotations

from pathlib import Path

import click

from orchestra.cli import style
from orchestra.cli.clicked import invoke
from orchestra.cli.flag_values import usage
from orchestra.cli.shell import Shell
from orchestra.errors import OrchError
from orchestra.source import Source

__all__ = ["main"]

INCOMPLETE = 5  # done, but there is something that was not carried over


def main(argv: list[str], shell: Shell) -> int:
    if argv[:1] == ["import"]:
        return invoke(import_, argv[1:], shell)
    if style.commands_of("prose") is not None:
        return style.main(["prose", *argv], shell)
    if argv and argv[0] not in ("--help", "-h"):
        raise usage(f"orch prose has no {argv[0]}", "orch prose import FILE.prose")
    invoke(import_, ["--help"], shell)
    return 0 if argv else 2


@click.command(name="prose import")
@click.argument("file", metavar="FILE.prose")
@click.option("-o", "--output", metavar="FILE.mld", help="Where the script goes; without it, it is printed.")
@click.option("--force", is_flag=True, help="Write over a script that is there.")
@click.pass_obj
def import_(shell: Shell, file: str, output: str | None, force: bool) -> int:
    """Translate a program of the .prose language, version 1, into a script.

    What cannot be carried over is told with its line, stands in the script as a comment, and makes the exit code 5.
    """
    from orchestra.prose_import.program import translated

    made = translated(_read(shell.cwd / file, file))
    for note in made.notes:
        shell.note(f"{file}:{note.line}: {'not translated: ' if note.left else ''}{note.text}")
    if output is None:
        shell.stdout.write(made.text)
    else:
        _write(shell.cwd / output, output, made.text, force)
        shell.say(f"wrote {output}")
    return 0 if made.is_whole else INCOMPLETE


def _read(path: Path, name: str) -> Source:
    try:
        return Source(name, path.read_bytes().decode(), path)
    except (FileNotFoundError, IsADirectoryError):
        raise OrchError("E401", f"file not found: {name}", exit=2) from None
    except UnicodeDecodeError:
        raise OrchError("E402", f"{name} is not UTF-8 text", exit=2) from None


def _write(path: Path, name: str, text: str, force: bool) -> None:
    if path.exists() and not force:
        raise usage(f"{name} is already there", "--force writes over it")
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise OrchError("E402", f"cannot write {name}: {(error.strerror or str(error)).lower()}", exit=2) from None

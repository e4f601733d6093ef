"""`orch format [--check] FILE …`: lay scripts out in the one canonical way, comments included.

What that way is stands in `orchestra.printing`. A script that would then mean something else is left alone.
"""

from __future__ import annotations

from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.errors import OrchError
from orchestra.parse import parse_script
from orchestra.printing import laid_out, same_tree
from orchestra.scan.headers import read_header
from orchestra.source import Source

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(format_, argv, shell)


@click.command(name="format")
@click.argument("paths", nargs=-1, required=True, metavar="FILE …")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.pass_obj
def format_(shell: Shell, paths: tuple[str, ...], check: bool) -> int:
    """Lay out scripts: one statement a line, two blanks a level, comments kept.

    In a Markdown file only the directives change. Templates are not touched.
    """
    changed = [path for path in paths if _format(shell, path, check)]
    for path in changed:
        shell.say(f"{'would change' if check else 'formatted'} {path}")
    return int(check and bool(changed))


def _format(shell: Shell, name: str, check: bool) -> bool:
    """Lay out one file; whether that changes it. Raises OrchError with exit 2 for what cannot be laid out."""
    path = shell.cwd / name
    source = _read(path, name)
    text = formatted(source, "markdown" if path.suffix == ".md" else "strict")
    if text != source.text and not check:
        path.write_bytes(text.encode())
    return text != source.text


def _read(path: Path, name: str) -> Source:
    if path.name.endswith((".att", ".mtt")):
        raise OrchError("E810", f"{name} is a template: its text is its layout", exit=2)
    try:
        return Source(name, path.read_bytes().decode(), path)
    except (FileNotFoundError, IsADirectoryError):
        raise OrchError("E401", f"file not found: {name}", exit=2) from None
    except UnicodeDecodeError:
        raise OrchError("E402", f"{name} is not UTF-8 text", exit=2) from None


def formatted(source: Source, mode: str) -> str:
    """The text of a script laid out anew."""
    script = parse_script(source, mode)
    text = laid_out(script, mode, read_header(source).end)
    if not same_tree(script, parse_script(Source(source.name, text, source.path), mode)):
        raise OrchError("E901", f"{source.name} would mean something else when laid out; it was left alone")
    return text

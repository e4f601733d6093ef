"""`orch sql "SELECT …"`: look into the store of the project, without changing it.

The tables are named in ARCHITECTURE.md; what may be asked is decided in `store.query`.
"""

from __future__ import annotations

import json
from typing import Any

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.errors import OrchError
from orchestra.store.query import ask

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(sql, argv, shell)


@click.command(name="sql")
@click.argument("query")
@click.option("--header", is_flag=True, help="Print the names of the columns first.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON array of objects.")
@click.pass_obj
def sql(shell: Shell, query: str, header: bool, as_json: bool) -> None:
    """Ask the store of this project in SQL. One row is a line, its fields are separated by |."""
    file = shell.config().store_file
    if not file.is_file():
        raise OrchError(
            "E806", f"nothing is stored yet: there is no {file.name} in {file.parent}", help="orch run NAME"
        )
    answer = ask(file, query)
    if as_json:
        rows = [dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows]
        return click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    if header:
        click.echo("|".join(answer.columns))
    for row in answer.rows:
        click.echo("|".join(_field(value) for value in row))
    return None


def _field(value: Any) -> str:
    return "" if value is None else str(_plain(value))


def _plain(value: Any) -> Any:
    """Bytes as the text they are, or else in hexadecimal."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()

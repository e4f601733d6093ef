"""Commands that are written with click, run with the shell's streams and with errors in our own form.

Options of scripts are not read by click but in `options`, since most of them belong to the script.
"""

from __future__ import annotations

import contextlib
from typing import Any

import click

from orchestra.cli.flag_values import usage
from orchestra.cli.shell import Shell
from orchestra.errors import OrchError

__all__ = ["invoke"]


def invoke(command: click.Command, argv: list[str], shell: Shell) -> int:
    """Run `command`, which finds the shell as `obj` of its context. Returns the exit code."""
    with contextlib.redirect_stdout(shell.stdout):
        try:
            result: Any = command.main(argv, prog_name=f"orch {command.name}", standalone_mode=False, obj=shell)
        except click.exceptions.NoArgsIsHelpError as error:
            shell.say(error.format_message())
            return 0
        except click.UsageError as error:
            raise _usage(error) from None
        except click.Abort:
            raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0


def _usage(error: click.UsageError) -> OrchError:
    message = error.format_message().rstrip(".")
    command = error.ctx.command_path if error.ctx else "orch"
    return usage(message[:1].lower() + message[1:], f"{command} --help")

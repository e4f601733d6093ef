"""From the words of the command line to the module that answers them, and from any failure to an exit code.

What a command does is its module's business.
"""

from __future__ import annotations

import errno
import json
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from orchestra.cli import COMMANDS, overview
from orchestra.cli.again import command_to_go_on
from orchestra.cli.shell import Shell
from orchestra.errors import RESUMABLE, OrchError, internal_error, nearest

__all__ = ["dispatch"]

WAITING = 3  # for a person
INTERRUPTED = 130
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
SCRIPT_SUFFIXES = (".mld", ".mld.md")


def dispatch(words: Sequence[str], shell: Shell) -> int:
    """Run one command line. Every failure is shown on stderr; the result is the exit code of the process."""
    code, error = _outcome(list(words), shell)
    told = code == WAITING and error is None  # how a gate is answered
    if code in (*RESUMABLE, INTERRUPTED) and not told and "--json" not in words and _runs_a_script(words[0]):
        shell.note(f"continue with: {command_to_go_on(words, error)}")
    return code


def _runs_a_script(word: str) -> bool:
    return word == "run" or word not in COMMANDS


def _outcome(words: list[str], shell: Shell) -> tuple[int, OrchError | None]:
    try:
        return _command(words, shell), None
    except OrchError as error:
        _show(error, words, shell)
        if _debugging(words, shell) and error.__cause__ is not None:
            shell.note("".join(traceback.format_exception(error)).rstrip())
        return error.exit, error
    except KeyboardInterrupt:
        return INTERRUPTED, None
    except BrokenPipeError:
        raise  # it concerns the process and not the command
    except Exception as error:
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            raise  # so does a full disk under standard output; all other writing names its file
        _show(internal_error(error), words, shell)
        if _debugging(words, shell):
            shell.note(traceback.format_exc().rstrip())
        return 1, None


def _show(error: OrchError, words: Sequence[str], shell: Shell) -> None:
    if "--json" in words:
        shell.note(json.dumps(error.as_data(), ensure_ascii=False, default=str))
    else:
        shell.report(error)


def _debugging(words: Sequence[str], shell: Shell) -> bool:
    return bool(shell.environ.get("ORCH_DEBUG")) or "--debug" in words


def _command(words: list[str], shell: Shell) -> int:
    if words[0] == "help" and len(words) > 1:
        words = [words[1], "--help"]
    if words[0] in ("--help", "-h"):
        shell.say(overview().rstrip("\n"))
        return 0
    name = words[0]
    if name in COMMANDS:
        module = import_module(COMMANDS[name][0])
        return int(module.main(words[1:], shell))
    if not name.startswith("-") and not (shell.cwd / name).is_file():
        from orchestra.cli import style

        if style.commands_of(name) is None:
            raise _unknown(name, shell)
        return style.main(words, shell)
    from orchestra.cli import file

    return file.main(words, shell)


def _unknown(word: str, shell: Shell) -> OrchError:
    if (shell.cwd / word).is_dir():
        return OrchError("E810", f"{word} is a folder, not a script", exit=2)
    if word.endswith(SCRIPT_SUFFIXES) or "/" in word:
        close = nearest(word, _files_like(shell.cwd / word, shell.cwd))
        help = f"did you mean orch {close}?" if close else None
        return OrchError("E401", f"file not found: {word}", help=help, exit=2)
    return OrchError("E810", f'"{word}" is neither a command nor a file', help=_meant(word, shell), exit=2)


def _files_like(missing: Path, cwd: Path) -> set[str]:
    if not missing.parent.is_dir():
        return set()
    found = [path for path in missing.parent.iterdir() if path.name.endswith(SCRIPT_SUFFIXES)]
    return {str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path) for path in found}


def _meant(word: str, shell: Shell) -> str:
    from orchestra.cli.scripts import Scripts

    scripts = Scripts.of(shell.config(), shell.environ).names()
    if word in scripts:
        return f"did you mean orch run {word}?"
    if close := nearest(word, set(COMMANDS)):
        return f"did you mean orch {close}?"
    if close := nearest(word, set(scripts)):
        return f"did you mean orch run {close}?"
    return "orch --help lists the commands"

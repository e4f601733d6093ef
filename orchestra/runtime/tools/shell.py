"""The tool Bash: one command in a fresh shell, in the folder of the call.

Whether the command may be run is decided in `shell_check`.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from typing import Any

from orchestra.providers.child import run_child
from orchestra.runtime.redact import is_secret_name
from orchestra.runtime.tools.workspace import Refusal, Workspace

__all__ = ["run_shell", "scrubbed"]

SECONDS = 120.0
MOST_SECONDS = 600.0
MOST_CHARACTERS = 30_000

# Variables by which a shell can be made to do something else than what was checked.
SHELL_VARIABLES = frozenset({"BASH_ENV", "ENV", "CDPATH", "SHELLOPTS", "BASHOPTS", "GLOBIGNORE", "PS4"})

HIDDEN = ("ANTHROPIC_", "BASH_FUNC_")  # credentials, and functions that a shell would take over


async def run_shell(workspace: Workspace, environment: Mapping[str, str], input: dict[str, Any]) -> str:
    """The exit code and the merged output, cut in the middle. Raises Refusal."""
    seconds = min(float(input.get("timeout", SECONDS)), MOST_SECONDS)
    try:
        done = await run_child(
            ["bash", "--noprofile", "--norc", "-c", input["command"]],
            cwd=workspace.dir,
            environment=environment,
            timeout=seconds,
            merge=True,
        )
    except OSError as error:
        why = (
            "the command is too long; write it into a file" if error.errno == errno.E2BIG else "bash cannot be started"
        )
        raise Refusal(why) from None
    output = _shortened(done.stdout.decode("utf-8", "replace"))
    if done.code is None:
        why = "printed too much" if done.overflow else f"took longer than {seconds:g} s"
        raise Refusal(f"the command {why} and was stopped\n{output}".rstrip())
    return f"exit code {done.code}\n{output}".rstrip()


def scrubbed(environment: Mapping[str, str], kept: Collection[str]) -> dict[str, str]:
    """What commands of models see of the environment: no secrets but those in `kept`."""
    return {
        name: value
        for name, value in environment.items()
        if name in kept or not (is_secret_name(name) or name.startswith(HIDDEN) or name in SHELL_VARIABLES)
    }


def _shortened(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    half = MOST_CHARACTERS // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"

"""`orch explain CODE`: what an error or warning means and what to do about it.

The text on an error is the topic of the manual that names the code, that on a finding of the check its own sentence.
"""

from __future__ import annotations

import click

from orchestra.check.rules import RULES
from orchestra.cli.clicked import invoke
from orchestra.cli.howto import FOLDER
from orchestra.cli.shell import Shell
from orchestra.cli.topics import read_topics
from orchestra.errors import NAMES, OrchError, nearest

__all__ = ["main"]

AREAS = {
    "E1": "syntax",
    "E2": "names and values",
    "E3": "control flow and pipelines",
    "E4": "files and modules",
    "E5": "commands and code",
    "E6": "security and hooks",
    "W6": "security and hooks",
    "E7": "models",
    "E8": "checkpoints, configuration and the command line",
    "E9": "faults of orch itself",
}


def main(argv: list[str], shell: Shell) -> int:
    return invoke(explain, argv, shell)


@click.command(name="explain")
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Explain the code of an error, such as E201, or of a finding of the check; without a code, list them all."""
    if code is None:
        return click.echo("\n".join([*(f"{known}  {name}" for known, name in NAMES.items()), *RULES]))
    if code in RULES:
        click.echo(f"{code} ({RULES[code].level} of orch check)\n\n{RULES[code].text}")
        return click.echo(f'\nTo silence it, write in orch.toml:\n\n[check]\nsuppressWarnings = ["{code}"]')
    known = _known(code)
    click.echo(f"{known} {NAMES[known]}: {AREAS[known[:2]]}")
    for topic in read_topics(FOLDER):
        if known in topic.codes:
            click.echo(f"\n# {topic.title}\n\n{topic.text}")
    return None


def _known(code: str) -> str:
    """The code as it is written in messages; its name (`TIMEOUT`) and small letters are understood."""
    wanted = code.upper()
    for known, name in NAMES.items():
        if wanted in (known, name.upper()):
            return known
    close = nearest(wanted, [*NAMES, *NAMES.values()]) or nearest(code, RULES)
    help = f"did you mean {close}?" if close else "orch explain lists the codes"
    raise OrchError("E810", f'no error has the code "{code}"', help=help, exit=2)

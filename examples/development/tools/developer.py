"""A stand-in for a language model: mends small Python functions by rule, through tools, as a model would.

How it mends stands in `standin/mending.py`, each role in a module of its own, the wire in `standin/protocol.py`;
here it is decided which role a prompt asks for.
"""

from __future__ import annotations

import sys

from standin.attack import attack
from standin.decide import decide
from standin.dialogue import Talk
from standin.protocol import NotUnderstood, section, serve
from standin.verify import verify
from standin.work import work

ROLES = {"decide": decide, "work": work, "verify": verify, "attack": attack}


def choose(prompt: str) -> Talk:
    """The talk of the role that the prompt names; the role finds in the prompt what it needs."""
    role = section(prompt, "role")
    if role not in ROLES:
        raise NotUnderstood(f"the prompt names no role that I have: expected <role>{'|'.join(ROLES)}</role>")
    return ROLES[role](prompt)


if __name__ == "__main__":
    sys.exit(serve(choose))

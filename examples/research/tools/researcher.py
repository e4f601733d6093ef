"""A stand-in for a language model: reads documents by rule and answers through tools, as a model would.

How it reads stands in `standin/reading.py`, each role in a module of its own, the wire in `standin/protocol.py`;
here it is decided which role a prompt asks for.
"""

from __future__ import annotations

import sys

from standin.assess import assess
from standin.decide import decide
from standin.dialogue import Talk
from standin.discover import discover
from standin.invalidate import invalidate
from standin.protocol import NotUnderstood, section, serve
from standin.synthesize import synthesize

ROLES = {
    "decide": decide,
    "discover": discover,
    "assess": assess,
    "synthesize": synthesize,
    "invalidate": invalidate,
}


def choose(prompt: str) -> Talk:
    """The talk of the role that the prompt names; the role finds in the prompt what it needs."""
    role = section(prompt, "role")
    if role not in ROLES:
        raise NotUnderstood(f"the prompt names no role that I have: expected <role>{'|'.join(ROLES)}</role>")
    return ROLES[role](prompt)


if __name__ == "__main__":
    sys.exit(serve(choose))

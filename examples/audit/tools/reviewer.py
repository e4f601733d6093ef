"""A stand-in for a language model: examines Python code by rule and answers through tools, as a model would.

What it knows about Python stands in `standin/`, the wire in `standin/protocol.py`; here it is decided what a prompt
asks for.
"""

from __future__ import annotations

import json
import sys

from standin.dialogue import Talk
from standin.protocol import NotUnderstood, section, serve
from standin.review import Finding, review
from standin.verify import verify


def choose(prompt: str) -> Talk:
    """What the prompt asks for: a verdict if it holds a finding, else a review."""
    path = section(prompt, "file")
    if not path:
        raise NotUnderstood("the prompt names no file: expected a line <file>path</file>")
    finding = section(prompt, "finding")
    return verify(path, _finding(finding)) if finding else review(path, section(prompt, "source"))


def _finding(text: str) -> Finding:
    try:
        data = json.loads(text)
        return Finding(**{name: data[name] for name in Finding.__dataclass_fields__})
    except (ValueError, TypeError, KeyError) as error:
        raise NotUnderstood(f"the finding in the prompt cannot be read: {error!r}") from None


if __name__ == "__main__":
    sys.exit(serve(choose))

"""Reads one document and writes down what it states about the points, without judging whether it is true."""

from __future__ import annotations

from standin.dialogue import Answer, Talk, read_file
from standin.protocol import NotUnderstood, section
from standin.reading import points, statements


def assess(prompt: str) -> Talk:
    """Read the file. At first whole sentences are quoted, after a rejection only lines as they stand."""
    path = section(prompt, "file")
    if not path:
        raise NotUnderstood("the prompt names no document: expected a line <file>path</file>")
    text = yield from read_file(path)
    found = statements(path, text, points(prompt))
    rejected = (section(prompt, "rejected") or "").strip()
    claims = [{**one._asdict(), "quote": one.quote if rejected else one.statement} for one in found]
    return Answer({"claims": claims}, f"{len(claims)} statements in {path}.")

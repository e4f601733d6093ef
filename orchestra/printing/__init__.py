"""Scripts as text again: the canonical form of a tree, and scripts laid out anew with their comments.

Parsing what is printed gives the same tree. What is parsed is decided in `parse`.
"""

from __future__ import annotations

from orchestra.nodes.script import Document, Script
from orchestra.nodes.templates import TextBody
from orchestra.printing import (  # noqa: F401  (these fill the table)
    control,
    expressions,
    modules,
    pipelines,
    security,
    sessions,
    statements,
    texts,
)
from orchestra.printing.comments import Comments
from orchestra.printing.documents import document_text, in_place
from orchestra.printing.layout import render
from orchestra.printing.printer import Printer
from orchestra.printing.texts import parts_text
from orchestra.printing.trees import difference, same_tree

__all__ = ["difference", "laid_out", "print_script", "print_template", "same_tree"]


def print_script(script: Script, mode: str | None = None) -> str:
    """The canonical source of a tree in mode `strict` or `markdown`, without header and comments.

    Without a mode it is a document if it holds prose.
    """
    prose = any(isinstance(statement, Document) for statement in script.statements)
    if mode == "markdown" or (mode is None and prose):
        return document_text(script, Printer())
    text = render(Printer()(script))
    return text + "\n" if text else ""


def print_template(body: TextBody, syntax: str) -> str:
    """The canonical source of a template file in syntax `att` or `mtt`."""
    return parts_text(body.parts, syntax, Printer())


def laid_out(script: Script, mode: str, start: int) -> str:
    """The source of a script with its statements printed anew and its comments kept.

    `start` is the offset where its header ends. A document keeps everything around its directives as it is.
    """
    source = script.span.source.text
    comments = Comments.between(source, script.marks, start)
    if mode == "markdown":
        return in_place(script, source, Printer(comments))
    text = render(Printer(comments).lines(script.statements, start, len(source)))
    return source[:start] + (text + "\n" if text else "")

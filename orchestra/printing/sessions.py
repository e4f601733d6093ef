"""How agents and sessions are written."""

from __future__ import annotations

from orchestra.nodes.base import Node
from orchestra.nodes.sessions import Agent, Asking, Resume, Session
from orchestra.nodes.templates import Template
from orchestra.printing.layout import Doc
from orchestra.printing.printer import Level, Printer, prints, spaced

BARE = ('"', "'", "`")  # a text in colons would be no task


@prints(Agent)
def agent(node: Agent, show: Printer) -> Doc:
    value = ("= ", show(node.value, Level.POSTFIX)) if node.value is not None else ""
    return spaced("agent", node.token, value)


@prints(Session, Resume)
def session(node: Asking, show: Printer) -> Doc:
    word = "resume" if node.resumed else "session"
    return spaced(word, show(node.whom, Level.POSTFIX), _task(node.task, show))


def _task(node: Node, show: Printer) -> Doc:
    bare = isinstance(node, Template) and node.opener in BARE
    return show(node) if bare else ("(", show(node, Level.VALUE), ")")

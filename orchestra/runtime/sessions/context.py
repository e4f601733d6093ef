"""What a session is to know besides its task: as it is, or, where it is bounded, shorter or by the name of a file.

Summaries are made and recorded by `semantic.summary`; here is decided which part gets one.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.sessions import Ask
from orchestra.paths import STATE
from orchestra.runtime.files.replacing import replace_file
from orchestra.runtime.semantic.settings import Shortened
from orchestra.runtime.semantic.summary import tokens
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, joined, plain, tag, unwrap
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Part", "context_of"]

Part = tuple[str, Any]  # its name, "" if it has none, and its text with the tags of what it was made of
SHOWN: Final = 12  # digits of a hash in the name of a file


def context_of(ask: Ask, agent: dict[str, Any], tools: Any, run: Run, scope: Scope) -> list[Part]:
    """The parts of the context. With `contextTokens` none is longer: an agent that may read files is told where the
    whole text lies, another one gets a summary for its task."""
    parts = _parts(ask.options.get("context"))
    limit = unwrap(ask.options.get("contextTokens", agent.get("contextTokens")))
    if limit is None or run.planning is not None:
        return parts
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or limit < 1 or limit != int(limit):
        raise OrchError("E741", "contextTokens is a whole number from 1", ask.span, exit=2)
    wishes = Shortened(int(limit), goal=template_text(ask.task))
    return [(name, _bounded(value, wishes, _reads(tools), ask, run, scope)) for name, value in parts]


def _parts(context: Any) -> list[Part]:
    data = unwrap(context)
    if data is None or data is MISSING or data in ("", [], {}):
        return []
    if isinstance(data, dict):
        return [(str(key), _text(value)) for key, value in data.items()]
    return [("", _text(value)) for value in (data if isinstance(data, list) else [context])]


def _text(value: Any) -> Any:
    return tag(template_text(plain(value)).strip(), joined((value,), deep=True))


def _reads(tools: Any) -> bool:
    """Whether an agent with these tools can open files."""
    names = unwrap(tools)
    return isinstance(names, list) and any(isinstance(name, str) and name.startswith("Read") for name in names)


def _bounded(value: Any, wishes: Shortened, reads: bool, ask: Ask, run: Run, scope: Scope) -> Any:
    text = unwrap(value)
    if not reads or tokens(text) <= wishes.most:
        return run.summariser.shorten(value, wishes, ask.span, scope)
    clean = run.redactor.clean(text)
    name = f"{STATE}/context/{sha256(clean.encode('utf-8', 'replace')).hexdigest()[:SHOWN]}.md"
    file = run.root / name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, clean.encode("utf-8", "replace"), None)
    except OSError as error:
        raise OrchError("E805", f"{name} cannot be written: {(error.strerror or str(error)).lower()}") from None
    told = f"This is long, about {tokens(text)} tokens. It lies in the file {name}: read what you need of it."
    return run.summariser.refer(value, told, wishes, ask.span, scope)

"""One session: an agent, a task and its context become a labelled call of a model, with all that belongs to one.

Who an agent is says `agents`; the answer is looked up, made and stored like that of every labelled function.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.nodes.sessions import Ask
from orchestra.runtime.sessions.agents import SETTINGS, Agents, tools_of
from orchestra.source import Span
from orchestra.values.kinds import a_kind
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, joined, plain, tag, unwrap
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Sessions"]

MODEL_FAULTS: Final = "E7"  # begins the codes of what may go wrong with a model


class Sessions:
    """The sessions of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._agents = Agents(run.root, self._text_of_file)

    # ── agents ───────────────────────────────────────────────────────────────────────────────────

    def declared(self, name: str, given: Any, span: Span) -> Any:
        """The value of `agent @name = …`. Raises E741."""
        folder = span.source.directory or self._run.root
        try:
            return tag(self._agents.declared(name, given, folder), joined((given,)))
        except OrchError as error:
            raise error.at(span) from None

    def _agent(self, ask: Ask) -> dict[str, Any]:
        """The agent that is asked; one without a name if none is."""
        data = unwrap(ask.whom)
        if data is None:
            return {}
        try:
            if isinstance(data, str):
                return self._agents.named(data, self._run.root)
            if isinstance(data, dict):
                return self._agents.declared("agent", data, self._run.root)
        except OrchError as error:
            raise error.at(ask.span) from None
        help = 'agent @name = { model: "sonnet", prompt: "…" }'
        raise OrchError("E741", f"a session needs an agent, this is {a_kind(data)}", ask.span, help=help)

    def _text_of_file(self, path: Path) -> str | None:
        try:
            return self._run.permitted(path).read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise OrchError("E402", f"{path.name} cannot be read: {error}") from None

    # ── one session ──────────────────────────────────────────────────────────────────────────────

    def ask(self, ask: Ask, scope: Scope) -> Any:
        """The answer, stored or made."""
        agent = self._agent(ask)
        name = str(unwrap(agent.get("name", "session")))
        task = _with_context(ask.task, ask.options.get("context"))
        op = Op(
            "exe", name, [task, self._settings(agent, name, ask)], ("llm",), ask.span, name, {},
            self._function(name), ask.sample, ask.cache,
        )  # fmt: skip
        try:
            return self._run.call(op, scope)
        except OrchError as error:
            raise _told(error, template_text(ask.options.get("label") or name)) from None

    def _settings(self, agent: dict[str, Any], name: str, ask: Ask) -> dict[str, Any]:
        """What the model function gets besides the task."""
        given = {**agent, **{key: value for key, value in ask.options.items() if value is not None}}
        made: dict[str, Any] = {key: given[key] for key in SETTINGS if key in given}
        made["tools"] = ask.options["tools"] if "tools" in ask.options else tools_of(agent)
        made["system"] = agent.get("prompt")
        made["purpose"] = given.get("purpose", "session")
        if agent:
            made["agent"] = name
        return {key: value for key, value in made.items() if value is not None and value is not MISSING}

    def _function(self, name: str) -> Native:
        """The labelled function that a session is for cache, hooks and ledger."""
        model = self._run.model_function("llm")

        def body(op: Op, scope: Scope) -> Any:
            return model.body(Op("exe", "llm", op.inputs, ("llm",), op.span), scope)

        function = Native(name, ("task", "settings"), body, ("llm",))
        function.digest = "session:1"
        return function


def _with_context(task: Any, context: Any) -> Any:
    """The task with what it is to know, each part in a tag with its name."""
    data = unwrap(context)
    if data is None or data is MISSING or data in ("", [], {}):
        return task
    if isinstance(data, dict):
        parts = [_section(f' name="{key}"', value) for key, value in data.items()]
    else:
        parts = [_section("", value) for value in (data if isinstance(data, list) else [context])]
    return tag("\n\n".join([unwrap(task), *parts]), joined((task, context), deep=True))


def _section(name: str, value: Any) -> str:
    return f"<context{name}>\n{template_text(plain(value)).strip()}\n</context>"


def _told(error: OrchError, label: str) -> OrchError:
    """The same error, which names the session that it befell."""
    whose = "session" if label == "session" else f"session {label}"
    if error.code == "E717":
        error.message = f"{whose}: empty result"
    elif error.code.startswith(MODEL_FAULTS) and not error.fatal:
        error.message = f"{whose}: {error.message}"
    return error

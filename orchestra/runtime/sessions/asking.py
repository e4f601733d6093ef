"""One session: an agent, a task and its context become a labelled call of a model, with all that belongs to one.

Who an agent is says `agents`, what it remembers `memory`; the answer is looked up, made and stored like that of every
labelled function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.nodes.sessions import Ask
from orchestra.runtime.lanes import next_position
from orchestra.runtime.sessions.agents import SETTINGS, Agents, tools_of
from orchestra.runtime.sessions.context import Part, context_of
from orchestra.runtime.sessions.memory import Memory, Said, belongs
from orchestra.runtime.sessions.skills import Skill, Skills
from orchestra.source import Span
from orchestra.store.memories import Belongs
from orchestra.store.sessions import Session
from orchestra.values.kinds import a_kind
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, joined, meta_of, plain, tag, unwrap
from orchestra.values.text import compact_json, template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Sessions"]

MODEL_FAULTS: Final = "E7"  # begins the codes of what may go wrong with a model


@dataclass(slots=True)
class _Prepared:
    """A session before it is asked.

    earlier: what the agent remembers, None if it is not to
    parts:   the sections below the task: name and text
    """

    ask: Ask
    agent: dict[str, Any]
    name: str
    label: str
    position: tuple[int, ...]
    whose: Belongs | None
    earlier: Any
    parts: list[tuple[str, str]]
    skills: list[Skill]
    settings: dict[str, Any]
    prompt: Any
    id: str = ""


class Sessions:
    """The sessions of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._agents = Agents(run.root, self._text_of_file)
        self._memory = Memory(run)
        self._begun: float | None = None
        self.skills = Skills(run.root)

    # ── agents ───────────────────────────────────────────────────────────────────────────────────

    def declared(self, name: str, given: Any, span: Span) -> Any:
        """The value of `agent @name = …`, its skills resolved. Raises E741 and E743."""
        folder = span.source.directory or self._run.root
        try:
            agent = self._agents.declared(name, given, folder)
            if self._run.planning is None:
                names = [skill.name for skill in self._resolved(_names(agent.get("skills")), folder)]
                agent |= {"skills": names} if names else {}
            return tag(agent, joined((given,)))
        except OrchError as error:
            raise error.at(span) from None

    def agent(self, name: str, folder: Path) -> dict[str, Any]:
        """The agent of a file, by its name or its path."""
        return self._agents.named(name, folder)

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
            text = self._run.permitted(path).read_text("utf-8")
            self._run.files_read.source(path)
            return text
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise OrchError("E402", f"{path.name} cannot be read: {error}") from None

    def _resolved(self, wanted: list[str], folder: Path) -> list[Skill]:
        """The skills called so, which are files of the program as scripts are. Raises E743."""
        found = self.skills.resolved(wanted, folder)
        for skill in found:
            self._run.files_read.source(skill.file)
        return found

    # ── one session ──────────────────────────────────────────────────────────────────────────────

    def ask(self, ask: Ask, scope: Scope) -> Any:
        """The answer, stored or made; kept as a row, and as a segment of what the agent remembers."""
        session = self._prepared(ask, scope)
        if session.whose is not None and scope.context.memo is not None:
            help = f"leave the label llm of @{scope.context.memo.op.name} out: a session is labelled by itself"
            message = f"agent {session.name} persists, and a labelled function may be served without asking it"
            raise OrchError("E742", message, ask.span, help=help)
        op = Op(
            "exe", session.name, [session.prompt, session.settings], ("llm",), ask.span, session.name, {},
            None, ask.sample, ask.cache,
        )  # fmt: skip
        if self._run.planning is not None:
            op.function = self._function(session.name, lambda: None)
            return self._run.call(op, scope)
        value = self._kept(session, op, scope)
        if session.whose is not None:
            said = Said(
                session.whose, session.agent, session.id, session.position, session.earlier or "", ask.task, value,
                ask.span,
            )  # fmt: skip
            self._memory.after(said, scope)
        return value

    def _kept(self, session: _Prepared, op: Op, scope: Scope) -> Any:
        """The answer, while the row of the session follows what becomes of it."""
        rows, started = self._run.execution.sessions, self._at()
        rows.create(_row(session, started))
        asked = False

        def asking() -> None:
            nonlocal asked
            asked = True
            rows.running(session.id, self._at())
            self._run.event("session:start", session=session.id, label=session.label, agent=session.agent.get("name"))

        op.function = self._function(session.name, asking)
        state, error = "aborted", None
        try:
            value = self._run.call(op, scope)
            state = "completed"
        except OrchError as fault:
            state, told = "failed", _told(fault, session.label)
            error = told.message
            raise told from None
        finally:
            if state != "completed":
                rows.ended(session.id, state, error, self._at() - started)
            if asked:
                self._run.event("session:end", session=session.id, label=session.label, state=state)
        usage = ((meta_of(value).facts or {}).get("llm") or {}).get("usage") or {}
        rows.completed(
            session.id, _hash(template_text(value)), int(usage.get("input", 0)), int(usage.get("output", 0)),
            self._at() - started if asked else None,
        )  # fmt: skip
        return value

    def _prepared(self, ask: Ask, scope: Scope) -> _Prepared:
        agent = self._agent(ask)
        name = str(unwrap(agent.get("name", "session")))
        label = template_text(ask.options.get("label") or name)
        position, whose = next_position(), belongs(agent, name, self._run.execution.run_id)
        earlier = self._remembered(ask, name, whose, position)
        skills = self._skills(ask, agent)
        known = context_of(ask, agent, self._tools(ask, agent), self._run, scope)
        parts = [_section(part) for part in known]
        shown = [f"<memory>\n{template_text(earlier)}\n</memory>"] if earlier else []
        text = "\n\n".join([template_text(ask.task), *shown, *(section for _, section in parts)])
        prompt = tag(
            text, joined((ask.task, earlier, ask.options.get("context"), *(text for _, text in known)), deep=True)
        )
        settings = self._settings(agent, name, ask, skills)
        made = _Prepared(ask, agent, name, label, position, whose, earlier, parts, skills, settings, prompt)
        made.id = _hash("\0".join([name, label, text, compact_json(_tellable(settings)), str(ask.sample)]))[:12]
        return made

    def _remembered(self, ask: Ask, name: str, whose: Belongs | None, position: tuple[int, ...]) -> Any:
        """What the agent knows from before, if it is to go on with that. Raises E742."""
        if not ask.resumed:
            return None
        if whose is None:
            help = 'agent @name = { persist: "run", … }'
            raise OrchError(
                "E742", f"agent {name} does not persist, so there is nothing to resume", ask.span, help=help
            )
        earlier = "" if self._run.planning is not None else self._memory.before(whose, position)
        if not template_text(earlier).strip() and self._run.planning is None:
            help = "begin with session, which needs no memory"
            raise OrchError("E742", f"agent {name} remembers nothing yet", ask.span, help=help)
        return earlier

    def _skills(self, ask: Ask, agent: dict[str, Any]) -> list[Skill]:
        """The skills of agent and session, each once."""
        folder = ask.span.source.directory or self._run.root
        wanted = [*_names(agent.get("skills")), *_names(ask.options.get("skills"))]
        try:
            return self._resolved(wanted, folder)
        except OrchError as error:
            raise error.at(ask.span) from None

    @staticmethod
    def _tools(ask: Ask, agent: dict[str, Any]) -> Any:
        return ask.options["tools"] if "tools" in ask.options else tools_of(agent)

    def _settings(self, agent: dict[str, Any], name: str, ask: Ask, skills: list[Skill]) -> dict[str, Any]:
        """What the model function gets besides the task."""
        given = {**agent, **{key: value for key, value in ask.options.items() if value is not None}}
        made: dict[str, Any] = {key: given[key] for key in SETTINGS if key in given}
        made["tools"] = self._tools(ask, agent)
        made["system"] = _system(agent.get("prompt"), skills)
        made["purpose"] = given.get("purpose", "session")
        if agent:
            made["agent"] = name
        return {key: value for key, value in made.items() if value is not None and value is not MISSING}

    def _function(self, name: str, asking: Callable[[], None]) -> Native:
        """The labelled function that a session is for cache, hooks and ledger; `asking` is told when it is made."""
        model = self._run.model_function("llm")

        def body(op: Op, scope: Scope) -> Any:
            asking()
            return model.body(Op("exe", "llm", op.inputs, ("llm",), op.span), scope)

        function = Native(name, ("task", "settings"), body, ("llm",))
        function.digest = "session:1"
        return function

    def _at(self) -> int:
        """Milliseconds since the first session of this execution."""
        now = trio.current_time()
        if self._begun is None:
            self._begun = now
        return round((now - self._begun) * 1000)


def _row(session: _Prepared, at: int) -> Session:
    return Session(
        session.id, str(session.agent["name"]) if session.agent else None, session.label, session.ask.resumed,
        session.ask.span.where, session.position, _hash(template_text(session.prompt)),
        {name or str(number): _hash(text) for number, (name, text) in enumerate(session.parts, 1)},
        {skill.name: skill.digest for skill in session.skills}, at,
    )  # fmt: skip


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _names(value: Any) -> list[str]:
    """The names in a list of skills, or of a single one."""
    data = plain(value)
    if data is None or data is MISSING:
        return []
    return [template_text(name) for name in (data if isinstance(data, list) else [data])]


def _system(prompt: Any, skills: list[Skill]) -> Any:
    """Who the agent is, and below it each of its skills."""
    if not skills:
        return prompt
    texts = [f'<skill name="{skill.name}">\n{skill.text.strip()}\n</skill>' for skill in skills]
    head = [template_text(prompt)] if prompt else []
    return tag("\n\n".join([*head, *texts]), joined((prompt,)))


def _tellable(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as text can hold them: functions by their names."""
    return {key: value if key != "tools" else template_text(plain(value)) for key, value in plain(settings).items()}


def _section(part: Part) -> tuple[str, str]:
    """Its name, and its text in a tag with that name."""
    name, text = part
    label = f' name="{name}"' if name else ""
    return name, f"<context{label}>\n{unwrap(text)}\n</context>"


def _told(error: OrchError, label: str) -> OrchError:
    """The same error, which names the session that it befell."""
    whose = "session" if label == "session" else f"session {label}"
    if error.code == "E717":
        error.message = f"{whose}: empty result"
    elif error.code.startswith(MODEL_FAULTS) and not error.fatal:
        error.message = f"{whose}: {error.message}"
    return error

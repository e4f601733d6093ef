"""Calls models for a run: knows its providers, its gates and its folders.

What is asked comes as an `LLMRequest`; the course of one call stands in `llm_call`.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import trio

from orchestra.errors import OrchError
from orchestra.providers import AgentModel, ProviderError, Surroundings, TurnModel, open_provider
from orchestra.providers.choice import Choice, ResolvedModel, is_local
from orchestra.providers.prices import Price, configured_price
from orchestra.runtime.archive import Archive, Entry
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.conversation import Conversation
from orchestra.runtime.dialogue import Dialogue, Emit, Line, as_orch_error
from orchestra.runtime.limits import Gate
from orchestra.runtime.llm_call import Call
from orchestra.runtime.meter import Meter
from orchestra.runtime.poll import PollFile, open_poll
from orchestra.runtime.poll_turns import PollTurns
from orchestra.runtime.redact import Redactor
from orchestra.runtime.reply_recorder import ReplyRecorder
from orchestra.runtime.schema import load_schema
from orchestra.runtime.session import Session, check_for_agent
from orchestra.runtime.telling import Teller
from orchestra.runtime.tools.danger import forbidden_write
from orchestra.runtime.tools.shell import scrubbed
from orchestra.runtime.tools.specs import BUILT_IN, ToolSet
from orchestra.runtime.tools.toolbox import Toolbox
from orchestra.runtime.tools.workspace import Workspace
from orchestra.runtime.witness import CallsOut, Witnessed, WitnessedAgent

__all__ = ["Agent"]

CONFINED = "{} confines its tools itself; hooks, guards and policies of the script do not see what they do"
MAX_WAIT = 120.0


class Agent:
    """Constructed once per run.

    root:        the project root; `config` is the `[llm]` table of its configuration
    extra_roots: further folders in which tools may work
    environment: what providers may read; commands of models get it without its secrets
    emit:        told of every step, with secrets taken out
    archive_dir: where prompts are kept, None for nowhere; asked at each call
    chance:      gives a random number from 0 to 1
    overrides:   short name of a model → id, from the command line
    redactor:    knows the secrets of the run; by default those of the environment
    calls_out:   told of every request
    record:      the file in which answers are kept, to be replayed
    patient:     whether calls wait for a provider's limit to end, however long that takes
    """

    def __init__(
        self,
        *,
        root: Path,
        config: Mapping[str, Any],
        environment: Mapping[str, str],
        emit: Emit,
        archive_dir: Callable[[], Path | None],
        chance: Callable[[], float],
        extra_roots: Sequence[Path] = (),
        overrides: Mapping[str, str] | None = None,
        redactor: Redactor | None = None,
        calls_out: CallsOut | None = None,
        record: Path | None = None,
        patient: bool = False,
    ) -> None:
        self._root = Path(os.path.realpath(root))
        self._extra_roots = [Path(os.path.realpath(self._root / extra)) for extra in extra_roots]
        self._config = config
        self._environment = environment
        self._chance = chance
        self._choice = Choice(config, environment, overrides or {})
        self._told = emit
        self._told_of: set[str] = set()  # agents that were said to confine themselves
        self._debug = bool(environment.get("ORCH_DEBUG_LLM"))
        self._max_wait = math.inf if patient else float(config.get("maxWait", MAX_WAIT))
        self.redactor = redactor or Redactor(environment)
        self._calls_out = calls_out
        self._recorder = ReplyRecorder(record, self.redactor) if record is not None else None
        for name, secret in self._choice.secrets():
            self.redactor.add(name, secret)
        self._archive = Archive(archive_dir, self.redactor, full=config.get("archive") == "full")
        self._providers: dict[str, TurnModel | AgentModel] = {}
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._poll_turns = PollTurns(lambda warned: emit("warning", {"warned": warned}))
        self._command_environment = scrubbed(environment, set(config.get("env", ())))

    def resolve(self, model: str, provider: str | None = None) -> ResolvedModel:
        """Who would answer. Needs no network and opens nothing. Raises E702."""
        return self._choice.resolve(model, provider)

    def endpoint(self, table: Mapping[str, Any]) -> str:
        """The name of a provider that a call describes by its address."""
        name = self._choice.endpoint(table)
        for variable, secret in self._choice.secrets():
            self.redactor.add(variable, secret)
        return name

    def price(self, resolved: ResolvedModel) -> Price | None:
        """What the project says that a provider takes, above the list of prices."""
        return self._price(resolved.provider, self._choice.settings(resolved.provider))

    def is_agent(self, resolved: ResolvedModel) -> bool:
        """Whether a program with tools and sessions of its own answers, not a model turn by turn."""
        return self._choice.is_agent(resolved.provider)

    async def call(self, request: LLMRequest, meter: Meter | None = None) -> LLMResult:
        """Asks a model. Raises OrchError, of which those with `fatal` concern every later call too."""
        meter = meter or Meter(request.fn, max_cost=request.max_cost)
        _check_tools(request.tools)
        if not request.dir.is_dir():
            raise OrchError("E402", f"the folder {_shown(request.dir, self._root)} for the tools does not exist")
        if request.schema is not None:
            load_schema(request.schema, self._root)
        resolved = self.resolve(request.model, request.provider)
        provider = self._provider(resolved.provider)
        workspace = Workspace(request.dir, self._extra_roots, self._root)
        async with self._claimed(request, workspace) as (request, poll):
            entry = self._archive.begin(request.fn, self._facts(request, resolved), request.prompt)
            meter.archive = entry.name if entry is not None else None
            try:
                result = await self._run(request, resolved, provider, workspace, poll, entry, meter)
            except OrchError as error:
                self._ended(request, None, error)
                raise self._cleaned(error) from None
            self._ended(request, result, None)
            return result

    async def write_poll(self, request: LLMRequest, text: str) -> None:
        """Leaves the poll file as an answer did that is given once more; what lies there instead becomes `.prev`."""
        assert request.poll is not None
        if request.poll.is_file() and request.poll.read_bytes() == text.encode("utf-8", "replace"):
            return
        async with self._claimed(request, Workspace(request.dir, self._extra_roots, self._root)) as (_, poll):
            assert poll is not None
            poll.replace(text)

    def _ended(self, request: LLMRequest, result: LLMResult | None, error: OrchError | None) -> None:
        if self._recorder is not None:
            self._recorder.finished(request, result, error)

    async def close(self) -> None:
        """Gives back the connections of all providers."""
        for provider in self._providers.values():
            await provider.close()
        self._providers.clear()
        if self._recorder is not None:
            self._recorder.close()

    def unused_replies(self) -> list[str]:
        """Recorded answers that nobody asked for, by their places; empty without a replay."""
        if self._choice.replaying:
            self._provider("replay")
        places: list[str] = []
        for provider in self._providers.values():
            places += getattr(provider, "unused", list)()
        return places

    async def _run(
        self,
        request: LLMRequest,
        resolved: ResolvedModel,
        provider: TurnModel | AgentModel,
        workspace: Workspace,
        poll: PollFile | None,
        entry: Entry | None,
        meter: Meter,
    ) -> LLMResult:
        emit = Teller(request.call_id, request.fn, self.redactor, self._told, steps=self._debug)
        dialogue = self._dialogue(request, self._line(request, resolved, meter), provider, workspace, poll, emit)
        call = Call(request, resolved.provider, resolved.id, dialogue, poll, entry, emit, self._root)
        emit("llm:start", {"provider": resolved.provider, "model": resolved.id, "stream": request.stream})
        status = "error"
        started = trio.current_time()
        try:
            result = await call.run()
            status = "ok"
            return result
        except OrchError as error:
            status = "stopped" if error.resumable else "error"
            raise
        finally:
            ms = round((trio.current_time() - started) * 1000)
            emit("llm:end", {"status": status, "ms": ms, "cost": meter.cost, "turns": meter.turns})

    def _dialogue(
        self,
        request: LLMRequest,
        line: Line,
        provider: TurnModel | AgentModel,
        workspace: Workspace,
        poll: PollFile | None,
        emit: Emit,
    ) -> Dialogue:
        if isinstance(provider, AgentModel):
            check_for_agent(request, provider.name)
            if provider.name not in self._told_of:
                self._told_of.add(provider.name)
                emit("llm:note", {"text": CONFINED.format(provider.name)})
            if self._calls_out is not None or self._recorder is not None:
                provider = WitnessedAgent(provider, request, self.redactor, self._calls_out, self._recorder)
            return Session(request, line, provider, poll, emit)
        toolbox = Toolbox(
            request.tools, workspace, self._root, request.poll, self._command_environment, request.passage
        )
        return Conversation(request, line, provider, toolbox, emit)

    def _cleaned(self, error: OrchError) -> OrchError:
        """The same error without the secrets that a program may have told on stderr."""
        error.message = self.redactor.clean(error.message)
        error.notes = [replace(note, message=self.redactor.clean(note.message)) for note in error.notes]
        return error

    # ── the way to a model ───────────────────────────────────────────────────────────────────────

    def _line(self, request: LLMRequest, resolved: ResolvedModel, meter: Meter) -> Line:
        settings = self._choice.settings(resolved.provider)
        return Line(
            resolved.id,
            self._gate(request, resolved),
            self._price(resolved.provider, settings),
            self._chance,
            self._max_wait,
            meter,
        )

    def _price(self, name: str, settings: Mapping[str, Any]) -> Price | None:
        try:
            return configured_price(settings.get("price"))
        except ValueError as error:
            raise OrchError("E812", f"llm.providers.{name}.price: {error}", exit=2, fatal=True) from None

    def _provider(self, name: str) -> TurnModel | AgentModel:
        if name not in self._providers:
            settings = self._choice.settings(name)
            try:
                opened = open_provider(name, settings, Surroundings(self._root, self._environment, self._log))
            except ProviderError as error:
                raise as_orch_error(error) from None
            self._providers[name] = self._watched(opened)
        return self._providers[name]

    def _watched(self, model: TurnModel | AgentModel) -> TurnModel | AgentModel:
        """The same provider, seen by those who keep a record of what is sent and answered."""
        if isinstance(model, AgentModel) or (self._calls_out is None and self._recorder is None):
            return model
        return Witnessed(model, self.redactor, self._calls_out, self._recorder)

    def _log(self, text: str) -> None:
        """Keeps what programs print in the file of ORCH_LLM_LOG, relative to the project."""
        if name := self._environment.get("ORCH_LLM_LOG"):
            with open(self._root / name, "a", encoding="utf-8", errors="replace") as file:
                file.write(self.redactor.clean(text))

    def _gate(self, request: LLMRequest, resolved: ResolvedModel) -> Gate:
        """A declared width is that of the endpoint, so that its models share one gate. A replay keeps to it too."""
        name = self._choice.asked(request.model, request.provider) or resolved.provider
        settings = self._choice.table(name)
        declared = settings.get("concurrency")
        key = (name, resolved.id if declared is None else None)
        if key not in self._gates:
            self._gates[key] = Gate(declared, _is_local(settings) and not self._choice.replaying)
        return self._gates[key]

    # ── the file to be written ───────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _claimed(
        self, request: LLMRequest, workspace: Workspace
    ) -> AsyncIterator[tuple[LLMRequest, PollFile | None]]:
        """The request with its poll path resolved, and the file, which no other call writes meanwhile."""
        if request.poll is None:
            yield request, None
            return
        shown = _shown(self._root / request.poll, workspace.dir, self._root)
        path = Path(os.path.realpath(self._root / request.poll))
        roots = (self._root, workspace.dir, *self._extra_roots)
        root = next((root for root in roots if path.is_relative_to(root)), None)
        if root is None or forbidden_write(path):
            raise OrchError("E402", f"the poll path {shown} lies where models may not write")
        async with self._poll_turns.turn(path, shown):
            yield replace(request, poll=path), open_poll(path, root, shown, request.select)

    def _facts(self, request: LLMRequest, resolved: ResolvedModel) -> dict[str, Any]:
        """The head of an archived prompt."""
        return {
            "call": request.call_id,
            "fn": request.fn,
            "agent": request.agent,
            "purpose": request.purpose,
            "provider": resolved.provider,
            "model": resolved.id,
            "asked": request.model,
            "tools": str(request.tools) if request.tools.declared else None,
            "dir": _shown(request.dir, self._root),
            "poll": _shown(request.poll, self._root) if request.poll else None,
            "system": request.system,
            "schema": request.schema,
            "sha256": hashlib.sha256(request.prompt.encode("utf-8", "surrogatepass")).hexdigest(),
        }


def _check_tools(tools: ToolSet) -> None:
    """Refuses what no provider here can do, instead of leaving the model without it in silence."""
    foreign = [name for name in tools.names if name not in BUILT_IN]
    if foreign:
        raise OrchError("E704", f'there is no MCP server for the tool "{foreign[0]}"')


def _shown(path: Path, *folders: Path) -> str:
    """The path relative to the first of the folders in which it lies."""
    for folder in folders:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return str(path)


def _is_local(settings: Mapping[str, Any]) -> bool:
    if settings.get("type") == "command":
        return True
    return is_local(str(settings.get("base", "")))

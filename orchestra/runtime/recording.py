"""The part of a run that remembers: the store, what may be served and what is redone, the output folder.

Single calls are the business of `memo`, phases of `phases`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.op import Op
from orchestra.paths import home
from orchestra.runtime.callsites import sites_in_source
from orchestra.runtime.labelled import MODEL
from orchestra.runtime.phases import MODES, Phases, names, wrong_mode
from orchestra.runtime.redact import Redactor
from orchestra.runtime.replaying import Replaying
from orchestra.runtime.signals import FINISHING
from orchestra.runtime.tables import ScriptTables
from orchestra.source import Span
from orchestra.store.places import Places
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

if TYPE_CHECKING:
    from orchestra.invocation import ResumeTarget
    from orchestra.runtime.agent import Agent
    from orchestra.runtime.files_read import FilesRead
    from orchestra.runtime.module import Module
    from orchestra.runtime.modules import Modules
    from orchestra.runtime.planning import Planning
    from orchestra.runtime.witness import CallsOut
    from orchestra.store import Execution, Overlay, Store

__all__ = ["Recording"]

PARKED = 75  # exit code of a run that is to go on when a provider's limit has ended


class Recording:
    """Mixed into `Run`. The store is opened when something needs it: no model, no store."""

    options: Any
    config: Any
    root: Path
    redactor: Redactor
    environ: dict[str, str]
    payload: dict[str, Any]
    script_name: str
    phase: str | None
    now: Callable[[], str]
    note: Callable[[str], None]
    interrupt: Callable[[], None]
    event: Any
    main: Module
    request: Any
    modules: Modules
    random: Any
    memo: Any
    sinks: Any
    seam: Any
    loader: Any
    parked_until: str | None
    files_read: FilesRead
    _stopping = False

    def _start_recording(self) -> None:
        self._store: Store | None = None
        self._execution: Execution | None = None
        self._agent: Agent | None = None
        self._phases = Phases(
            lambda name: self.execution.phases.completed(name),
            lambda name, complete: self.execution.phases.record(name, complete),
        )
        self.tables = ScriptTables(self)  # type: ignore[arg-type]
        self._calls = 0
        self._calls_out: CallsOut | None = None
        self._out_dir: str | None = None
        self.overlay: Overlay | None = None
        self._temporary = ExitStack()
        self.planning = self._begun_plan()
        self.ending: OrchError | None = None  # why the run ends before its end

    def _begun_plan(self) -> Planning | None:
        """What a plan is told to, if this run is one."""
        if self.request.plan is None:
            return None
        from orchestra.runtime.planning import Planning

        planning = Planning(lambda: self.execution.calls, lambda: self.phase, self.now)
        self.request.plan(planning)
        return planning

    @property
    def guesses(self) -> bool:
        """Whether an error may come of nothing but an answer that is not there yet: nobody is to handle it then."""
        return self.planning is not None and self.planning.uncertain

    @property
    def interrupted(self) -> bool:
        """Whether the running line is to start nothing more; a labelled call is finished first."""
        return self._stopping and not FINISHING.get()

    @interrupted.setter
    def interrupted(self, value: bool) -> None:
        self._stopping = value

    # ── the store ────────────────────────────────────────────────────────────────────────────────

    @property
    def execution(self) -> Execution:
        if self._execution is None:
            self._execution = self._open()
        return self._execution

    @property
    def opened(self) -> bool:
        return self._execution is not None

    def _open(self) -> Execution:
        """Begin this execution; without checkpoints somewhere else, if the project's store is locked."""
        store = self._connected()
        try:
            return self._begun(store)
        except OrchError as error:
            if self.options.checkpoint or error.code != "E806":
                raise
            store.close()
            self._store = self._thrown_away(error)
        return self._begun(self._store)

    def _begun(self, store: Store) -> Execution:
        """What `--new` makes invalid is marked before the new run exists."""
        store.codec.register(ErrorItem, dict, _error_item)
        for line in store.notes:
            self.note(line)
        if self.options.new:
            store.resume(self.script_name).mark_all()
        payload = json.dumps(self.options.identity(self.payload), sort_keys=True, ensure_ascii=False, default=str)
        execution = store.start(
            self.script_name,
            payload,
            [self.redactor.clean(word) for word in self.request.argv],
            new=self.options.new,
            read_digest=self.digest_now,
            run=self.request.past and self.request.past.id,
            name=self.options.run if self.request.past is None else None,
        )
        if self.options.seed is None:
            self.random.seed(execution.seed)
        return execution

    @cached_property
    def replaying(self) -> Replaying | None:
        """What answers calls when a past run is done again."""
        past = self.request.past
        if past is None:
            return None
        restores = past.places is not None
        kept = self._connected().past(self.script_name, run=past.id, until=past.until, restores=restores)
        return Replaying(kept, past)

    @cached_property
    def places(self) -> Places:
        """What differs where the project lies elsewhere."""
        return Places(self.root, home(self.environ))

    def _connected(self) -> Store:
        if self._store is None:
            self._store = self._opened_store()
        return self._store

    def _opened_store(self) -> Store:
        """The project's store; a run without checkpoints that cannot have it gets one that is thrown away."""
        from orchestra.store import Store

        try:
            return Store.open(self.config.store_file, now=self.now)
        except OrchError as error:
            error.fatal = True
            if self.options.checkpoint:
                raise
            return self._thrown_away(error)

    def _thrown_away(self, error: OrchError) -> Store:
        """A store for the time of this run, in place of the one that cannot be used."""
        from orchestra.store import Store

        self.note(f"{error.message}; no record is kept of this run")
        folder = self._temporary.enter_context(tempfile.TemporaryDirectory(prefix="orch-"))
        return Store.open(Path(folder) / "store.db", now=self.now)

    def prepare_store(self) -> None:
        """Mark what the command line asks to be made again. E801 to E803 before anything runs."""
        if self.options.calls_out is not None:
            from orchestra.runtime.witness import CallsOut

            self._calls_out = CallsOut(self.options.calls_out)
        self._check_modes()
        if self.options.run is not None or (self.options.new and self._has_answers()):
            self._execution = self._open()  # at once: what was asked for holds, however early the run ends
        if self.options.fork is not None:
            self.overlay = self._laid_over(self.options.fork)
        for target in self.options.resume:
            if target.phase is not None:
                self._redo_phase(target.phase)
            elif target.function is not None:
                self._redo_function(target.function, target)

    def _laid_over(self, script: str) -> Overlay:
        """The answers of another script. E811 if it has none."""
        overlay = self._connected().overlay(script, onto=self.script_name, read_digest=self.digest_now)
        if not overlay.resume.functions():
            known = ", ".join(self._connected().scripts()) or "none"
            help = f"scripts with stored results: {known}"
            raise OrchError("E811", f'script "{script}" has no stored results to fork from', help=help, exit=2)
        return overlay

    def _redo_phase(self, name: str) -> None:
        resume = self.execution.resume
        phases = names(self.main, self.modules.peek, self._recorded_phases())
        resume.mark_phase(name, phases)
        if self.overlay is not None:
            self.overlay.hide(self.overlay.resume.of_phase(name, phases))

    def _redo_function(self, name: str, target: ResumeTarget) -> None:
        """Own answers are marked, those of the other script hidden for this run. E803 if there are neither."""
        chosen = (name, target.site, target.prefix, target.only_matching)
        resume, overlay = self.execution.resume, self.overlay
        theirs = overlay is not None and name in overlay.resume.functions()
        self._check_site(name, target, resume.sites(name) | (overlay.resume.sites(name) if overlay else set()))
        if name in resume.functions() or not theirs:
            resume.mark_function(*chosen)
        if overlay is not None and theirs:
            overlay.hide(overlay.resume.of_function(*chosen))

    def _check_site(self, name: str, target: ResumeTarget, recorded: set[int]) -> None:
        """E803 for a call site that neither the source has nor a stored answer comes from."""
        if target.site is None or target.site in recorded or not recorded:
            return
        sites = sites_in_source(name, self.main, self.modules.peek)
        if target.site in sites:
            return
        known = ", ".join(f"@{name}:{n}" + f" ({', '.join(sites[n])})" * bool(sites[n]) for n in sorted(sites))
        raise OrchError("E803", f"@{name} has no call site {target.site}", help=f"call sites: {known}", exit=2)

    def _has_answers(self) -> bool:
        """Whether earlier runs of the script left any. Begins no store."""
        known = self.config.store_file.is_file()
        return known and bool(self._connected().resume(self.script_name).functions())

    def _check_modes(self) -> None:
        mode = self._header_mode()
        if mode is not None and mode not in MODES:
            raise wrong_mode(mode)

    def _recorded_phases(self) -> list[str]:
        """The phases that have stored answers, oldest first."""
        from orchestra.store.listings import list_checkpoints

        assert self._store is not None
        answers = sorted(list_checkpoints(self._store, self.script_name), key=lambda answer: answer.created)
        return list(dict.fromkeys(answer.phase for answer in answers if answer.phase is not None))

    def end_with(self, error: OrchError) -> None:
        """Nothing new is begun, what is under way is finished, and the run ends with this error."""
        if self.ending is None:
            self.ending = error
            self.interrupt()

    def close_store(self, exit: int) -> None:
        """Write down how this execution ended. Raises the E806 that prevents it."""
        if self._store is None:
            return
        try:
            if self._execution is not None:
                self.memo.close()
                self._execution.record_files(self.files_read.as_data())
                self._execution.finish(exit, self.parked_until if exit == PARKED else None)
                self._tidy_up(self._execution.id)
        finally:
            self._store.close()
            self._temporary.close()

    def _tidy_up(self, execution: str) -> None:
        """Drop what is old from a store that has become large, unless another run needs it at the moment."""
        assert self._store is not None
        retention, most = self._store.retention(self.config.checkpoint.keep), self.config.checkpoint.max
        try:
            if retention.due(execution, most) and not retention.working():
                collected = retention.collect()
                retention.record(execution, collected)
                dropped = collected.before.entries - collected.after.entries
                if dropped:
                    self.note(f"the store is large: {dropped} answers that no run asked for lately were dropped")
        except OrchError as error:  # the run is over and its answers are there
            self.note(error.message)

    def digest_now(self, name: str) -> str | None:
        """What a dependency is now: a file's digest, or the model that would answer; None if it is gone."""
        if name.startswith(MODEL):
            provider, _, model = name.removeprefix(MODEL).partition("|")
            try:
                resolved = self.agent.resolve(model, provider or None)
            except OrchError:
                return None
            return f"{resolved.provider}/{resolved.id}"
        try:
            return hashlib.sha256((self.root / name).read_bytes()).hexdigest()
        except OSError:
            return None

    def tell(self, kind: str, name: str, data: Any) -> None:
        """A line in the log of the run, without secrets."""
        self.execution.log.tell(kind, name, self.redactor.clean_data(data))

    # ── what is served and stored ────────────────────────────────────────────────────────────────

    @property
    def stale(self) -> str:
        return str(self.options.stale or self.config.checkpoint.stale)

    @property
    def reads_checkpoints(self) -> bool:
        """Whether stored answers are served here. `--resume` stands above what script and phase say."""
        return bool(self.options.resume) or (self._mode == "auto" and not self._phases.incomplete)

    @property
    def writes_checkpoints(self) -> bool:
        return self._mode != "never"

    @property
    def _mode(self) -> str:
        """auto, manual or never: what the phase says, else the script, else the project."""
        return str(self._phases.mode or self._header_mode() or self.config.checkpoint.resume)

    def _header_mode(self) -> str | None:
        return None if self.main.script is None else self.main.script.header.get("resume")

    def expired(self, created: str) -> bool:
        """Whether an answer of that time is too old for the current phase."""
        return not self.options.resume and self._phases.expired(created, self.now())

    def explain(self, op: Op, kind: str, reason: str, changes: Sequence[str] = ()) -> None:
        """One line about a labelled call under `--explain`, and the lines of code that changed."""
        if self.planning is not None:
            self.planning.told(kind)
            return
        if self.options.explain:
            from orchestra.nodes.functions import shown_arguments

            shown = f"@{op.name}"
            if op.function is not None:
                shown += f"({shown_arguments(op.function, op.inputs)})"
            first = f"{kind:<8}{shown}" + (f": {reason}" if reason else "")
            self.note("\n".join([first, *(f"          {line}" for line in changes)]))

    # ── phases ───────────────────────────────────────────────────────────────────────────────────

    def enter_phase(self, name: str, options: Any, scope: Scope, span: Span) -> None:
        self._phases.enter(name, options, scope, span)
        self.phase = name
        self.event("phase", name=name)

    def finish_phases(self) -> None:
        """The script came to its end."""
        self._phases.finish()

    # ── the output folder ────────────────────────────────────────────────────────────────────────

    @property
    def out_dir(self) -> str:
        """`@mx.outDir`: `llm/output/<script>/YYYY-MM-DD-n`, the same for all executions of a run. E420."""
        if self._out_dir is None:
            relative = self.execution.out_dir
            try:
                if self.planning is not None:
                    return str(self.root / (relative or "llm/output/planned"))
                path = self._new_out_dir() if relative is None else self.root / relative
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                what = f"cannot make the output folder {relative or 'in llm/output'}"
                reason = (error.strerror or "unknown reason").lower()
                raise OrchError("E420", f"{what}: {reason}") from None
            self._out_dir = str(path)
        return self._out_dir

    def _new_out_dir(self) -> Path:
        """The first folder of the day that no run has.

        It is written down before it is made: killed in between, the run goes on with the same one. Of two processes
        that begin one run together, the later takes the folder of the earlier.
        """
        name = Path(self.script_name)
        indexed = name.stem in ("index", "main") and name.parent.name
        short = name.parent.name if indexed else name.name.split(".")[0]
        above = self.root / "llm/output" / short
        for number in count():
            path = above / f"{self.execution.started[:10]}-{number}"
            if not path.exists():
                chosen = self.execution.choose_out_dir(str(path.relative_to(self.root)))
                if chosen is not None:
                    return self.root / chosen
        raise AssertionError("numbers have no end")

    # ── models ───────────────────────────────────────────────────────────────────────────────────

    @property
    def agent(self) -> Agent:
        if self._agent is None:
            self._agent = self._make_agent()
        return self._agent

    def _make_agent(self) -> Agent:
        from orchestra.runtime.agent import Agent
        from orchestra.runtime.model_talk import ModelTalk

        return Agent(
            root=self.root,
            config=self.config.llm_table,
            environment=self.environ,
            emit=ModelTalk(self.sinks, self.event, shows=lambda: self.streams_live),
            archive_dir=lambda: Path(self.out_dir) / "prompts",
            chance=self.random.random,
            extra_roots=[Path(extra) for extra in self.config.llm.extraRoots],
            overrides=self.options.models,
            redactor=self.redactor,
            calls_out=self._calls_out,
            record=self._recording_target(),
            patient=self.options.wait,
        )

    def _recording_target(self) -> Path | None:
        """Where answers are recorded, from the command line or the environment."""
        from orchestra.runtime.reply_recorder import recording_file

        named = self.environ.get("ORCH_LLM_RECORD")
        target = self.options.record or (self.root / named if named else None)
        return target and recording_file(target, self.script_name)

    async def close_agent(self) -> None:
        if self._agent is not None:
            await self._agent.close()

    def next_call_id(self) -> str:
        self._calls += 1
        return f"{self._calls:04d}"

    @property
    def streams_live(self) -> bool:
        """Whether `stream` shows output as it comes: not where it is collected, or guards are to see it before."""
        return self.streams_text and not self.sinks.collects and not self.seam.guarded

    @property
    def streams_text(self) -> bool:
        return self.options.stream is not False

    def schema_file(self, path: str, scope: Scope) -> Any:
        """A JSON Schema named by a path, from the folder of the script."""
        return unwrap(self.loader.load(path, scope.module.directory))


def _error_item(data: Any) -> ErrorItem:
    return ErrorItem(data["index"], data["key"], data["message"], data["value"])

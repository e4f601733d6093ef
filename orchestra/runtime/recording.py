"""The part of a run that remembers: the store, phases, the output folder, what may be served and what is redone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.op import Op
from orchestra.runtime.memo import MODEL
from orchestra.source import Span
from orchestra.values.error_item import ErrorItem
from orchestra.values.operators import truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

if TYPE_CHECKING:
    from orchestra.runtime.agent import Agent
    from orchestra.runtime.modules import Module, Modules
    from orchestra.store import Execution, Store

__all__ = ["Recording"]


class Recording:
    """Mixed into `Run`. The store is opened when something needs it: a script without models never touches it."""

    options: Any
    config: Any
    root: Path
    environ: dict[str, str]
    payload: dict[str, Any]
    script_name: str
    phase: str | None
    now: Callable[[], str]
    note: Callable[[str], None]
    event: Any
    main: Module
    request: Any
    modules: Modules
    random: Any
    memo: Any

    def _start_recording(self) -> None:
        self._store: Store | None = None
        self._execution: Execution | None = None
        self._agent: Agent | None = None
        self._phases: list[str] = []  # names of all checkpoints, in source order
        self._entered: set[str] = set()
        self._phase_mode: str | None = None
        self._complete: tuple[str, Any, Scope] | None = None
        self._calls = 0
        self._out_dir: str | None = None
        self.made_here: set[str] = set()  # keys made by this execution: served whatever the mode

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
        from orchestra.store import Store

        store = Store.open(self.config.store_file, now=self.now)
        store.codec.register(ErrorItem, dict, _error_item)
        for line in store.notes:
            self.note(line)
        self._store = store
        payload = json.dumps(self.options.identity(self.payload), sort_keys=True, ensure_ascii=False, default=str)
        execution = store.start(
            self.script_name, payload, list(self.request.argv), new=self.options.new, read_digest=self._digest_now
        )  # fmt: skip
        self.random.seed(execution.seed)
        return execution

    def prepare_store(self) -> None:
        """Mark what the command line asks to be made again. E801 to E803 before anything runs."""
        if not (self.options.new or self.options.resume):
            return
        resume = self.execution.resume
        if self.options.new:
            resume.mark_all()
        for target in self.options.resume:
            if target.phase is not None:
                resume.mark_phase(target.phase, self._phases)
            elif target.function is not None:
                resume.mark_function(target.function, target.site, target.prefix, target.only_matching)

    def close_store(self, exit: int) -> None:
        if self._store is None:
            return
        try:
            if self._complete is not None:
                self._finish_phase(exit == 0)
            if self._execution is not None:
                self.memo.close()
                self._execution.finish(exit)
        finally:
            self._store.close()

    def _digest_now(self, name: str) -> str | None:
        """What a dependency is now: the digest of a file, or the model that would answer."""
        if name.startswith(MODEL):
            provider, _, model = name.removeprefix(MODEL).partition("|")
            try:
                resolved = self.agent.resolve(model, provider or None)
            except OrchError:
                return None
            return f"{resolved.provider}/{resolved.id}"
        try:
            return hashlib.sha256(Path(name).read_bytes()).hexdigest()
        except OSError:
            return None

    # ── what is served ───────────────────────────────────────────────────────────────────────────

    @property
    def stale(self) -> str:
        return str(self.options.stale or self.config.checkpoint.stale)

    @property
    def reads_checkpoints(self) -> bool:
        """Whether stored answers are served here: by the mode of the phase, of the script, of the project."""
        if self.options.resume:
            return True
        header = self.main.script.header if self.main.script is not None else {}
        mode = self._phase_mode or header.get("resume") or self.config.checkpoint.resume
        return bool(mode == "auto")

    def explain(self, op: Op, kind: str, reason: str) -> None:
        """One line about a labelled call under `--explain`."""
        if self.options.explain:
            from orchestra.nodes.functions import shown_arguments

            shown = f"@{op.name}({shown_arguments(op.function, op.inputs)})" if op.function is not None else f"@{op.name}"
            self.note(f"{kind:<8}{shown}" + (f": {reason}" if reason else ""))

    # ── phases ───────────────────────────────────────────────────────────────────────────────────

    def collect_phases(self, module: Module) -> None:
        """Learn the names of a script's checkpoints before it runs."""
        if module.script is not None:
            self._phases += [name for name in module.script.checkpoints() if name not in self._phases]

    def enter_phase(self, name: str, options: Any, scope: Scope, span: Span) -> None:
        if name in self._entered:
            raise OrchError("E804", f'the checkpoint "{name}" was entered before', span, help="give each phase its own name")
        self._finish_phase(True)
        self._entered.add(name)
        if name not in self._phases:
            self._phases.append(name)
        self.phase = name
        self._phase_mode = None
        if options is not None:
            mode = options.value("resume", scope)
            self._phase_mode = str(unwrap(mode)) if mode is not None else None
            complete = options.part("complete")
            self._complete = (name, complete, scope) if complete is not None else None
            if complete is not None and not self.execution.phases.completed(name):
                self._phase_mode = "never"
        self.event("phase", name=name)

    def _finish_phase(self, ended: bool) -> None:
        if self._complete is not None and ended:
            name, condition, scope = self._complete
            self.execution.phases.record(name, truthy(unwrap(condition.peek(scope))))
        self._complete = None

    def known_phase(self, name: str) -> str | None:
        return nearest(name, self._phases)

    # ── the output folder ────────────────────────────────────────────────────────────────────────

    @property
    def out_dir(self) -> str:
        """`@mx.outDir`: `llm/output/<script>/YYYY-MM-DD-n`, the same for all executions of a run."""
        if self._out_dir is None:
            relative = self.execution.out_dir or self._new_out_dir()
            path = self.root / relative
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OrchError("E420", f"cannot make the output folder {relative}: {os.strerror(error.errno or 0).lower()}") from None
            self._out_dir = str(path)
        return self._out_dir

    def _new_out_dir(self) -> str:
        name = Path(self.script_name)
        short = name.parent.name if name.stem in ("index", "main") and name.parent.name else name.name.split(".")[0]
        day = self.execution.started[:10]
        number = 0
        while (self.root / "llm/output" / short / f"{day}-{number}").exists():
            number += 1
        relative = f"llm/output/{short}/{day}-{number}"
        self.execution.set_out_dir(relative)
        return relative

    # ── models ───────────────────────────────────────────────────────────────────────────────────

    @property
    def agent(self) -> Agent:
        if self._agent is None:
            self._agent = self._make_agent()
        return self._agent

    def _make_agent(self) -> Agent:
        from orchestra.runtime.agent import Agent

        return Agent(
            root=self.root,
            config=self.config.llm_table,
            environment=self.environ,
            emit=lambda kind, data: self.event(kind, **data),
            archive_dir=lambda: Path(self.out_dir) / "prompts",
            chance=self.random.random,
            extra_roots=[Path(extra) for extra in self.config.llm.extraRoots],
            overrides=self.options.models,
        )

    async def close_agent(self) -> None:
        if self._agent is not None:
            await self._agent.close()

    def next_call_id(self) -> str:
        self._calls += 1
        return f"{self._calls:04d}"

    @property
    def streams_text(self) -> bool:
        return self.options.stream is not False

    def schema_file(self, path: str, scope: Scope) -> Any:
        """A JSON Schema named by a path, from the folder of the script."""
        return unwrap(self.loader.load(path, scope.module.directory))

    loader: Any


def _error_item(data: Any) -> ErrorItem:
    return ErrorItem(data["index"], data["key"], data["message"], data["value"])

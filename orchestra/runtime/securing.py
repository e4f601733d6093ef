"""The part of a run that knows guards, policies, credentials and the audit log. Where they act is told in `seam`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestra.config import Config
from orchestra.errors import OrchError, Warned
from orchestra.nodes.denial import Denial, Guarding
from orchestra.nodes.guards import ActiveGuard
from orchestra.nodes.op import Op
from orchestra.nodes.policies import ActivePolicy, Credential, credential, fragments
from orchestra.nodes.tails import With
from orchestra.runtime.redact import Redactor
from orchestra.runtime.seam import Seam
from orchestra.runtime.security.audit import AuditLog
from orchestra.runtime.security.files import LabelledFiles
from orchestra.runtime.security.guards import UNUSUAL
from orchestra.runtime.security.labels import relabelled
from orchestra.runtime.tools.specs import ToolSet, parse_tools
from orchestra.source import Source, Span
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import Meta, add_labels, joined, labels_of, plain, unwrap

__all__ = ["Securing"]


class Securing:
    """Mixed into `Run`."""

    seam: Seam
    environ: dict[str, str]
    variables: dict[str, str]
    has_hooks: bool
    root: Path
    config: Config
    now: Callable[[], str]
    warn: Any
    event: Any
    project_name: Callable[[Path], str]
    _execution: Any
    planning: Any

    def _start_securing(self) -> None:
        self._redactor: Redactor | None = None
        self._audit: AuditLog | None = None
        self.tools_called: list[str] = []
        self.tools_denied: list[str] = []
        self.labelled_files = LabelledFiles(self.root, self.project_name, self.audit, self._audit_failed)

    def carried_by(self, path: Path, digest: str) -> Meta:
        """The labels with which a file was written."""
        return self.labelled_files.read(path, digest)

    # ── guards and policies ──────────────────────────────────────────────────────────────────────

    def be_guarded(self) -> None:
        """From now on every operation is looked at."""
        self.seam.guarded = self.has_hooks = True

    def add_guard(self, guard: ActiveGuard) -> None:
        self.seam.guards.add(guard)
        self.be_guarded()

    def read_policy(self, policy: ActivePolicy) -> None:
        """E607 and E605 for what a policy must not hold."""
        self.seam.policies.read(policy)

    def add_policy(self, policy: ActivePolicy) -> None:
        self.seam.policies.add(policy)
        self.be_guarded()

    def keep_to(self, config: Config) -> None:
        """The policy of the project, in force before the first line."""
        if config.policy:
            place = Span(Source("orch.toml", "[policy]"), 0, 8)
            self.add_policy(ActivePolicy("project", [plain(dict(config.policy))], place))

    def imported(self, value: Any) -> None:
        """Guards and policies are in force where they are imported."""
        if isinstance(value, ActiveGuard):
            self.add_guard(value)
        elif isinstance(value, ActivePolicy):
            self.add_policy(value)

    def denied(self, error: OrchError, op: Op) -> None:
        """Tell of an operation that was not allowed to happen, once."""
        if getattr(error, "recorded", False):
            return
        facts, by = dict(error.details), error.details.get("policy")
        if isinstance(error, Denial):
            error.recorded = True
            facts, by = error.facts, error.by
        reason = facts.get("reason") or error.message
        self.event("denied", code=error.name, reason=reason, operation=op.kind, name=op.name)
        self.audit(
            "denied", by=by, kind=error.name, rule=facts.get("rule"),
            operation={"type": op.kind, "name": op.name}, labels=joined(op.inputs, deep=True).labels, reason=reason,
        )  # fmt: skip

    def narrowed(self, options: With, scope: Scope) -> Scope:
        """The scope of a call `with { guards: … }`, `with { policy: … }` or `with { tools: … }`."""
        guarding = scope.context.guarding or UNUSUAL
        part = options.part("policy")
        if part is not None:
            policy = ActivePolicy("with", fragments(part.eval(scope), part), part.span)
            guarding = replace(guarding, policies=(*guarding.policies, *self.seam.policies.narrower(policy, part.span)))
            self.be_guarded()
        part = options.part("guards")
        if part is not None:
            guarding = self._overridden(guarding, plain(part.eval(scope)), part.span)
        part = options.part("tools")
        if part is not None:
            guarding = replace(guarding, tools=(*guarding.tools, _tools(part.eval(scope), part.span)))
        return scope.within(scope.context.with_(guarding=guarding), scope.kind)

    def boxed(self, wishes: dict[str, Any], scope: Scope, span: Span) -> Scope:
        """The scope inside a box. It can only take away."""
        tools = _tools(wishes["tools"], span)
        guarding = scope.context.guarding or UNUSUAL
        self.be_guarded()
        guarding = replace(guarding, boxes=(*guarding.boxes, tools))
        return scope.within(scope.context.with_(guarding=guarding), scope.kind)

    def _overridden(self, guarding: Guarding, wish: Any, span: Span) -> Guarding:
        """`false`, `{ only: ["@a"] }` or `{ except: ["@a"] }`; privileged guards are not concerned."""
        if wish is False and guarding.off:
            return guarding
        if wish is False:
            self.warn(Warned("W602", "guards are switched off here", span))
            return replace(guarding, off=True)
        if not isinstance(wish, dict) or not set(wish) <= {"only", "except"}:
            help = 'false, { only: ["@name"] } or { except: ["@name"] }'
            raise OrchError("E101", "guards is false or an object with only or except", span, help=help)
        names = {key: frozenset(str(name).lstrip("@") for name in listed or []) for key, listed in wish.items()}
        only = names.get("only")
        if only is not None and guarding.only is not None:
            only &= guarding.only
        return replace(
            guarding,
            only=guarding.only if only is None else only,
            without=guarding.without | names.get("except", frozenset()),
        )

    def tools_told(self, scope: Scope) -> dict[str, Any]:
        """`@mx.tools`."""
        called, denied = list(self.tools_called), list(self.tools_denied)
        return {"calls": called, "allowed": [name for name in called if name not in denied], "denied": denied}

    def labelled(self, value: Any, labels: list[str], span: Span) -> Any:
        """A value with labels given by the script. Something untrusted that is called trusted keeps both labels."""
        if "trusted" in labels and "untrusted" in labels_of(value):
            wish = self.seam.policies.trust_conflict
            message = "an untrusted value is called trusted; it keeps both labels and counts as untrusted"
            self.audit("conflict", what="=>", add=labels, remove=[], by=span.where)
            if wish == "error":
                raise OrchError("E609", message, span)
            if wish == "warn":
                self.warn(Warned("E609", message, span))
        if "secret" in labels:
            self.learn_secret("secret", value)
        return relabelled(value, labels)

    # ── the audit log, and what must not stand in it ─────────────────────────────────────────────

    def audit(self, event: str, id: str | None = None, **facts: Any) -> str:
        """A line in the audit log; its id. A plan does nothing that were to be told there."""
        if self.planning is not None:
            return ""
        if self._audit is None:
            file = self.root / ".orch/sec/audit.jsonl"
            required = self.config.audit.required
            self._audit = AuditLog(file, self.redactor, self.now, self._audit_failed, required)
        return self._audit.write(event, None if self._execution is None else self._execution.run_id, facts, id)

    def _audit_failed(self, message: str) -> None:
        self.warn(Warned("E806", message))

    @property
    def redactor(self) -> Redactor:
        """Knows the secrets of this run: of the environment, and those that scripts label."""
        if self._redactor is None:
            self._redactor = Redactor(self.environ)
        return self._redactor

    def learn_secret(self, name: str, value: Any) -> None:
        """From now on the texts in a value are taken out of whatever is told about the run."""
        for text in _texts(plain(value)):
            self.redactor.add(name, text)

    def kept_secret(self, value: Any, text: str) -> Any:
        """The result of a command, labelled `secret` if a known secret stands in what was printed."""
        return add_labels(value, ("secret",)) if self.redactor.knows(text) else value

    def clean_error(self, error: OrchError) -> OrchError:
        """The error without secrets."""
        clean = self.redactor.clean
        error.message = clean(error.message)
        error.help = clean(error.help) if error.help else error.help
        error.notes = [replace(note, message=clean(note.message)) for note in error.notes]
        error.details = self.redactor.clean_data(error.details)
        error.frames = [replace(frame, what=clean(frame.what)) for frame in error.frames]
        return error

    # ── credentials ──────────────────────────────────────────────────────────────────────────────

    def credential(self, name: str, scope: Scope, span: Span) -> dict[str, str]:
        """The variables of `using auth:name`: what the module declares, else what a policy says. E610."""
        found = unwrap(scope.find(name))
        if found is ABSENT or not isinstance(found, Credential):
            told = self.seam.policies.credential(name)
            if told is None:
                raise OrchError("E610", f"no auth @{name} is declared", span, help=f'auth @{name} = "VARIABLE"')
            found = credential(name, told, scope.module.script)
        kind, _, place = found.source.partition(":")
        if kind != "env":
            message = f"auth @{name} comes from {kind}, which cannot be read by this version"
            raise OrchError("E605", message, span, help=f'auth @{name} = "VARIABLE"')
        text = {**self.environ, **self.variables}.get(place)
        if not text:
            raise OrchError("E610", f"auth @{name} needs the variable {place}, which is not set", span)
        self.redactor.add(name, text)
        return {found.variable: text}


def _texts(data: Any) -> Iterator[str]:
    """All texts in plain data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for item in data.values():
            yield from _texts(item)
    elif isinstance(data, list):
        for item in data:
            yield from _texts(item)


def _tools(wish: Any, span: Span) -> ToolSet:
    try:
        return parse_tools(wish)
    except OrchError as error:
        raise error.at(span) from None

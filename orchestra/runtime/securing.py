"""The part of a run that knows guards, policies, credentials and the audit log. Where they act is told in `seam`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orchestra.config import Config
from orchestra.errors import OrchError, Warned
from orchestra.nodes.denial import Denial, Guarding
from orchestra.nodes.guards import ActiveGuard
from orchestra.nodes.op import Op
from orchestra.nodes.policies import ActivePolicy, Credential, credential, fragments
from orchestra.nodes.tails import With
from orchestra.runtime.seam import Seam
from orchestra.runtime.security.guards import UNUSUAL
from orchestra.runtime.security.labels import relabelled
from orchestra.source import Source, Span
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import labels_of, plain, unwrap

__all__ = ["Securing"]


class Securing:
    """Mixed into `Run`."""

    seam: Seam
    environ: dict[str, str]
    variables: dict[str, str]
    has_hooks: bool
    warn: Any
    event: Any

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

    def denied(self, denial: Denial, op: Op) -> None:
        """Tell of a denial, once."""
        if denial.recorded:
            return
        denial.recorded = True
        self.event("denied", code=denial.name, reason=denial.facts["reason"], operation=op.kind, name=op.name)

    def narrowed(self, options: With, scope: Scope) -> Scope:
        """The scope of a call `with { guards: … }` or `with { policy: … }`."""
        guarding = scope.context.guarding or UNUSUAL
        part = options.part("policy")
        if part is not None:
            policy = ActivePolicy("with", fragments(part.eval(scope), part), part.span)
            guarding = replace(guarding, policies=(*guarding.policies, *self.seam.policies.narrower(policy, part.span)))
            self.be_guarded()
        part = options.part("guards")
        if part is not None:
            guarding = self._overridden(guarding, plain(part.eval(scope)), part.span)
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
        return {"calls": [], "allowed": [], "denied": [], "history": []}

    def labelled(self, value: Any, labels: list[str], span: Span) -> Any:
        """A value with labels given by the script. Something untrusted that is called trusted keeps both labels."""
        if "trusted" in labels and "untrusted" in labels_of(value):
            wish = self.seam.policies.trust_conflict
            message = "an untrusted value is called trusted; it keeps both labels and counts as untrusted"
            if wish == "error":
                raise OrchError("E609", message, span)
            if wish == "warn":
                self.warn(Warned("E609", message, span))
        return relabelled(value, labels)

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
        return {found.variable: text}

"""How guards, policies, credentials and boxes are written."""

from __future__ import annotations

from orchestra.nodes.boxes import Box
from orchestra.nodes.commands import UsingAuth
from orchestra.nodes.denial import Denied
from orchestra.nodes.gates import Gate, GateOptions
from orchestra.nodes.guards import (
    Allow,
    Bless,
    Deny,
    Guard,
    GuardAny,
    GuardArm,
    GuardOptions,
    GuardRetry,
    GuardRules,
    Relabel,
    Unlabel,
)
from orchestra.nodes.policies import Auth, ImportPolicy, Policy, Union
from orchestra.nodes.questions import Question
from orchestra.nodes.unbuilt import Sign, Verify
from orchestra.printing.layout import Doc
from orchestra.printing.printer import Level, Printer, listed, prints, spaced


@prints(Guard)
def guard(node: Guard, show: Printer) -> Doc:
    head = spaced("guard", node.privileged or "", node.name or "", node.timing, show(node.trigger))
    return spaced(head, "=", show(node.rules), show(node.options))


@prints(GuardRules)
def guard_rules(node: GuardRules, show: Printer) -> Doc:
    return show.block("when [", node.entries, node.span)


@prints(GuardArm)
def guard_arm(node: GuardArm, show: Printer) -> Doc:
    return spaced(show.closed(node.condition), "=>", show(node.action))


@prints(GuardAny)
def guard_any(node: GuardAny, show: Printer) -> Doc:
    return "* => ", show(node.action)


@prints(Allow)
def allow(node: Allow, show: Printer) -> Doc:
    return spaced("allow", show(node.value), show(node.options))


@prints(Deny)
def deny(node: Deny, show: Printer) -> Doc:
    return spaced("deny", show(node.reason))


@prints(GuardRetry)
def guard_retry(node: GuardRetry, show: Printer) -> Doc:
    return spaced("retry", show(node.hint))


@prints(Relabel)
def relabel(node: Relabel, show: Printer) -> Doc:
    return node.label, " ", show(node.value)


@prints(Bless)
def bless(node: Bless, show: Printer) -> Doc:
    return node.label, "! ", show(node.value)


@prints(Unlabel)
def unlabel(node: Unlabel, show: Printer) -> Doc:
    return "!", node.label, " ", show(node.value)


@prints(GuardOptions)
def guard_options(node: GuardOptions, show: Printer) -> Doc:
    return "with ", show(node.object)


@prints(Denied)
def denied(node: Denied, show: Printer) -> Doc:
    return "denied"


@prints(Policy)
def policy(node: Policy, show: Printer) -> Doc:
    return spaced("policy", node.token, "=", show(node.body))


@prints(Union)
def union(node: Union, show: Printer) -> Doc:
    return "union", listed("(", [show(argument) for argument in node.args], ")")


@prints(ImportPolicy)
def import_policy(node: ImportPolicy, show: Printer) -> Doc:
    return spaced("import policy", node.token, "from", show(node.source))


@prints(Auth)
def auth(node: Auth, show: Printer) -> Doc:
    return spaced("auth", node.token, "=", show(node.value))


@prints(UsingAuth)
def using_auth(node: UsingAuth, show: Printer) -> Doc:
    return f"using auth:{node.name}"


@prints(Box)
def box(node: Box, show: Printer) -> Doc:
    return spaced("box", show(node.config, Level.POSTFIX), show(node.options), show(node.body))


@prints(Gate)
def gate(node: Gate, show: Printer) -> Doc:
    return spaced("gate", show(node.name, Level.POSTFIX), show(node.options))


@prints(Question)
def question(node: Question, show: Printer) -> Doc:
    return spaced(show(node.prompt, Level.POSTFIX), show(node.options))


@prints(GateOptions)
def gate_options(node: GateOptions, show: Printer) -> Doc:
    return "with ", show(node.object)


@prints(Sign)
def sign(node: Sign, show: Printer) -> Doc:
    who = ("by ", show(node.who)) if node.who is not None else ""
    return spaced("sign", node.token, who, f"with {node.method}" if node.method else "")


@prints(Verify)
def verify(node: Verify, show: Printer) -> Doc:
    return "verify ", node.token

"""A policy as it is written becomes a policy as it is kept to. What it holds and nothing enforces is an error here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.source import Span

__all__ = ["EXECUTORS", "RULES", "FlowRule", "Pattern", "Rules", "read_rules"]

KEYS = (
    "defaults operations labels capabilities allow deny danger auth keychain env limits locked authorizations signers "
    "filesystem_integrity verify_all_instructions"
).split()
UNBUILT = frozenset("keychain env limits authorizations signers filesystem_integrity verify_all_instructions".split())
DEFAULTS = ("rules", "unlabeled", "trustconflict", "autosign", "autoverify")
RULES = (
    "no-secret-exfil no-sensitive-exfil no-untrusted-destructive no-untrusted-privileged no-send-to-unknown "
    "no-send-to-external no-destroy-unknown no-influenced-advice untrusted-llms-get-influenced"
).split()
CHOICES = {"unlabeled": ("trusted", "untrusted"), "trustconflict": ("warn", "error", "silent")}
FILES = {"r": "r", "read": "r", "w": "w", "write": "w"}
EXECUTORS = ("sh", "js", "node", "py", "network")
ALIASES = {"bash": "sh", "python": "py", "javascript": "js", "nodejs": "node", "net": "network"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """kind: `cmd`, `fs:r`, `fs:w`, an executor, `@keychain`, or `*` for everything; parts: words, or one glob."""

    text: str
    kind: str
    parts: tuple[str, ...] = ()

    @property
    def weight(self) -> int:
        """How specific it is: its words or, of a path, its letters outside wildcards."""
        if self.kind.startswith("fs:"):
            return sum(char not in "*?" for part in self.parts for char in part)
        return len([part for part in self.parts if part != "*"]) + (self.kind != "*")


@dataclass(frozen=True, slots=True)
class FlowRule:
    """Where values with a label may not go, and where they may all the same."""

    deny: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """One policy. `allow` is None where it has no such list; `danger` lists what of the danger list is accepted."""

    name: str
    allow: tuple[Pattern, ...] | None = None
    deny: tuple[Pattern, ...] = ()
    danger: tuple[Pattern, ...] = ()
    capable: bool = False  # it speaks of capabilities, so that the danger list holds
    labels: Mapping[str, FlowRule] = field(default_factory=dict)
    operations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    unlabeled: str | None = None
    trustconflict: str | None = None
    locked: bool = False
    auth: Mapping[str, Any] = field(default_factory=dict)


def read_rules(name: str, data: Mapping[str, Any], span: Span) -> Rules:
    """E607 for what no policy can say, E605 for what it can say and nobody enforces."""
    _check_keys("a policy", data, KEYS, span)
    for key in UNBUILT & data.keys():
        _refuse(key, span)
    capabilities = data.get("capabilities", {})
    _check_keys("capabilities", capabilities, ("allow", "deny", "danger"), span)
    lists = {key: {**data, **capabilities}.get(key) for key in ("allow", "deny", "danger")}
    defaults = data.get("defaults", {})
    _check_defaults(defaults, span)
    return Rules(
        name,
        allow=None if lists["allow"] is None else _patterns(lists["allow"], span),
        deny=_patterns(lists["deny"], span),
        danger=_patterns(lists["danger"], span),
        capable=any(value is not None for value in lists.values()),
        labels={str(label): _flow(label, rule, span) for label, rule in _object(data, "labels", span).items()},
        operations={str(risk): _texts(names, span) for risk, names in _object(data, "operations", span).items()},
        rules=_rules(defaults.get("rules"), span),
        unlabeled=defaults.get("unlabeled"),
        trustconflict=defaults.get("trustconflict"),
        locked=data.get("locked") is True,
        auth=_object(data, "auth", span),
    )


def _check_keys(where: str, data: Any, known: Any, span: Span) -> None:
    if not isinstance(data, Mapping):
        raise OrchError("E607", f"{where} is an object", span, exit=2)
    for key in data:
        if key not in known:
            meant = nearest(str(key), known)
            help = f"did you mean {meant}?" if meant else "keys are " + ", ".join(known)
            raise OrchError("E607", f"{where} has no key {key}", span, help=help, exit=2)


def _refuse(key: str, span: Span) -> None:
    message = f"{key} in a policy is not enforced by this version, so the script is refused"
    raise OrchError("E605", message, span, help="remove it only if you can do without its protection", exit=2)


def _check_defaults(defaults: Any, span: Span) -> None:
    _check_keys("defaults", defaults, DEFAULTS, span)
    for key in ("autosign", "autoverify"):
        if defaults.get(key):
            _refuse(f"defaults.{key}", span)
    for key, choices in CHOICES.items():
        if defaults.get(key) is not None and defaults[key] not in choices:
            help = "choices are " + ", ".join(choices)
            raise OrchError("E607", f"{defaults[key]} is no value of {key}", span, help=help, exit=2)


def _rules(value: Any, span: Span) -> tuple[str, ...]:
    names = _texts(value, span)
    for name in names:
        if name not in RULES:
            meant = nearest(name, RULES)
            help = f"did you mean {meant}?" if meant else "rules are " + ", ".join(RULES)
            raise OrchError("E607", f"there is no rule {name}", span, help=help, exit=2)
    return names


def _flow(label: str, rule: Any, span: Span) -> FlowRule:
    _check_keys(f"labels.{label}", rule, ("deny", "allow"), span)
    return FlowRule(_texts(rule.get("deny"), span), _texts(rule.get("allow"), span))


def _object(data: Mapping[str, Any], key: str, span: Span) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        raise OrchError("E607", f"{key} of a policy is an object", span, exit=2)
    return value


def _texts(value: Any, span: Span) -> tuple[str, ...]:
    """One text or a list of them."""
    items = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise OrchError("E607", "a list of names is expected here", span, exit=2)
    return tuple(items)


def _patterns(value: Any, span: Span) -> tuple[Pattern, ...]:
    """A list of patterns; or an object: `{ sh: true, cmd: ["git:*"], fs: { r: […] } }`."""
    if not isinstance(value, Mapping):
        return tuple(read_pattern(text, span) for text in _texts(value, span))
    found: list[str] = []
    for key, wish in value.items():
        if wish is True:
            found.append(str(key))
        elif key in ("fs", "filesystem") and isinstance(wish, Mapping):
            _check_keys(str(key), wish, FILES, span)
            found += [f"fs:{FILES[mode]}:{glob}" for mode, globs in wish.items() for glob in _texts(globs, span)]
        elif wish is not False:
            found += [f"{key}:{item}" for item in _texts(wish, span)]
    return tuple(read_pattern(text, span) for text in found)


def read_pattern(text: str, span: Span) -> Pattern:
    """E607 for what no operation is called."""
    head, _, rest = text.partition(":")
    head = ALIASES.get(head, head)
    if text == "*" or (head in EXECUTORS and rest in ("", "*")) or text == "@keychain":
        return Pattern(text, "*" if text == "*" else head)
    if head == "cmd":
        return Pattern(text, "cmd", tuple(part for part in rest.split(":") if part))
    if head == "fs":
        mode, _, glob = rest.partition(":")
        if mode in ("r", "w"):
            return Pattern(text, f"fs:{mode}", (glob,) if glob else ())
        raise OrchError("E607", f"{text} says neither fs:r nor fs:w", span, help="fs:r:**, fs:w:@root/build/**", exit=2)
    known = ("cmd", "fs", *EXECUTORS)
    meant = nearest(head, known)
    help = (
        f"did you mean {meant}?" if meant else "patterns begin with cmd:, fs:r:, fs:w:, or are " + ", ".join(EXECUTORS)
    )
    raise OrchError("E607", f"a policy knows no capability {text}", span, help=help, exit=2)

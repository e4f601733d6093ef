"""The reviewer: reads one file and writes down what its rules find in it.

It sees no other file; whether a finding survives the rest of the package is for `verify.py` to find out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from standin import exceptions, expressions, functions, names, resources
from standin.dialogue import Answer, Talk, read_file
from standin.module import Hit, Module, quoted

Rule = Callable[[Module], Iterable[Hit]]

RULES: dict[str, tuple[str, Rule]] = {
    "eval-exec": ("high", resources.evaluations),
    "shell-true": ("high", resources.shell_commands),
    "argument-assert": ("medium", functions.argument_asserts),
    "bare-except": ("medium", exceptions.bare_excepts),
    "complex-function": ("medium", functions.complex_functions),
    "duplicate-key": ("medium", expressions.duplicate_keys),
    "literal-identity": ("medium", expressions.literal_identities),
    "lock-without-with": ("medium", resources.loose_locks),
    "look-then-use": ("medium", resources.look_then_use),
    "mutable-default": ("medium", functions.mutable_defaults),
    "open-without-with": ("medium", resources.loose_files),
    "swallowed-exception": ("medium", exceptions.swallowed_exceptions),
    "unreachable-code": ("medium", functions.unreachable_code),
    "idle-fstring": ("low", expressions.idle_fstrings),
    "none-comparison": ("low", expressions.none_comparisons),
    "raise-without-from": ("low", exceptions.causeless_raises),
    "shadowed-builtin": ("low", names.shadowed_builtins),
    "todo-comment": ("low", expressions.marked_comments),
    "unused-import": ("low", names.unused_imports),
    "unused-variable": ("low", names.unused_variables),
}


@dataclass(frozen=True)
class Finding:
    """What the reviewer claims about one line. The id stays the same when lines above are added."""

    id: str
    rule: str
    line: int
    severity: str
    claim: str
    quote: str


def review(path: str, inlined: str | None) -> Talk:
    """Read the file unless the prompt holds it; answer with `{"findings": [...]}`."""
    text = inlined if inlined is not None else (yield from read_file(path))
    found = [asdict(finding) for finding in findings(path, text)]
    return Answer({"findings": found}, f"{len(found)} findings in {path}.")


def findings(path: str, text: str) -> list[Finding]:
    """Every finding, by line; a file that does not parse has exactly one."""
    try:
        return [finding for finding, _ in examine(Module(path, text))]
    except (SyntaxError, ValueError) as error:
        return [_unparsable(path, text, error)]


def examine(module: Module, only: str | None = None) -> list[tuple[Finding, Hit]]:
    """What the rules, or only one of them, find in a parsed file: by line, with the node it is about."""
    rules = [rule for rule in RULES if only in (None, rule)]
    hits = [(rule, hit) for rule in rules for hit in RULES[rule][1](module)]
    hits.sort(key=lambda pair: (pair[1].line, pair[0], pair[1].subject))
    seen: Counter[str] = Counter()
    return [(_finding(module, rule, hit, seen), hit) for rule, hit in hits]


def _finding(module: Module, rule: str, hit: Hit, seen: Counter[str]) -> Finding:
    quote = module.quote(hit.line)
    place = "\0".join([module.path, module.scope(hit.node), hit.subject, quote])
    seen[rule + place] += 1
    name = _name(rule, f"{place}\0{seen[rule + place]}")
    return Finding(name, rule, hit.line, RULES[rule][0], hit.claim, quote)


def _name(rule: str, place: str) -> str:
    return f"{rule}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def _unparsable(path: str, text: str, error: SyntaxError | ValueError) -> Finding:
    line = getattr(error, "lineno", None) or 1
    reason = error.msg if isinstance(error, SyntaxError) else str(error)
    quote = quoted(text, line)
    return Finding(
        _name("syntax-error", f"{path}\0{quote}"),
        "syntax-error",
        line,
        "high",
        f"does not parse: {reason}",
        quote,
    )

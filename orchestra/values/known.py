"""Names that exist without being defined: built-in variables and functions, model functions, operations.

Their meaning is the run's business; the static checks only need to know that they are there.
"""

from __future__ import annotations

from orchestra.values import transformers

__all__ = [
    "BUILT_IN_MODULES", "FUNCTIONS", "KEPT", "MODEL_FUNCTIONS", "MODEL_MODULES", "OPERATIONS", "RESERVED",
    "SEMANTIC_MODULES", "VARIABLES", "VIRTUAL_MODULES", "is_known", "known_names",
]  # fmt: skip

# Cannot be bound by `var` or `let`.
RESERVED = frozenset({"now", "root", "base", "input", "debug", "mx"})

# Cannot be bound by anything but an import.
KEPT = frozenset({"keep"})

VARIABLES = RESERVED | {"payload", "state", "fm", "frontmatter", "p", "pipeline"}

# Built-in functions that are no transformers, with their parameters.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "exists": ("value",),
    "fileExists": ("path",),
    "typeof": ("value",),
    "typeInfo": ("value",),
    "keep": ("value", "keys"),
    "keepStructured": ("value", "keys"),
}

MODEL_FUNCTIONS = (
    "claude",
    "claudePoll",
    "claudePollTimeout",
    "claudePollJsonl",
    "claudePollJsonlTimeout",
    "claudePollEvent",
    "claudeWithSystem",
    "haiku",
    "sonnet",
    "opus",
    "llm",
)
MODEL_MODULES = frozenset(
    f"{scope}/{name}" for name in ("llm", "claude", "claude-poll") for scope in ("orch", "mlld", "std")
)

TEST_FUNCTIONS = ("equal", "contains", "matches", "holds", "fails")

STORE_FUNCTIONS = tuple("table insert select get update claim tx event digest config configure rollback gates".split())
SESSION_FUNCTIONS = ("agent", "start", "send", "wait", "result", "abort")
SEMANTIC_FUNCTIONS = ("holds", "choose", "summarise", "programContext")
SEMANTIC_MODULES = frozenset({"orch/semantic", "std/semantic"})

# Modules that are part of the interpreter, and what they export.
BUILT_IN_MODULES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(MODEL_MODULES, MODEL_FUNCTIONS),
    **dict.fromkeys(("orch/test", "std/test"), TEST_FUNCTIONS),
    **dict.fromkeys(("orch/providers", "std/providers"), ("models",)),
    **dict.fromkeys(("orch/schema", "std/schema"), ("faults",)),
    **dict.fromkeys(("orch/store", "std/store"), STORE_FUNCTIONS),
    **dict.fromkeys(("orch/sessions", "std/sessions"), SESSION_FUNCTIONS),
    **dict.fromkeys(SEMANTIC_MODULES, SEMANTIC_FUNCTIONS),
}

# Sources of imports whose fields are only known while the script runs.
VIRTUAL_MODULES = ("payload", "state", "input", "now", "keychain")

# What a hook may name after `op:`, apart from labels.
STATEMENTS = "var exe run show log output append import checkpoint if when bail stream tool"
OPERATIONS = frozenset([*STATEMENTS.split(), "for", "for:iteration", "for:batch", "loop"])


def is_known(name: str) -> bool:
    """Whether every script can use `@name` without defining it."""
    return name in VARIABLES or name in FUNCTIONS or transformers.find(name) is not None


def known_names() -> set[str]:
    """All such names, for suggestions."""
    return {*VARIABLES, *FUNCTIONS, *(name for name in transformers.TRANSFORMERS if "." not in name)}

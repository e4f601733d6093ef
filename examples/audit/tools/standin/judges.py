"""Which search and which second thought belong to which rule.

The thoughts stand beside the rules: `names_judged.py` next to `names.py`, and so on.
"""

from __future__ import annotations

from standin.case import Judge, Search, no_search, plain
from standin.exceptions_judged import judge_handler, judge_raise
from standin.expressions_judged import judge_mark, judge_none
from standin.functions_judged import callers, judge_assert, judge_complex, judge_default, judge_unreachable
from standin.names_judged import importers, judge_import, judge_shadow, judge_variable, keyword_callers
from standin.resources_judged import judge_eval, judge_lock, judge_look, judge_open, judge_shell, releases

JUDGES: dict[str, tuple[Search, Judge]] = {
    "argument-assert": (callers, judge_assert),
    "bare-except": (no_search, judge_handler),
    "complex-function": (no_search, judge_complex),
    "duplicate-key": (no_search, plain("the dict keeps the later value only")),
    "eval-exec": (no_search, judge_eval),
    "idle-fstring": (no_search, plain("no placeholder in any part of it")),
    "literal-identity": (no_search, plain("equality is what can be relied on here")),
    "lock-without-with": (releases, judge_lock),
    "look-then-use": (no_search, judge_look),
    "mutable-default": (no_search, judge_default),
    "none-comparison": (no_search, judge_none),
    "open-without-with": (no_search, judge_open),
    "raise-without-from": (no_search, judge_raise),
    "shadowed-builtin": (keyword_callers, judge_shadow),
    "shell-true": (no_search, judge_shell),
    "swallowed-exception": (no_search, judge_handler),
    "todo-comment": (no_search, judge_mark),
    "unreachable-code": (no_search, judge_unreachable),
    "unused-import": (importers, judge_import),
    "unused-variable": (no_search, judge_variable),
}

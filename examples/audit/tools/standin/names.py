"""Rules about names: imports and variables that nothing reads, parameters that hide a builtin.

Whether such a name is meant for somebody outside the file is for the verifier to find out.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from standin.module import FUNCTIONS, Function, Hit, Module, own_nodes, parameters, reads

BUILTINS = {name for name in dir(builtins) if name.islower() and not name.startswith("_")}
_PEEKS = {"locals", "vars", "eval", "exec"}
_WORD = re.compile(r"[A-Za-z_]\w*")

Import = ast.Import | ast.ImportFrom


def unused_imports(module: Module) -> Iterator[Hit]:
    """One hit for each run of neighbouring imports that bind names which the file never reads."""
    used = reads(module.tree) | _quoted_words(module)
    for run in _runs(module, used):
        names = [name for statement in run for name in unused_names(statement, used)]
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Hit(
            run[0].lineno,
            ",".join(names),
            f"imports {listed}, which no expression in this file reads",
            run[0],
        )


def unused_names(statement: Import, used: set[str]) -> list[str]:
    """The names that an import binds and that are not among `used`."""
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        return []
    bound = [alias.asname or alias.name.split(".")[0] for alias in statement.names]
    return [name for name in bound if name not in used and name != "*"]


def _runs(module: Module, used: set[str]) -> Iterator[list[Import]]:
    run: list[Import] = []
    for statement in module.all(ast.Import, ast.ImportFrom):
        if not isinstance(statement, Import) or not unused_names(statement, used):
            continue
        if run and not _neighbours(module, run[-1], statement):
            yield run
            run = []
        run.append(statement)
    if run:
        yield run


def _neighbours(module: Module, first: Import, second: Import) -> bool:
    body = getattr(module.parent(first), "body", [])
    return first in body and body.index(first) + 1 < len(body) and body[body.index(first) + 1] is second


def _quoted_words(module: Module) -> set[str]:
    """Words of one-line strings that can be annotations: a quoted type reads the names in it."""
    exported = {text for one in _export_lists(module) for text in ast.walk(one)}
    texts = [one for one in module.all(ast.Constant) if isinstance(one.value, str) and one not in exported]
    return {word for one in texts if _is_type(str(one.value)) for word in _WORD.findall(str(one.value))}


def _is_type(text: str) -> bool:
    try:
        shape = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return False
    return isinstance(shape, ast.Name | ast.Attribute | ast.Subscript | ast.BinOp)


def _export_lists(module: Module) -> Iterator[ast.AST]:
    for statement in module.all(ast.Assign, ast.AnnAssign, ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            yield statement


def exports(module: Module) -> dict[str, int]:
    """The names in `__all__` with their lines."""
    constants = (one for listed in _export_lists(module) for one in ast.walk(listed))
    return {str(one.value): one.lineno for one in constants if isinstance(one, ast.Constant)}


def unused_variables(module: Module) -> Iterator[Hit]:
    """Local names that are assigned in a function and read nowhere in it, nested functions included."""
    for function in module.all(*FUNCTIONS):
        if not isinstance(function, FUNCTIONS) or reads(function) & _PEEKS:
            continue
        known = reads(function) | _declared_elsewhere(function)
        seen: set[str] = set()
        for name in _assigned(function):
            if name.id not in known | seen and not name.id.startswith("_"):
                seen.add(name.id)
                yield Hit(name.lineno, name.id, f"assigns `{name.id}` and never reads it", name)


def _declared_elsewhere(function: Function) -> set[str]:
    wide = [one for one in ast.walk(function) if isinstance(one, ast.Global | ast.Nonlocal)]
    return {name for one in wide for name in one.names}


def _assigned(function: Function) -> Iterator[ast.Name]:
    for node in own_nodes(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        yield from (target for target in targets if isinstance(target, ast.Name))


def shadowed_builtins(module: Module) -> Iterator[Hit]:
    """Parameters that carry the name of a builtin function or type; a stub hides it from nobody."""
    for function in module.all(*FUNCTIONS):
        if isinstance(function, FUNCTIONS) and not _is_stub(function):
            for one in parameters(function):
                if one.arg in BUILTINS:
                    claim = f"parameter `{one.arg}` of `{function.name}` hides the builtin of that name"
                    yield Hit(one.lineno, one.arg, claim, one)


def _is_stub(function: Function) -> bool:
    last = function.body[-1]
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant) and len(function.body) < 3

"""Rules about the world outside the program: files, locks, shells and code made of text.

Whether a resource is handed on to somebody who closes it is for the verifier to find out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from standin.module import FUNCTIONS, Hit, Module, blocks, called, dotted

_OPENERS = {"open", "io.open", "os.fdopen", "codecs.open"}
_SHELLS = {"run", "call", "check_call", "check_output", "Popen"}
_LOOKS = {"exists", "isfile", "isdir", "is_file", "is_dir"}
_USES = {"open", "os.remove", "os.unlink", "os.mkdir", "os.makedirs", "os.rmdir"}


def loose_files(module: Module) -> Iterator[Hit]:
    """A file opened outside a `with` header."""
    rebound = _defined_names(module)
    for call in module.all(ast.Call):
        name = called(call)
        if name in _OPENERS and name not in rebound and not _in_with_header(module, call):
            yield Hit(call.lineno, name, f"`{name}` outside a `with`: an exception leaves the file open", call)


def _defined_names(module: Module) -> set[str]:
    made = {one.name for one in module.all(*FUNCTIONS) if isinstance(one, FUNCTIONS)}
    stored = {one.id for one in module.all(ast.Name) if isinstance(one.ctx, ast.Store)}
    imported = {one.asname or one.name for one in module.all(ast.alias)}
    return made | stored | imported | {one.arg for one in module.all(ast.arg)}


def _in_with_header(module: Module, call: ast.Call) -> bool:
    for above in module.ancestors(call):
        if isinstance(above, ast.withitem):
            return True
        if isinstance(above, ast.stmt):
            return False
    return False


def shell_commands(module: Module) -> Iterator[Hit]:
    """`subprocess` with `shell=True`: the command line is read by a shell."""
    for call in module.all(ast.Call):
        name = called(call)
        if name.split(".")[-1] in _SHELLS and any(_is_shell(keyword) for keyword in call.keywords):
            yield Hit(call.lineno, name, f"`{name}` hands its command to a shell", call)


def _is_shell(keyword: ast.keyword) -> bool:
    return keyword.arg == "shell" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True


def evaluations(module: Module) -> Iterator[Hit]:
    """`eval` and `exec` run text as code."""
    rebound = _defined_names(module)
    for call in module.all(ast.Call):
        name = called(call)
        if name in {"eval", "exec"} - rebound:
            yield Hit(call.lineno, name, f"`{name}` runs text as code", call)


def look_then_use(module: Module) -> Iterator[Hit]:
    """A path that is looked at and then used: it may change in between."""
    for branch in module.all(ast.If):
        looked = {path for node in ast.walk(branch.test) if (path := _looked_at(node))}
        for call in _calls(branch.body):
            path = _used_path(call)
            if path and path in looked:
                claim = f"`{path}` is looked at on line {branch.lineno} and may change before it is used"
                yield Hit(call.lineno, path, claim, call)
                break


def _calls(body: list[ast.stmt]) -> Iterator[ast.Call]:
    yield from (node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Call))


def _looked_at(node: ast.AST) -> str:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ""
    if node.func.attr not in _LOOKS:
        return ""
    if dotted(node.func.value) in ("os.path", "path"):
        return ast.unparse(node.args[0]) if node.args else ""
    return ast.unparse(node.func.value) if not node.args else ""


def _used_path(call: ast.Call) -> str:
    if called(call) in _USES:
        return ast.unparse(call.args[0]) if call.args else ""
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("open", "unlink", "read_text", "mkdir"):
        return ast.unparse(call.func.value)
    return ""


def loose_locks(module: Module) -> Iterator[Hit]:
    """`lock.acquire()` as a statement of its own that no `finally` answers with `release()`."""
    for node in module.all(ast.AST):
        for block in blocks(node):
            for place, statement in enumerate(block):
                lock = acquired(statement)
                following = block[place + 1] if place + 1 < len(block) else None
                if lock and not _released(lock, [following, *module.ancestors(statement)]):
                    claim = f"acquires `{lock}`, and no `finally` releases it"
                    yield Hit(statement.lineno, lock, claim, statement)


def acquired(statement: ast.stmt) -> str:
    """The lock of a bare `lock.acquire()`, empty for any other statement."""
    name = called(statement.value) if isinstance(statement, ast.Expr) else ""
    return name.removesuffix(".acquire") if name.endswith(".acquire") else ""


def _released(lock: str, around: list[ast.AST | None]) -> bool:
    tries = [node for node in around if isinstance(node, ast.Try)]
    return any(called(call) == f"{lock}.release" for one in tries for call in _calls(one.finalbody))

"""Rules about exceptions: caught too widely, dropped in silence, or raised without their cause.

A comment that explains such a handler is weighed by the verifier, not here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from standin.module import FUNCTIONS, Hit, Module, dotted

_WIDE = {"Exception", "BaseException"}


def bare_excepts(module: Module) -> Iterator[Hit]:
    """`except:` catches KeyboardInterrupt and SystemExit too."""
    for handler in module.all(ast.ExceptHandler):
        if handler.type is None:
            yield Hit(handler.lineno, "except", "catches everything, KeyboardInterrupt included", handler)


def swallowed_exceptions(module: Module) -> Iterator[Hit]:
    """`except Exception` whose body does nothing at all."""
    for handler in module.all(ast.ExceptHandler):
        wide = sorted(_caught(handler) & _WIDE)
        if wide and all(_does_nothing(statement) for statement in handler.body):
            yield Hit(handler.lineno, wide[0], f"drops every {wide[0]} without a trace", handler)


def _caught(handler: ast.ExceptHandler) -> set[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {dotted(kind) for kind in kinds if kind is not None}


def _does_nothing(statement: ast.stmt) -> bool:
    idle = isinstance(statement, ast.Pass | ast.Continue)
    return idle or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def causeless_raises(module: Module) -> Iterator[Hit]:
    """A new exception raised in a handler without `from`."""
    for statement in module.all(ast.Raise):
        handler = handler_around(module, statement)
        new = isinstance(statement.exc, ast.Call)
        if handler is not None and new and statement.cause is None:
            name = dotted(statement.exc.func) if isinstance(statement.exc, ast.Call) else ""
            caught = " or ".join(sorted(_caught(handler))) or "an exception"
            claim = f"raises {name or 'a new exception'} while handling {caught}, without `from`"
            yield Hit(statement.lineno, name, claim, statement)


def handler_around(module: Module, node: ast.AST) -> ast.ExceptHandler | None:
    """The handler in which the node runs; a function defined in a handler runs elsewhere."""
    for above in module.ancestors(node):
        if isinstance(above, ast.ExceptHandler):
            return above
        if isinstance(above, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            return None
    return None

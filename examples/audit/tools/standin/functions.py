"""Rules about how a function is built: its defaults, its assertions, its branches, its dead lines.

Whether a function belongs to the public face of the package is for the verifier to find out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from standin.module import FUNCTIONS, Function, Hit, Module, blocks, called, own_nodes, parameters, reads

MOST_BRANCHES = 15
_CONTAINERS = {"list", "dict", "set", "bytearray"}
_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.IfExp, ast.ExceptHandler, ast.match_case)


def _functions(module: Module) -> Iterator[Function]:
    yield from (one for one in module.all(*FUNCTIONS) if isinstance(one, FUNCTIONS))


def mutable_defaults(module: Module) -> Iterator[Hit]:
    """Parameters whose default is one list, dict or set, shared by all calls."""
    for function in _functions(module):
        for parameter, default in _defaults(function):
            if isinstance(default, _LITERALS) or called(default) in _CONTAINERS:
                claim = f"all calls of `{function.name}` share the default object of `{parameter.arg}`"
                yield Hit(default.lineno, parameter.arg, claim, parameter)


def _defaults(function: Function) -> Iterator[tuple[ast.arg, ast.expr]]:
    given = function.args
    plain = [*given.posonlyargs, *given.args]
    yield from zip(plain[len(plain) - len(given.defaults) :], given.defaults, strict=True)
    for parameter, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if default is not None:
            yield parameter, default


def argument_asserts(module: Module) -> Iterator[Hit]:
    """`assert` that tests a parameter: it vanishes under `python -O`. Test files are not looked at."""
    if module.is_test():
        return
    for statement in module.all(ast.Assert):
        function = module.function(statement)
        tested = reads(statement.test) & {one.arg for one in parameters(function)} if function else set()
        if function and tested:
            name = min(tested)
            claim = f"checks argument `{name}` of `{function.name}` with assert, which `python -O` removes"
            yield Hit(statement.lineno, name, claim, statement)


def complexity(function: Function) -> int:
    """Independent paths through a function after McCabe: one, plus one for each place that branches."""
    total = 1
    for node in own_nodes(function):
        total += isinstance(node, _BRANCHES)
        total += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
        total += 1 + len(node.ifs) if isinstance(node, ast.comprehension) else 0
    return total


def complex_functions(module: Module) -> Iterator[Hit]:
    """Functions with more independent paths than anyone keeps in mind."""
    for function in _functions(module):
        paths = complexity(function)
        if paths > MOST_BRANCHES:
            claim = f"`{function.name}` has {paths} independent paths, more than {MOST_BRANCHES}"
            yield Hit(function.lineno, function.name, claim, function)


def unreachable_code(module: Module) -> Iterator[Hit]:
    """Statements that stand after a `return`, `raise`, `continue` or `break` of the same block."""
    for node in module.all(ast.AST):
        for block in blocks(node):
            for leaving, dead in pairwise(block):
                if isinstance(leaving, _LEAVES):
                    word = type(leaving).__name__.lower()
                    claim = f"cannot be reached: line {leaving.lineno} leaves the block with {word}"
                    yield Hit(dead.lineno, word, claim, dead)
                    break

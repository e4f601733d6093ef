"""Rules about single expressions and comments.

Each is decided by the line itself; the verifier only asks whether the line is meant that way.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from standin.module import Hit, Module

_MARK = re.compile(r"#\s*(TODO|FIXME|XXX)\b[:\s]*(.*)")
_IS = (ast.Is, ast.IsNot)
_EQUALS = (ast.Eq, ast.NotEq)


def none_comparisons(module: Module) -> Iterator[Hit]:
    """`== None` asks the other operand's class instead of comparing identity."""
    for left, sign, right, node in _comparisons(module):
        if isinstance(sign, _EQUALS) and (_is_none(left) or _is_none(right)):
            other = ast.unparse(right if _is_none(left) else left)
            yield Hit(node.lineno, other, f"compares `{other}` with None by equality", node)


def literal_identities(module: Module) -> Iterator[Hit]:
    """`is` with a number, text or tuple literal depends on what the interpreter shares."""
    for left, sign, right, node in _comparisons(module):
        literal = next((side for side in (left, right) if _is_value_literal(side)), None)
        if isinstance(sign, _IS) and literal is not None:
            shown = ast.unparse(literal)
            yield Hit(node.lineno, shown, f"compares identity with the literal {shown}", node)


def _comparisons(module: Module) -> Iterator[tuple[ast.expr, ast.cmpop, ast.expr, ast.Compare]]:
    for node in module.all(ast.Compare):
        for left, sign, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            yield left, sign, right, node


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_value_literal(node: ast.expr) -> bool:
    shared = (None, True, False, Ellipsis)
    plain = isinstance(node, ast.Constant) and not any(node.value is one for one in shared)
    return plain or isinstance(node, ast.Tuple | ast.List | ast.Dict | ast.Set)


def duplicate_keys(module: Module) -> Iterator[Hit]:
    """A dict display that writes the same constant key twice: the first value is lost."""
    for node in module.all(ast.Dict):
        first: dict[tuple[type, object], ast.expr] = {}
        for key in node.keys:
            if isinstance(key, ast.Constant):
                earlier = first.setdefault((type(key.value), key.value), key)
                if earlier is not key:
                    shown = ast.unparse(key)
                    yield Hit(key.lineno, shown, f"key {shown} stands on line {earlier.lineno} already", key)


def idle_fstrings(module: Module) -> Iterator[Hit]:
    """An f-string in which nothing is filled in. The format after a colon is no string of its own."""
    formats = {node.format_spec for node in module.all(ast.FormattedValue)}
    for node in module.all(ast.JoinedStr):
        if node not in formats and not any(isinstance(part, ast.FormattedValue) for part in node.values):
            yield Hit(node.lineno, "f-string", "f-string without a placeholder", node)


def marked_comments(module: Module) -> Iterator[Hit]:
    """Comments in which the authors left work for later."""
    for line, comment in module.comments.items():
        found = _MARK.match(comment)
        if found:
            mark, text = found.groups()
            yield Hit(line, mark, f"{mark} left in the code: {text.strip() or 'no text'}")

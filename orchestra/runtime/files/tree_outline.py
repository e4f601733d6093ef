"""The definitions of files in the languages that tree-sitter reads, whose packages are imported on first use.

What tree-sitter cannot parse it skips, so a file with a mistake still gives its other definitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from textwrap import dedent
from typing import Any
from warnings import catch_warnings, simplefilter

from orchestra.errors import OrchError
from orchestra.runtime.files.definitions import Definition
from orchestra.runtime.files.grammars import (
    BODIES,
    CLOSED,
    KIND_OF,
    KIND_OF_CONTENT,
    LANGUAGES,
    NAMED_BY_KEYWORD,
    NAMES_CONTENT,
    WRAPPERS,
)

__all__ = ["outline_tree"]

Node = Any  # tree_sitter.Node, from a package that may be absent


def outline_tree(text: str, suffix: str) -> list[Definition]:
    """All definitions in order. E505 when the packages for this file type are not installed."""
    source = text.encode("utf-8")
    return list(_definitions(_parse(source, suffix), "", source))


def _parse(source: bytes, suffix: str) -> Node:
    package, function = LANGUAGES[suffix]
    try:
        tree_sitter = import_module("tree_sitter")
        grammar = import_module(package)
    except ImportError:
        missing = package.replace("_", "-")
        raise OrchError(
            "E505",
            f"selecting definitions in {suffix} files needs the package {missing}",
            help='pip install "orch[code]"',
        ) from None
    with catch_warnings():  # older packages hand their grammar over as a number
        simplefilter("ignore", DeprecationWarning)
        language = tree_sitter.Language(getattr(grammar, function)())
    return tree_sitter.Parser(language).parse(source).root_node


def _definitions(node: Node, outer: str, source: bytes) -> Iterator[Definition]:
    for child in node.named_children:
        kind = _kind(child)
        names = _names(child) if kind else []
        for name in names:
            yield _definition(child, name, kind, outer, source)
        if names and kind not in CLOSED:
            yield from _definitions(child, f"{outer}{names[0]}.", source)
        elif not kind and child.type in BODIES | WRAPPERS:
            yield from _definitions(child, outer, source)


def _kind(node: Node) -> str:
    content = node.child_by_field_name(NAMES_CONTENT.get(node.type, ""))
    refined = KIND_OF_CONTENT.get(content.type) if content else None
    return refined or KIND_OF.get(node.type, "")


def _names(node: Node) -> list[str]:
    """The names a node defines; none for a mere mention, such as a prototype or a local variable in Ruby."""
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return []
    if node.type == "assignment":
        left = node.child_by_field_name("left")
        return [_text(left)] if left.type == "constant" else []
    if node.type in NAMED_BY_KEYWORD:
        return [_text(node.children[0])]
    if node.type == "impl_item":
        return [_text(node.child_by_field_name("type")).partition("<")[0].replace("::", ".")]
    if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")):
        return [f"{_receiver(receiver)}.{_text(node.child_by_field_name('name'))}"]
    named = node.children_by_field_name("name") or _declared(node)
    return [_text(name).replace("::", ".").strip("'\"") for name in _unpacked(named) if name.type != ","]


def _unpacked(named: Sequence[Node]) -> Iterator[Node]:
    """The names themselves where `const { a, b } = …` takes several out of one value."""
    for node in named:
        if node.type in ("object_pattern", "array_pattern"):
            yield from _unpacked([part for part in node.named_children if part.type != "comment"])
        elif node.type in ("pair_pattern", "assignment_pattern", "object_assignment_pattern", "rest_pattern"):
            inner = node.child_by_field_name("value" if node.type == "pair_pattern" else "left")
            yield from _unpacked([inner or node.named_children[0]])
        else:
            yield node


def _declared(node: Node) -> list[Node]:
    """The names in C declarators, which wrap them in pointers, arrays and parameters."""
    return [name for name in map(_innermost, node.children_by_field_name("declarator")) if name is not None]


def _innermost(node: Node) -> Node | None:
    is_function = False
    inner: Node | None = node
    while inner is not None:
        node, is_function = inner, is_function or inner.type == "function_declarator"
        inner = node.child_by_field_name("declarator")
    return None if is_function and not _has_body(node) else node


def _has_body(name: Node) -> bool:
    """Whether the definition that declares `name` is a function with a body, not its prototype."""
    node = name.parent
    while node is not None and node.type not in KIND_OF:
        node = node.parent
    return node is not None and node.type != "declaration"


def _receiver(node: Node) -> str:
    """The type a Go method belongs to: `Cart` in `(c *Cart[T])`."""
    found = re.search(r"(\w+)\s*(?:\[[^\]]*\])?\s*\)$", _text(node))
    return found[1] if found else ""


def _definition(node: Node, name: str, kind: str, outer: str, source: bytes) -> Definition:
    whole = node
    while whole.parent is not None and whole.parent.type in WRAPPERS:
        whole = whole.parent
    first = whole
    while first.prev_named_sibling is not None and first.prev_named_sibling.type == "attribute_item":
        first = first.prev_named_sibling
    start, end = first.start_byte, whole.end_byte
    line_start = start - first.start_point[1]
    indent = source[line_start:start]
    code = source[line_start if indent.isspace() else start : end].decode("utf-8")
    return Definition(outer + name, kind, dedent(code).strip(), first.start_point[0] + 1, start, end, bool(outer))


def _text(node: Node) -> str:
    return str(node.text.decode("utf-8"))

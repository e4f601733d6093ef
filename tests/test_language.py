"""The lists that describe the language agree: rules of the grammar, node classes, constructs used by cases.

What a construct does is for the cases to say; here it is only seen that none was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lark.grammar import Rule

from orchestra import parse, syntax
from orchestra.errors import OrchError
from orchestra.nodes.base import CLASSES, Node, rule_name, walk
from orchestra.source import Source

CASES = Path(__file__).parent / "cases"
MODES = {".mld": "strict", ".md": "markdown"}


def builds(rule: Rule) -> bool:
    """Whether the rule makes a tree, rather than lend its parts to another or stand for its only one."""
    name = rule.origin.name
    if name.startswith("_") or name in syntax.LISTS:
        return False
    kept = [symbol.name for symbol in rule.expansion if not getattr(symbol, "filter_out", False)]
    single = len(kept) + sum(rule.options.empty_indices) == 1 and not any(name[0] == "_" for name in kept)
    return bool(rule.alias) or not (rule.options.expand1 and single)


def rules() -> set[str]:
    """Names of the trees that the grammar can build."""
    return {str(rule.alias or rule.origin.name) for rule in syntax._parser().rules if builds(rule)}


def tree_of(file: Path) -> Node | None:
    """The nodes of a script or template of a case; None for those that are there to be wrong."""
    source = Source(file.name, file.read_bytes().decode(errors="replace"))
    try:
        if file.suffix in MODES:
            return parse.parse_script(source, MODES[file.suffix])
        return parse.parse_template(source, file.suffix[1:])
    except OrchError:
        return None


def written() -> Iterator[Node]:
    """Every node of every program, module and template that the cases hold."""
    for pattern in ("*/*/example.m*", "*/*/files/**/*.mld", "*/*/files/**/*.att", "*/*/files/**/*.mtt"):
        for file in sorted(CASES.glob(pattern)):
            if tree := tree_of(file):
                yield from walk(tree)


def test_every_rule_has_its_class() -> None:
    assert rules() - CLASSES.keys() == set()


def test_every_class_has_its_rule() -> None:
    assert CLASSES.keys() - rules() == set()


def test_every_construct_is_used_by_a_case() -> None:
    used = {rule_name(type(found)) for found in written()}
    assert CLASSES.keys() - used == set()

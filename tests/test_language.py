"""The lists that describe the language agree: rules of the grammar, node classes, cases, the manual.

What a construct does is for cases and topics to say; here it is only seen that none was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from lark.grammar import Rule

from orchestra import parse, syntax
from orchestra.cli.howto import FOLDER
from orchestra.errors import OrchError
from orchestra.nodes.base import CLASSES, Node, rule_name, walk
from orchestra.source import Source

CASES = Path(__file__).parent / "cases"
PROGRAMS = ("*/*/example.m*", "*/*/files/**/*.mld", "*/*/files/**/*.att", "*/*/files/**/*.mtt")
BLOCK = re.compile(r"^(`{3,})(?:file \S*\.)?(mld|md|att|mtt)[^`\n]*\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
MODES = {"mld": "strict", "md": "markdown"}
OLD = {
    "old_command",
    "old_parallel",
    "old_run",
    "output_old",
    "quoted_command",
}  # spellings that still run and that the manual does not teach


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


def tree_of(kind: str, text: str) -> Node | None:
    """The nodes of a script or template; None for those that are there to be wrong."""
    try:
        if kind in MODES:
            return parse.parse_script(Source("example", text), MODES[kind])
        return parse.parse_template(Source("example", text), kind)
    except OrchError:
        return None


def constructs(texts: Iterable[tuple[str, str]]) -> set[str]:
    """Rules behind the nodes of all texts, given as pairs of suffix and text."""
    trees = (tree_of(kind, text) for kind, text in texts)
    return {rule_name(type(found)) for tree in trees if tree for found in walk(tree)}


def listed(missing: set[str]) -> str:
    """As a failing test shows it: in full."""
    return " ".join(sorted(missing))


def test_every_rule_has_its_class() -> None:
    assert listed(rules() - CLASSES.keys()) == ""


def test_every_class_has_its_rule() -> None:
    assert listed(CLASSES.keys() - rules()) == ""


def test_every_construct_is_used_by_a_case() -> None:
    files = (file for pattern in PROGRAMS for file in CASES.glob(pattern))
    used = constructs((file.suffix[1:], file.read_bytes().decode(errors="replace")) for file in files)
    assert listed(CLASSES.keys() - used) == ""


def test_every_construct_is_shown_by_a_topic() -> None:
    blocks = (block for topic in FOLDER.glob("*/*.md") for block in BLOCK.findall(topic.read_text()))
    shown = constructs((kind, text) for _, kind, text in blocks)
    assert listed(CLASSES.keys() - shown - OLD) == ""

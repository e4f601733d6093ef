"""Laws that hold for every script: they are tried on all cases and on programs made up at random.

Single constructs are the cases' business; a longer search for programs that break things is `fuzz`.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import fuzz
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestra.cli.format import formatted
from orchestra.cli.in_process import Finished, run_in_process
from orchestra.errors import OrchError
from orchestra.nodes.base import CLASSES, Node
from orchestra.nodes.placement import check_placement
from orchestra.nodes.script import Script
from orchestra.printing import difference, print_script, print_template
from orchestra.printing.comments import Comments
from orchestra.printing.printer import PRINTERS
from orchestra.scan.headers import read_header
from orchestra.source import Source
from orchestra.syntax import ScanInput, build

CASES = fuzz.CASES
law = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def tree(text: str, mode: str = "strict") -> Script:
    """The nodes of a script with the places of its tokens, never from the cache."""
    source = Source("law", text)
    request = ScanInput(source, mode, read_header(source).end)
    script: Script = build(request, "script")
    script.marks = request.marks
    return script


@dataclass(frozen=True, slots=True)
class Program:
    """A case program that parses, with its nodes, which no law may change."""

    name: str
    mode: str
    text: str
    script: Script


@cache
def programs() -> list[Program]:
    """Every case program that parses."""
    return list(parsed())


def parsed() -> Iterator[Program]:
    for path in sorted((*CASES.glob("*/*/example.m*"), *CASES.glob("*/*/files/**/*.mld"))):
        text = path.read_bytes().decode(errors="replace")
        mode = "markdown" if path.suffix == ".md" else "strict"
        try:
            script = tree(text, mode)
            check_placement(script)
        except OrchError:
            continue
        yield Program(str(path.relative_to(CASES)), mode, text, script)


def broken(holds: Callable[[Program], Any]) -> list[tuple[str, Any]]:
    """Names of the case programs for which a law does not hold, with what it answered."""
    return [(program.name, fault) for program in programs() if (fault := holds(program))]


def made_up(text: str) -> Program:
    return Program("", "strict", text, tree(text))


# ── programs made up at random ───────────────────────────────────────────────────────────────────

NAMES = st.sampled_from(["a", "b", "total", "item-list", "x1", "when_", "data"])
REFERENCES = NAMES.map("@{}".format)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)


def quoted(text: str) -> str:
    return '"' + re.sub(r"([\\@\"<])", r"\\\1", text) + '"'


def templates(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Backtick templates, loops in them, and strings: text and references in any order."""
    plain = st.sampled_from(
        ["plain ", ".", "?", "(x)", "[0]", "\\`", "\\@", "a@b.c ", "\n", "\\n", "$5 ", "!", "é", "\\\\"]
    )
    tails = st.sampled_from(["", ".name", "[0]", '["k"]', ".upper()", "|@trim", "?", '??"none"', "?`yes`", "\\and"])
    references = st.builds("{}{}".format, REFERENCES, tails)
    calls = st.builds("@f({})".format, inner)
    parts = st.lists(st.one_of(plain, references, calls, st.just("!@a")), max_size=6).map("".join)
    loops = st.builds("text\n/for @i in {}\n- @i {}\n/end\n".format, inner, references)
    return st.one_of(parts, loops).map("`{}`".format)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions of one more level."""
    operators = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "~=", "<", "<=", ">", ">=", "&&", "||", "??"])
    stages = st.lists(st.sampled_from(["@json", "@f(1)", "show", "@f || @g"]), min_size=1, max_size=3).map(" | ".join)
    return st.one_of(
        st.builds("{} {} {}".format, inner, operators, inner),
        st.builds("({})".format, inner),
        st.builds("!({})".format, inner),
        st.builds("-({})".format, inner),
        st.builds("(({}) ? {} : {})".format, inner, inner, inner),
        st.lists(inner, max_size=4).map(lambda items: "[ " + ", ".join(f"({item})" for item in items) + " ]"),
        st.lists(inner, max_size=3).map(lambda items: "{" + ", ".join(f"k{i}: {v}" for i, v in enumerate(items)) + "}"),
        st.builds("@f({}, {})".format, inner, inner),
        st.builds("{}.name[({})]".format, REFERENCES, inner),
        st.builds("{}[1:({})]".format, REFERENCES, inner),
        st.builds("(for @i in ({}) => {})".format, inner, inner),
        st.builds("(for @i in ({}) when ({}) => {})".format, inner, inner, inner),
        st.builds("when [ ({}) => {}; * => {} ]".format, inner, inner, inner),
        st.builds("(({}) | {})".format, inner, stages),
        templates(inner),
    )


ATOMS = st.one_of(
    REFERENCES,
    st.integers(0, 10**6).map(str),
    st.floats(0, 1000).map("{:.3f}".format),
    st.sampled_from(["true", "false", "null", "<notes.md>?", "<docs/*.md # Title>", "'it\\'s'", "::colons @a::"]),
    WORDS.map(quoted),
)
EXPRESSIONS = st.recursive(ATOMS, combined, max_leaves=8)


def nested(block: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Statements that hold blocks."""
    return st.one_of(
        st.builds("if ({}) [\n{}\n] else [\n{}\n]".format, EXPRESSIONS, block, block),
        st.builds("for parallel(2) @i in ({}) [\n{}\n]".format, EXPRESSIONS, block),
        st.builds("loop(3) until ({}) [\n{}\n]".format, EXPRESSIONS, block),
        st.builds("try [\n{}\n] catch @e [\n{}\n]".format, block, block),
        st.builds("when ({}) [ 1 => {}; none => skip ]".format, EXPRESSIONS, EXPRESSIONS),
    )


SIMPLE = st.one_of(
    st.builds("let {} = {}".format, REFERENCES, EXPRESSIONS),
    st.builds("{} += {}".format, REFERENCES, EXPRESSIONS),
    st.builds("show {}".format, EXPRESSIONS),
    st.builds('output {} to "out/@a\\.txt"'.format, ATOMS.filter(lambda text: not text.endswith("?"))),
    st.sampled_from(["log", "@f(1, name: 2)", "throw", "append @a to stdout", "(@a) | @f"]),
)
BLOCKS = st.lists(st.recursive(SIMPLE, lambda inner: nested(inner), max_leaves=3), min_size=1, max_size=3).map(
    "\n".join
)
SCRIPTS = st.lists(
    st.one_of(
        st.builds("var {} = {}".format, REFERENCES, EXPRESSIONS),
        st.builds("exe pure @f(a, b: string = 1) = ({})".format, EXPRESSIONS),
        st.builds("exe @g() = [\nlet @z = 1\n{}\n=> @z\n]".format, BLOCKS),
        st.builds("show {}".format, EXPRESSIONS),
    ),
    min_size=1,
    max_size=4,
).map("\n".join)


# ── printing ─────────────────────────────────────────────────────────────────────────────────────


def reprinted(program: Program) -> Any:
    """What goes wrong when a script is printed, parsed and printed again, or None."""
    printed = print_script(program.script, program.mode)
    again = tree(printed, program.mode)
    if print_script(again, program.mode) != printed:
        return "the second print differs"
    return difference(program.script, again)


def test_every_node_class_has_a_printer() -> None:
    assert set(CLASSES.values()) - PRINTERS.keys() == set()


def test_printed_cases_parse_to_the_same_tree() -> None:
    assert len(programs()) > 500
    assert broken(reprinted) == []


@pytest.mark.parametrize("syntax", ["att", "mtt"])
def test_printed_templates_parse_to_the_same_tree(syntax: str) -> None:
    for path in CASES.glob(f"*/*/files/**/*.{syntax}"):
        body = parsed_template(path.read_bytes().decode(errors="replace"), syntax)
        if body is not None:
            again = parsed_template(print_template(body, syntax), syntax)
            assert difference(body, again) is None, path


def parsed_template(text: str, syntax: str) -> Any:
    try:
        return build(ScanInput(Source("law", text), syntax), "text_body")
    except OrchError:
        return None


@law
@given(SCRIPTS)
def test_printed_scripts_parse_to_the_same_tree(text: str) -> None:
    assert reprinted(made_up(text)) is None


# ── comments and white space ─────────────────────────────────────────────────────────────────────


def gaps(script: Node, text: str, marks: list[int]) -> Iterator[tuple[int, int]]:
    """Starts and ends of the white space between tokens, except where a template leaves it out of its text."""
    tokens = sorted(zip(marks[::2], marks[1::2], strict=True))
    for (_, start), (end, _) in pairwise(tokens):
        in_text = text[start - 1] == "\n" or "::" in (text[start - 2 : start], text[end : end + 2])
        if start < end and text[start:end].isspace() and not in_text:
            yield start, end


def loosened(text: str, script: Script) -> str:
    """The text with comments at its line ends, empty lines between, and wider blanks."""
    made, position = "", 0
    for start, end in gaps(script, text, script.marks):
        space = text[start:end]
        # A call at the beginning of a block is told from an array by what follows it on its line.
        note = "" if text[start - 1] == ")" else " >> a note, with = and ] in it"
        wider = space.replace("\n", f"{note}\n\n", 1) if "\n" in space else f"{space} \t"
        made += text[position:start] + wider
        position = end
    return made + text[position:]


def differs_when_loosened(program: Program) -> Any:
    return difference(program.script, tree(loosened(program.text, program.script), program.mode))


def test_comments_and_white_space_mean_nothing_in_cases() -> None:
    assert broken(lambda program: program.mode == "strict" and differs_when_loosened(program)) == []


@law
@given(SCRIPTS)
def test_comments_and_white_space_mean_nothing(text: str) -> None:
    assert differs_when_loosened(made_up(text)) is None


# ── laying out ───────────────────────────────────────────────────────────────────────────────────


def badly_laid_out(program: Program) -> Any:
    """What goes wrong when a script is laid out twice, or None."""
    once = formatted(Source("law", program.text), program.mode)
    if formatted(Source("law", once), program.mode) != once:
        return "the second layout differs"
    comments = Comments.between(program.text, program.script.marks, 0).left
    lost = [comment.text for comment in comments if comment.text not in once]
    return f"lost: {lost}" if lost else None


def test_layout_is_stable_and_keeps_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert broken(badly_laid_out) == []


UNTIDY = """\
resume: manual
>> what comes in

/var @data = {a: 1,   b: [1,2]}   >> trailing



exe @f(a,b) = [
    >> first
    let @z = @a+1; let @y = (2 * (3))
  if @z > (2*(3+1)) [ => when @a [ >> why
      1 => "one"
      * => [@b,
            @a]
  ] ]
  => [1, >> kept as it is
     2]
  >> end
]
>> last
"""
TIDY = """\
resume: manual
>> what comes in

var @data = { a: 1, b: [1, 2] } >> trailing

exe @f(a, b) = [
  >> first
  let @z = @a + 1
  let @y = 2 * 3
  if @z > 2 * (3 + 1) [
    => when @a [
      >> why
      1 => "one"
      * => [@b, @a]
    ]
  ]
  => [1, >> kept as it is
     2]
  >> end
]
>> last
"""


def test_layout() -> None:
    assert formatted(Source("law", UNTIDY), "strict") == TIDY


def test_layout_of_a_document_changes_its_directives_only() -> None:
    text = "# Title\n\n/show   1+2   >> note\n\n-  prose   `x`\n```mlld-run\nvar @a =  [1,2]\n```\nend"
    made = "# Title\n\n/show 1 + 2   >> note\n\n-  prose   `x`\n```mlld-run\nvar @a = [1, 2]\n```\nend"
    assert formatted(Source("law", text), "markdown") == made


def test_long_lists_get_one_item_a_line() -> None:
    items = [f'"item number {number}"' for number in range(8)]
    made = formatted(Source("law", f"var @items = [{', '.join(items)}]"), "strict")
    assert made == "var @items = [\n" + ",\n".join(f"  {item}" for item in items) + "\n]\n"
    assert formatted(Source("law", f"var @items = [{', '.join(items[:4])}]"), "strict").count("\n") == 1


# ── running ──────────────────────────────────────────────────────────────────────────────────────


def ran(text: str, folder: Path, *args: str) -> Finished:
    (folder / "law.mld").write_text(text, "utf-8")
    return run_in_process(["law.mld", *args], folder, "", {"PATH": os.environ["PATH"], "HOME": str(folder)})


ITEMS = st.lists(st.one_of(st.integers(-9, 9), st.sampled_from([[1, 2], {"k": 3}, "text", None, True])), max_size=5)
PURE = st.sampled_from(
    [
        "@i",
        "[@i, @i]",
        "`<@i>`",
        "@i == 3",
        "@i ?? 0",
        "{ v: @i }",
        "@i | @json",
        "(when [ @i => 1; * => 2 ])",
        "@i_key",
        "!@i",
    ]
)


@settings(law, max_examples=25)
@given(ITEMS, PURE, PURE)
def test_sequential_and_parallel_agree(tmp_path: Path, items: list[Any], first: str, second: str) -> None:
    loop = f"@i in @items => [{first}, {second}]"
    script = f"var @items = {json.dumps(items)}\nvar @a = for {loop}\nvar @b = for parallel(3) {loop}\n"
    done = ran(f"{script}show @a | @json\nshow @b | @json", tmp_path)
    assert done.exit == 0, done.stderr
    sequential, parallel = done.stdout[: len(done.stdout) // 2], done.stdout[len(done.stdout) // 2 :]
    assert sequential == parallel


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=10)
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(-1e9, 1e9), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(law, max_examples=30)
@given(DATA)
def test_json_in_is_json_out(tmp_path: Path, data: Any) -> None:
    given_json = json.dumps({"data": data}, ensure_ascii=False)
    done = ran(
        'show @payload.data | @json\noutput { d: @payload.data } to "out.json" as json',
        tmp_path,
        "--payload-json",
        given_json,
    )
    assert done.exit == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == {"d": data}


# ── whatever is written ──────────────────────────────────────────────────────────────────────────


def test_mutated_programs_are_answered_with_located_errors(tmp_path: Path) -> None:
    left = iter(range(700))
    found = list(fuzz.search(random.Random(1), tmp_path, lambda: next(left, None) is not None))
    assert found == []

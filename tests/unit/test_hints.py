"""Laws of the advice tables, and advice for programs that have no case of their own."""

from __future__ import annotations

import random
import re
import string

import pytest

from orchestra.errors import NAMES, OrchError
from orchestra.hints.advice import PATTERNS
from orchestra.hints.pattern import Pattern
from orchestra.hints.structure import looks_like_prose
from orchestra.parse import parse_errors, parse_script
from orchestra.source import Source

GOOD = """\
var @team = [{ who: "ana", age: 31 }, { who: "bo", age: 28 }]
exe @label(n) = [
  if @n < 0 [ => "neg" ] else [ show `pos @n` ]
  => "done"
]
var @word = when [ @team.length > 5 => "many"; * => "few" ]
for @m in @team => show `@m.who (@m.age)`
loop(2) [ continue @input ]
show @label(3) | @upper
"""

# program → the text under the carets, the help
ADVICE = {
    'show "a" /* b */\n': ("/*", ">> b"),
    "var @x = 5 -- note\n": ("--", ">> note"),
    'if true then [ show "a" ]\n': ("then", "[ … ]"),
    'if true [ show "a"\nfi\n]\n': ("fi", "]"),
    "var @r = when [\n  true = 1\n]\n": ("=", "true => …"),
    "for @x [1, 2] => show @x\n": ("[", "for @x in [1, 2]"),
    'loop(often) [ show "x" ]\n': (
        "often",
        "loop(10) [ … ], loop(@limit) [ … ] or loop(endless) [ … ]",
    ),
    "loop(3) [\n  next\n]\n": ("next", "continue"),
    'require("./x.mld")\n': ("require", 'import { @name } from "./x.mld"'),
    "var $x = 1\n": ("$", "var @x = …"),
    "exit(1)\n": ("exit", '=> ends the script, bail "reason" fails it'),
    "unless @x [ show 1 ]\n": ("unless", "if !(@x) [ … ]"),
    "await @f()\n": ("await", "@f()"),
    "assert @x == 1\n": ("assert", 'if !(@x == 1) [ bail "reason" ]'),
    "var @a = False\n": ("False", "false"),
    "if @a is not 1 [ show 1 ]\n": ("is not", "@a != 1"),
    "if @a or @b [ show 1 ]\n": ("or", "@a || @b"),
    "if @a =< 1 [ show 1 ]\n": ("=<", "<="),
    "var @b = @a mod 2\n": ("mod", "@a % 2"),
    "var @f = lambda x: x\n": ("lambda", "exe @name(x) = …"),
    'show @f("a" "b")\n': ('"', "put a , after the value before it"),
    "show (1, 2)\n": (",", "[ … ] makes an array of several"),
    "parallel(3) for @x in @xs => show @x\n": ("parallel", "for parallel(3) @x in …"),
    "import x\n": ("x", 'import "./x.mld" as @x'),
    "exe @f() = sh echo hi\n": ("sh", "sh {echo hi}"),
    "var @f = (x) => @x * 2\n": ("(", "exe @f(x) = @x * 2"),
    "var @a.b = 3\n": (".", "var @copy = { ...@a, b: 3 }"),
    "var @x = new Date()\n": ("new", "new @Date(…) after import { @Date } from node …"),
    'show """doc"""\n': ('""', "`…` may hold quotes, and line ends as well"),
    "loop while @x < 3 [ show 1 ]\n": ("while", "loop until !(@x < 3) [ … ]"),
}


def first_error(text: str) -> OrchError:
    with pytest.raises(OrchError) as caught:
        parse_script(Source("a.mld", text))
    return caught.value


@pytest.mark.parametrize("program", ADVICE)
def test_advice(program: str) -> None:
    error = first_error(program)
    assert error.span is not None
    assert (error.span.text, error.help) == ADVICE[program]
    assert error.exit == 2


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.message)
def test_every_pattern_says_only_what_it_knows(pattern: Pattern) -> None:
    known = set(re.compile(pattern.at).groupindex) | set(re.compile(pattern.before).groupindex)
    used = {name for _, name, _, _ in string.Formatter().parse(pattern.message + pattern.help) if name}
    assert used <= known | {"found", "bind"}
    assert pattern.code in NAMES
    assert not pattern.message.endswith(".")
    assert pattern.help


def test_a_lost_bracket_is_shown_where_it_opens() -> None:
    error = first_error("var @a = [1, 2\nvar @b = 3\n")
    assert error.span is not None
    assert (error.code, error.span.where) == ("E103", "a.mld:1:10")


def test_an_indented_var_in_a_closed_block_is_no_lost_bracket() -> None:
    assert first_error("if true [\n  var @b = 3\n]\n").code == "E105"


def test_a_statement_broken_off_is_shown_at_its_end() -> None:
    error = first_error("var @a =\n\nshow 1\n")
    assert error.span is not None
    assert (error.message, error.span.where) == ("the value of @a is missing", "a.mld:1:9")


def test_independent_faults_are_all_reported() -> None:
    errors = parse_errors(Source("a.mld", "const a = 1\nshow 1\nvar @b = True\nshow 2\n"))
    assert [error.span.line for error in errors if error.span] == [1, 3]


@pytest.mark.parametrize("line", ["Please read the text below.", "- first do this", "1. Then that", "Hello world."])
def test_prose(line: str) -> None:
    assert looks_like_prose(line)


@pytest.mark.parametrize("line", ["return x", "foo(1)", "x = 3", "show me the text", "vra @x = 1"])
def test_code_is_no_prose(line: str) -> None:
    assert not looks_like_prose(line)


def test_damaged_scripts_get_a_located_error_or_none() -> None:
    chance = random.Random(7)
    for _ in range(300):
        at = chance.randrange(len(GOOD))
        cut = GOOD[at : at + chance.randrange(4)]
        damaged = GOOD[:at] + chance.choice(["", "[", "]", '"', "=", "@", "#", " x ", ",", "{"]) + GOOD[at + len(cut) :]
        try:
            parse_script(Source("a.mld", damaged))
        except OrchError as error:
            assert error.span is not None
            assert 0 <= error.span.start <= error.span.end <= len(damaged)

"""What a list of tools grants: its grammar, its patterns, its denials."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.runtime.tools.functions import FunctionTool, tool_name
from orchestra.runtime.tools.specs import Rule, parse_tools
from orchestra.values.executable import Executable
from orchestra.values.tagged import Meta, Tagged


@pytest.mark.parametrize(
    "spec",
    [
        "Read,Bash(git:*, x)",
        ["Read", "Bash(git:*, x)"],
        ["Read,Bash(git:*, x)"],
        Tagged([Tagged("Read", Meta(("secret",))), "Bash(git:*, x)"], Meta(("a",))),
        " Read ,, Bash( git:*, x ) ",
    ],
)
def test_forms_are_equal(spec: Any) -> None:
    assert parse_tools(spec).grants == (Rule("Read"), Rule("Bash", "git:*, x"))


def test_absent_empty_and_denied() -> None:
    assert not parse_tools(None).declared
    assert parse_tools("") == parse_tools([])
    assert parse_tools("").declared
    tools = parse_tools("!Edit(x),Read,Write,!Write")
    assert tools.names == ("Read",)
    assert str(tools) == "Read,Write,!Edit(x),!Write"


def test_functions_and_collections() -> None:
    search, grade = Executable("searchAll"), Executable("grade")
    tools = parse_tools(["Read", search, {"giveMark": grade, "dropped": None}, [search]])
    assert tools.functions == (FunctionTool("search_all", search), FunctionTool("give_mark", grade))
    assert tools.grants == (Rule("Read"),)
    assert parse_tools(search).functions == (FunctionTool("search_all", search),)


@pytest.mark.parametrize(
    ("name", "tool"),
    [("findBook", "find_book"), ("HTMLPage", "h_t_m_l_page"), ("a-b__c", "a_b_c"), ("_x", "x"), ("plain", "plain")],
)
def test_names_of_functions_as_tools(name: str, tool: str) -> None:
    assert tool_name(name) == tool


def test_two_functions_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(OrchError, match='two tools have the name "find_book": @findBook and @find_book'):
        parse_tools([Executable("findBook"), Executable("find_book")])


def test_tools_of_agent_programs_are_known_apart() -> None:
    tools = parse_tools("Read,WebFetch,Task")
    assert (tools.names, tools.foreign) == (("Read",), (Rule("WebFetch"), Rule("Task")))
    assert parse_tools("!WebFetch").denials == (Rule("WebFetch"),)


@pytest.mark.parametrize(
    ("spec", "code", "message", "help"),
    [
        ("Raed", "E704", 'there is no tool "Raed"', 'did you mean "Read"?'),
        ("read", "E704", 'there is no tool "read"', 'did you mean "Read"?'),
        ("Bash()", "E701", 'nothing stands in the brackets of tool "Bash()"', 'write "Bash" for all of it'),
        ("Xyzzy", "E704", 'there is no tool "Xyzzy"', "tools are Read, Write, Edit, Glob, Grep, Bash"),
        (
            "Read(docs/**",
            "E701",
            'brackets do not match in tools "Read(docs/**"',
            'tools: "Bash(git:*),Read"',
        ),
        ("Read)", "E701", 'brackets do not match in tools "Read)"', 'tools: "Bash(git:*),Read"'),
        ("Read(a)b", "E701", 'text after the bracket in tool "Read(a)b"', 'write "Read(docs/**)"'),
        (7, "E701", "tools must be text, functions or a list of them, not a number", 'tools: "Read,Grep"'),
        ([None], "E701", "tools must be text, functions or a list of them, not null", 'tools: "Read,Grep"'),
    ],
)
def test_wrong_specs(spec: Any, code: str, message: str, help: str) -> None:
    with pytest.raises(OrchError) as caught:
        parse_tools(spec)
    assert (caught.value.code, caught.value.message, caught.value.help) == (code, message, help)


@pytest.mark.parametrize(
    ("spec", "subject", "allowed"),
    [
        ("Read", "any/where.md", True),
        ("Read(*)", "any/where.md", True),
        ("Read(docs/**)", "docs/a/b.md", True),
        ("Read(docs/**)", "docs.md", False),
        ("Read(./docs/*.md)", "docs/a.md", True),
        ("Read(docs/*.md)", "docs/a/b.md", False),
        ("Read(**/*.md)", "a.md", True),
        ("Read(**/*.md)", "x/y/a.md", True),
        ("Read(src/*.{py,toml})", "src/a.toml", True),
        ("Read(src/?.py)", "src/ab.py", False),
        ("Read(src/[a-c].py)", "src/b.py", True),
        ("Read(src/[!a-c].py)", "src/b.py", False),
        ("Read(a+b.md)", "a+b.md", True),
        ("Read([z-a])", "z", False),
        ("Read(**)", "a", True),
        ("Read(docs/**)", "docs", False),
        ("Read(**/docs/**/*.md)", "a/docs/b/c/d.md", True),
        ("Read({a,b}/{c,d}.md)", "b/c.md", True),
        ("Read(*a*a*a*a*a*a*a*a*a*a*b)", "a" * 250, False),
        ("Read(**/**/**/**/**/**/**/**/x)", "/".join("abcdefghijklmnopqrst"), False),
        ("Read,!Read(secret/**)", "secret/x", False),
        ("!Read(secret/**),Read", "secret/x", False),
        ("Write(out/*)", "out/x", False),
    ],
)
def test_path_patterns(spec: str, subject: str, allowed: bool) -> None:
    assert parse_tools(spec).allows("Read", subject) is allowed


@pytest.mark.parametrize(
    ("pattern", "command", "allowed"),
    [
        ("Bash", "anything at all", True),
        ("Bash(*)", "anything", True),
        ("Bash(make lint)", "make lint", True),
        ("Bash(make lint)", "make lint x", False),
        ("Bash(git:*)", "git", True),
        ("Bash(git:*)", "git log -1", True),
        ("Bash(git:*)", "gitk", False),
        ("Bash(git log *)", "git log", True),
        ("Bash(git log *)", "git log -1", True),
        ("Bash(git log *)", "git logs", False),
        ("Bash(npm run *:fix)", "npm run lint:fix", True),
        ("Bash(npm run *:fix)", "npm run lint", False),
        ("Bash(g.t)", "git", False),
        ("Bash(g?t)", "git", False),
        ("Bash(ls [a]*)", "ls [a] b", True),
    ],
)
def test_command_patterns(pattern: str, command: str, allowed: bool) -> None:
    assert parse_tools(pattern).allows("Bash", command) is allowed


def test_read_patterns_limit_searches() -> None:
    tools = parse_tools("Grep,Read(docs/**),!Read(docs/secret/**)")
    assert tools.shows("Grep", "docs/a.md")
    assert not tools.shows("Grep", "src/a.py")
    assert not tools.shows("Grep", "docs/secret/a.md")
    assert parse_tools("Grep").shows("Grep", "src/a.py")
    assert not parse_tools("Grep(docs/**)").shows("Grep", "src/a.py")

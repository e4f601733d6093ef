"""The stand-in of the audit example as a reviewer: each rule on code that breaks it, and on other code.

Its protocol is tested here too, its second thoughts in `test_audit_verdicts.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from audit_desk import FEW, TOOLS, Desk, prompt, tool


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ── each rule: code that breaks it, the line of the finding, code that keeps it ──────────────────

RULES = [
    ("eval-exec", "def f(s):\n    return eval(s)\n", 2, "def f(model):\n    return model.eval()\n"),
    ("eval-exec", "exec(open)\n", 1, "def eval(x):\n    return x\n\n\neval(1)\n"),
    (
        "shell-true",
        "import subprocess\nsubprocess.run(c, shell=True)\n",
        2,
        "import subprocess\nsubprocess.run([c], shell=False)\n",
    ),
    (
        "argument-assert",
        "def f(n):\n    assert n > 0\n    return n\n",
        2,
        "LIMIT = 3\ndef f(n):\n    assert LIMIT > 0\n    return n\n",
    ),
    ("bare-except", "try:\n    f()\nexcept:\n    g()\n", 3, "try:\n    f()\nexcept OSError:\n    g()\n"),
    (
        "complex-function",
        "def f(n):\n" + "    if n: n += 1\n" * 15 + "    return n\n",
        1,
        "def f(n):\n" + "    if n: n += 1\n" * 14 + "    return n\n",
    ),
    (
        "duplicate-key",
        "d = {'a': 1,\n     'a': 2}\n",
        2,
        "d = {1: 'int', True: 'bool', 'a': 0, **{'a': 1}}\n",
    ),
    ("literal-identity", "if n is 3:\n    pass\n", 1, "if n is None or n is True or n is ...:\n    pass\n"),
    (
        "lock-without-with",
        "def f(lock):\n    lock.acquire()\n    g()\n    lock.release()\n",
        2,
        "def f(lock):\n    lock.acquire()\n    try:\n        g()\n    finally:\n        lock.release()\n",
    ),
    (
        "look-then-use",
        "if os.path.exists(p):\n    h = open(p)\n",
        2,
        "if os.path.exists(p):\n    h = open(q)\n",
    ),
    ("look-then-use", "if p.exists():\n    p.unlink()\n", 2, "if p.exists():\n    q.unlink()\n"),
    ("mutable-default", "def f(a, b=[]):\n    return b\n", 1, "def f(a, b=()):\n    return b\n"),
    ("mutable-default", "def f(*, b=dict()):\n    return b\n", 1, "def f(*, b=None):\n    return b\n"),
    ("open-without-with", "h = open('a')\n", 1, "with open('a') as h:\n    pass\n"),
    ("open-without-with", "text = open('a').read()\n", 1, "from gzip import open\nh = open('a')\n"),
    (
        "swallowed-exception",
        "try:\n    f()\nexcept Exception:\n    pass\n",
        3,
        "try:\n    f()\nexcept KeyError:\n    pass\n",
    ),
    (
        "swallowed-exception",
        "try:\n    f()\nexcept (KeyError, Exception):\n    ...\n",
        3,
        "try:\n    f()\nexcept Exception:\n    log()\n",
    ),
    (
        "unreachable-code",
        "def f():\n    return 1\n    g()\n",
        3,
        "def f():\n    if x:\n        return 1\n    g()\n",
    ),
    ("idle-fstring", "t = f'plain'\n", 1, "t = f'{n:>10}' 'plain'\n"),
    ("none-comparison", "if n == None:\n    pass\n", 1, "if n is None or n == 0:\n    pass\n"),
    (
        "raise-without-from",
        "try:\n    f()\nexcept KeyError:\n    raise ValueError('x')\n",
        4,
        "try:\n    f()\nexcept KeyError as e:\n    raise ValueError('x') from e\n",
    ),
    (
        "raise-without-from",
        "try:\n    f()\nexcept KeyError:\n    raise ValueError('x')\n",
        4,
        "try:\n    f()\nexcept KeyError as e:\n    def g():\n        raise ValueError('x')\n    raise\n",
    ),
    ("shadowed-builtin", "def f(id):\n    return id\n", 1, "def f(ident):\n    return ident\n"),
    ("shadowed-builtin", "def f(*, type):\n    return type\n", 1, "def f(type): ...\n"),
    ("todo-comment", "x = 1  # TODO: later\n", 1, "x = '# TODO: later'\n"),
    ("unused-import", "import os\nimport sys\nsys.exit()\n", 1, "import os.path\nprint(os.sep)\n"),
    ("unused-import", "from a import b as c\nb()\n", 1, "from __future__ import annotations\n"),
    ("unused-import", "import os\n", 1, "from a import B\ndef f(x: 'list[B]'): return x\n"),
    (
        "unused-variable",
        "def f():\n    n = g()\n    return 1\n",
        2,
        "def f():\n    n = g()\n    def h(): return n\n    return h\n",
    ),
    (
        "unused-variable",
        "def f():\n    n: int = 1\n",
        2,
        "def f():\n    global n\n    n = 1\n    _unused = 2\n",
    ),
    ("unused-variable", "def f():\n    n = 1\n", 2, "def f():\n    n = 1\n    return locals()\n"),
]


@pytest.mark.parametrize(("rule", "bad", "line", "good"), RULES)
def test_rule_finds_what_it_describes_and_nothing_else(desk: Desk, rule: str, bad: str, line: int, good: str) -> None:
    desk.put({"pkg/bad.py": bad, "pkg/good.py": good})
    found = [one for one in desk.review("pkg/bad.py") if one["rule"] == rule]
    assert [one["line"] for one in found] == [line]
    assert found[0]["quote"] == bad.splitlines()[line - 1].strip()
    assert rule not in [one["rule"] for one in desk.review("pkg/good.py")]


def test_every_rule_is_tried_and_judged() -> None:
    rules = set(tool("standin.review").RULES)
    assert rules == {rule for rule, *_ in RULES} == set(tool("standin.judges").JUDGES)


def test_a_finding_has_exactly_the_fields_of_the_schema(desk: Desk) -> None:
    desk.put({"pkg/a.py": "import os\n"})
    (finding,) = desk.review("pkg/a.py")
    schema = json.loads((TOOLS.parent / "llm/run/audit/schemas/review.json").read_text())
    assert sorted(finding) == sorted(schema["properties"]["findings"]["items"]["required"])
    assert finding["severity"] == "low"
    assert finding["claim"] == "imports os, which no expression in this file reads"


def test_neighbouring_unused_imports_are_one_finding(desk: Desk) -> None:
    desk.put({"pkg/a.py": "import os\nimport re\nfrom a import b, c\nimport sys\nimport json\nsys.exit()\n"})
    assert [(one["line"], one["claim"]) for one in desk.review("pkg/a.py")] == [
        (1, "imports os, re, b and 1 more, which no expression in this file reads"),
        (5, "imports json, which no expression in this file reads"),
    ]


def test_assertions_of_tests_are_no_finding(desk: Desk) -> None:
    desk.put({"pkg/tests/check.py": "def f(n):\n    assert n\n"})
    assert desk.review("pkg/tests/check.py") == []


def test_a_file_that_does_not_parse_is_one_finding_that_nobody_here_can_decide(desk: Desk) -> None:
    desk.put({"pkg/a.py": "x = 1\nprint 'old'\n"})
    (finding,) = desk.review("pkg/a.py")
    assert (finding["rule"], finding["line"], finding["quote"]) == ("syntax-error", 2, "print 'old'")
    assert desk.verify("pkg/a.py", finding)["verdict"] == "insufficient-context"


@pytest.mark.parametrize("text", ["", "\n", '"""Only words."""\n'])
def test_nothing_wrong_is_an_empty_list(desk: Desk, text: str) -> None:
    desk.put({"pkg/a.py": text})
    assert desk.review("pkg/a.py") == []


# ── the wire ─────────────────────────────────────────────────────────────────────────────────────


def test_a_long_file_is_read_page_by_page(tmp_path: Path) -> None:
    desk = Desk(tmp_path, page=10)
    desk.put({"pkg/a.py": "x = 1\n" * 25 + "import os\n"})
    assert [one["line"] for one in desk.review("pkg/a.py")] == [26]
    assert desk.used == ["Read", "Read", "Read", "Write"]


def test_source_in_the_prompt_is_not_read_again(desk: Desk) -> None:
    desk.talk(prompt("pkg/a.py") + "\n<source>\nimport os\n</source>\n", FEW)
    assert desk.used == ["Write"]
    assert [one["rule"] for one in desk.written()["findings"]] == ["unused-import"]


def test_without_write_the_document_is_the_answer(desk: Desk) -> None:
    desk.put({"pkg/a.py": "import os\n"})
    words = desk.talk(prompt("pkg/a.py"), ("Read",))
    assert [one["rule"] for one in json.loads(words)["findings"]] == ["unused-import"]


def test_a_file_that_cannot_be_read_is_said(desk: Desk) -> None:
    words = desk.talk(prompt("pkg/gone.py"), FEW)
    assert words == "I could not read pkg/gone.py: No such file or directory"


def test_a_missing_tool_is_said(desk: Desk) -> None:
    desk.put({"pkg/a.py": "import os\n"})
    assert desk.talk(prompt("pkg/a.py"), ("Write",)) == "I cannot go on without the tool Read."


def run(text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/reviewer.py"]
    return subprocess.run(command, cwd=TOOLS.parent, input=text, capture_output=True, text=True, check=False)


def test_one_turn_as_a_process() -> None:
    request = {"version": 1, "model": "m", "system": None, "max_tokens": 9, "tools": [{"name": "Read"}]}
    blocks = [{"type": "text", "text": prompt("pkg/a.py")}]
    done = run(json.dumps({**request, "messages": [{"role": "user", "content": blocks}]}))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "content": [
            {
                "type": "tool_use",
                "id": "call-1",
                "name": "Read",
                "input": {"file_path": "pkg/a.py", "limit": 2000},
            }
        ],
        "stop": "tool_use",
        "usage": {"input": 38, "output": 26},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the request is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "the request has no list of messages"),
        ('{"messages": []}', "version None of the protocol is unknown, only 1 is known"),
        ('{"version": 1, "messages": []}', "the request has no prompt"),
        (
            '{"version": 1, "messages": [{"role": "user", "content": "Tell me a joke."}]}',
            "the prompt names no file: expected a line <file>path</file>",
        ),
        (
            json.dumps({"version": 1, "messages": [{"role": "user", "content": prompt("a.py", {"id": "x"})}]}),
            "the finding in the prompt cannot be read: KeyError('rule')",
        ),
    ],
)
def test_nonsense_ends_the_process_with_a_message(text: str, message: str) -> None:
    done = run(text)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"reviewer.py: {message}\n")


def test_the_same_turn_gives_the_same_bytes() -> None:
    source = "\n".join(bad for _, bad, _, _ in RULES if bad.startswith(("def", "import")))
    text = f"{prompt('pkg/a.py')}\n<source>\n{source}\n</source>\n"
    request = json.dumps({"version": 1, "messages": [{"role": "user", "content": text}], "tools": []})
    first, second = run(request), run(request)
    assert first.stdout == second.stdout
    assert len(json.loads(json.loads(first.stdout)["content"][0]["text"])["findings"]) > 10


# ── finding the code ─────────────────────────────────────────────────────────────────────────────


def locate(name: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLS / "locate.py"), name]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_an_installed_package_is_found() -> None:
    import click

    folder = Path(click.__file__).resolve().parent
    assert json.loads(locate("click", TOOLS).stdout) == {
        "dir": str(folder.parent),
        "folder": str(folder),
        "name": "click",
    }


def test_a_folder_comes_before_a_package_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "click").mkdir()
    assert json.loads(locate("click", tmp_path).stdout)["dir"] == str(tmp_path.resolve())


@pytest.mark.parametrize("name", ["no_such_package", "../nowhere", "json.decoder", "this"])
def test_what_is_neither_is_an_error(name: str, tmp_path: Path) -> None:
    done = locate(name, tmp_path)
    assert (done.returncode, done.stderr) == (1, f"neither a folder nor an installed package: {name}\n")

"""The stand-in of the audit example as a verifier: what refutes a finding, and the line that shows it.

The rules themselves are tested in `test_audit_standin.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_desk import Desk, tool


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ── the verifier: files, the rule in question, verdict, evidence ─────────────────────────────────

HANDLER = "def f():\n    try:\n        g()\n    except Exception:\n        pass{}\n"

VERDICTS = [
    ({"a.py": "import os\n"}, "unused-import", "confirmed", "a.py:1 import os"),
    (
        {"a.py": "from b import c\n__all__ = ['c']\n"},
        "unused-import",
        "false-positive",
        "a.py:2 __all__ = ['c']",
    ),
    ({"a.py": "from b import c as c\n"}, "unused-import", "false-positive", "a.py:1 from b import c as c"),
    (
        {"a.py": "import os  # noqa: F401\n"},
        "unused-import",
        "false-positive",
        "a.py:1 import os  # noqa: F401",
    ),
    (
        {"a.py": "import os  # for doctests\n"},
        "unused-import",
        "needs-human",
        "a.py:1 import os  # for doctests",
    ),
    ({"__init__.py": "from b import c\n"}, "unused-import", "needs-human", "__init__.py:1 from b import c"),
    (
        {"a.py": "from b import c\n", "z.py": "from pkg.a import c\n"},
        "unused-import",
        "false-positive",
        "z.py:1 from pkg.a import c",
    ),
    (
        {"a.py": "from b import c\n", "sub/z.py": "from ..a import (c)\n"},
        "unused-import",
        "false-positive",
        "sub/z.py:1 from ..a import (c)",
    ),
    (
        {"a.py": "from b import c\n", "z.py": "from .a import (\n    x,\n    c,\n)\n"},
        "unused-import",
        "false-positive",
        "z.py:3 c,",
    ),
    (
        {"a.py": "from b import c\n", "z.py": "from .d import (\n    c,\n)\n"},
        "unused-import",
        "confirmed",
        "a.py:1 from b import c",
    ),
    (
        {"a.py": "from b import c\n", "z.py": "from . import a\na.c()\n"},
        "unused-import",
        "false-positive",
        "z.py:2 a.c()",
    ),
    (
        {"a.py": "from b import c\n", "z.py": "from .other import c\n"},
        "unused-import",
        "confirmed",
        "a.py:1 from b import c",
    ),
    (
        {"a.py": "try:\n    import fast\nexcept ImportError:\n    pass\n"},
        "unused-import",
        "needs-human",
        "a.py:2 import fast",
    ),
    (
        {"a.py": "def f(id):\n    return id\n", "z.py": "f(id=3)\n"},
        "shadowed-builtin",
        "false-positive",
        "z.py:1 f(id=3)",
    ),
    (
        {"a.py": "def f(id):\n    return id\n", "z.py": "f(xid=3)\n"},
        "shadowed-builtin",
        "needs-human",
        "a.py:1 def f(id):",
    ),
    ({"a.py": "def f(id):\n    return id\n"}, "shadowed-builtin", "needs-human", "a.py:1 def f(id):"),
    ({"a.py": "def _f(id):\n    return id\n"}, "shadowed-builtin", "confirmed", "a.py:1 def _f(id):"),
    (
        {"a.py": "def _f(id):\n    return id\n", "z.py": "_f(\n    id=3)\n"},
        "shadowed-builtin",
        "insufficient-context",
        "z.py:1 _f(",
    ),
    ({"a.py": "def f():\n    n = g()\n"}, "unused-variable", "confirmed", "a.py:2 n = g()"),
    (
        {"a.py": "def f():\n    n = g()  # keep alive\n"},
        "unused-variable",
        "needs-human",
        "a.py:2 n = g()  # keep alive",
    ),
    ({"a.py": "def f(b=[]):\n    b.append(1)\n"}, "mutable-default", "confirmed", "a.py:2 b.append(1)"),
    ({"a.py": "def f(b=[]):\n    b[0] = 1\n"}, "mutable-default", "confirmed", "a.py:2 b[0] = 1"),
    ({"a.py": "def f(b=[]):\n    g(b)\n"}, "mutable-default", "insufficient-context", "a.py:2 g(b)"),
    (
        {"a.py": "def f(b=[]):\n    for x in b: g(x)\n"},
        "mutable-default",
        "false-positive",
        "a.py:2 for x in b: g(x)",
    ),
    ({"a.py": "def f(n):\n    assert n > 1\n"}, "argument-assert", "confirmed", "a.py:2 assert n > 1"),
    (
        {"a.py": "def _f(n):\n    assert n > 1\n", "z.py": "_f(2)\n"},
        "argument-assert",
        "false-positive",
        "z.py:1 _f(2)",
    ),
    (
        {"a.py": "def f(n):\n    assert n is not None\n"},
        "argument-assert",
        "needs-human",
        "a.py:2 assert n is not None",
    ),
    ({"a.py": HANDLER.format("")}, "swallowed-exception", "confirmed", "a.py:4 except Exception:"),
    (
        {"a.py": HANDLER.format("  # best effort")},
        "swallowed-exception",
        "needs-human",
        "a.py:5 pass  # best effort",
    ),
    (
        {"a.py": HANDLER.replace("f()", "__del__(self)").format("")},
        "swallowed-exception",
        "false-positive",
        "a.py:1 def __del__(self):",
    ),
    (
        {"a.py": HANDLER.replace("f():", 'f():\n    """Ignores all errors."""').format("")},
        "swallowed-exception",
        "false-positive",
        'a.py:2 """Ignores all errors."""',
    ),
    (
        {"a.py": "try:\n    f()\nexcept:\n    g()\n    raise\n"},
        "bare-except",
        "false-positive",
        "a.py:5 raise",
    ),
    ({"a.py": "try:\n    f()\nexcept:\n    g()\n"}, "bare-except", "confirmed", "a.py:3 except:"),
    (
        {"a.py": "try:\n    f()\nexcept KeyError as e:\n    raise ValueError(e)\n"},
        "raise-without-from",
        "confirmed",
        "a.py:3 except KeyError as e:",
    ),
    (
        {"a.py": "def f():\n    return open('a')\n"},
        "open-without-with",
        "false-positive",
        "a.py:2 return open('a')",
    ),
    (
        {"a.py": "h = open('a')\ntry:\n    f()\nfinally:\n    h.close()\n"},
        "open-without-with",
        "false-positive",
        "a.py:5 h.close()",
    ),
    (
        {"a.py": "def f():\n    h = open('a')\ndef g():\n    try: f()\n    finally: h.close()\n"},
        "open-without-with",
        "confirmed",
        "a.py:2 h = open('a')",
    ),
    ({"a.py": "g(open('a'))\n"}, "open-without-with", "insufficient-context", "a.py:1 g(open('a'))"),
    (
        {"a.py": "def f(s):\n    s.h = open('a')\n"},
        "open-without-with",
        "confirmed",
        "a.py:2 s.h = open('a')",
    ),
    (
        {"a.py": "def f(self):\n    self.h = open('a')\n"},
        "open-without-with",
        "needs-human",
        "a.py:2 self.h = open('a')",
    ),
    ({"a.py": "run('ls', shell=True)\n"}, "shell-true", "false-positive", "a.py:1 run('ls', shell=True)"),
    ({"a.py": "run(line, shell=True)\n"}, "shell-true", "confirmed", "a.py:1 run(line, shell=True)"),
    ({"a.py": "eval('1 + 1')\n"}, "eval-exec", "false-positive", "a.py:1 eval('1 + 1')"),
    ({"a.py": "eval(text)\n"}, "eval-exec", "confirmed", "a.py:1 eval(text)"),
    (
        {"a.py": "try:\n    if p.exists():\n        p.unlink()\nexcept OSError:\n    pass\n"},
        "look-then-use",
        "false-positive",
        "a.py:4 except OSError:",
    ),
    (
        {"a.py": "if not p.exists():\n    p.mkdir(exist_ok=True)\n"},
        "look-then-use",
        "false-positive",
        "a.py:2 p.mkdir(exist_ok=True)",
    ),
    ({"a.py": "if p.exists():\n    p.unlink()\n"}, "look-then-use", "confirmed", "a.py:2 p.unlink()"),
    (
        {"a.py": "def __enter__(s):\n    s.lock.acquire()\ndef __exit__(s):\n    s.lock.release()\n"},
        "lock-without-with",
        "false-positive",
        "a.py:4 s.lock.release()",
    ),
    ({"a.py": "lock.acquire()\n"}, "lock-without-with", "insufficient-context", "a.py:1 lock.acquire()"),
    ({"a.py": "lock.acquire()\nlock.release()\n"}, "lock-without-with", "confirmed", "a.py:1 lock.acquire()"),
    ({"a.py": "def f():\n    return\n    yield\n"}, "unreachable-code", "false-positive", "a.py:3 yield"),
    ({"a.py": "def f():\n    return\n    g()\n"}, "unreachable-code", "confirmed", "a.py:3 g()"),
    ({"a.py": "q.filter(x == None)\n"}, "none-comparison", "needs-human", "a.py:1 q.filter(x == None)"),
    ({"a.py": "y = x == None\n"}, "none-comparison", "confirmed", "a.py:1 y = x == None"),
    (
        {"a.py": "x = 1  # TODO drop, see #12\n"},
        "todo-comment",
        "needs-human",
        "a.py:1 x = 1  # TODO drop, see #12",
    ),
    ({"a.py": "x = 1  # TODO drop\n"}, "todo-comment", "confirmed", "a.py:1 x = 1  # TODO drop"),
    ({"a.py": "x = n is 3\n"}, "literal-identity", "confirmed", "a.py:1 x = n is 3"),
    ({"a.py": "d = {1: 2, 1: 3}\n"}, "duplicate-key", "confirmed", "a.py:1 d = {1: 2, 1: 3}"),
    ({"a.py": "t = f'x'\n"}, "idle-fstring", "confirmed", "a.py:1 t = f'x'"),
    (
        {"a.py": "def f(n):\n" + "    if n: n += 1\n" * 15},
        "complex-function",
        "confirmed",
        "a.py:1 def f(n):",
    ),
    (
        {"a.py": "def f(n):  # noqa: C901\n" + "    if n: n += 1\n" * 15},
        "complex-function",
        "false-positive",
        "a.py:1 def f(n):  # noqa: C901",
    ),
]


@pytest.mark.parametrize(("files", "rule", "verdict", "evidence"), VERDICTS)
def test_verdict_and_its_evidence(desk: Desk, files: dict[str, str], rule: str, verdict: str, evidence: str) -> None:
    desk.put({f"pkg/{name}": text for name, text in files.items()})
    answer = desk.judge(f"pkg/{next(iter(files))}", rule)
    shown = answer["evidence"][0]
    assert (answer["verdict"], f"{shown['file']}:{shown['line']} {shown['quote']}") == (
        verdict,
        f"pkg/{evidence}",
    )
    assert answer["reason"]


def test_every_rule_can_be_confirmed() -> None:
    confirmed = {rule for _, rule, verdict, _ in VERDICTS if verdict == "confirmed"}
    assert confirmed == set(tool("standin.review").RULES)


def test_the_verifier_uses_more_tools_than_the_reviewer(desk: Desk) -> None:
    desk.put({"pkg/a.py": "from b import c as c\n", "pkg/py.typed": ""})
    (finding,) = desk.review("pkg/a.py")
    assert desk.used == ["Read", "Write"]
    answer = desk.verify("pkg/a.py", finding)
    assert desk.used[2:] == ["Read", "Grep", "Glob", "Write"]
    assert answer["reason"].endswith("the mark of a re-export, and the package carries py.typed")


def test_a_claim_that_the_file_does_not_bear_out_is_refuted(desk: Desk) -> None:
    desk.put({"pkg/a.py": "import os\n"})
    (finding,) = desk.review("pkg/a.py")
    desk.put({"pkg/a.py": "import os\nprint(os.sep)\n"})
    answer = desk.verify("pkg/a.py", finding)
    assert (answer["verdict"], answer["reason"]) == (
        "false-positive",
        "reading the file again does not bear the claim out",
    )


def test_an_id_survives_lines_that_are_added_above(desk: Desk) -> None:
    desk.put({"pkg/a.py": "def f(id):\n    return id\n"})
    (before,) = desk.review("pkg/a.py")
    desk.put({"pkg/a.py": "X = 1\n\n\ndef f(id):\n    return id\n"})
    (after,) = desk.review("pkg/a.py")
    assert (before["id"], before["line"], after["line"]) == (after["id"], 1, 4)


def test_equal_lines_of_one_scope_have_ids_of_their_own(desk: Desk) -> None:
    desk.put({"pkg/a.py": "eval(x)\neval(x)\n"})
    first, second = desk.review("pkg/a.py")
    assert first["id"] != second["id"]

"""Something small for each example to work on, so that a test can let it work often. Whole ones are `make chaos`'s.

What is made of it is judged by the tests.
"""

from __future__ import annotations

from pathlib import Path

from example_desk import EXAMPLES, Copy

LEAKS = """\
def read(path):
    file = open(path)
    return file.read()
"""
SWALLOWS = """\
def attempt(work):
    try:
        work()
    except:
        pass
"""

QUESTION = """\
---
title: How is the pond?
place: Aske
---
- depth [metres]: How **deep** is the **pond**?
- frogs [frogs]: How many **frogs** live there?
"""
SURVEY = "---\ndate: 2024-05-01\n---\nIn Aske we measured that the pond is 3 metres deep.\n"
LETTER = "---\ndate: 2024-06-01\n---\nIn Aske everybody knows that the pond is 9 metres deep.\n"
COUNT = "---\ndate: 2024-06-02\n---\nIn Aske, by the school's own account, 40 frogs were\ncounted on one evening.\n"

ISSUE = """\
---
id: greets-nobody
title: Nobody is greeted with a blank
status: open
file: src/greeting.py
function: greet
---
## Example

>>> from greeting import greet
>>> greet("")
'Hello!'
"""
GREETING = '''\
def greet(name):
    """A greeting.

    >>> greet("Ida")
    'Hello Ida!'
    """
    return f"Hello {name}!"
'''
RIGHT = "from greeting import greet\n\n\ndef test_a_name():\n    assert greet('Bo') == 'Hello Bo!'\n"


def shop() -> dict[str, str]:
    """A package with two faults."""
    return {"shop/__init__.py": "", "shop/reader.py": LEAKS, "shop/worker.py": SWALLOWS}


def pond() -> dict[str, str]:
    """A question, and three documents that contradict each other."""
    library = {"survey": SURVEY, "letter": LETTER, "count": COUNT}
    return {"pond.md": QUESTION, **{f"pond/{name}.md": text for name, text in library.items()}}


def greeter(test: str) -> dict[str, str]:
    """A repository with one issue, which `test` lets be solved or not."""
    template = EXAMPLES / "development/template"
    kept = {name: (template / name).read_text() for name in ("pytest.ini", "conftest.py")}
    files = {**kept, "src/greeting.py": GREETING, "tests/test_greeting.py": test, "issues/greets-nobody.md": ISSUE}
    return {f"greeter/{name}": text for name, text in files.items()}


# Name → files, and the words that name them.
SMALL = {
    "audit": (shop(), ["--source", "shop"]),
    "research": (pond(), ["--library", "pond", "--question", "pond.md"]),
    "development": (greeter(RIGHT), ["--template", "greeter"]),
    "prose": ({}, []),
    "phased": ({}, []),
    "conductor": ({}, []),
}


def small(name: str, home: Path) -> tuple[Copy, list[str]]:
    """A copy of the example that has something small to work on, and the words to say so."""
    copy, (files, words) = Copy(name, home), SMALL[name]
    for path, text in files.items():
        copy.put(path, text)
    return copy, words

"""The architecture as a list: which part of `orchestra` may import which, and where each library is at home.

Changing the architecture means changing these two tables; what each part is for is told in ARCHITECTURE.md.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "orchestra"

# Top to bottom. A part imports from lower lines and from the parts it shares a string with.
LAYERS = (
    ("cli __main__",),
    ("runtime",),
    ("store", "providers", "prose_import"),  # apart, so that either can be replaced without a look at the other
    ("parse parse_cache syntax scan hints check printing",),
    ("nodes",),
    ("values",),
    (
        "config config_file config_kinds depth errors events import_kinds invocation location lookup paths regex "
        "source __init__",
    ),
)

HOMES = {
    "anthropic": ("providers/anthropic.py",),
    "bs4": ("runtime/files/contents.py",),
    "click": ("cli/",),
    "greenback": ("runtime/",),
    "httpx2": ("runtime/files/web.py", "providers/"),  # the Anthropic client builds on it too
    "json5": ("values/tolerant_json.py",),
    "jsonschema": ("runtime/schema.py",),
    "lark": ("syntax.py", "scan/", "prose_import/"),  # the scanner is Lark's lexer: it makes Lark's tokens
    "markdownify": ("runtime/files/contents.py",),
    "pathspec": ("runtime/tools/search.py",),
    "py_mini_racer": ("runtime/code/isolate.py",),
    "referencing": ("runtime/schema.py",),  # what jsonschema looks references up with
    "rich": ("cli/render.py",),
    "sqlite_utils": ("store/",),
    "tree_sitter": ("runtime/files/tree_outline.py",),
    "trio": ("runtime/", "providers/"),
    "worker": ("runtime/code/isolate.py",),  # its neighbour: both are started by path, without the package
    "yaml": (
        "runtime/",
        "cli/topics.py",
        "cli/call_card.py",
    ),  # front matter: of scripts, files and prompts, the manual
}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of whatever a module imports, anywhere in it, also by `import_module("name")`."""
    for found in ast.walk(ast.parse(file.read_text())):
        match found:
            case ast.Import(names=names):
                yield from ((found.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module="orchestra", names=names):
                yield from ((found.lineno, f"orchestra.{alias.name}") for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield found.lineno, module
            case ast.ImportFrom(level=level) if level:
                yield found.lineno, "a relative import"
            case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(module))]):
                yield found.lineno, module


def within() -> Iterator[tuple[str, str, str]]:
    """Place, importing part and name for every import of every module."""
    for file in sorted(PACKAGE.rglob("*.py")):
        inside = file.relative_to(PACKAGE)
        for line, name in imports(file):
            yield f"{inside}:{line}", inside.parts[0].removesuffix(".py"), name


def visible() -> dict[str, set[str]]:
    """What each part may import: the parts it stands with and everything below."""
    seen: dict[str, set[str]] = {}
    below: set[str] = set()
    for line in reversed(LAYERS):
        for group in line:
            seen |= {part: {*group.split(), *below} for part in group.split()}
        below |= {part for group in line for part in group.split()}
    return seen


def part_of(name: str) -> str:
    """`orchestra.store.keys` → `store`; `orchestra.__version__` belongs to the package itself."""
    part = name.split(".")[1]
    return part if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file() else "__init__"


def test_every_part_has_a_layer() -> None:
    parts = {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in PACKAGE.rglob("*.py")}
    assert parts - visible().keys() == set()


def test_imports_go_downwards() -> None:
    allowed = visible()
    ours = [(place, part, part_of(name)) for place, part, name in within() if name.startswith("orchestra.")]
    wrong = [f"{place} imports {name}" for place, part, name in ours if name not in allowed[part]]
    assert "\n".join(wrong) == ""


def test_every_library_is_used_at_home() -> None:
    tops = [(place, name.partition(".")[0]) for place, _, name in within()]
    foreign = [(place, top) for place, top in tops if top not in sys.stdlib_module_names and top != "orchestra"]
    astray = [f"{place} {top}" for place, top in foreign if not place.startswith(HOMES.get(top, ("nowhere",)))]
    assert "\n".join(astray) == ""
    assert HOMES.keys() - {top for _, top in foreign} == set(), "these are no longer used"

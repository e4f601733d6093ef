"""Which files a pattern reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra.runtime.files.globs import expand, is_pattern, literal, matches

FILES = (
    "a.md",
    "b.md",
    "c.txt",
    ".hidden.md",
    "sub/d.md",
    "sub/deep/e.md",
    "node_modules/pkg/f.md",
    "sub/dist/g.md",
    ".git/h.md",
    "[x].md",
    "star*.md",
    "bin/build",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def found(tree: Path, pattern: str) -> list[str]:
    return [str(path.relative_to(tree)) for path in expand(pattern, tree)]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("?.md", ["a.md", "b.md"]),
        ("[ab].md", ["a.md", "b.md"]),
        ("[!a].md", ["b.md"]),
        ("[^a].md", ["b.md"]),
        ("*.txt", ["c.txt"]),
        ("*/*.md", ["sub/d.md"]),
        ("**/*.md", ["[x].md", "a.md", "b.md", "star*.md", "sub/d.md", "sub/deep/e.md"]),
        ("**/**/e.md", ["sub/deep/e.md"]),
        ("sub/**", ["sub/d.md", "sub/deep/e.md"]),
        ("sub/../*.txt", ["c.txt"]),
        (".*.md", [".hidden.md"]),
        ("node_modules/*/*.md", ["node_modules/pkg/f.md"]),
        (r"star\*.m*", ["star*.md"]),
        (r"\[x\].m?", ["[x].md"]),
        ("*", ["[x].md", "a.md", "b.md", "c.txt", "star*.md"]),
        ("b*/*", ["bin/build"]),
        ("none/*.md", []),
        ("a.md/*", []),
        ("*.pdf", []),
    ],
)
def test_expand(tree: Path, pattern: str, names: list[str]) -> None:
    assert found(tree, pattern) == names


def test_links_are_followed_but_not_in_circles(tree: Path) -> None:
    (tree / "sub/deep/up").symlink_to(tree / "sub")
    (tree / "linked").symlink_to(tree / "sub/deep")
    (tree / "broken.md").symlink_to(tree / "gone.md")
    assert found(tree, "sub/**/*.md") == ["sub/d.md", "sub/deep/e.md"]
    assert "linked/e.md" in found(tree, "**/*.md")
    assert "broken.md" not in found(tree, "*.md")


@pytest.mark.parametrize(
    "pattern", ["*.md", "**/*.md", "sub/**", "sub/*/e.md", "?.txt", ".*.md", r"\[x\].m?", "*/*", "**"]
)
def test_names_in_memory_match_like_files_on_disk(tree: Path, pattern: str) -> None:
    assert sorted(name for name in FILES if matches(pattern, name)) == found(tree, pattern)


def test_a_backslash_makes_a_wildcard_a_character() -> None:
    assert is_pattern("a*") and is_pattern("x/[ab]") and not is_pattern(r"a\*b\[c\]")
    assert literal(r"a\*b\[c\]\?") == "a*b[c]?"

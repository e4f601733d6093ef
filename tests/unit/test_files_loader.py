"""Loads of files: their data, their text, what is known about them, and what can go wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.location import relative_name, resolve
from orchestra.runtime.files.loader import Loader
from orchestra.runtime.files.selectors import parse_selector
from orchestra.values.tagged import Tagged, plain
from orchestra.values.text import display, template_text


def put(root: Path, files: dict[str, str | bytes]) -> Loader:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Loader(root)


def load(root: Path, name: str, content: str | bytes) -> Tagged:
    value = put(root, {name: content}).load(name, root)
    assert isinstance(value, Tagged)
    return value


def refused(root: Path, name: str, content: str | bytes) -> OrchError:
    with pytest.raises(OrchError) as caught:
        load(root, name, content)
    return caught.value


# ── data ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content", "data"),
    [
        (
            "a.json",
            '{"port": 8080, "big": 12345678901234567890}',
            {"port": 8080, "big": 12345678901234567890},
        ),
        ("a.json", "{port: 1, /* c */ 'h': [1,],}", {"port": 1, "h": [1]}),
        ("a.json", "null", None),
        ("a.jsonl", '{"a":1}\n\n  \r\n[2]\r\n', [{"a": 1}, [2]]),
        ("a.jsonl", "", []),
        ("a.txt", "[1, 2]\n", [1, 2]),
        ("a.txt", "{a: 1}", {"a": 1}),
        ("a.txt", " 12.50\n", 12.5),
        ("a.txt", "true", True),
        ("a.txt", '"quoted"', "quoted"),
        ("a.txt", "'single'", "single"),
        ("a.txt", "null", "null"),
        ("a.txt", "Infinity", "Infinity"),
        ("a.txt", "[link](b.md) text", "[link](b.md) text"),
        ("a.txt", "2026-01-02 log", "2026-01-02 log"),
        ("a.txt", "true story", "true story"),
        ("a.txt", "", ""),
        ("a.yaml", "[1]", "[1]"),
        ("a.toml", "1", "1"),
        ("a.csv", "1", "1"),
        ("A.JSON", "[1]", [1]),
        ("prompt.att", "[1]", "[1]"),
    ],
)
def test_data_by_file_type(tmp_path: Path, name: str, content: str, data: Any) -> None:
    value = load(tmp_path, name, content)
    assert plain(value) == data
    assert type(plain(value)) is type(data)
    assert template_text(value) == content


def test_text_form_is_the_text_of_the_file(tmp_path: Path) -> None:
    value = load(tmp_path, "app.json", '{"n": 1.50, "hosts": ["a"]}')
    assert template_text(value) == '{"n": 1.50, "hosts": ["a"]}'
    assert display(value) == '{\n  "n": 1.5,\n  "hosts": [\n    "a"\n  ]\n}'


def test_line_ends_stay_and_the_byte_order_mark_goes(tmp_path: Path) -> None:
    value = load(tmp_path, "a.txt", b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert value.data == "one\r\ntwo\r\n"


def test_html_becomes_markdown_and_keeps_its_original(tmp_path: Path) -> None:
    head = "<head><title>T</title><style>p{}</style><script>x</script></head>"
    page = f"<html>{head}<body><h2>Part</h2><p>a <b>b</b></p></body></html>"
    value = load(tmp_path, "p.html", page)
    assert value.data == "## Part\n\na **b**\n"
    assert value.meta.facts is not None
    assert value.meta.facts["html"] == page
    assert value.meta.facts["text"] == value.data
    section = put(tmp_path, {}).load("p.html", tmp_path, parse_selector("# part"))
    assert section.data == "## Part\n\na **b**"


# ── broken content ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{\n a: 1,\n b: @\n}", './a.json is not valid JSON: unexpected "@" at line 3, column 5'),
        ("a.json", "[" * 100_000, "./a.json is not valid JSON: it is nested too deeply"),
        (
            "b.jsonl",
            '{"a":1}\n\n{oops\n',
            "line 3 of ./b.jsonl is not valid JSON: expecting property name enclosed in double quotes at column 2",
        ),
        ("c.jsonl", '{"a":1}\nNaN\n', "line 2 of ./c.jsonl is not valid JSON: NaN is not JSON"),
        ("x.png", b"\x89PNG", "./x.png is not text: byte 0 (0x89) is not valid UTF-8"),
        ("y.txt", b"\xef\xbb\xbfab\xff", "./y.txt is not text: byte 5 (0xff) is not valid UTF-8"),
        ("z.txt", b"ok\xc3", "./z.txt is not text: byte 2 (0xc3) is not valid UTF-8"),
    ],
)
def test_broken_content(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    error = refused(tmp_path, name, content)
    assert (error.code, error.message) == ("E403", message)


def test_a_bad_line_of_jsonl_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "b.jsonl", '{"a":1}\n\n{oops\n')
    assert error.message.startswith("line 3 of ./b.jsonl is not valid JSON: ")
    assert error.details == {"line": 3}


def test_html_without_an_end_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "deep.html", "<div>" * 20_000)
    assert (error.code, error.message) == ("E403", "./deep.html is nested too deeply to become Markdown")


def test_a_large_broken_file_is_not_read_by_the_slow_parser(tmp_path: Path) -> None:
    error = refused(tmp_path, "big.json", "[" + "1," * 200_000 + "x]")
    assert error.message == "./big.json is not valid JSON: expecting value at column 400002"


def test_a_file_of_a_pattern_that_is_no_text_is_named(tmp_path: Path) -> None:
    loader = put(tmp_path, {"a.txt": "fine", "b.txt": b"\xff\xfe"})
    with pytest.raises(OrchError, match=r"^\./b\.txt is not text: byte 0 \(0xff\)"):
        loader.load("*.txt", tmp_path)


# ── several files ────────────────────────────────────────────────────────────────────────────────


def test_a_pattern_gives_an_array_in_order(tmp_path: Path) -> None:
    loader = put(tmp_path, {"log/b.txt": "two\n", "log/a.txt": "one\n", "log/.c.txt": "no", "log/d/e.txt": "no"})
    value = loader.load("log/*.txt", tmp_path)
    assert plain(value) == ["one\n", "two\n"]
    assert [item.meta.facts["filename"] for item in value.data] == ["a.txt", "b.txt"]
    assert template_text(value) == "one\n\n\ntwo\n"
    assert value.meta.sources == ("./log/a.txt", "./log/b.txt")
    assert value.meta.taint[0] == "src:file"
    assert value.meta.taint.count(f"dir:{tmp_path}") == 1


def test_a_pattern_without_a_match_is_empty(tmp_path: Path) -> None:
    value = put(tmp_path, {}).load("*.md", tmp_path)
    assert plain(value) == []


def test_patterns_start_from_base_root_or_anywhere(tmp_path: Path) -> None:
    loader = put(tmp_path, {"in/a.md": "A", "b.md": "B"})
    assert plain(loader.load("*.md", tmp_path / "in")) == ["A"]
    assert plain(loader.load("../*.md", tmp_path / "in")) == ["B"]
    assert plain(loader.load("@root/*.md", tmp_path / "in")) == ["B"]
    assert plain(loader.load(f"{tmp_path}/in/*.md", Path("/"))) == ["A"]


def test_brackets_are_a_name_where_such_a_file_exists(tmp_path: Path) -> None:
    loader = put(tmp_path, {"app/[id]/page.txt": "page", "app/i/page.txt": "other"})
    assert loader.load("app/[id]/page.txt", tmp_path).data == "page"
    assert plain(loader.load("app/[ij]/page.txt", tmp_path)) == ["other"]


def test_folders_and_missing_files_do_not_exist_for_a_load(tmp_path: Path) -> None:
    loader = put(tmp_path, {"sub/a.md": "x"})
    assert loader.exists("sub", tmp_path) and loader.exists("sub/a.md", tmp_path) and loader.exists("s*/*", tmp_path)
    assert loader.exists("@root/sub/a.md", tmp_path / "elsewhere")
    assert not loader.exists("sub/b.md", tmp_path)
    assert not loader.exists("*.pdf", tmp_path)
    assert not loader.exists("", tmp_path)
    assert not loader.exists("* item\n* item", tmp_path)


# ── missing files ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "base", "help"),
    [
        ("gude.md", "", "did you mean guide.md?"),
        ("./gude.md", "", "did you mean ./guide.md?"),
        ("guide.md", "sub", "did you mean @root/guide.md?"),
        ("./guide.md", "sub", "did you mean @root/guide.md?"),
        ("@root/inner.md", "sub", "did you mean ./inner.md?"),
        ("@root/gide.md", "sub", "did you mean @root/guide.md?"),
        ("sbu/inner.md", "", "did you mean sub/inner.md?"),
        ("../giude.md", "sub", "did you mean ../guide.md?"),
        ("guide.md/x", "", None),
        ("quite/other.md", "", None),
    ],
)
def test_a_missing_file_is_named_with_its_neighbour(tmp_path: Path, path: str, base: str, help: str | None) -> None:
    loader = put(tmp_path, {"guide.md": "g", "sub/inner.md": "i"})
    with pytest.raises(OrchError) as caught:
        loader.load(path, tmp_path / base)
    assert (caught.value.code, caught.value.message) == ("E401", f"file not found: {path}")
    assert caught.value.help == help


def test_a_folder_cannot_be_loaded(tmp_path: Path) -> None:
    loader = put(tmp_path, {"sub/a.md": "x"})
    with pytest.raises(OrchError) as caught:
        loader.load("sub", tmp_path)
    assert caught.value.code == "E402"
    assert caught.value.message == "./sub is a folder, not a file"
    assert caught.value.help == "for the files in it, <./sub/*>"


def test_an_unreadable_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = put(tmp_path, {"a.md": "x"})

    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(OrchError, match=r"^\./a\.md cannot be read: permission denied$"):
        loader.load("a.md", tmp_path)
    assert loader.load("a.md", tmp_path, optional=True) is None


def test_optional_forgives_absence_but_not_damage(tmp_path: Path) -> None:
    loader = put(tmp_path, {"sub/bad.json": "{", "g.md": "# A\n"})
    assert loader.load("none.md", tmp_path, optional=True) is None
    assert loader.load("sub", tmp_path, optional=True) is None
    assert plain(loader.load("none*", tmp_path, optional=True)) == []
    with pytest.raises(OrchError) as damaged:
        loader.load("sub/bad.json", tmp_path, optional=True)
    with pytest.raises(OrchError) as no_section:
        loader.load("g.md", tmp_path, parse_selector("# B"), optional=True)
    assert (damaged.value.code, no_section.value.code) == ("E403", "E404")


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "two\nlines", "* item\n* item", "x" * 5000, "n" * 300])
def test_paths_that_are_none(tmp_path: Path, path: str) -> None:
    with pytest.raises(OrchError) as caught:
        put(tmp_path, {}).load(path, tmp_path)
    assert caught.value.code == "E402"


# ── what is known ────────────────────────────────────────────────────────────────────────────────


def test_facts_of_a_file(tmp_path: Path) -> None:
    text = "---\ntitle: First\ntags: [x, y]\nday: 2026-01-02\n---\nBody\n"
    facts = load(tmp_path, "posts/one.md", text).meta.facts
    assert facts is not None
    assert facts["fm"] == {"title": "First", "tags": ["x", "y"], "day": "2026-01-02"}
    assert facts["relative"] == "./posts/one.md"
    assert facts["absolute"] == facts["path"] == str(tmp_path / "posts/one.md")
    assert (facts["dirname"], facts["relativeDir"], facts["absoluteDir"]) == (
        "posts",
        "./posts",
        str(tmp_path / "posts"),
    )
    assert facts["length"] == len(text)
    assert facts["tokens"] == facts["tokest"] == -(-len(text) // 4)
    assert facts["keys"] is None
    assert facts["text"] == text
    assert "nothing" not in facts


@pytest.mark.parametrize(("name", "tokens"), [("a.py", 4), ("a.json", 2), ("a.md", 3), ("a.YAML", 2)])
def test_tokens_are_estimated_by_file_type(tmp_path: Path, name: str, tokens: int) -> None:
    facts = load(tmp_path, name, '"23456789"').meta.facts
    assert facts is not None and facts["tokens"] == tokens


def test_facts_of_an_object(tmp_path: Path) -> None:
    facts = load(tmp_path, "a.json", '{"b": 1, "a": [2]}').meta.facts
    assert facts is not None
    assert facts["keys"] == ["b", "a"]
    assert facts["values"] == [1, [2]]
    assert facts["entries"] == [["b", 1], ["a", [2]]]
    assert facts["data"] == {"b": 1, "a": [2]}


@pytest.mark.parametrize("text", ["no front matter", "---\n- a\n---\n", "---\nopen: 1\n", "text\n---\na: 1\n---\n"])
def test_texts_without_front_matter(tmp_path: Path, text: str) -> None:
    facts = load(tmp_path, "a.md", text).meta.facts
    assert facts is not None and facts["fm"] is None


def test_broken_front_matter_is_an_error_when_it_is_asked_for(tmp_path: Path) -> None:
    facts = load(tmp_path, "a.md", "---\na: [\n---\nBody").meta.facts
    assert facts is not None
    with pytest.raises(OrchError, match=r"^the front matter of \./a\.md is not valid YAML: "):
        facts["fm"]


def test_facts_can_be_stored_as_json(tmp_path: Path) -> None:
    facts: Any = load(tmp_path, "a.json", '{"b": 1}').meta.facts
    stored = json.loads(json.dumps(facts.as_data()))
    assert stored["filename"] == "a.json"
    assert not {"text", "data", "keys"} & stored.keys()
    assert len(facts) == len(list(facts))


def test_provenance(tmp_path: Path) -> None:
    meta = load(tmp_path, "sub/a.md", "x").meta
    assert meta.labels == ()
    assert meta.taint[:3] == ("src:file", f"dir:{tmp_path / 'sub'}", f"dir:{tmp_path}")
    assert "dir:/" not in meta.taint
    assert meta.sources == ("./sub/a.md",)


def test_every_read_is_observed_with_the_hash_of_its_bytes(tmp_path: Path) -> None:
    put(tmp_path, {"a.md": b"\xef\xbb\xbfA", "b.md": "B"})
    seen: list[tuple[Path, str]] = []
    loader = Loader(tmp_path, observe=lambda path, digest: seen.append((path, digest)))
    loader.load("*.md", tmp_path)
    loader.load("gone", tmp_path, optional=True)
    assert seen == [
        (tmp_path / "a.md", sha256(b"\xef\xbb\xbfA").hexdigest()),
        (tmp_path / "b.md", sha256(b"B").hexdigest()),
    ]


def test_resolve() -> None:
    base, root = Path("/p/llm/run"), Path("/p")
    assert resolve("a/../b.md", base, root) == Path("/p/llm/run/b.md")
    assert resolve("@root/x", base, root) == resolve("@base/x", base, root) == Path("/p/x")
    assert resolve("@root", base, root) == Path("/p")
    assert resolve("/etc/x", base, root) == Path("/etc/x")
    assert relative_name(Path("/p/a"), root) == "./a"
    assert relative_name(Path("/q/a"), root) == "../q/a"
    assert relative_name(root, root) == "."


def test_loading_files_imports_nothing_that_waits(tmp_path: Path) -> None:
    put(tmp_path, {"a.md": "---\nt: 1\n---\n- A\n", "b.py": '"""Doc."""\n'})
    code = (
        "import sys, pathlib; from orchestra.runtime.files.loader import Loader\n"
        "from orchestra.runtime.files import workspace, writer\n"
        f"root = pathlib.Path({str(tmp_path)!r}); Loader(root).load('*', root)\n"
        "print({'trio', 'httpx2', 'yaml', 'json5', 'markdownify', 'tree_sitter'} & sys.modules.keys())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"

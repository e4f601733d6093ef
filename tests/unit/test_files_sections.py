"""Section selectors: how they are read, what they pick, and new headings."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra.errors import OrchError
from orchestra.runtime.files.loader import Loader
from orchestra.runtime.files.sections import rename_heading
from orchestra.runtime.files.selectors import (
    Code,
    CodeNames,
    NamePattern,
    SectionName,
    Sections,
    Selector,
    Titles,
    parse_selector,
)
from orchestra.values.tagged import Tagged, plain
from orchestra.values.text import template_text

GUIDE = """\
---
# a comment in front matter
title: Guide
---
# Guide
intro
## Set-up ##
install it
```sh
# not a heading
```
## Café & Usage!
call it
### Advanced
tune it
## FAQ
ask
### Advanced FAQ
more
"""


def names(*titles: str) -> tuple[SectionName, ...]:
    return tuple(SectionName(title.rstrip("?"), title.endswith("?")) for title in titles)


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("# Usage", Sections(names("Usage"))),
        ("Usage", Sections(names("Usage"))),
        ("# a, b?; !# c", Sections(names("a", "b?"), names("c"))),
        ("# a; # b; !# c, d", Sections(names("a", "b"), names("c", "d"))),
        ('# "a, b; c"?, \'d\'', Sections(names("a, b; c?", "d"))),
        ('# "say \\"hi\\""', Sections(names('say "hi"'))),
        ("# What's new", Sections(names("What's new"))),
        ("# What's new, What's old", Sections(names("What's new", "What's old"))),
        ("# C#", Sections(names("C#"))),
        ("# ??", Titles()),
        ("??", Titles()),
        ("##??", Titles(2)),
        ("# ##??", Titles(2)),
        ("{ tot*, Cart.total }", Code((NamePattern("tot*"), NamePattern("Cart.total")))),
        ("{*fn, *, *x, (get?), (*class)}",
         Code((NamePattern(kind="fn"), NamePattern("*"), NamePattern("*x"),
               NamePattern("get?", mentioned=True), NamePattern(kind="class", mentioned=True)))),
        ("{ main, }", Code((NamePattern("main"),))),
        ("{ ?? }", CodeNames((None,))),
        ("{ fn??, class?? }", CodeNames(("fn", "class"))),
    ],
)  # fmt: skip
def test_selectors_are_read(text: str, selector: Selector) -> None:
    assert parse_selector(text) == selector


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("!# a", "'!#' only takes away from sections named before it", "# Usage; !# Advanced"),
        ("# a; b", "after ';' stands '# …' or '!# …'", "# Usage; !# Advanced"),
        ("#", "a section needs a name", "# Usage, FAQ?"),
        ("# a,, b", "a section needs a name", "# Usage, FAQ?"),
        ("# a; !# ", "a section needs a name", "# Usage, FAQ?"),
        ('# "a" b', "a section needs a name", "# Usage, FAQ?"),
        ("{ a", "a code selector ends with '}'", "{ main, get* }"),
        ("{ }", "a code selector needs at least one name", "{ main, get* } or { ?? }"),
        ("{ a,, b }", "a code selector needs at least one name", "{ main, get* } or { ?? }"),
        ("{ fn??, tot* }", "definitions and lists of names cannot be mixed", "use two loads"),
        ("{ fm?? }", '"fm" is no kind of definition', "{ fn?? }"),
        ("{ gadget?? }", '"gadget" is no kind of definition',
         "the kinds are fn, var, class, interface, type, enum, struct, trait, module"),
        ("{ a b }", '"a b" is no name of a definition', "{ main, Cart.total, get*, *fn }"),
    ],
)  # fmt: skip
def test_selectors_that_are_wrong(text: str, message: str, help: str) -> None:
    with pytest.raises(OrchError) as caught:
        parse_selector(text)
    assert (caught.value.code, caught.value.message, caught.value.help) == ("E405", message, help)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "guide.md").write_text(GUIDE)
    (tmp_path / "other.md").write_text("# Other\n## FAQ\nnone\n")
    (tmp_path / "plain.md").write_text("no headings")
    return tmp_path


def picked(root: Path, selector: str, path: str = "guide.md") -> Tagged:
    value = Loader(root).load(path, root, parse_selector(selector))
    assert isinstance(value, Tagged)
    return value


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("# setup", "## Set-up ##\ninstall it\n```sh\n# not a heading\n```"),
        ("# cafe; !# advanced", "## Café & Usage!\ncall it"),
        ("# CAFE AND", None),
        (
            "# faq, set-up; !# advanced faq",
            "## Set-up ##\ninstall it\n```sh\n# not a heading\n```\n\n## FAQ\nask",
        ),
        ("# advanced, cafe", "## Café & Usage!\ncall it\n### Advanced\ntune it"),
        ("# faq, faq", "## FAQ\nask\n### Advanced FAQ\nmore"),
        ("# advanced; !# advanced", ""),
        ("# faq; !# nothing", "## FAQ\nask\n### Advanced FAQ\nmore"),
        ("# nothing?, nowhere?", ""),
        ("# nothing?, advanced", "### Advanced\ntune it"),
    ],
)
def test_sections(root: Path, selector: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(OrchError):
            picked(root, selector)
    else:
        assert picked(root, selector).data == text


def test_a_section_between_two_holes_is_two_pieces(root: Path) -> None:
    assert picked(root, "# guide; !# set-up, cafe, advanced faq").data == "# Guide\nintro\n\n## FAQ\nask"


def test_a_missing_section_is_named(root: Path) -> None:
    with pytest.raises(OrchError) as caught:
        picked(root, "# Advnced")
    assert (caught.value.code, caught.value.message) == ("E404", './guide.md has no section "Advnced"')
    assert caught.value.help == 'did you mean "Advanced"?'
    with pytest.raises(OrchError) as caught:
        picked(root, "# Install", "other.md")
    assert caught.value.help == "its sections are Other, FAQ"
    with pytest.raises(OrchError) as caught:
        picked(root, "# Install", "plain.md")
    assert caught.value.help == "the file has no headings"


def test_titles_that_are_not_latin_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "ru.md").write_text("# Начало\na\n# Настройка\nb\n")
    assert picked(tmp_path, "# настройка", "ru.md").data == "# Настройка\nb"
    with pytest.raises(OrchError):
        picked(tmp_path, "# Конец", "ru.md")


@pytest.mark.parametrize(
    "text",
    [
        "~~~\n# no\n```\n# no\n~~~\n# yes\n",
        "````md\n```\n# no\n```\n````\n# yes\n",
        "```\n# no\n``` x\n# no\n```\n# yes\r\n",
        "```x``` inline\n# yes\n",
        "#no\n####### no\n    # no\n#\n# yes #\n",
        "   # yes\n",
    ],
)
def test_what_counts_as_a_heading(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.md").write_text(text)
    assert plain(picked(tmp_path, "??", "a.md")) == ["yes"]


def test_lists_of_titles(root: Path) -> None:
    value = picked(root, "##??")
    assert plain(value) == ["Set-up", "Café & Usage!", "FAQ"]
    assert value.meta.facts is not None and value.meta.facts["data"] == plain(value)
    assert template_text(value) == "Set-up\n\nCafé & Usage!\n\nFAQ"
    assert plain(picked(root, "######??")) == []
    assert plain(picked(root, "??", "[op]*.md")) == [
        {
            "names": ["Other", "FAQ"],
            "file": "other.md",
            "relative": "./other.md",
            "absolute": str(root / "other.md"),
        },
        {"names": [], "file": "plain.md", "relative": "./plain.md", "absolute": str(root / "plain.md")},
    ]


def test_files_of_a_pattern_without_the_section_are_left_out(root: Path) -> None:
    value = picked(root, "# faq", "*.md")
    assert plain(value) == ["## FAQ\nask\n### Advanced FAQ\nmore", "## FAQ\nnone"]
    assert [item.meta.facts["filename"] for item in value.data] == ["guide.md", "other.md"]
    assert plain(picked(root, "# nowhere?", "*.md")) == []


def test_a_section_knows_its_file(root: Path) -> None:
    facts = picked(root, "# advanced").meta.facts
    assert facts is not None
    assert (facts["relative"], facts["text"], facts["length"]) == ("./guide.md", "### Advanced\ntune it", 20)
    assert facts["fm"] == {"title": "Guide"}
    assert facts["sections"] == ["Advanced"]


def test_a_new_heading(root: Path) -> None:
    section = picked(root, "# advanced")
    renamed = rename_heading(section, "How")
    assert renamed.data == "### How\ntune it"
    assert renamed.meta.taint == section.meta.taint
    assert (renamed.meta.facts["text"], renamed.meta.facts["sections"]) == ("### How\ntune it", ["How"])
    assert rename_heading(section, "# How").data == "# How\ntune it"
    assert rename_heading(picked(root, "# none?"), "How").data == ""


@pytest.mark.parametrize("selector", ["# set-up, faq", "??"])
def test_only_one_section_gets_a_new_heading(root: Path, selector: str) -> None:
    with pytest.raises(OrchError) as caught:
        rename_heading(picked(root, selector), "How")
    assert (caught.value.code, caught.value.message) == (
        "E405",
        "only a single section can get a new heading",
    )


def test_a_whole_file_gets_no_new_heading(root: Path) -> None:
    with pytest.raises(OrchError):
        rename_heading(Loader(root).load("other.md", root), "How")

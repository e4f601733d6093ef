"""The manual's topics: Markdown files with front matter, one folder for each section.

`howto` and `explain` find and print them; the page of settings is made from the table in `config`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestra.config import settings

__all__ = ["Topic", "read_topics", "search"]

SECTIONS = (
    *("core", "flow-control", "effects", "modules", "mcp", "output", "store", "patterns", "llm", "agents"),
    *("cli", "config", "sdk", "security", "errors"),
)


@dataclass(frozen=True, slots=True)
class Topic:
    """One page. `codes` are the errors it explains, `aliases` other words that lead to it."""

    id: str
    section: str
    title: str
    brief: str
    text: str
    parent: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def answers(self, word: str) -> bool:
        return word in (self.id, *self.aliases)

    def score(self, word: str) -> int:
        """How well the topic fits a searched word: 2 for a tag, 1 for title or brief."""
        return 2 * any(word in tag.lower() for tag in self.tags) + (word in f"{self.title} {self.brief}".lower())


def read_topics(folder: Path) -> list[Topic]:
    """All topics, in the order of sections and of the numbers in file names."""
    read = [_topic(path) for path in sorted(folder.glob("*/*.md"))]
    return sorted([*read, _settings_page()], key=lambda topic: _rank(topic.section))


def search(topics: Iterable[Topic], word: str) -> list[Topic]:
    """Topics that a word may mean, best first."""
    scored = [(topic.score(word.lower()), topic) for topic in topics]
    return [topic for score, topic in sorted(scored, key=lambda pair: -pair[0]) if score]


def _rank(section: str) -> tuple[int, str]:
    return (SECTIONS.index(section) if section in SECTIONS else len(SECTIONS), section)


def _topic(path: Path) -> Topic:
    match = re.fullmatch(r"---\n(.*?)\n---\n(.*)", path.read_text(encoding="utf-8"), re.DOTALL)
    front: dict[str, Any] = yaml.safe_load(match[1]) if match else {}
    name = re.sub(r"^\d+-", "", path.stem)
    return Topic(
        id=str(front.get("id", name)),
        section=path.parent.name,
        title=str(front.get("title", name)),
        brief=str(front.get("brief", "")),
        text=(match[2] if match else path.read_text(encoding="utf-8")).strip(),
        parent=str(front.get("parent", "")),
        aliases=_words(front, "aliases"),
        tags=_words(front, "tags"),
        related=_words(front, "related"),
        codes=_words(front, "codes"),
    )


def _words(front: dict[str, Any], name: str) -> tuple[str, ...]:
    return tuple(str(word) for word in front.get(name) or ())


def _settings_page() -> Topic:
    return Topic(
        id="orch-toml",
        section="config",
        title="Settings in orch.toml",
        brief="every key with its default",
        text="\n".join(_settings_lines()),
        tags=("config", "settings", "orch.toml"),
    )


def _settings_lines() -> Iterator[str]:
    yield "`orch.toml` lies at the root of a project. Every key may be left out."
    table = ""
    for setting in settings():
        if not setting.name.startswith(f"{table}."):
            table = setting.name.partition(".")[0]
            yield f"\n[{table}]"
        name = setting.name.partition(".")[2]
        over = f"; {setting.variable} overrides it" if setting.variable else ""
        yield f"  {name} ({setting.kind}, default {_default(setting.default)}): {setting.meaning}{over}"
    yield "\n[paths]\n  NAME = FOLDER: `@NAME/…` in imports and loads means a file below that folder"
    yield "\n[policy]\n  the keys of a policy, in force for every script of the project"


def _default(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}s"
    return str(value) if value else "none"

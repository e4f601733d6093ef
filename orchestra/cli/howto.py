"""`orch howto [TOPIC]`: the manual in the terminal.

Topics are read by `topics`; what they say stands in the Markdown files below `howto/`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.cli.topics import Topic, read_topics, search
from orchestra.errors import OrchError, nearest
from orchestra.paths import bundled

__all__ = ["FOLDER", "main"]

FOLDER = Path(__file__).resolve().parent.parent / "howto"
INTRO = {"qs": "intro"}


def main(argv: list[str], shell: Shell) -> int:
    return invoke(howto, argv, shell)


@click.command(name="howto")
@click.argument("words", nargs=-1, metavar="[TOPIC | SECTION | grep PATTERN | @scope/module]")
@click.option("--all", "whole", is_flag=True, help="With a section: the texts of its topics.")
@click.option("-s", "section", is_flag=True, help="The whole section of the topic.")
@click.option("--json", "as_json", is_flag=True, help="Topics as JSON.")
def howto(words: tuple[str, ...], whole: bool, section: bool, as_json: bool) -> None:
    """Show a topic of the manual, the topics of a section, or all of them.

    A word that is no topic is searched for in tags and titles.
    """
    topics = read_topics(FOLDER)
    if words[:1] == ("grep",) and len(words) == 2:
        return _grep(topics, words[1])
    word = " ".join(words)
    if word.startswith("@"):
        return _module(word)
    found = _found(topics, word) if word else topics
    if section:
        found = [topic for topic in topics if topic.section == found[0].section]
    if as_json:
        return click.echo(json.dumps([topic.as_data() for topic in found], ensure_ascii=False, indent=2))
    one = bool(word) and len(found) == 1
    return click.echo(_texts(found) if one or section or whole else _index(found))


def _found(topics: list[Topic], word: str) -> list[Topic]:
    word = INTRO.get(word, word)
    for found in (
        [topic for topic in topics if topic.id == word],
        [topic for topic in topics if topic.section == word],
        [topic for topic in topics if topic.answers(word)],
        [topic for topic in topics if topic.parent == word],
        search(topics, word),
    ):
        if found:
            return found
    click.echo(_index(topics))
    names = {topic.id for topic in topics} | {topic.section for topic in topics}
    close = nearest(word, names)
    help = f"did you mean orch howto {close}?" if close else "orch howto grep WORD searches the texts"
    raise OrchError("E810", f'topic "{word}" not found', help=help)


def _index(topics: list[Topic]) -> str:
    width = max((len(topic.id) for topic in topics), default=0)
    lines: list[str] = []
    section = None
    for topic in topics:
        if topic.section != section:
            section = topic.section
            lines += ["", section] if lines else [section]
        lines.append(f"  {topic.id:<{width}}  {topic.brief or topic.title}")
    return "\n".join(lines)


def _texts(topics: list[Topic]) -> str:
    return "\n\n".join(_page(topic) for topic in topics)


def _page(topic: Topic) -> str:
    related = f"\n\nSee also: {', '.join(topic.related)}" if topic.related else ""
    return f"# {topic.title}\n\n{topic.text}{related}"


def _grep(topics: list[Topic], pattern: str) -> None:
    try:
        wanted = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise OrchError("E810", f"not a pattern: {error}", exit=2) from None
    hits = 0
    for topic in topics:
        lines = [line for line in topic.text.splitlines() if wanted.search(line)]
        hits += len(lines)
        if lines:
            click.echo("\n".join([f"{topic.id}:", *(f"  {line.strip()}" for line in lines)]))
    if not hits:
        raise OrchError("E810", f'nothing in the manual matches "{pattern}"')


def _module(name: str) -> None:
    """The comment at the head of a bundled module, and what it exports."""
    file = bundled(name)
    if file is None:
        raise OrchError("E810", f"{name} is not a module of orch", help="orch howto modules")
    text = file.read_text(encoding="utf-8")
    head = re.match(r"(?:\s*>>[^\n]*\n)*", text)
    click.echo(f"# {name}\n")
    click.echo("\n".join(line.strip().removeprefix(">>").strip() for line in (head[0] if head else "").splitlines()))
    for exported in re.findall(r"^export\s*\{([^}]*)\}", text, re.MULTILINE):
        click.echo("Exports: " + ", ".join(part.strip() for part in exported.split(",") if part.strip()))

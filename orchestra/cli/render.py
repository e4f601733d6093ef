"""What needs a terminal: colours of errors, tables, an area that is redrawn in place. The only home of rich.

What stands in them is decided by the commands and by `display`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

__all__ = ["LiveArea", "coloured", "table"]

# Parts of the plain form of an error and their colours; the text itself stays as it is.
STYLES: tuple[tuple[str, str], ...] = (
    (r"^error\[\w+\]", "bold red"),
    (r"^warning\[\w+\]", "bold yellow"),
    (r"(?<=\]): .*", "bold"),
    (r"^ *--> .*", "blue"),
    (r"^ *\d* *\|(?: +\^+$)?", "blue"),
    (r"\^+$", "red"),
    (r"^ *= (?:help|note):", "cyan"),
    (r"^  in .*", "dim"),
)

REDRAWN = 4  # times a second
UNBOUNDED = 10_000  # columns of a file or a pipe


def coloured(text: str, stream: TextIO) -> None:
    """Print the plain form of an error with colours, as wide as it is."""
    console = Console(file=stream, highlight=False)
    for line in text.split("\n"):
        console.print(_styled(line), soft_wrap=True)


def _styled(line: str) -> Text:
    styled = Text(line)
    for pattern, style in STYLES:
        styled.highlight_regex(pattern, style)
    return styled


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], stream: TextIO) -> None:
    """Print columns. A heading that ends in `>` is for figures, which stand to the right."""
    drawn = Table(box=box.SIMPLE_HEAD if stream.isatty() else None, pad_edge=False, show_edge=False)
    for heading in headings:
        drawn.add_column(heading.rstrip(">"), justify="right" if heading.endswith(">") else "left")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    width = None if stream.isatty() else UNBOUNDED
    console = Console(file=stream, highlight=False, width=width)
    with console.capture() as capture:
        console.print(drawn)
    stream.write("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))


class LiveArea:
    """Lines at the bottom of a terminal, redrawn in place from `picture()` until they are hidden."""

    def __init__(self, stream: TextIO, picture: Callable[[int], list[str]]) -> None:
        self._console = Console(file=stream, highlight=False)
        self._picture = picture
        self._live: Live | None = None

    def show(self) -> None:
        if self._live is None:
            # A stopped Live remembers how far to move up, so each showing takes a new one.
            self._live = Live(
                get_renderable=self._draw,
                console=self._console,
                refresh_per_second=REDRAWN,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)

    def redraw(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def hide(self) -> None:
        """Remove the lines, leaving the cursor where they began."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self) -> Group:
        # One empty line at least: without any, rich loses its place.
        lines = self._picture(self._console.width) or [""]
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))

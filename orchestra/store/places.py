"""The folders of one machine, and the names that stand for them where a text is to be good on every machine.

A project that lies in another folder asks the same questions; what differs in them are these paths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["Places", "in_texts"]

ROOT, HOME = "/@root", "/@home"
TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"')  # a text in JSON
BEGINS, ENDS = r"(?<![\w.~-])", r"(?![\w-]|\.\w)"  # so that /home/al is not found in /home/alan nor in src/home/al


class Places:
    """The project's root and the home folder of the user."""

    def __init__(self, root: Path, home: Path) -> None:
        named = [(ROOT, root), (HOME, home)]
        pairs = [(str(path), name) for name, given in named for path in (given, given.resolve())]
        self._names = {path: name for path, name in reversed(pairs) if Path(path).parent != Path(path)}
        longest = sorted(self._names, key=len, reverse=True)
        found = "|".join(map(re.escape, longest))
        self._paths = re.compile(f"{BEGINS}(?:{found}){ENDS}") if found else None
        self._written = {form for path in self._names for form in (path, json.dumps(path, ensure_ascii=False)[1:-1])}
        self._back = {ROOT: str(root), HOME: str(home)}

    def occur_in(self, text: str) -> bool:
        """Whether `hide` may find something, in a plain text or in JSON."""
        return any(path in text for path in self._written)

    def hide(self, text: str) -> str:
        """With names in place of the folders."""
        return text if self._paths is None else self._paths.sub(lambda match: self._names[match[0]], text)

    def show(self, text: str) -> str:
        """With the folders of this machine in place of the names."""
        return re.sub(rf"{BEGINS}(?:{ROOT}|{HOME}){ENDS}", lambda match: self._back[match[0]], text)


def in_texts(change: Callable[[str], str], data: str) -> str:
    """JSON with every text in it changed, and nothing else."""

    def changed(token: re.Match[str]) -> str:
        before = json.loads(token[0])
        after = change(before)
        return token[0] if after == before else json.dumps(after, ensure_ascii=False)

    return TOKEN.sub(changed, data)

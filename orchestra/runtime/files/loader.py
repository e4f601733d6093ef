"""`<path>` as a value: one file, the files of a pattern, a page of the web.

Interpolating paths, choosing templates for `as` and asking the policy are the evaluator's business.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.errors import OrchError
from orchestra.location import missing_file, public_url, relative_name, resolve
from orchestra.runtime.files.contents import decode, interpret
from orchestra.runtime.files.documents import Document, select, select_each
from orchestra.runtime.files.facts import FileFacts
from orchestra.runtime.files.globs import expand, is_pattern, literal
from orchestra.runtime.files.selectors import Selector
from orchestra.values.tagged import NOTHING, Meta, Value, merge

if TYPE_CHECKING:
    from orchestra.runtime.files.web import Web

__all__ = ["Loader"]

# What `<path>?` forgives. A file that is there but broken is never taken for an absent one.
ABSENT = frozenset({"E401", "E402"})


def ignore(path: Path, digest: str) -> None:
    """The observer of a loader that nobody watches."""


class Loader:
    """Loads files for the scripts of the project at `root`, and pages through `web`, opened on first use.

    `observe` is told path and SHA-256 (hexadecimal, of the bytes) of every file that was read; `permit` gives a
    path back or raises E402; `carried` knows what a file of this SHA-256 carries besides.
    """

    def __init__(
        self,
        root: Path,
        *,
        observe: Callable[[Path, str], None] = ignore,
        permit: Callable[[Path], Path] = lambda path: path,
        carried: Callable[[Path, str], Meta] = lambda path, digest: NOTHING,
        web: Callable[[], Web] | None = None,
    ) -> None:
        self.root = root
        self.observe = observe
        self.permit = permit
        self.carried = carried
        self._open_web = web
        self._web: Web | None = None

    def load(self, path: str, base: Path, selector: Selector | None = None, optional: bool = False) -> Value:
        """The value of a file, or an array for a pattern ([] without a match).

        `base` is the folder relative paths start from. With `optional` a file that is missing, a folder or
        unreadable gives None instead of E401 or E402. E403 stands for content that is not what it should be.
        """
        if self._is_pattern(path, base):
            return select_each([self._document(found) for found in self._expand(path, base)], selector)
        try:
            document = self._named(path, base)
        except OrchError as error:
            if optional and error.code in ABSENT:
                return None
            raise
        return select(document, selector)

    def exists(self, path: str, base: Path) -> bool:
        """Whether there is such a file or folder, or a file that matches the pattern."""
        try:
            if self._is_pattern(path, base):
                return bool(self._expand(path, base))
            return os.path.exists(self.permit(resolve(literal(path), base, self.root)))
        except OrchError:
            return False

    async def fetch(self, url: str, selector: Selector | None = None, optional: bool = False) -> Value:
        """The value of a page, asked for anew. With `optional` None if it cannot be had, else E406."""
        return await self.fetch_cached(url, 0, selector, optional)

    async def fetch_cached(
        self, url: str, ttl: float, selector: Selector | None = None, optional: bool = False
    ) -> Value:
        """Like `fetch`, but an answer younger than `ttl` seconds is taken from the disk."""
        try:
            document = await self._opened(url).get(url, ttl)
        except OrchError as error:
            if optional and error.code == "E406":
                return None
            raise
        return select(document, selector)

    def _opened(self, url: str) -> Web:
        if self._open_web is None:
            raise OrchError("E406", f"{public_url(url)} cannot be loaded: this run has no access to the network")
        self._web = self._web or self._open_web()
        return self._web

    def _is_pattern(self, path: str, base: Path) -> bool:
        """Brackets are no pattern where a file has exactly that name, as in `app/[id]/page.tsx`."""
        if not is_pattern(path):
            return False
        exact = resolve(path, base, self.root)
        return "*" in path or "?" in path or not os.path.exists(exact)

    def _expand(self, pattern: str, base: Path) -> list[Path]:
        parts = pattern.split("/")
        fixed = next(i for i, part in enumerate(parts) if is_pattern(part))
        above = literal("/".join(parts[:fixed])) or ("/" if fixed else ".")
        return expand("/".join(parts[fixed:]), self.permit(resolve(above, base, self.root)))

    def _named(self, path: str, base: Path) -> Document:
        path = literal(path)
        file = resolve(path, base, self.root)
        try:
            return self._document(file)
        except OrchError as error:
            raise missing_file(path, base, self.root) if error.code == "E401" else error from None

    def _document(self, file: Path) -> Document:
        name = relative_name(file, self.root)
        raw = _read(self.permit(file), name)
        digest = sha256(raw).hexdigest()
        self.observe(file, digest)
        text, data, own = interpret(decode(raw, name), file.suffix.lower(), name)
        return Document(name, FileFacts(file, self.root, text, data, own=own), self._meta(file, name, digest))

    def _meta(self, file: Path, name: str, digest: str) -> Meta:
        folders = (f"dir:{folder}" for folder in file.parents if folder != folder.parent)
        own = Meta(taint=("src:file", *folders), sources=(name,))
        return merge(own, self.carried(file, digest))


def _read(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except IsADirectoryError:
        raise OrchError("E402", f"{name} is a folder, not a file", help=f"for the files in it, <{name}/*>") from None
    except (FileNotFoundError, NotADirectoryError):
        raise OrchError("E401", f"file not found: {name}") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OrchError("E402", f"{name} cannot be read: {reason}") from None

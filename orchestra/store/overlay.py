"""Answers of another script, laid over those of the running one: served, and never changed.

Which script that is, and which of its answers are asked for anew, is told from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from orchestra.store.checkpoints import Checkpoints, Hit
from orchestra.store.connection import Connection
from orchestra.store.keys import Key
from orchestra.store.resume import Resume
from orchestra.store.values import Codec

__all__ = ["Overlay"]


class Overlay:
    """What `script` has stored, as the script `onto` asks for it."""

    def __init__(
        self,
        connection: Connection,
        codec: Codec,
        read_digest: Callable[[str], str | None],
        *,
        script: str,
        onto: str,
    ) -> None:
        self.script = script
        self.resume = Resume(connection, script=script)
        self._checkpoints = Checkpoints(connection, codec, read_digest, script=script, run="")
        self._onto = onto
        self._hidden: set[str] = set()

    def look_up(self, key: Key, validity: Mapping[str, str]) -> Hit | None:
        """The answer to the same question. A function of the running script is that of the same name in the other."""
        theirs = key.of(self.script) if key.module == self._onto else key
        if theirs.digest in self._hidden:
            return None
        found = self._checkpoints.look_up(theirs, validity, 0)  # its count of hits is never written
        return found if isinstance(found, Hit) else None

    def hide(self, keys: Iterable[str]) -> int:
        """Serve these no longer in this run; how many there are now."""
        self._hidden.update(keys)
        return len(self._hidden)

"""Which stored answers were made by other code, templates or files than there are now, seen without running anything.

A run knows it exactly, the model that would answer included (`digests`); here scripts are read and looked through for
the definitions by their names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestra.errors import OrchError
from orchestra.nodes.base import walk
from orchestra.nodes.blocks import Var
from orchestra.nodes.functions import Exe
from orchestra.nodes.script import Script
from orchestra.parse import parse_script
from orchestra.runtime.digests import budgets_in, digest_of
from orchestra.runtime.labelled import MODEL
from orchestra.runtime.writing import read_source
from orchestra.values.text import compact_json

__all__ = ["Staleness"]

DIGEST = 64  # digits; other marks stand for what is no code of the project


@dataclass(slots=True)
class _Definitions:
    """What a module defines: name → digests, several where blocks define the same name."""

    functions: dict[str, set[str]] = field(default_factory=dict)
    variables: dict[str, set[str]] = field(default_factory=dict)


class Staleness:
    """Of the answers of one script. script: its path from the root."""

    def __init__(self, root: Path, script: str) -> None:
        self._root = root
        self._script = script
        self._modules: dict[str, _Definitions] = {}
        self._files: dict[str, str | None] = {}

    def changed(self, module: str, function: str, validity: Mapping[str, str], deps: Mapping[str, str]) -> list[str]:
        """The parts on which an answer depends that are other now. Raises what is wrong with a script.

        module, function: where the function of the answer is defined, and its name there
        """
        code = [part for part, then in validity.items() if self._differs(part, then, module, function)]
        files = [name for name, then in deps.items() if not name.startswith(MODEL) and self._file(name) != then]
        return [*code, *(f"file:{name}" for name in files)]

    def _differs(self, part: str, then: str, module: str, function: str) -> bool:
        kind, _, rest = part.partition(":")
        name, _, where = rest.partition(" in ")
        if len(then) != DIGEST or where.startswith("@") or "://" in where:
            return False
        if kind == "template":
            return self._template(name) != then
        if kind == "code" and name == "expression":
            return then not in self._of(module).variables.get(function.removeprefix("var:"), set())
        if kind not in ("code", "var"):
            return False
        definitions = self._of(where or self._script)
        known = definitions.functions if kind == "code" else definitions.variables
        return then not in known.get(name.removeprefix("@"), set())

    def _of(self, module: str) -> _Definitions:
        if module not in self._modules:
            self._modules[module] = self._read(self._root / module)
        return self._modules[module]

    def _read(self, path: Path) -> _Definitions:
        if not path.is_file():
            return _Definitions()
        source = read_source(path, path.name)
        if path.suffix == ".json":
            data = json.loads(source.text)
            values = data.items() if isinstance(data, dict) else ()
            return _Definitions(variables={name: {_sha256(compact_json(value))} for name, value in values})
        return _defined(parse_script(source, "markdown" if path.suffix == ".md" else "strict"))

    def _template(self, name: str) -> str | None:
        try:
            return _sha256(read_source(self._root / name, name).text)
        except OrchError:
            return None

    def _file(self, name: str) -> str | None:
        if name not in self._files:
            try:
                self._files[name] = hashlib.sha256((self._root / name).read_bytes()).hexdigest()
            except OSError:
                self._files[name] = None
        return self._files[name]


def _defined(script: Script) -> _Definitions:
    found = _Definitions()
    for node in walk(script):
        if isinstance(node, Exe):
            digest = digest_of(node.span, script, budgets_in(node))
            found.functions.setdefault(str(node.token)[1:], set()).add(digest)
        elif isinstance(node, Var) and isinstance(node.target, str):
            value = node.value
            both = {digest_of(value.span, script, ()), digest_of(value.span, script, budgets_in(value))}
            found.variables.setdefault(str(node.target)[1:], set()).update(both)
    return found


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

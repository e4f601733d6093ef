"""The functions of `@orch/store`: tables that a script declares, and the log of its run.

What is in a table, and what may be, is the store's business. A table is handed round as its declaration: plain data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.nodes.views import View
from orchestra.runtime.mirrors import Mirrors
from orchestra.runtime.settings import ScriptSettings
from orchestra.store.declaration import Declaration, read_declaration, shown
from orchestra.store.tables import digest
from orchestra.store.values import NotStored
from orchestra.values.executable import Executable
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, labels_of, plain, unwrap, with_facts
from orchestra.values.text import compact_json

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["ScriptTables", "store_functions"]

# Function → its parameters; those after `needs` may be left out.
PARAMS: Final[dict[str, tuple[tuple[str, ...], int]]] = {
    "table": (("name", "declaration"), 2),
    "insert": (("table", "row"), 2),
    "select": (("table", "where", "options"), 1),
    "get": (("table", "key"), 2),
    "update": (("table", "where", "changes"), 3),
    "claim": (("table", "where", "changes"), 3),
    "event": (("kind", "name", "data"), 2),
    "config": (("name", "defaults", "options"), 2),
    "configure": (("name", "patch", "reason"), 3),
    "rollback": (("name", "version", "reason"), 3),
    "digest": (("value", "digits"), 1),
    "gates": (("where",), 0),
}
GATE_FIELDS: Final = ("run", "name", "occurrence", "state", "decision", "note", "opened", "answered")
LONGEST: Final = 64  # hexadecimal digits of a sha256


def store_functions() -> dict[str, Native]:
    """The exports of the bundled module `@orch/store`."""
    made = {name: Native(name, params, _body(name, len(params), needs)) for name, (params, needs) in PARAMS.items()}
    return {**made, "tx": Native("tx", ("function", "argument"), _transaction)}


def _body(name: str, most: int, needs: int) -> Callable[[Op, Scope], Any]:
    def body(op: Op, scope: Scope) -> Any:
        if not needs <= len(op.inputs) <= most:
            wanted = ", ".join(PARAMS[name][0])
            raise OrchError("E207", f"@store.{name}({wanted}) was called with {len(op.inputs)} arguments")
        return getattr(scope.run.tables, name)(scope, *op.inputs)

    return body


def _transaction(op: Op, scope: Scope) -> Any:
    """Call a function with the arguments behind it; its writes are all made, or none."""
    callee = unwrap(op.inputs[0]) if op.inputs else None
    if not isinstance(callee, Executable):
        help = "exe @move(grams) = [ … ] and then @store.tx(@move, 500)"
        raise OrchError("E207", "the first argument of @store.tx is a function", help=help)
    work = Op("exe", callee.name, op.inputs[1:], callee.labels, op.span, "", {}, callee)
    with scope.run.tables.transaction():
        return scope.run.call(work, scope)


class ScriptTables:
    """What a run does for `@orch/store`. Nothing is begun in the store before the first row."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._declared: dict[str, tuple[Declaration, str]] = {}  # with the module that did
        self._within = False  # a transaction
        self._mirrors = Mirrors(run.root)
        self._settings = ScriptSettings(run)

    def table(self, scope: Scope, name: Any, declaration: Any) -> Any:
        """Declare a table; it is made when it is needed."""
        data = _data(declaration)
        mirror = data.get("mirror") if isinstance(data, dict) else None
        if isinstance(mirror, dict) and isinstance(mirror.get("file"), str):
            file = os.path.relpath(self._run.place(mirror["file"], scope.module), self._run.root)
            data = {**data, "mirror": {**mirror, "file": file}}
        declared = read_declaration(plain(name), data)
        self._declared[declared.name] = declared, scope.module.name
        return {"table": declared.name, **declared.data}

    def insert(self, scope: Scope, table: Any, row: Any) -> Any:
        declared = self._ready(table)
        return _quiet(self._run.execution.tables.insert(declared, self._row(declared, "row", row)))

    def select(self, scope: Scope, table: Any, where: Any = None, options: Any = None) -> Any:
        declared = self._ready(table)
        return self._run.execution.tables.select(declared, _object("where", where), _object("options", options))

    def get(self, scope: Scope, table: Any, key: Any) -> Any:
        return self._run.execution.tables.get(self._ready(table), _data(key))

    def update(self, scope: Scope, table: Any, where: Any, changes: Any) -> Any:
        declared = self._ready(table)
        told = self._row(declared, "changes", changes)
        return _quiet(self._run.execution.tables.update(declared, _object("where", where), told))

    def claim(self, scope: Scope, table: Any, where: Any, changes: Any) -> Any:
        declared = self._ready(table)
        told = self._row(declared, "changes", changes)
        return self._run.execution.tables.claim(declared, _object("where", where), told)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes within, or none. One within another is a part of it."""
        outer, tables = self._within, self._run.execution.tables
        self._within = True
        try:
            with tables.transaction():
                yield
        finally:
            self._within = outer

    @property
    def breathless(self) -> bool:
        """Whether nothing may be waited for: others would write into a transaction that is not theirs."""
        return self._within

    def check_waiting(self) -> None:
        """Mirrors are made good, since whoever is waited for may read them. E434 within a transaction."""
        self.mirror()
        if self._within:
            help = "do it before, and hand what came of it to the function"
            what = "nothing is waited for within @store.tx: no model, no command, no code, no person, no pause"
            raise OrchError("E434", what, help=help)

    def event(self, scope: Scope, kind: Any, name: Any, data: Any = None) -> None:
        words = [unwrap(kind), unwrap(name)]
        if not all(isinstance(word, str) and word and not set(word) & set("\t\n\r") for word in words):
            told = ", ".join(map(shown, words))
            raise OrchError("E207", f"kind and name of an event are words on one line, not {told}")
        self._run.tell(words[0], words[1], _data(data))

    def config(self, scope: Scope, name: Any, defaults: Any, options: Any = None) -> Any:
        folder = _object("options", options).get("folder")
        place = self._run.place(folder, scope.module) if isinstance(folder, str) else None
        return self._settings.config(_data(name), self._clean("defaults", defaults), place)

    def configure(self, scope: Scope, name: Any, patch: Any, reason: Any) -> Any:
        return _quiet(self._settings.configure(_data(name), self._clean("change", patch), _data(reason)))

    def rollback(self, scope: Scope, name: Any, version: Any, reason: Any) -> Any:
        return _quiet(self._settings.rollback(_data(name), _data(version), _data(reason)))

    def digest(self, scope: Scope, value: Any, digits: Any = LONGEST) -> str:
        wanted = unwrap(digits)
        if wanted not in range(1, LONGEST + 1):
            raise OrchError("E207", f"digits is a number from 1 to {LONGEST}, not {shown(wanted)}")
        try:
            return digest(_data(value), int(wanted))
        except NotStored as error:
            raise OrchError("E207", f"this value has no digest: {error}") from None

    def gates(self, scope: Scope, where: Any = None) -> list[dict[str, Any]]:
        """The gates of all runs that fit, oldest first."""
        wanted = _object("where", where)
        if strange := wanted.keys() - set(GATE_FIELDS):
            told = ", ".join(sorted(strange))
            raise OrchError("E207", f"a gate has no {told}", help="it has " + ", ".join(GATE_FIELDS))
        rows = [{name: getattr(gate, name) for name in GATE_FIELDS} for gate in self._run.execution.gates.everywhere()]
        return [row for row in rows if wanted.items() <= row.items()]

    # ── what is handed in ────────────────────────────────────────────────────────────────────────

    def _ready(self, table: Any) -> Declaration:
        """The table that is meant by its declaration or its name, made or widened if need be."""
        given = plain(table)
        name = given.get("table") if isinstance(given, dict) else given
        if not isinstance(name, str):
            help = "hand in what @store.table gave, or its name"
            raise OrchError("E207", f"{shown(given)} is no table", help=help)
        tables = self._run.execution.tables
        declared, module = self._declared.get(name) or (tables.known(name), "")
        if not tables.is_ready(declared):
            tables.declare(declared, module, lambda: self._mirrors.first_rows(declared))
            tables.changed[declared.name] = True  # whoever was killed before may have left its mirror behind
        return declared

    def mirror(self) -> None:
        """Make the files of the tables that have been written equal to them, before anybody can look."""
        if not self._run.opened or self._within or self._run.planning is not None or self._run.request.past is not None:
            return
        tables = self._run.execution.tables
        while tables.changed:
            name, anew = tables.changed.popitem()
            table = tables.known(name)
            if table.mirror is not None and (path := self._mirrors.sync(table, tables, anew=anew)) is not None:
                self._run.event("write", path=self._run.project_name(path), mode="output")

    def _row(self, table: Declaration, what: str, given: Any) -> dict[str, Any]:
        """What is to be written. E432 if a secret stands in it."""
        row = _object(what, given)
        for name, value in unwrap(given).items():
            if "secret" in labels_of(value) or self._is_secret(row[name]):
                help = "store where it can be found, not what it is"
                raise OrchError("E432", f"{table.name}.{name} holds a secret, which is not stored", help=help)
        return row

    def _clean(self, what: str, given: Any) -> Any:
        if "secret" in labels_of(given) or self._is_secret(_data(given)):
            raise OrchError("E432", f"the {what} hold a secret, which is not stored")
        return _data(given)

    def _is_secret(self, value: Any) -> bool:
        text = compact_json(value)
        return self._run.redactor.clean(text) != text


def _quiet(value: Any) -> Any:
    """What was written, for who asks: a call that stands alone shows nothing."""
    return with_facts(value, {"quiet": True})


def _object(what: str, given: Any) -> dict[str, Any]:
    data = {} if given is None else _data(given)
    if not isinstance(data, dict):
        raise OrchError("E207", f"{what} is an object, not {shown(data)}", help='{ status: "open" }')
    return data


def _data(value: Any) -> Any:
    """A value without labels and facts: what is stored says nothing about where it came from."""
    data = unwrap(value)
    if data is MISSING:
        return None
    if isinstance(data, View):
        return _data(data.plain())
    if isinstance(data, list):
        return [_data(item) for item in data]
    if isinstance(data, dict):
        return {name: _data(item) for name, item in data.items()}
    return data

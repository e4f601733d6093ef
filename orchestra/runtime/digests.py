"""What a labelled call depends on besides its arguments: code, constants and templates, each with a digest.

Code is digested by its tokens, so that comments and layout do not count and a new release of orch changes
nothing. Files and models that a call turns out to use are noted in `labelled`.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from orchestra.nodes.base import Node, walk
from orchestra.nodes.blocks import Var
from orchestra.nodes.commands import Code
from orchestra.nodes.functions import Exe, Function
from orchestra.nodes.literals import Array, ComputedKey, Constant, Key, Number, Object, Pair, Spread
from orchestra.nodes.modules import Import, ImportItem, TemplateFile
from orchestra.nodes.names import Field, Reference
from orchestra.nodes.operators import Product, Sum
from orchestra.nodes.tails import With
from orchestra.nodes.templates import Interpolation, Template, Text
from orchestra.nodes.tool_collection import CollectedTool
from orchestra.runtime.module import Namespace
from orchestra.source import Source, Span
from orchestra.store.keys import canonical
from orchestra.values.executable import Executable
from orchestra.values.scope import ABSENT
from orchestra.values.tagged import MISSING, unwrap
from orchestra.values.text import compact_json

if TYPE_CHECKING:
    from orchestra.nodes.script import Script
    from orchestra.runtime.module import Module
    from orchestra.runtime.run import Run

__all__ = ["Digests", "budgets_in", "digest_of"]

FORM = "1"  # of the token form; another number makes every stored answer stale
CONSTANT_PARTS = (
    Array, ComputedKey, Constant, Interpolation, Key, Number, Object, Pair, Product, Reference, Spread, Sum,
    Template, Text,
)  # fmt: skip


class Digests:
    """Digests of definitions, computed once each."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parts: dict[int, dict[str, str]] = {}
        self._texts: dict[str, Source | Span | str] = {}  # digest → where what it was made of stands
        self._initialisers: dict[int, dict[str, Node]] = {}  # module → variable → its right side

    def of(self, function: Executable) -> dict[str, str]:
        """Part name → digest for a function and everything it reaches."""
        if not isinstance(function, Function):
            return {f"code:@{function.name}": str(getattr(function, "digest", "native"))}
        key = id(function.definition)
        if key not in self._parts:
            parts: dict[str, str] = {}
            self._add_function(function, parts)
            self._parts[key] = parts
        return self._parts[key]

    def of_node(self, node: Node, module: Module) -> dict[str, str]:
        """The same for an expression, such as the right side of `var llm`."""
        parts = {"code:expression": self.of_span(node.span, module, budgets_in(node))}
        self._add_references(node, module, set(), parts)
        return parts

    def text_of(self, digest: str) -> str | None:
        """What has this digest, as it was written; None for what is no text."""
        found = self._texts.get(digest)
        return found if found is None or isinstance(found, str) else found.text

    def fix(self, values: Iterable[Any]) -> None:
        """Give functions among arguments, at any depth, the digest by which they are told apart."""
        for value in values:
            data = unwrap(value)
            if isinstance(data, Function):
                self._fix_function(data)
            elif isinstance(data, CollectedTool):
                self._fix_tool(data)
            elif isinstance(data, list):
                self.fix(data)
            elif isinstance(data, dict):
                self.fix(data.values())

    def _fix_function(self, function: Function) -> None:
        if function.digest is None:
            parts = self.of(function)
            function.digest = _sha256("\0".join(f"{name}={parts[name]}" for name in sorted(parts)))

    def _fix_tool(self, tool: CollectedTool) -> None:
        if tool.digest is None:
            self.fix([tool.inner, tool.bound])
            inner = getattr(tool.inner, "digest", None) or tool.name
            tool.digest = _sha256("\0".join([inner, canonical(tool.bound), tool.description or "", *tool.params]))

    def of_span(self, span: Span, module: Module, without: Sequence[Span] = ()) -> str:
        """Digest of the tokens of a stretch of source, leaving out some parts of it."""
        digest = digest_of(span, module.script, without)
        self._texts[digest] = span
        return digest

    # ── reachability ─────────────────────────────────────────────────────────────────────────────

    def _add_function(self, function: Function, parts: dict[str, str]) -> None:
        module = function.scope.module
        name = self._named("code", function.name, module)
        if name in parts:
            return
        definition: Exe = function.definition
        parts[name] = self.of_span(definition.span, module, budgets_in(definition))
        own = {param.name for param in definition.params or ()}
        for part in (*(definition.params or ()), definition.body):
            self._add_references(part, module, own, parts)

    def _add_references(self, body: Node, module: Module, own: set[str], parts: dict[str, str]) -> None:
        for part in walk(body):
            if isinstance(part, Reference) and part.name not in own:
                self._add_name(part.name, module, parts)
            elif isinstance(part, Field):
                self._add_member(part, module, own, parts)
            elif isinstance(part, TemplateFile):
                self._add_template(part, module, parts)
            elif isinstance(part, Code):
                self._add_shadows(str(part.language), module, parts)

    def _add_member(self, part: Field, module: Module, own: set[str], parts: dict[str, str]) -> None:
        """`@lib.name`: what a namespace or an object of the module holds under a name."""
        owner, value = self._member(part, module, own)
        data = unwrap(value)
        if isinstance(data, Function):
            self._add_function(data, parts)
        elif isinstance(data, Executable):
            parts.setdefault(f"code:{part.span.text}", str(getattr(data, "digest", "native")))
        elif owner is not None and value is not ABSENT:
            self._add_constant(part.name, owner, parts)

    def _member(self, part: Node, module: Module, own: set[str]) -> tuple[Module | None, Any]:
        """The value behind a chain of names, and the module that exports it, if one does."""
        if isinstance(part, Reference) and part.name not in own:
            return None, module.scope.names.get(part.name, ABSENT)
        if not isinstance(part, Field):
            return None, ABSENT
        base = unwrap(self._member(part.base, module, own)[1])
        if isinstance(base, Namespace):
            value = base.module.exported(part.name, None)
            return base.module, ABSENT if value is MISSING else value
        return None, base.get(part.name, ABSENT) if isinstance(base, dict) else ABSENT

    def _add_shadows(self, language: str, module: Module, parts: dict[str, str]) -> None:
        """Functions of the script that a code block may call by their names."""
        for known in (language, "js") if language == "node" else (language,):
            for function in module.shadows.get(known, {}).values():
                if isinstance(function, Function):
                    self._add_function(function, parts)

    def _add_template(self, part: TemplateFile, module: Module, parts: dict[str, str]) -> None:
        body = self._run.modules.template(part.written, module, part.span)
        name = f"template:{body.name}"
        if name not in parts:
            parts[name] = body.digest
            self._texts[body.digest] = body.parsed.span.source
            self._add_references(body.parsed, module, set(), parts)

    def _add_name(self, name: str, module: Module, parts: dict[str, str]) -> None:
        value = module.scope.names.get(name, ABSENT)
        data = unwrap(value)
        if isinstance(data, Function):
            self._add_function(data, parts)
        elif isinstance(data, Executable):
            parts.setdefault(f"code:@{data.name}", str(getattr(data, "digest", "native")))
        elif value is not ABSENT:
            self._add_constant(name, module, parts)

    def _add_constant(self, name: str, module: Module, parts: dict[str, str]) -> None:
        part = self._named("var", name, module)
        if part in parts:
            return
        if module.script is None:
            self._add_datum(part, name, module, parts)
            return
        if name in module.imported:
            self._add_imported(name, module, parts)
            return
        initialiser = self._initialiser(name, module)
        if initialiser is not None and all(isinstance(node, CONSTANT_PARTS) for node in walk(initialiser)):
            parts[part] = self.of_span(initialiser.span, module)
            self._add_references(initialiser, module, set(), parts)

    def _initialiser(self, name: str, module: Module) -> Node | None:
        """The right side of `var @name = …` in the module."""
        key = id(module)
        if key not in self._initialisers:
            statements = module.script.statements if module.script is not None else []
            variables = [statement for statement in statements if isinstance(statement, Var)]
            self._initialisers[key] = {
                str(var.target)[1:]: var.value for var in variables if isinstance(var.target, str)
            }
        return self._initialisers[key].get(name)

    def _named(self, kind: str, name: str, module: Module) -> str:
        """A part as it is kept and shown."""
        return f"{kind}:@{name}" if module is self._run.main else f"{kind}:@{name} in {module.name}"

    def _add_datum(self, part: str, name: str, module: Module, parts: dict[str, str]) -> None:
        """A field of a JSON file that is imported as a module."""
        if module.path is not None:
            datum = compact_json(module.scope.names[name])
            parts[part] = _sha256(datum)
            self._texts[parts[part]] = datum

    def _add_imported(self, name: str, module: Module, parts: dict[str, str]) -> None:
        """A constant that another module defines."""
        assert module.script is not None
        for statement in module.script.statements:
            if not isinstance(statement, Import):
                continue
            for item in statement.items.items:
                if isinstance(item, ImportItem) and item.names[1] == name:
                    origin = self._run.imported_from(statement, module)
                    if origin is not None:
                        self._add_constant(item.names[0], origin, parts)


def digest_of(span: Span, script: Script | None, without: Sequence[Span]) -> str:
    """Digest of the tokens of a stretch of a script, leaving out some parts of it."""
    if script is None or not script.marks:
        return _sha256(span.text)
    text, marks = span.source.text, script.marks
    tokens = range(len(marks) // 2)
    first = bisect_left(tokens, span.start, key=lambda token: marks[2 * token])
    last = bisect_left(tokens, span.end, key=lambda token: marks[2 * token])
    kept = [i for i in range(first, last) if not any(part.start <= marks[2 * i] < part.end for part in without)]
    return _sha256("\0".join([FORM, *(text[marks[2 * i] : marks[2 * i + 1]] for i in kept)]))


def budgets_in(node: Node) -> list[Span]:
    """Where budgets stand in a piece of code: whoever raises one does not want its answers again."""
    found = [part.without("budget") for part in walk(node) if isinstance(part, With)]
    return [span for span in found if span is not None]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

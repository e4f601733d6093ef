"""Statements and blocks: bindings, returns, `if`. One `Block` serves every construct that has one."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Final

from orchestra.errors import Note, OrchError
from orchestra.nodes.base import Node, Statement, node, present
from orchestra.nodes.op import Op
from orchestra.nodes.questions import Question
from orchestra.nodes.signals import Continue, Done, Retry, Return, Skip
from orchestra.nodes.tool_collection import collected
from orchestra.source import Span
from orchestra.values import operators
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, add_labels, joined, plain, tag, unwrap
from orchestra.values.text import template_text

__all__ = ["FELL", "Block", "emits"]

FELL: Final = object()  # a block that ran to its end without `=>`


def begins_effect(scope: Scope) -> bool:
    """Whether an effect happens here, not so at the top level of a module that is being imported.

    Raises what ends the run if the user has asked to stop: nothing new is begun then.
    """
    scope.run.check_interrupted()
    return not scope.module.defining or in_call(scope)


def host(scope: Scope) -> str:
    """What a statement stands in: `module`, `call`, `item` (for expression), `each` (for statement), `loop` …"""
    current: Scope | None = scope
    while current is not None and current.kind in ("arm", "when"):
        current = current.parent
    return current.kind if current is not None else "module"


def function_host(scope: Scope) -> str:
    """Like `host`, looking through `if` blocks as well."""
    current: Scope | None = scope
    while current is not None and current.kind in ("arm", "when", "block"):
        current = current.parent
    return current.kind if current is not None else "module"


def in_call(scope: Scope) -> bool:
    """Whether a function is being run here, as opposed to the top level of a module."""
    current: Scope | None = scope
    while current is not None and current.kind != "call":
        current = current.parent
    return current is not None


def emits(scope: Scope) -> bool:
    """Whether a bare call here shows its value."""
    return host(scope) == "module"


QUIET = ("block", "call", "each", "item", "loop")  # here no value is shown, and a block adds nothing but its names


@node
class Block(Node):
    """`[ statement … ]`."""

    statements: list[Node]
    binds: bool = field(init=False)  # whether it needs names of its own

    def __post_init__(self) -> None:
        self.binds = any(isinstance(statement, Let) for statement in self.statements)

    def run(self, scope: Scope) -> Any:
        """Run in `scope`: the value of its own `=>`, FELL, or the `Return` of a block inside it."""
        for statement in self.statements:
            if statement.__class__ is Return_:
                return statement.eval(scope)
            ended = statement.exec(scope)
            if ended is not None:
                return ended
        return FELL

    def outcome(self, scope: Scope) -> Any:
        return self.result(self._scope(scope))

    def result(self, scope: Scope) -> Any:
        """Run in `scope`: the value of a `=>`, its own or that of a block inside it, else null."""
        for statement in self.statements:
            if statement.__class__ is Return_:
                return statement.eval(scope)
            ended = statement.exec(scope)
            if ended is not None:
                return ended.value
        return None

    def exec(self, scope: Scope) -> Return | None:
        """As the body of a nested construct: `=>` leaves the construct's owner."""
        inner = self._scope(scope)
        for statement in self.statements:
            ended = statement.exec(inner)
            if ended is not None:
                return ended
        return None

    def _scope(self, scope: Scope) -> Scope:
        return scope.child() if self.binds or scope.kind not in QUIET else scope


@node
class BlockValue(Node):
    """A block where a value is expected: `var @x = [ let @a = 1 => @a ]`."""

    statements: list[Node]

    def eval(self, scope: Scope) -> Any:
        value = Block(self.span, self.statements).run(scope.child())
        if value.__class__ is Return:
            raise value
        return None if value is FELL else value


@node
class BlockSource(Node):
    """The block of a function when stages or options follow it: `exe @f() = [ … ] | @stage`."""

    block: Block

    def eval(self, scope: Scope) -> Any:
        return self.block.outcome(scope)


@node
class Labelled(Node):
    """`label value` after `=>`: the value with a label of its own; several labels nest."""

    label: str
    value: Node

    def __post_init__(self) -> None:
        check_labels([self.label], self.span)

    def eval(self, scope: Scope) -> Any:
        labels, value = [str(self.label)], self.value
        while isinstance(value, Labelled):
            labels.append(str(value.label))
            value = value.value
        return scope.run.labelled(present(value.whole(scope)), labels, self.span)


@node
class Return_(Statement):
    """`=> value`."""

    value: Node | None

    def eval(self, scope: Scope) -> Any:
        value = None if self.value is None else self.value.whole(scope)
        return None if value is MISSING else value

    def exec(self, scope: Scope) -> Return | None:
        return Return(None if self.value is None else present(self.value.whole(scope)), self.span)


@node
class FieldsTarget(Node):
    """`{ a, b }` on the left of a binding."""

    names: list[str]

    def bind(self, value: Any, assign: Any) -> None:
        data = unwrap(value)
        for name in self.names:
            key = str(name).removeprefix("@")
            found = data.get(key) if isinstance(data, dict) else None
            assign(key, tag(found, joined((value,))))


@node
class ItemsTarget(Node):
    """`[a, b]` on the left of a binding."""

    names: list[str]

    def bind(self, value: Any, assign: Any) -> None:
        data = unwrap(value)
        if not isinstance(data, list):
            raise OrchError("E206", "only an array can be taken apart into [names]", self.span)
        for position, name in enumerate(self.names):
            found = data[position] if position < len(data) else None
            assign(str(name).removeprefix("@"), tag(found, joined((value,))))


def _assign_all(target: Any, value: Any, assign: Any) -> None:
    if isinstance(target, str):
        assign(str(target)[1:], value)
    else:
        target.bind(value, assign)


NO_LABELS = frozenset("module static live cached local templates foreach pipeline with from as tools".split())


def check_labels(labels: list[str], span: Span) -> None:
    """E101 for words that cannot be labels."""
    for label in labels:
        if str(label) in NO_LABELS:
            raise OrchError("E101", f"{label} cannot be a label", span, help="choose another word", exit=2)


@node
class Var(Statement):
    """`var labels @name = value`: once, for the whole module. `var tools` makes a collection of tools.

    `input labels @name "prompt"` is one whose value a person gives, in a block a `let`.
    """

    labels: list[str]
    target: Any
    optional: Any
    value: Node
    collects: bool = field(init=False)  # the value describes tools

    def __post_init__(self) -> None:
        if isinstance(self.value, Question):
            self.value.name = self.target[1:]
        self.collects = self.labels[:1] == ["tools"]
        self.labels = self.labels[1:] if self.collects else self.labels
        check_labels(self.labels, self.span)

    def exec(self, scope: Scope) -> None:
        labelled = "llm" in self.labels
        value = scope.run.labelled_variable(self, scope) if labelled else present(self.value.whole(scope))
        if self.collects:
            value = collected(value, self.value.span, str(self.target))
        value = add_labels(value, map(str, self.labels))
        if "secret" in self.labels:
            scope.run.learn_secret(self.target[1:] if isinstance(self.target, str) else "secret", value)
        _assign_all(self.target, value, lambda name, item: self._declare(name, item, scope))

    def _declare(self, name: str, value: Any, scope: Scope) -> None:
        op = Op("var", name, [value], tuple(map(str, self.labels)), self.span)
        value = scope.run.perform(op, lambda op: op.inputs[0], scope)
        scope.module.declare(name, value, self.span, variable=True)


@node
class Let(Statement):
    """`let @name = value`: in the enclosing block."""

    target: Any
    value: Node
    name: str | None = field(init=False)  # None if it takes a value apart

    def __post_init__(self) -> None:
        self.name = self.target[1:] if isinstance(self.target, str) else None
        if isinstance(self.value, Question) and self.name is not None:
            self.value.name = self.name

    def exec(self, scope: Scope) -> None:
        value = self.value.whole(scope)
        if self.name is not None:
            self._assign(self.name, None if value is MISSING else value, scope)
        else:
            self.target.bind(present(value), lambda name, item: self._assign(name, item, scope))

    def _assign(self, name: str, value: Any, scope: Scope) -> None:
        owner = scope.owner(name)
        if owner is not None and (owner is not scope or scope.kind not in ("block", "arm")):
            self._check(name, owner, scope)
        scope.names[name] = value

    def _check(self, name: str, owner: Scope, scope: Scope) -> None:
        """Variables, parameters and loop variables are not to be hidden by a `let`."""
        if _is_local(name, owner) or owner.kind in ("block", "arm", "when", "loop"):
            return
        if owner.kind == "module" and (owner.module.is_import(name) or _inside_when(scope)):
            return
        first = owner.module.place_of(name) if owner.kind == "module" else None
        notes = [Note("first defined here", first)] if first else []
        raise OrchError(
            "E203", f"@{name} is already defined and cannot be redefined", self.span, notes=notes,
            help="variables, parameters and loop variables keep their value; choose another name",
        )  # fmt: skip


def _is_local(name: str, owner: Scope) -> bool:
    """Whether a function binds the name by a `let` in its body, not as a parameter."""
    function = owner.frame.function if owner.kind == "call" and owner.frame is not None else None
    return function is not None and name not in function.params


def _inside_when(scope: Scope) -> bool:
    current: Scope | None = scope
    while current is not None:
        if current.kind == "when":
            return True
        current = current.parent
    return False


@node
class Augment(Statement):
    """`@name += value`: changes the nearest binding of that name."""

    name: str
    value: Node

    def exec(self, scope: Scope) -> None:
        name = str(self.name)[1:]
        owner = self._owner(name, scope)
        added = self.value.whole(scope)
        before = owner.names[name]
        try:
            after = combined(unwrap(before), added)
        except OrchError as error:
            raise error.at(self.span) from None
        owner.names[name] = tag(after, joined((before, added)))

    def _owner(self, name: str, scope: Scope) -> Scope:
        current: Scope | None = scope
        while current is not None and name not in current.names:
            if current.kind == "parallel":
                owner = current.owner(name)
                if owner is not None:
                    raise OrchError(
                        "E304", f"a parallel for cannot change the outer variable @{name}", self.span,
                        help="return the value of each item with => and combine the results after the loop",
                    )  # fmt: skip
            current = current.parent
        if current is not None and current.kind == "module" and scope.context.hooked:
            raise OrchError("E203", f"a hook cannot change the module variable @{name}", self.span)
        if current is None:
            raise OrchError(
                "E201", f"cannot use += on the undefined variable @{name}", self.span,
                help=f"bind it first: let @{name} = …",
            )  # fmt: skip
        return current


def combined(before: Any, added: Any) -> Any:
    """What `+=` makes of plain data and a value, which as an element keeps its tag and as text its original text."""
    data = unwrap(added)
    if isinstance(before, list):
        return [*before, *data] if isinstance(data, list) else [*before, added]
    if isinstance(before, str):
        return before + template_text(added)
    if isinstance(before, dict):
        if not isinstance(data, dict):
            raise OrchError("E206", "only an object can be merged into an object with +=")
        return {**before, **data}
    number = operators.to_number(data)
    if number != number or isinstance(data, (list, dict)):
        raise OrchError("E206", f"cannot add {template_text(plain(added))} to a number")
    return operators.add(before, number)


@node
class If(Statement):
    """`if condition [ … ] else [ … ]`."""

    condition: Node
    then: Block
    otherwise: Node | None

    def exec(self, scope: Scope) -> Return | None:
        if scope.run.has_hooks:
            return scope.run.statement("if", self, scope, self._branch)  # type: ignore[no-any-return]
        return self._branch(scope)

    def _branch(self, scope: Scope) -> Return | None:
        if self.condition.test(scope):
            return self.then.exec(scope)
        return self.otherwise.exec(scope) if self.otherwise is not None else None


@node
class Bail(Node):
    """`bail message`: ends the run from any depth."""

    message: Node | None

    def exec(self, scope: Scope) -> None:
        scope.run.around("bail", self, scope, self._end)

    def _end(self, scope: Scope) -> None:
        text = "script ended by bail"
        if self.message is not None:
            text = template_text(self.message.eval(scope))
        raise OrchError("E399", text, self.span, fatal=True)

    eval = exec


@node
class Done_(Node):
    """`done value`."""

    value: Node | None

    def exec(self, scope: Scope) -> None:
        raise Done(self.value.eval(scope) if self.value is not None else MISSING, self.span)

    eval = exec


@node
class Continue_(Node):
    """`continue value`."""

    value: Node | None

    def exec(self, scope: Scope) -> None:
        raise Continue(self.value.eval(scope) if self.value is not None else MISSING, self.span)

    eval = exec


@node
class Skip_(Node):
    """`skip`."""

    def exec(self, scope: Scope) -> None:
        raise Skip(None, self.span)

    eval = exec


@node
class Retry_(Node):
    """`retry hint`."""

    hint: Node | None

    def exec(self, scope: Scope) -> None:
        raise Retry(present(self.hint.eval(scope)) if self.hint is not None else None, self.span)

    eval = exec

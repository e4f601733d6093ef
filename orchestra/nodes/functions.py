"""Functions: `exe`, calls, parameters. What surrounds a call (hooks, cache) is the run's business."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.blocks import FELL, Block, check_labels
from orchestra.nodes.literals import holds
from orchestra.nodes.names import Field, Reference
from orchestra.nodes.op import Op
from orchestra.nodes.signals import Continue, Done, Return, Skip
from orchestra.nodes.views import View
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.methods import call_method
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import MISSING, Tagged, add_labels, joined, tag, unwrap
from orchestra.values.text import auto_parse, compact_json

__all__ = ["Call", "Exe", "Function", "Native", "Param", "call_value"]

RECURSION = 64


@node
class Param(Node):
    """`name: type = default`."""

    token: str
    type: str | None
    default: Node | None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = str(self.token).removeprefix("@")


@node
class Exe(Node):
    """`exe labels @name(params) = body`."""

    labels: list[str]
    token: str
    params: list[Param] | None
    body: Node

    def __post_init__(self) -> None:
        check_labels(self.labels, self.span)

    def exec(self, scope: Scope) -> None:
        name = str(self.token)[1:]
        prepare = getattr(self.body, "prepare", None)
        if prepare is not None:
            prepare(scope)
        scope.module.declare(name, Function(self, scope), self.span)


@node
class Shadow(Node):
    """`exe js = { f, g }`: the named functions become callable from code blocks of that language."""

    language: str
    names: list[str]

    def exec(self, scope: Scope) -> None:
        known: dict[str, Executable] = {}
        for token in self.names:
            name = str(token).removeprefix("@")
            value = unwrap(scope.find(name))
            if not isinstance(value, Executable):
                raise OrchError("E202", f"@{name} is not a function here", self.span)
            known[name] = value
        scope.module.add_shadow(str(self.language), known)


class Function(Executable):
    """A function written in a script, with the scope of the module that defines it."""

    __slots__ = ("body", "definition", "digest", "from_template", "scope", "sticking")

    def __init__(self, definition: Exe, scope: Scope) -> None:
        params = definition.params or []
        super().__init__(
            str(definition.token)[1:],
            tuple(p.name for p in params),
            tuple(str(label) for label in definition.labels),
        )
        self.definition = definition
        self.body = definition.body
        self.from_template = type(definition.body).__name__ in ("Template", "TemplateFile")
        self.scope = scope
        self.sticking = tuple(label for label in self.labels if label != "recursive")  # onto every result
        self.digest: Any = None

    def run_body(self, op: Op, scope: Scope) -> Any:
        """Evaluate the body with the operation's inputs as arguments."""
        chain = _entered(self, scope, op)
        context = scope.context.calling(op, chain)
        names = self._bound(op.inputs, context)
        inner = Scope(names, self.scope, context, self.scope.module, scope.run, "call")
        try:
            value = self._value(inner)
        except Return as signal:
            value = signal.value
        except (Done, Continue, Skip) as signal:
            if scope.context.loop is None and scope.context.for_ is None:
                value = None
            else:
                raise signal
        except OrchError as error:
            raise error.within(f"@{self.name}({shown_arguments(self, op.inputs)})", op.span) from None
        return add_labels(value, self.sticking) if self.sticking else value

    def _value(self, inner: Scope) -> Any:
        body = self.body
        if body.__class__ is Block:
            value = body.run(inner.child())
            return None if value is FELL else value
        value = body.whole(inner)
        if body.__class__ is Reference and self.definition.params is None and isinstance(unwrap(value), Executable):
            return call_value(value, inner.context.op.inputs, inner, body)  # exe @g = @f: another name for @f
        if value.__class__ is str and self.from_template and inner.run.reads_json:
            return auto_parse(value, objects_only=True)
        return present(value)

    def _bound(self, inputs: list[Any], context: Any) -> dict[str, Any]:
        names: dict[str, Any] = {}
        if len(inputs) == len(self.params) and all(value is not MISSING for value in inputs):
            return dict(zip(self.params, inputs, strict=True))
        params = self.definition.params or ()
        count = len(inputs)
        for position, param in enumerate(params):
            value = inputs[position] if position < count else MISSING
            if value is MISSING and param.default is not None:
                value = param.default.eval(self.scope.within(context, "call", names))
            names[param.name] = value
        return names


class Native(Executable):
    """A built-in function. `body(op, scope)` gets the arguments as `op.inputs`."""

    __slots__ = ("body", "digest")

    def __init__(self, name: str, params: tuple[str, ...], body: Any, labels: tuple[str, ...] = ()) -> None:
        super().__init__(name, params, labels)
        self.body = body
        self.digest = f"native:{name}"

    def run_body(self, op: Op, scope: Scope) -> Any:
        try:
            return self.body(op, scope)
        except OrchError as error:
            raise error.at(op.span) from None


class Class(Native):
    """A function of another language that may also be constructed. `make(inputs, scope, span)` does that."""

    __slots__ = ("make",)

    def __init__(self, name: str, body: Any, make: Any) -> None:
        super().__init__(name, (), body)
        self.make = make

    def construct(self, inputs: list[Any], scope: Scope, span: Span) -> Any:
        return self.make(inputs, scope, span)


class Chain:
    """The functions being called, innermost first."""

    __slots__ = ("depth", "function", "parent")

    def __init__(self, function: Executable, depth: int, parent: Any) -> None:
        self.function = function
        self.depth = depth
        self.parent = parent


def _entered(function: Function, scope: Scope, op: Op) -> Any:
    """The call chain with one more call, after the check for recursion."""
    link = scope.context.calls
    above = link
    while above is not None and above.function.definition is not function.definition:
        above = above.parent
    if above is None:
        return Chain(function, 1, link)
    if "recursive" not in function.labels:
        raise OrchError(
            "E208", f"@{function.name} calls itself without the label recursive", op.span,
            help=f"write exe recursive @{function.name}(…) = …",
        )  # fmt: skip
    limit = scope.run.recursion_limit
    if above.depth >= limit:
        raise OrchError(
            "E209", f"@{function.name} called itself more than {limit} times in depth", op.span,
            help="add an end to the recursion, or raise ORCH_RECURSION_DEPTH",
        )  # fmt: skip
    return Chain(function, above.depth + 1, link)


def shown_arguments(function: Executable, inputs: list[Any]) -> str:
    """Arguments as a frame shows them: cut to 40 characters, secrets hidden."""
    shown = []
    for position, value in enumerate(inputs):
        name = function.params[position] if position < len(function.params) else str(position + 1)
        if "secret" in joined((value,), deep=True).labels:
            text = "‹secret›"
        else:
            data = unwrap(value)
            text = compact_json(data.plain() if isinstance(data, View) else value)
        shown.append(f"{name}: {text if len(text) <= 40 else text[:39] + '…'}")
    return ", ".join(shown)


def call_value(callee: Any, inputs: list[Any], scope: Scope, place: Node, sample: int = 0, cache: bool = True) -> Any:
    """Call an executable that was found as a value."""
    function = callee.data if callee.__class__ is Tagged else callee
    if not isinstance(function, Executable):
        raise OrchError("E202", f"{place.span.text.split('(')[0]} is not a function", place.span)
    op = Op("exe", function.name, inputs, function.labels, place.span, _alias(place), {}, function, sample, cache)
    return scope.run.call(op, scope)


def _alias(place: Node) -> str:
    callee = getattr(place, "callee", place)
    return callee.name if isinstance(callee, Reference) else ""


@node
class NamedArgument(Node):
    """`name: value` in a call; plain words if the function has no such parameter."""

    name: str
    value: Node

    def eval(self, scope: Scope) -> Any:
        return self.span.text.strip()


@node
class Call(Node):
    """`callee(args)`: a function, a method of a value, or a function held in an object."""

    callee: Node
    args: list[Node]

    def eval(self, scope: Scope) -> Any:
        callee = self.callee
        if callee.__class__ is Field:
            return self._member(callee, scope)
        function = self._function(callee, scope)
        if function.__class__ is Native and function.name == "exists" and len(self.args) == 1:
            return scope.run.exists(self.args[0], scope)
        return call_value(function, self.arguments(function, scope), scope, self)

    def with_options(self, scope: Scope, sample: int, cache: bool) -> Any:
        """The call with `with { sample: n }`."""
        function = self._function(self.callee, scope)
        return call_value(function, self.arguments(function, scope), scope, self, sample, cache)

    def test(self, scope: Scope) -> bool:
        """As a condition: a function that is a shell command holds by its exit status, then by what it printed."""
        callee = self.callee
        if not isinstance(callee, Reference) or not _is_shell(scope.find(callee.name)):
            return holds(self.eval(scope), self.span)
        try:
            return holds(self.eval(scope), self.span)
        except OrchError as error:
            if error.code != "E501":
                raise
            return False

    def _function(self, callee: Node, scope: Scope) -> Any:
        if isinstance(callee, Reference):
            value = scope.find(callee.name)
            if value is ABSENT:
                value = scope.run.builtin_function(callee.name, scope)
            data = value.data if value.__class__ is Tagged else value
            if not isinstance(data, Executable):
                raise not_a_function(callee, value, scope)
            return data
        return unwrap(callee.eval(scope))

    def _member(self, callee: Field, scope: Scope) -> Any:
        """`base.name(args)`: a field that holds a function wins over a method of the value."""
        base = _peek_base(callee.base, callee.name, scope)
        data = base.data if base.__class__ is Tagged else base
        if isinstance(data, View):
            data = data.field(callee.name)
            return call_value(data, self.arguments(data, scope), scope, self)
        if data.__class__ is dict:
            inner = unwrap(data.get(callee.name, MISSING))
            if isinstance(inner, Executable):
                return call_value(inner, self.arguments(inner, scope), scope, self)
        if isinstance(data, Executable):
            return scope.run.call_variant(data, callee.name, self.arguments(data, scope), scope, self)
        inputs = [argument.eval(scope) for argument in self.args]
        try:
            value = call_method(data, callee.name, [unwrap(item) for item in inputs])
        except OrchError as error:
            raise error.at(callee.span) from None
        if not inputs:
            return tag(value, base.meta) if base.__class__ is Tagged else value
        meta = joined((base, *inputs))
        return tag(value, meta) if meta.flows else value

    def arguments(self, function: Any, scope: Scope) -> list[Any]:
        """Argument values in the order of the parameters."""
        params = function.params if isinstance(function, Executable) else ()
        inputs: list[Any] = []
        for argument in self.args:
            if isinstance(argument, NamedArgument) and str(argument.name) in params:
                position = params.index(str(argument.name))
                inputs.extend([MISSING] * (position + 1 - len(inputs)))
                inputs[position] = argument.value.eval(scope)
                continue
            value = self._argument(argument, function, scope)
            inputs.append(value.plain() if isinstance(value, View) else value)
        return inputs

    def _argument(self, argument: Node, function: Any, scope: Scope) -> Any:
        if not isinstance(argument, Reference):
            return argument.eval(scope)
        value = scope.find(argument.name)
        if value is not ABSENT:
            return value
        if not argument.defined(scope):
            name = function.name if isinstance(function, Executable) else "?"
            meant = nearest(argument.name, scope.visible())
            raise OrchError(
                "E201", f"undefined variable @{argument.name} passed to @{name}", argument.span,
                help=f"did you mean @{meant}?" if meant else None,
            )  # fmt: skip
        return argument.eval(scope)


def _is_shell(value: Any) -> bool:
    body = getattr(unwrap(value), "body", None)
    return type(body).__name__ == "Command" or str(getattr(body, "language", "")) in ("sh", "bash")


def _peek_base(base: Node, method: str, scope: Scope) -> Any:
    if method.startswith("is") and method[2:3].isupper():
        return base.peek(scope)
    return base.eval(scope)


def not_a_function(callee: Reference, value: Any, scope: Scope) -> OrchError:
    if value is not ABSENT:
        return OrchError("E202", f"@{callee.name} is not a function, it is a variable", callee.span)
    functions = {name for name in scope.visible() if isinstance(unwrap(scope.find(name)), Executable)}
    meant = nearest(callee.name, functions | scope.run.builtin_names())
    help = f"did you mean @{meant}?" if meant else scope.run.import_hint(callee.name)
    return OrchError("E202", f"@{callee.name} is not a function here", callee.span, help=help)


@node
class New(Node):
    """`new @Class(args)`: an object of an imported Node class."""

    target: Node

    def eval(self, scope: Scope) -> Any:
        call = self.target
        callee = unwrap(call.callee.eval(scope)) if isinstance(call, Call) else None
        if not isinstance(call, Call) or not isinstance(callee, Class):
            raise OrchError("E206", "new needs a class that is imported from Node", self.span)
        return callee.construct(call.arguments(callee, scope), scope, self.span)


@node
class Stream(Node):
    """`stream @f(x)`: the call with live output; the value is unchanged."""

    target: Node

    def eval(self, scope: Scope) -> Any:
        if not scope.run.streams_live:
            return self.target.eval(scope)
        context = scope.context.with_(more={**(scope.context.more or {}), "stream": True})
        return self.target.eval(scope.within(context, scope.kind))

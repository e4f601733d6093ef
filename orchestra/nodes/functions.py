"""Functions: `exe`, calls, parameters. What surrounds a call (hooks, cache) is the run's business."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, Statement, holds, node
from orchestra.nodes.blocks import Block, check_labels
from orchestra.nodes.names import Field, Reference, peek_member
from orchestra.nodes.op import Op
from orchestra.nodes.signals import Continue, Done, Return, Skip
from orchestra.nodes.views import View
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.methods import call_method
from orchestra.values.methods.checks import CHECKS
from orchestra.values.scope import ABSENT, Frame, Scope
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
class Exe(Statement):
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
class Shadow(Statement):
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

    __slots__ = ("body", "definition", "digest", "from_template", "has_defaults", "plain", "scope", "sticking")

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
        self.plain = "llm" not in self.labels  # nothing stands between a call and the body, unless hooks do
        self.has_defaults = any(param.default is not None for param in params)
        self.digest: Any = None

    def run_body(self, op: Op, scope: Scope) -> Any:
        """Evaluate the body with the operation's inputs as arguments."""
        return self.enter(op.inputs, scope, op.span)

    def enter(self, inputs: list[Any], scope: Scope, span: Span | None) -> Any:
        """Evaluate the body for a call that stands in `scope` at `span`."""
        own = self.scope
        frame = _entered(self, scope, span)
        inner = Scope({}, own, scope.context, own.module, scope.run, "call", frame)
        if len(inputs) == len(self.params) and not self.has_defaults:
            inner.names = dict(zip(self.params, inputs))  # noqa: B905  (the lengths were compared)
        else:
            self._bind(inputs, inner)
        try:
            value = self._value(inner, inputs)
        except Return as signal:
            value = signal.value
        except (Done, Continue, Skip) as signal:
            if scope.context.loop is None and scope.context.for_ is None:
                value = None
            else:
                raise signal
        except OrchError as error:
            raise error.within(f"@{self.name}({shown_arguments(self, inputs)})", span, "call", self.name) from None
        return add_labels(value, self.sticking) if self.sticking else value

    def _value(self, inner: Scope, inputs: list[Any]) -> Any:
        body = self.body
        if body.__class__ is Block:
            return body.outcome(inner)
        value = body.whole(inner)
        if body.__class__ is Reference and self.definition.params is None and isinstance(unwrap(value), Executable):
            return call_value(value, inputs, inner, body)  # exe @g = @f: another name for @f
        if value.__class__ is str and self.from_template and inner.run.reads_json:
            return auto_parse(value, objects_only=True)
        return None if value is MISSING else value

    def _bind(self, inputs: list[Any], inner: Scope) -> None:
        """Arguments to parameters, with defaults; one parameter's default may use those before it."""
        count = len(inputs)
        for position, param in enumerate(self.definition.params or ()):
            value = inputs[position] if position < count else MISSING
            if value is MISSING and param.default is not None:
                value = param.default.eval(inner)
            inner.names[param.name] = value


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


def _entered(function: Function, scope: Scope, span: Span | None) -> Frame:
    """The calls with one more, after the check for recursion."""
    above = scope.frame
    while above is not None and above.function is not function:
        above = above.outer
    if above is None:
        return Frame(function, scope.frame, span, 1)
    if "recursive" not in function.labels:
        raise OrchError(
            "E208", f"@{function.name} calls itself without the label recursive", span,
            help=f"write exe recursive @{function.name}(…) = …",
        )  # fmt: skip
    limit = scope.run.recursion_limit
    if above.depth >= limit:
        raise OrchError(
            "E209", f"@{function.name} called itself more than {limit} times in depth", span,
            help="add an end to the recursion, or raise ORCH_RECURSION_DEPTH",
        )  # fmt: skip
    return Frame(function, scope.frame, span, above.depth + 1)


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
        shown.append(f"{name}: {_shortened(text)}")
    return ", ".join(shown)


def _shortened(text: str) -> str:
    """At most 40 characters; a text that is cut still ends with its quote."""
    if len(text) <= 40:
        return text
    return text[:38] + '…"' if text.startswith('"') else text[:39] + "…"


def call_value(callee: Any, inputs: list[Any], scope: Scope, place: Node, sample: int = 0, cache: bool = True) -> Any:
    """Call an executable that was found as a value."""
    function = callee.data if callee.__class__ is Tagged else callee
    if function.__class__ is Function and function.plain and not scope.run.has_hooks:
        return function.enter(inputs, scope, place.span)
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
        if isinstance(data, View) and callee.name in CHECKS:
            return call_method(data.items(), callee.name, [])
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
            inputs.append(value.passed() if isinstance(value, View) else value)
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
    if method in CHECKS:
        return peek_member(base, scope)
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

"""Functions: `exe`, calls, parameters. What surrounds a call (hooks, cache) is the run's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, Statement, holds, node, present
from orchestra.nodes.blocks import Block, check_labels
from orchestra.nodes.names import Field, Reference, peek_member
from orchestra.nodes.op import Op
from orchestra.nodes.signals import Continue, Done, Return, Skip
from orchestra.nodes.tails import With
from orchestra.nodes.tool_collection import CollectedTool
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
        self._check_names()

    def _check_names(self) -> None:
        params = self.params or []
        names = [param.name for param in params]
        for position, param in enumerate(params):
            if param.name in names[:position]:
                raise OrchError("E203", f"two parameters are named @{param.name}", param.span, exit=2)

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

    __slots__ = ("body", "definition", "digest", "evaluate", "has_defaults", "plain", "scope", "sticking")

    def __init__(self, definition: Exe, scope: Scope) -> None:
        params = definition.params or []
        super().__init__(
            str(definition.token)[1:],
            tuple(p.name for p in params),
            tuple(str(label) for label in definition.labels),
        )
        self.definition = definition
        self.body = definition.body
        self.evaluate: Callable[[Scope], Any] = self._evaluation(definition)
        self.scope = scope
        self.sticking = tuple(label for label in self.labels if label != "recursive")  # onto every result
        self.plain = "llm" not in self.labels  # nothing stands between a call and the body, unless hooks do
        self.has_defaults = any(param.default is not None for param in params)
        self.digest: Any = None

    @property
    def types(self) -> dict[str, str]:
        return {param.name: str(param.type) for param in self.definition.params or () if param.type is not None}

    @property
    def description(self) -> str | None:
        """What `with { description: "…" }` behind the body says."""
        options = getattr(self.body, "options", None)
        part = options.part("description") if isinstance(options, With) else None
        text = unwrap(part.eval(self.scope)) if part is not None else None
        return text if isinstance(text, str) else None

    @property
    def defaulted(self) -> frozenset[str]:
        return frozenset(param.name for param in self.definition.params or () if param.default is not None)

    def run_body(self, op: Op, scope: Scope) -> Any:
        """Evaluate the body with the operation's inputs as arguments."""
        return self.enter(op.inputs, scope, op.span)

    def enter(self, inputs: list[Any], scope: Scope, span: Span | None) -> Any:
        """Evaluate the body for a call that stands in `scope` at `span`."""
        own = self.scope
        outer = above = scope.frame
        while above is not None and above.function is not self:
            above = above.outer
        depth = 1 if above is None else self._deeper(above, scope, span)
        params, count = self.params, len(inputs)
        if count == 1 and params:  # written out, one or two names take a fifth of the time
            names = {params[0]: inputs[0]}
        elif count == 2 and len(params) > 1:
            names = {params[0]: inputs[0], params[1]: inputs[1]}
        else:
            names = dict(zip(params, inputs))  # noqa: B905  (what is left over is completed or dropped)
        inner = Scope(names, own, scope.context, own.module, scope.run, "call", Frame(self, outer, span, depth, inputs))
        if self.has_defaults or count < len(params):
            self._complete(inputs, inner)
        try:
            value = self.evaluate(inner)
        except Return as signal:
            value = signal.value
        except (Done, Continue, Skip) as signal:
            if scope.context.loop is None and scope.context.for_ is None:
                value = None
            else:
                raise signal
        except OrchError as error:
            raise error.within(f"@{self.name}({shown_arguments(self, inputs)})", span, "call", self.name) from None
        if self.sticking:
            if "secret" in self.sticking:
                scope.run.learn_secret(self.name, value)
            return add_labels(present(value), self.sticking)
        return None if value is MISSING else value

    def _evaluation(self, definition: Exe) -> Callable[[Scope], Any]:
        """How the body gives its value."""
        kind = definition.body.__class__
        if kind is Reference and definition.params is None:
            return self._as_other_name
        if kind.__name__ in ("Template", "TemplateFile"):
            return self._as_text
        return definition.body.result if isinstance(definition.body, Block) else definition.body.outcome

    def _as_other_name(self, inner: Scope) -> Any:
        """`exe @g = @f`: another name for the function `@f`."""
        value = self.body.outcome(inner)
        if isinstance(unwrap(value), Executable):
            return call_value(value, inner.frame.inputs if inner.frame else [], inner, self.body)
        return value

    def _as_text(self, inner: Scope) -> Any:
        """A text that is a JSON object or array becomes that data."""
        value = self.body.outcome(inner)
        reads = value.__class__ is str and inner.run.reads_json
        return auto_parse(value, objects_only=True) if reads else value

    def _complete(self, inputs: list[Any], inner: Scope) -> None:
        """What the call leaves out: defaults, of which one may use the parameters before it."""
        count = len(inputs)
        for position, param in enumerate(self.definition.params or ()):
            value = inputs[position] if position < count else MISSING
            if value is MISSING and param.default is not None:
                value = param.default.eval(inner)
            inner.names[param.name] = value

    def _deeper(self, above: Frame, scope: Scope, span: Span | None) -> int:
        """How often the function is being called when it calls itself. E208 and E209 if that is not allowed."""
        if "recursive" not in self.labels:
            raise OrchError(
                "E208", f"@{self.name} calls itself without the label recursive", span,
                help=f"write exe recursive @{self.name}(…) = …",
            )  # fmt: skip
        limit = scope.run.recursion_limit
        if above.depth >= limit:
            raise OrchError(
                "E209", f"@{self.name} called itself more than {limit} times in depth", span,
                help="add an end to the recursion, or raise ORCH_RECURSION_DEPTH",
            )  # fmt: skip
        return above.depth + 1


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
    if isinstance(function, CollectedTool):
        return function.invoke(inputs, scope, place.span)
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
    named: bool = field(init=False)  # whether arguments may be out of order
    tolerant: bool = field(init=False)  # a method that may be asked of what is not there

    def __post_init__(self) -> None:
        self.named = any(isinstance(argument, NamedArgument) for argument in self.args)
        self.tolerant = isinstance(self.callee, Field) and self.callee.name in CHECKS

    def eval(self, scope: Scope) -> Any:
        callee = self.callee
        if callee.__class__ is Field:
            return self._member(callee, scope)
        function = scope.find(callee.name) if callee.__class__ is Reference else ABSENT
        if function.__class__ is Function and function.plain and not scope.run.has_hooks:
            return function.enter(self.arguments(function, scope), scope, self.span)
        function = self._function(callee, scope)
        if function.__class__ is Native and function.name == "exists" and len(self.args) == 1:
            return scope.run.exists(self.args[0], scope)
        return call_value(function, self.arguments(function, scope), scope, self)

    def function(self, scope: Scope) -> Any:
        """What is called, None for a method of a value."""
        callee = self.callee
        if isinstance(callee, Field):
            return _held(unwrap(callee.base.eval(scope)), callee.name) or None
        return self._function(callee, scope)

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
        base = peek_member(callee.base, scope) if self.tolerant else callee.base.eval(scope)
        data = base.data if base.__class__ is Tagged else base
        if data.__class__ is not str and data.__class__ is not list:
            if isinstance(data, View) and callee.name in CHECKS:
                return call_method(data.items(), callee.name, [])
            function = _held(data, callee.name)
            if function is not None:
                return call_value(function, self.arguments(function, scope), scope, self)
            if isinstance(data, Executable) and callee.name not in CHECKS:
                return scope.run.call_variant(data, callee.name, self.arguments(data, scope), scope, self)
        inputs = [argument.eval(scope) for argument in self.args] if self.args else ()
        try:
            value = call_method(data, callee.name, inputs)
        except OrchError as error:
            raise error.at(callee.span) from None
        if inputs:
            return tag(value, joined((base, *inputs)))
        return tag(value, base.meta) if base.__class__ is Tagged else value

    def arguments(self, function: Any, scope: Scope) -> list[Any]:
        """Argument values in the order of the parameters."""
        if self.named:
            return self._named_arguments(function, scope)
        inputs: list[Any] = []
        for argument in self.args:
            if argument.__class__ is Reference:
                value = scope.find(argument.name)
                if value is ABSENT:
                    value = _passed(argument, function, scope)
            else:
                value = argument.eval(scope)
            inputs.append(value.passed() if value.__class__ is not Tagged and isinstance(value, View) else value)
        return inputs

    def _named_arguments(self, function: Any, scope: Scope) -> list[Any]:
        params = function.params if isinstance(function, Executable) else ()
        inputs: list[Any] = []
        for argument in self.args:
            if isinstance(argument, NamedArgument) and str(argument.name) in params:
                position = params.index(str(argument.name))
                inputs.extend([MISSING] * (position + 1 - len(inputs)))
                inputs[position] = argument.value.eval(scope)
                continue
            value = _passed(argument, function, scope) if isinstance(argument, Reference) else argument.eval(scope)
            inputs.append(value.passed() if isinstance(value, View) else value)
        return inputs


def _held(data: Any, name: str) -> Any:
    """The function in a field of a value, None if there is none; of a view, whatever is there."""
    if isinstance(data, View):
        found = data.field(name)
        return MISSING if found is None else found
    inner = unwrap(data.get(name, MISSING)) if data.__class__ is dict else None
    return inner if isinstance(inner, Executable) else None


def _passed(argument: Reference, function: Any, scope: Scope) -> Any:
    """A variable as an argument. Where it is not defined, the error names the function."""
    value = scope.find(argument.name)
    if value is not ABSENT:
        return value
    value = argument.peek(scope)
    if value is MISSING and not argument.defined(scope):
        name = function.name if isinstance(function, Executable) else "?"
        meant = nearest(argument.name, scope.visible())
        raise OrchError(
            "E201", f"undefined variable @{argument.name} passed to @{name}", argument.span,
            help=f"did you mean @{meant}?" if meant else None,
        )  # fmt: skip
    return value


def _is_shell(value: Any) -> bool:
    body = getattr(unwrap(value), "body", None)
    return type(body).__name__ == "Command" or str(getattr(body, "language", "")) in ("sh", "bash")


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
        return self.target.eval(self.live(scope))

    def live(self, scope: Scope) -> Scope:
        """The scope in which commands show their output as it comes."""
        if not scope.run.streams_live:
            return scope
        return scope.within(scope.context.with_(more={**(scope.context.more or {}), "stream": True}), scope.kind)

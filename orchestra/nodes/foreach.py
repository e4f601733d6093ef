"""`foreach @f(@xs)`: a call for each element, or for each combination of several arrays."""

from __future__ import annotations

from itertools import product
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.functions import Call, call_value
from orchestra.nodes.loops import Batch, BatchGroup
from orchestra.values.executable import Executable
from orchestra.values.kinds import a_kind
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, tag, unwrap
from orchestra.values.text import display

__all__ = ["Foreach"]


FOREACH_LIMIT = 10_000


@node
class Foreach(Node):
    """`foreach @f(@xs, @ys)`: a call for each element, or for each combination of several arrays."""

    target: Node
    batch: Batch | BatchGroup | None

    def eval(self, scope: Scope) -> Any:
        results = self._results(scope)
        return self.batch.joined(results, scope, self.span) if self.batch is not None else results

    def _results(self, scope: Scope) -> list[Any]:
        call = self.target
        if not isinstance(call, Call):
            raise OrchError("E308", "foreach needs a call like @f(@items)", self.span)
        function = unwrap(call._function(call.callee, scope))
        arrays = [self._array(position, argument.eval(scope)) for position, argument in enumerate(call.args, 1)]
        self._check(function, arrays)
        results = []
        for number, inputs in enumerate(product(*arrays), 1):
            results.append(self._one(function, number, list(inputs), scope))
        return results

    def _array(self, position: int, value: Any) -> list[Any]:
        data = unwrap(value)
        if not isinstance(data, list):
            raise OrchError(
                "E308", f"argument {position} of foreach must be an array, this is {a_kind(data)}", self.span
            )
        meta = joined((value,))
        return [tag(item, meta) for item in data] if meta.flows else data

    def _check(self, function: Executable, arrays: list[list[Any]]) -> None:
        if len(arrays) != len(function.params):
            given = "1 array" if len(arrays) == 1 else f"{len(arrays)} arrays"
            raise OrchError(
                "E308", f"@{function.name} takes {len(function.params)} parameters, foreach passes {given}", self.span
            )  # fmt: skip
        total = 1
        for items in arrays:
            total *= len(items)
        if total > FOREACH_LIMIT:
            raise OrchError("E308", f"foreach would make {total} calls; the limit is {FOREACH_LIMIT}", self.span)

    def _one(self, function: Executable, number: int, inputs: list[Any], scope: Scope) -> Any:
        try:
            return present(call_value(function, inputs, scope, self))
        except OrchError as error:
            raise error.within(f"foreach, call {number}", self.span, "foreach", function.name) from None

    def shown(self, scope: Scope, options: dict[str, Any]) -> str:
        """The text of `show foreach … with { separator, template }`."""
        pattern = options.get("template")
        rows = []
        for index, result in enumerate(self.eval(scope)):
            text = display(result)
            rows.append(str(pattern).replace("{{result}}", text).replace("{{index}}", str(index)) if pattern else text)
        return str(options.get("separator", "\n")).join(rows)

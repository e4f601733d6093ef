"""The function of `@orch/schema`: what is wrong with data that should have a certain form."""

from __future__ import annotations

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.runtime.schema import load_schema, problems
from orchestra.values.scope import Scope
from orchestra.values.tagged import plain

__all__ = ["schema_functions"]


def schema_functions() -> dict[str, Native]:
    """The exports of the bundled module `@orch/schema`."""
    return {"faults": Native("faults", ("value", "schema"), _faults)}


def _faults(op: Op, scope: Scope) -> list[str]:
    value, schema = [*(plain(value) for value in op.inputs), None, None][:2]
    if not isinstance(schema, (dict, str)):
        raise OrchError("E207", "the second argument of @faults is a schema: an object, or the path of a JSON file")
    return problems(load_schema(schema, scope.run.root), value)

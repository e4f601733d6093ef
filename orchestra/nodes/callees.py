"""Which function a pipeline stage names. Looked up before anything runs; calling it is left to `stages`."""

from __future__ import annotations

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node
from orchestra.nodes.names import Field, Reference
from orchestra.nodes.views import View
from orchestra.values import access
from orchestra.values.executable import Executable
from orchestra.values.kinds import a_kind
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import unwrap

__all__ = ["callee_of", "is_path", "stage_callee"]


def callee_of(stage: Node, scope: Scope) -> Executable:
    return stage_callee(_path(stage), scope, stage)


def is_path(stage: Node) -> bool:
    """Whether a stage names its function: `@f` or `@lib.f`."""
    return isinstance(stage, Reference) or (isinstance(stage, Field) and is_path(stage.base))


def _path(stage: Node) -> list[str]:
    if isinstance(stage, Reference):
        return [stage.name]
    if isinstance(stage, Field):
        return [*_path(stage.base), stage.name]
    raise OrchError("E306", "a pipeline stage must be a function", stage.span)


def stage_callee(path: list[str], scope: Scope, place: Node) -> Executable:
    """The function that a stage names: a definition of the script, else a transformer or built-in."""
    value = scope.find(path[0])
    if value is ABSENT:
        value = scope.run.stage_function(path, scope)
        if value is ABSENT:
            raise _not_defined(path, scope, place)
        path = path[:1]
    for name in path[1:]:
        data = unwrap(value)
        if isinstance(data, Executable):
            value = scope.run.variant(data, name)
        else:
            value = data.field(name) if isinstance(data, View) else access.get_field(data, name)
    callee = unwrap(value)
    if not isinstance(callee, Executable):
        shown = ".".join(path)
        raise OrchError("E306", f"@{shown} is not a function, it is {a_kind(callee)}", place.span)
    return callee


def _not_defined(path: list[str], scope: Scope, place: Node) -> OrchError:
    """The error for a pipeline stage that nothing defines."""
    meant = nearest(path[0], scope.visible() | scope.run.builtin_names())
    help = f"did you mean @{meant}?" if meant else scope.run.import_hint(path[0])
    return OrchError("E202", f"pipeline stage @{'.'.join(path)} is not defined", place.span, help=help)

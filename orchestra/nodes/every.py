"""Loads every construct, so that each node class stands in the table that the parser builds from."""

from orchestra.nodes import (
    blocks,
    boxes,
    commands,
    denial,
    files,
    foreach,
    functions,
    guards,
    hooks,
    literals,
    loop,
    loops,
    modules,
    names,
    operators,
    options,
    output,
    parallel_block,
    parallel_for,
    pipelines,
    policies,
    prose,
    script,
    stages,
    tails,
    templates,
    trying,
    unbuilt,
    when,
)  # fmt: skip

__all__ = [
    "blocks", "boxes", "commands", "denial", "files", "foreach", "functions", "guards", "hooks", "literals",
    "loop", "loops", "modules", "names", "operators", "options", "output", "parallel_block", "parallel_for",
    "pipelines", "policies", "prose", "script", "stages", "tails", "templates", "trying", "unbuilt", "when",
]  # fmt: skip

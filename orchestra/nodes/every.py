"""Loads every construct, so that each node class stands in the table that the parser builds from."""

from orchestra.nodes import (
    blocks,
    commands,
    files,
    foreach,
    functions,
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
    prose,
    script,
    stages,
    tails,
    templates,
    when,
)  # fmt: skip

__all__ = [
    "blocks", "commands", "files", "foreach", "functions", "hooks", "literals", "loop", "loops", "modules", "names",
    "operators", "options", "output", "parallel_block", "parallel_for", "pipelines", "prose", "script", "stages",
    "tails", "templates", "when",
]  # fmt: skip

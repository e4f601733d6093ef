"""The syntax tree and its meaning: one class for each grammar rule, one file for each construct.

Nodes reach the world only through `scope.run`; they import nothing of the runtime.
"""

from orchestra.nodes.base import CLASSES, Node, children, walk

__all__ = ["CLASSES", "Node", "children", "walk"]

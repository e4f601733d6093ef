"""How literals, names, accesses, calls and operators are written."""

from __future__ import annotations

from orchestra.nodes.base import Node
from orchestra.nodes.foreach import Foreach
from orchestra.nodes.functions import Call, NamedArgument, New, Stream
from orchestra.nodes.literals import (
    Array,
    BareWords,
    ComputedKey,
    Constant,
    Duration,
    Key,
    Number,
    Object,
    Optional,
    Pair,
    Regex,
    Spread,
)
from orchestra.nodes.loops import For
from orchestra.nodes.names import Each, Field, Filter, FilterPath, Index, NameKey, Reference, Slice
from orchestra.nodes.operators import And, Coalesce, Comparison, Negative, Not, Or, Product, Sum, Ternary
from orchestra.nodes.options import WithOptions
from orchestra.nodes.reducing import Reduce
from orchestra.nodes.tails import With
from orchestra.nodes.when import WhenInline
from orchestra.printing.layout import LINE, Doc
from orchestra.printing.printer import Level, Printer, begins_statement, listed, prints, spaced

# ── literals ─────────────────────────────────────────────────────────────────────────────────────


@prints(Number, Constant, Duration, Regex, BareWords, Key, Reference, NameKey)
def token(node: Number | Constant | Duration | Regex | BareWords | Key | Reference | NameKey, show: Printer) -> Doc:
    return node.token


@prints(Array)
def array(node: Array, show: Printer) -> Doc:
    items = [show(item) for item in node.items]
    if items and begins_statement(items[0]):
        items[0] = ("(", items[0], ")")
    return listed("[", items, "]")


@prints(Object)
def object_(node: Object, show: Printer) -> Doc:
    return listed("{", [show(member) for member in node.members], "}", LINE)


@prints(Pair)
def pair(node: Pair, show: Printer) -> Doc:
    return show(node.key), node.optional or "", ": ", show(node.value)


@prints(ComputedKey)
def computed_key(node: ComputedKey, show: Printer) -> Doc:
    return "[", show(node.value, Level.EXPRESSION), "]"


@prints(Spread)
def spread(node: Spread, show: Printer) -> Doc:
    return "...", show(node.source, Level.POSTFIX)


@prints(With)
def with_(node: With, show: Printer) -> Doc:
    return "with ", show(node.object)


@prints(WithOptions, level=Level.TAILED)
def with_options(node: WithOptions, show: Printer) -> Doc:
    """A construct that would take the options for its last part is set apart."""
    least = Level.UNARY if isinstance(node.value, (For, Reduce, WhenInline)) else Level.VALUE
    return show.closed(node.value, least), " ", show(node.options)


# ── ways into values ─────────────────────────────────────────────────────────────────────────────


def _base(node: Node, show: Printer) -> Doc:
    doc = show(node, Level.POSTFIX)
    return ("(", doc, ")") if isinstance(node, Number) else doc


@prints(Field)
def field(node: Field, show: Printer) -> Doc:
    return _base(node.base, show), node.token


@prints(Index)
def index(node: Index, show: Printer) -> Doc:
    return _base(node.base, show), "[", show(node.key, Level.EXPRESSION), "]"


@prints(Slice)
def slice_(node: Slice, show: Printer) -> Doc:
    start = show.closed(node.start) if node.start is not None else ""
    return _base(node.base, show), "[", start, ":", show(node.stop, Level.EXPRESSION), "]"


@prints(Each)
def each(node: Each, show: Printer) -> Doc:
    return _base(node.base, show), "[*]"


@prints(Filter)
def filter_(node: Filter, show: Printer) -> Doc:
    value = show(node.value, Level.EXPRESSION)
    return _base(node.base, show), "[?", spaced(show(node.path), node.operator or "", value), "]"


@prints(FilterPath)
def filter_path(node: FilterPath, show: Printer) -> Doc:
    return "".join([node.name, *node.fields])


@prints(Call)
def call(node: Call, show: Printer) -> Doc:
    return _base(node.callee, show), listed("(", [show(arg) for arg in node.args], ")")


@prints(NamedArgument)
def named_argument(node: NamedArgument, show: Printer) -> Doc:
    return node.name, ": ", show(node.value)


@prints(Optional)
def optional(node: Optional, show: Printer) -> Doc:
    return _base(node.target, show), "?"


@prints(New, level=Level.UNARY)
def new(node: New, show: Printer) -> Doc:
    return "new ", show(node.target, Level.POSTFIX)


@prints(Stream, level=Level.UNARY)
def stream(node: Stream, show: Printer) -> Doc:
    return "stream ", show(node.target, Level.POSTFIX)


@prints(Foreach, level=Level.UNARY)
def foreach(node: Foreach, show: Printer) -> Doc:
    return spaced("foreach", show(node.target, Level.POSTFIX), show(node.batch))


# ── operators ────────────────────────────────────────────────────────────────────────────────────


def _binary(left: Node, sign: str, right: Node, level: Level, show: Printer) -> Doc:
    """Operators of one level group to the left."""
    return show.closed(left, level), f" {sign} ", show(right, Level(level + 1))


@prints(Coalesce, level=Level.COALESCE)
def coalesce(node: Coalesce, show: Printer) -> Doc:
    return _binary(node.left, "??", node.right, Level.COALESCE, show)


@prints(Or, level=Level.OR)
def or_(node: Or, show: Printer) -> Doc:
    return _binary(node.left, "||", node.right, Level.OR, show)


@prints(And, level=Level.AND)
def and_(node: And, show: Printer) -> Doc:
    return _binary(node.left, "&&", node.right, Level.AND, show)


@prints(Comparison, level=Level.COMPARISON)
def comparison(node: Comparison, show: Printer) -> Doc:
    return _binary(node.left, node.sign, node.right, Level.COMPARISON, show)


@prints(Sum, level=Level.SUM)
def sum_(node: Sum, show: Printer) -> Doc:
    return _binary(node.left, node.sign, node.right, Level.SUM, show)


@prints(Product, level=Level.PRODUCT)
def product(node: Product, show: Printer) -> Doc:
    return _binary(node.left, node.sign, node.right, Level.PRODUCT, show)


@prints(Not, level=Level.UNARY)
def not_(node: Not, show: Printer) -> Doc:
    return "!", show(node.operand, Level.UNARY)


@prints(Negative, level=Level.UNARY)
def negative(node: Negative, show: Printer) -> Doc:
    return "-", _base(node.operand, show) if isinstance(node.operand, Number) else show(node.operand, Level.UNARY)


@prints(Ternary, level=Level.EXPRESSION)
def ternary(node: Ternary, show: Printer) -> Doc:
    yes, no = show.closed(node.yes, Level.VALUE), show(node.no, Level.EXPRESSION)
    return show.closed(node.condition, Level.COALESCE), " ? ", yes, " : ", no

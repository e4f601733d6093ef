"""What the grammar cannot see: statements that parse, but have no meaning where they stand.

Looks at the finished tree, once, before anything runs; what stands at the wrong token is left to `hints`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from orchestra.errors import Note, OrchError
from orchestra.nodes.base import Node, children, walk
from orchestra.nodes.blocks import Block, BlockValue, Continue_, Done_, Retry_, Return_, Skip_, Var
from orchestra.nodes.functions import Exe
from orchestra.nodes.gates import Gate
from orchestra.nodes.hooks import Hook
from orchestra.nodes.loop import Loop
from orchestra.nodes.loops import For, ForChoice
from orchestra.nodes.modules import ImportWhole, Package, default_name
from orchestra.nodes.output import Invocation
from orchestra.nodes.questions import Question
from orchestra.nodes.script import Checkpoint, Script
from orchestra.nodes.tails import KEYS, SESSION, With
from orchestra.nodes.when import Arm, ArmAny, ArmNone, Chooser, When, WhenInline, WhenMatch
from orchestra.source import Span

__all__ = ["check_placement"]

# Constructs that own what their body asks for: class → field of the body, name of the owner.
OWNERS: Final[dict[type, tuple[str, str]]] = {
    Exe: ("body", "function"),
    Hook: ("body", "hook"),
    For: ("tail", "for"),
    Loop: ("body", "loop"),
}

WORDS: Final[dict[type, str]] = {Done_: "done", Continue_: "continue", Skip_: "skip", Retry_: "retry"}

# What each word needs and does not find, and where it looked for it.
NEEDS: Final = {
    "done": "loop to end",
    "continue": "loop to go on with",
    "skip": "item to drop",
    "retry": "pipeline to run again",
}
PLACES: Final = {"script": "here", "hook": "in a hook", "for": "in a for", "loop": "in a loop"}

# Word and owner → what to write instead. A pair that is absent is fine; in a function all four words are, as
# they reach whoever calls it.
INSTEAD: Final[dict[tuple[str, str], str]] = {
    ("done", "script"): "=> ends a script, done belongs into a loop",
    ("done", "hook"): "leave it out: a hook ends by itself",
    ("continue", "script"): "put it inside loop [ … ] or for @item in @items [ … ]",
    ("continue", "hook"): "leave it out: the operation goes on anyway",
    ("skip", "script"): "put it inside for @item in @items [ … ]",
    ("skip", "loop"): "continue",
    ("skip", "hook"): "leave it out: a hook cannot drop its operation",
    ("retry", "script"): "put it into a function and call that as a stage: value | @gate",
    ("retry", "for"): "use continue to go on with the next item",
    ("retry", "loop"): "use continue to begin the next round",
    ("retry", "hook"): "ask for it in a stage: value | @gate",
}


def check_placement(script: Script) -> None:
    """Raise the first fault in source order: E107, for checkpoints E805, both with exit code 2."""
    phases = {id(found) for found in _phases(script)}
    pending: list[tuple[Node, str]] = [(script, "script")]
    while pending:
        current, owner = pending.pop()
        kind = current.__class__
        if kind in WORDS:
            _check_word(WORDS[kind], owner, current)
        elif isinstance(current, Checkpoint) and id(current) not in phases:
            raise _checkpoint(current)
        elif (check := _CHECKS.get(kind)) is not None:
            check(current)
        pending.extend(_below(current, owner))


def _below(current: Node, owner: str) -> list[tuple[Node, str]]:
    """The nodes below one, last first, each with the construct that owns it."""
    field, inner = OWNERS.get(current.__class__, ("", owner))
    body = getattr(current, field) if field else None
    return [(part, inner if part is body else owner) for part in children(current)][::-1]


def _fault(message: str, span: Span, help: str, *notes: Note) -> OrchError:
    return OrchError("E107", message, span, help=help, notes=notes, exit=2)


def _check_word(word: str, owner: str, place: Node) -> None:
    instead = INSTEAD.get((word, owner))
    if instead is not None:
        raise _fault(f"{word} has no {NEEDS[word]} {PLACES[owner]}", _head(place.span, len(word)), instead)


def _head(span: Span, length: int) -> Span:
    """The first characters of a span: the word or sign that is misplaced, without its operand."""
    return Span(span.source, span.start, span.start + length)


# ── returns ──────────────────────────────────────────────────────────────────────────────────────


def _check_block(block: Block | BlockValue) -> None:
    """`=>` ends its block, so there is one of them and nothing comes after it."""
    returns = [part for part in block.statements if isinstance(part, Return_)]
    if len(returns) > 1:
        raise _fault(
            "a block returns only once",
            _head(returns[1].span, 2),
            "keep one =>, or choose with if @condition [ => … ]",
            Note("the first => is here", _head(returns[0].span, 2)),
        )
    if returns and block.statements[-1] is not returns[0]:
        _check_result(returns[0], block.statements[block.statements.index(returns[0]) + 1])
        raise _fault(
            "the return => must be the last statement of its block",
            _head(returns[0].span, 2),
            "move it to the end of the block, or put it into if @condition [ => … ]",
        )


def _check_result(found: Return_, following: Node) -> None:
    """`=> skip` reads as a return of nothing and a statement after it."""
    word = WORDS.get(following.__class__)
    if word is not None and found.value is None:
        raise _fault(f"{word} is no value to return", _head(following.span, len(word)), f"{word}, without =>")


def _check_loop(loop: Loop) -> None:
    for part in loop.body.statements:
        if isinstance(part, Return_):
            raise _fault("a loop body does not return", _head(part.span, 2), _ending(part))


def _ending(found: Return_) -> str:
    value = f" {found.value.span.text}" if found.value is not None and "\n" not in found.value.span.text else ""
    return f"done{value} ends the loop, continue{value} begins the next round"


# ── arms of when ─────────────────────────────────────────────────────────────────────────────────


def _check_arms(choice: When | WhenMatch | ForChoice) -> None:
    """`none` speaks for what nothing before it matched: after it only `none` and `*`, before it no `*`."""
    none = star = None
    for entry in choice.entries:
        if isinstance(entry, ArmNone):
            if star is not None:
                note = Note("* takes everything here", star)
                raise _fault("none after * is never reached", _head(entry.span, 4), "put none before *", note)
            none = _head(entry.span, 4)
        elif isinstance(entry, ArmAny):
            star = star or _head(entry.span, 1)
        elif isinstance(entry, Arm) and none is not None:
            raise _fault("none must come after all conditions", none, "move the none arm to the end of the when")


# ── imports ──────────────────────────────────────────────────────────────────────────────────────


def _check_import(found: ImportWhole) -> None:
    """Words before the source are labels; a name and `from` among them show that names were meant."""
    templates = found.kind is not None and str(found.kind.word) == "templates"
    alias = found.alias
    if templates and (alias is None or alias.params is None):
        message = "templates are imported as a name with the parameters that they share"
        help = f"import templates from {found.source.span.text} as @{default_name(found.source.span.text)}(name)"
        raise OrchError("E101", message, found.span, help=help, exit=2)
    if alias is not None and alias.params is not None and not templates:
        message = "only templates take parameters in an import"
        raise OrchError("E101", message, alias.span, help=f"as {alias.alias}", exit=2)
    if isinstance(found.source, Package):
        help = f"import {{ name }} from {found.source.span.text}"
        raise OrchError("E101", "of a package single names are imported", found.span, help=help, exit=2)
    if [str(label) for label in found.labels] == ["tools", "from", "mcp"]:
        help = "write a function that calls the server: exe @name(x) = cmd {…}"
        raise OrchError(
            "E605", "importing tools of a server is not offered by this version", found.span, help=help, exit=2
        )
    names = [f"@{label}" for label in found.labels if str(label) != "from"]
    if names and len(names) < len(found.labels):
        help = f"import {{ {', '.join(names)} }} from {found.source.span.text}"
        raise OrchError("E109", "imported names stand in braces", found.span, help=help, exit=2)


# ── options ──────────────────────────────────────────────────────────────────────────────────────


def _check_options(options: With) -> None:
    """What is said of a session means nothing elsewhere."""
    for name, place in options.given():
        if name in SESSION - KEYS and not options.of_session:
            raise options.unknown(name, place)


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────────


def _phases(script: Script) -> Iterator[Node]:
    """The checkpoints that stand where a phase may begin: at the top level, or as arms of a `when` there."""
    for statement in script.statements:
        if isinstance(statement, Checkpoint):
            yield statement
        elif isinstance(statement, Invocation) and isinstance(statement.value, Chooser):
            yield from _actions(statement.value)


def _actions(choice: Node) -> list[Any]:
    if isinstance(choice, WhenInline):
        return [choice.action]
    return [entry.action for entry in getattr(choice, "entries", ()) if hasattr(entry, "action")]


def _checkpoint(found: Checkpoint) -> OrchError:
    name = found.name.span.text
    return OrchError(
        "E805",
        "a checkpoint stands at the top level, or directly after => in a when there",
        _head(found.span, len("checkpoint")),
        help=f"checkpoint {name} on a line of its own, or when @condition => checkpoint {name}",
        exit=2,
    )


# ── gates ────────────────────────────────────────────────────────────────────────────────────────


def _check_labelled(definition: Exe | Var) -> None:
    """The stored answer of a labelled call would answer for every later gate."""
    if "llm" not in map(str, definition.labels):
        return
    body = definition.body if isinstance(definition, Exe) else definition.value
    for part in walk(body):
        if isinstance(part, (Gate, Question)):
            message = "a gate cannot stand inside a labelled call"
            raise OrchError("E821", message, part.span, help="ask before or after the call", exit=2)


_CHECKS: Final[dict[type, Callable[[Any], None]]] = {
    Block: _check_block,
    Exe: _check_labelled,
    Var: _check_labelled,
    BlockValue: _check_block,
    Loop: _check_loop,
    When: _check_arms,
    WhenMatch: _check_arms,
    ForChoice: _check_arms,
    ImportWhole: _check_import,
    With: _check_options,
}

"""How values are written: texts, sessions, calls of blocks, and what stands in several lines.

The lines inside them are written by `statements`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

from orchestra.prose_import import syntax as s
from orchestra.prose_import.frame import CONSTANTS, Frame, Round
from orchestra.prose_import.naming import script_name, within
from orchestra.prose_import.texts import literal

__all__ = ["AGENT_SETTINGS", "Sink", "Values", "bound_in", "in_place", "record", "settings_of"]

Sink = Callable[[str], str]  # what is done with the value at the end of lines: the statement for its source
SESSION_SETTINGS: Final = {
    "context": "context", "model": "model", "retry": "retry", "backoff": "backoff", "skills": "skills",
    "label": "label", "name": "label", "tools": "tools", "timeout": "timeout", "permissions": "permissions",
}  # fmt: skip
AGENT_SETTINGS: Final = {
    "model": "model", "prompt": "prompt", "persist": "persist", "skills": "skills", "tools": "tools",
    "permissions": "permissions", "description": "description", "allow": "allow", "deny": "deny",
}  # fmt: skip
JOINS: Final = ("all", "first", "any")
POLICIES: Final = ("fail-fast", "continue", "ignore")


class Values(Frame, ABC):
    """Writes values."""

    @abstractmethod
    def body(self, lines: s.Lines, sink: Sink | None, names: Sequence[str | None] = ()) -> str:
        """Lines in brackets; `sink` takes the value of the last one. names: of parameters and items."""

    @abstractmethod
    def taken(self, lines: s.Lines) -> str:
        """Lines in brackets that have a value."""

    def value(self, node: s.Expr) -> str:
        match node:
            case s.Text():
                return literal(self.parts(node))
            case s.Number(digits=digits):
                return digits
            case s.Path():
                return self._named(node)
            case s.List(items=items):
                return f"[{', '.join(map(self.value, items))}]"
            case s.Record(entries=entries):
                return record([(script_name(name), self.value(value)) for name, value in entries])
            case s.Session():
                return self.session(node)
            case s.Do():
                return self.call(node)
            case s.Chain(steps=steps):
                return self._chain(steps)
            case s.Parallel():
                return self.parallel(node, [branch.name for branch in node.branches])
            case s.Anonymous(body=body):
                return self.taken(body)
            case s.Piped():
                return self._piped(node)
            case s.For():
                return self.for_(node, self.value(node.source), lambda value: f"=> {value}")

    def _named(self, path: s.Path) -> str:
        if self.is_variable(path.names[0]):
            return self.path(path)
        if path.names[0] in CONSTANTS:
            return path.names[0]
        self.notes.tell(path.line, f"{'.'.join(path.names)} is no variable here and was taken as a word")
        return literal([".".join(path.names)])

    # ── sessions ─────────────────────────────────────────────────────────────────────────────────

    def session(self, node: s.Session, before: str | None = None) -> str:
        """before: what the session before it in a chain says."""
        if node.agent is not None and node.agent not in self.program.agents:
            self.notes.leave(node.line, f"there is no agent {node.agent}: the session ends the script with an error")
            return self.stub(f"{script_name(node.agent)}_agent", ())
        agent = "" if node.agent is None else f" @{self.program.agents[node.agent]}"
        word = "resume" if node.resume else "session"
        settings = self.settings(node.properties, SESSION_SETTINGS, "a session")
        if before is not None:
            own = dict(settings).get("context")
            settings = [(name, value) for name, value in settings if name != "context"]
            settings.insert(0, ("context", before if own in (None, "[]") else f"[{before}, {own}]"))
        if node.name is not None:
            settings.append(("label", f'"{node.name}"'))
        if (sample := self.sample(node)) is not None:
            settings.append(("sample", sample))
        return f"{word}{agent} {self._task(node)}{settings_of(settings)}"

    def _task(self, node: s.Session) -> str:
        if node.prompt is not None:
            return in_place(self.value(node.prompt))
        if node.agent is not None:
            return f'(@{self.program.agents[node.agent]}.prompt ?? "Begin.")'
        self.notes.leave(node.line, "the session is asked nothing")
        return '"Begin."'

    def settings(self, properties: s.Properties, known: dict[str, str], whose: str) -> list[tuple[str, str]]:
        made = []
        for each in properties:
            if each.name not in known:
                self.notes.leave(each.line, f"{whose} has no setting {each.name} here")
            else:
                made.append((known[each.name], self._setting(each)))
        return made

    def _setting(self, node: s.Property) -> str:
        """Words are texts, except where the values of variables are meant."""
        if isinstance(node.value, tuple):
            return record([(script_name(each.name), self._setting(each)) for each in node.value])
        if node.name == "context" or not isinstance(node.value, s.Path) or node.value.names[0] in CONSTANTS:
            return self.value(node.value)
        return literal([".".join(node.value.names)])

    # ── calls and chains ─────────────────────────────────────────────────────────────────────────

    def call(self, node: s.Do) -> str:
        if node.block in self.program.blocks:
            given = [*map(self._argument, node.arguments), *self._again(node)]
            return f"@{self.program.blocks[node.block]}({', '.join(given)})"
        self.notes.leave(node.line, f"{node.block} is not translated: the call ends the script with an error")
        return self.stub(script_name(node.block), node.arguments)

    def _again(self, node: s.Do) -> list[str]:
        """The number of a call that asks the same as one before."""
        program = self.program
        number = self.number(node, (node.block, node.arguments)) if node.block in program.asking else None
        if number is None:
            return []
        program.repeated.add(node.block)
        return [f"{program.nth}: {number}"] if node.block in program.numbered else []

    def stub(self, name: str, arguments: Sequence[s.Argument]) -> str:
        """The call of a function that ends the script, in the place of what is not there."""
        names = tuple(script_name(argument.name or f"value{n}") for n, argument in enumerate(arguments, 1))
        known = self.program.missing.get(name, ())
        self.program.missing[name] = (*known, *(each for each in names if each not in known))
        return f"@{name}({', '.join(map(self._argument, arguments))})"

    def _argument(self, argument: s.Argument) -> str:
        value = self.value(argument.value)
        return value if argument.name is None else f"{script_name(argument.name)}: {value}"

    def _chain(self, steps: tuple[s.Expr, ...]) -> str:
        before = self.value(steps[0])
        for step in steps[1:]:
            if isinstance(step, s.Session):
                before = self.session(step, before)
            else:
                self.notes.leave(step.line, "what comes before -> is not handed on: only a session takes a context")
                before = f"[\n{self.ignored(before)}\n=> {self.value(step)}\n]"
        return before

    def ignored(self, value: str) -> str:
        """A statement for a value that nobody takes: it is shown."""
        return f"show {value}"

    # ── several at once ──────────────────────────────────────────────────────────────────────────

    def parallel(self, node: s.Parallel, names: Sequence[str | None]) -> str:
        """names: of the branches; those without one get a number."""
        made = []
        for number, (branch, name) in enumerate(zip(node.branches, names, strict=True), 1):
            self.enter(())
            made.append(f"{script_name(name or f'part{number}')} = {self.value(branch.value)}")
            self.leave()
        return "parallel [\n" + "\n".join(made) + f"\n]{settings_of(self._joining(node.modifiers))}"

    def _joining(self, modifiers: tuple[s.Argument, ...]) -> list[tuple[str, str]]:
        join, count, policy = None, "1", None
        for each in modifiers:
            word = "".join(map(str, each.value.parts)) if isinstance(each.value, s.Text) else self._word(each.value)
            if each.name in (None, "join") and word in JOINS:
                join = word
            elif each.name == "count":
                count = word
            elif each.name == "on-fail" and word in POLICIES:
                policy = word
            else:
                self.notes.leave(each.line, f"parallel has no ({each.name or word}{f': {word}' if each.name else ''})")
        if join == "any":
            join = f"any({count})"
        said = [("join", join), ("onFail", policy)]
        return [(name, f'"{word}"') for name, word in said if word is not None]

    def _word(self, node: s.Expr) -> str:
        match node:
            case s.Number(digits=digits):
                return digits
            case s.Path(names=names):
                return ".".join(names)
            case _:
                return "…"

    def for_(self, node: s.For, source: str, sink: Sink | None) -> str:
        """One body for each item; without a sink, values are shown."""
        self.walls += [len(self.in_sight)] if node.parallel else []
        body = self.around(node.index, (node.item,), node.body, sink, "@mx.for.index")
        self.walls = self.walls[:-1] if node.parallel else self.walls
        joining = self._joining(node.modifiers) if node.parallel else []
        if node.parallel and not any(name == "onFail" for name, _ in joining):
            joining.append(("onFail", '"fail-fast"'))
        word = "for parallel" if node.parallel else "for"
        return f"{word} @{script_name(node.item)} in {source} {body}{settings_of(joining)}"

    def around(
        self, index: str | None, names: Sequence[str], lines: s.Lines, sink: Sink | None, number: str
    ) -> str:  # fmt: skip
        """The body of a loop. The round gets a name if it has one, or if sessions in it must be told apart."""
        around = Round({*names, *bound_in(lines)}, script_name(index) if index is not None else self.fresh("round"))
        around.used = index is not None
        self.rounds.append(around)
        body = self.body(lines, sink, [index, *names])
        self.rounds.pop()
        if not around.used:
            self.free(around.index)
            return body
        return body.replace("[\n", f"[\nlet @{around.index} = {number}\n", 1)

    # ── pipelines ────────────────────────────────────────────────────────────────────────────────

    def _piped(self, node: s.Piped) -> str:
        """Each stage in a line of its own, where there are several."""
        source, before = self.value(node.source), ""
        for stage in node.stages[:-1]:
            name = self.fresh("stage")
            before += f"let @{name} = {self._stage(stage, source)}\n"
            source = f"@{name}"
        last = self._stage(node.stages[-1], source)
        return f"[\n{before}=> {last}\n]" if before else last

    def _stage(self, stage: s.Stage, source: str) -> str:
        if stage.kind == "reduce":
            return self._reduce(stage, source)
        loop = s.For(stage.line, stage.names[0], None, s.List(stage.line, ()), stage.body, stage.kind == "pmap", ())
        if stage.kind == "filter":
            return self._filter(loop, source)
        return self.for_(loop, source, lambda value: f"=> {value}")

    def _filter(self, loop: s.For, source: str) -> str:
        """An item is kept if what its session says means yes."""
        verdict = self.fresh("verdict")
        item = script_name(loop.item)
        asks = f"if !(**the answer is yes** with {{ of: @{verdict} }}) [ skip ]\n=> @{item}"
        return self.for_(loop, source, lambda value: f"let @{verdict} = {value}\n{asks}")

    def _reduce(self, stage: s.Stage, source: str) -> str:
        """The first item is what the others are added to."""
        total, item = stage.names
        every = source if source.startswith("@") and "(" not in source else f"@{self.fresh('every')}"
        body = self.around(None, (item, total), stage.body, lambda value: f"=> {value}", "@mx.for.index")
        loop = f"reduce @{script_name(total)} = {every}[0] for @{script_name(item)} in {every}.slice(1) {body}"
        return loop if every == source else f"[\nlet {every} = {source}\n=> {loop}\n]"


def bound_in(lines: s.Lines) -> set[str]:
    """The names that get a value in these lines."""
    made: set[str] = set()
    for line in lines:
        for node in within(line):
            if isinstance(node, s.Let):
                made.update(node.names)
            elif isinstance(node, s.Assign | s.Branch) and node.name is not None:
                made.add(node.name)
    return made


def in_place(text: str) -> str:
    """A text where one in colons would be read as something else."""
    return f"({text})" if text.startswith(":") else text


def record(entries: Sequence[tuple[str, str]]) -> str:
    return "{ " + ", ".join(f"{name}: {value}" for name, value in entries) + " }" if entries else "{}"


def settings_of(settings: Sequence[tuple[str, str]]) -> str:
    return f" with {record(settings)}" if settings else ""

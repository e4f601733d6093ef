"""How statements are written, and lines whose last one has a value.

A value that nobody takes is shown, so that a script tells what a program's sessions say.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestra.prose_import import syntax as s
from orchestra.prose_import.frame import Frame, Program, Round
from orchestra.prose_import.naming import mentioned, reached, scoping, script_name, within
from orchestra.prose_import.texts import literal, predicate
from orchestra.prose_import.values import AGENT_SETTINGS, Sink, Values, bound_in, record, settings_of

__all__ = ["Statements"]

LIMIT = 50  # rounds of a loop that has none of its own
LEAVING = (s.If, s.Loop, s.Repeat, s.Try)  # `=>` in these leaves more than the brackets around them


def returned(value: str) -> str:
    return f"=> {value}"


class Statements(Values):
    """Writes statements; `outputs` are the results of a program."""

    def __init__(self, program: Program, *args: object, **more: object) -> None:
        Frame.__init__(self, program, *args, **more)  # type: ignore[arg-type]
        self.outputs: list[str] = []

    # ── lines ────────────────────────────────────────────────────────────────────────────────────

    def lines(self, lines: s.Lines, sink: Sink | None = None) -> str:
        """Statements one below the other. sink: takes the value of the last one, if it has any."""
        made = []
        for position, line in enumerate(lines):
            comments = self._comments(line.line)
            text = self.statement(line, sink if position == len(lines) - 1 else None)
            made.append(f"{comments}{self._notes()}{text}".rstrip("\n"))
        return "\n".join(text for text in made if text)

    def _comments(self, line: int) -> str:
        pending = [number for number in sorted(self.program.comments) if self.program.moved <= number <= line]
        return "".join(f">> {self.program.comments.pop(number)}\n" for number in pending)

    def _notes(self) -> str:
        fresh, self.notes.fresh = [note for note in self.notes.fresh if note.left], []
        return "".join(f">> not translated, line {note.line}: {note.text}\n" for note in fresh)

    def body(self, lines: s.Lines, sink: Sink | None, names: Sequence[str | None] = ()) -> str:
        first = self.enter(lines, *names)
        text = self.lines(lines, sink)
        self.leave()
        return f"[\n{first}{text}\n]"

    def taken(self, lines: s.Lines) -> str:
        """In brackets, with the value of the last line."""
        if lines and isinstance(lines[-1], LEAVING):
            box = self.fresh("outcome")
            body = self.body(lines, lambda value: f"@{box} += {{ now: {value} }}")
            return f"[\nlet @{box} = {{ now: null }}\n{body[2:-2]}\n=> @{box}.now\n]"
        return self.body(lines, returned)

    def function(self, block: s.Block) -> str:
        """The body of a function, without its brackets."""
        first = self._hoisted("let") + self.enter(block.body, *block.parameters)
        if isinstance(block.body[-1], s.Loop | s.Repeat):
            box = self.fresh("outcome")
            body = self.lines(block.body, lambda value: f"@{box} += {{ now: {value} }}")
            return f"{first}let @{box} = {{ now: null }}\n{body}\n=> @{box}.now"
        return first + self.lines(block.body, returned)

    def _hoisted(self, word: str) -> str:
        return "".join(f"{word} @{script_name(name)} = {{ now: null }}\n" for name in self.scoping.hoisted)

    def whole(self, lines: s.Lines) -> str:
        """The statements of a program. Blocks that are called further up are moved before the others."""
        moved = [line for line in lines if isinstance(line, s.Block) and _called_before(line, lines)]
        text = "".join(self._moved(block) + "\n" for block in moved)
        return text + self._hoisted("var") + self.lines(tuple(line for line in lines if line not in moved))

    def _moved(self, block: s.Block) -> str:
        self.program.moved = block.line  # comments above it belong to what stands there
        text = self.lines((block,))
        self.program.moved = 0
        return text

    # ── statements ───────────────────────────────────────────────────────────────────────────────

    def statement(self, node: s.Statement, sink: Sink | None) -> str:
        match node:
            case s.Let(names=names, value=value, apart=True):
                return self._apart(names, self.value(value), sink)
            case s.Let(names=(name,), value=value) | s.Output(name=name, value=value):
                return self._let(name, value, sink, isinstance(node, s.Output))
            case s.Assign(name=name, value=value):
                return self._assign(name, value, sink)
            case s.Bare(value=value):
                return self._bare(value, sink)
            case s.Return(value=value):
                return returned(self.value(value))
            case s.Throw(message=message):
                return self._throw(message)
            case s.Input() | s.Use() | s.Import() | s.Agent() | s.Block():
                return self._declaration(node)
            case _:
                return self._control(node, sink)

    def _control(self, node: s.Statement, sink: Sink | None) -> str:
        match node:
            case s.If():
                return self._if(node, sink)
            case s.Choice():
                return self._choice(node, sink)
            case s.Loop():
                return self._loop(node, sink)
            case s.Repeat(count=count, index=index, body=body):
                text = f"loop({self.value(count)}) {self._rounds(index, body, sink)}"
            case s.Try():
                text = self._try(node, sink)
            case _:  # pragma: no cover - all others were told apart before
                raise AssertionError(node)
        self._after(node)
        return text

    # ── variables ────────────────────────────────────────────────────────────────────────────────

    def bind(self, name: str, value: str) -> str:
        """Give a variable its value for the first time."""
        word = "var" if self.top and self.depth == 0 else "let"
        if name in self.scoping.hoisted or (name in self.in_sight and self.is_boxed(name)):
            return self.change(name, value)
        self.sees(name)
        return f"{word} @{script_name(name)} = " + (f"{{ now: {value} }}" if self.is_boxed(name) else value)

    def _let(self, name: str, node: s.Expr, sink: Sink | None, output: bool) -> str:
        text = self.bind(name, self.value(node))
        self._after(node, name)
        if output and name not in self.outputs:
            self.outputs.append(name)
        return text + (f"\n{sink(self.read(name))}" if sink is not None else "")

    def _assign(self, name: str, node: s.Expr, sink: Sink | None) -> str:
        if name not in self.in_sight and name not in self.program.scoping.variables:
            return self._let(name, node, sink, False)
        if self.walls and name in self.in_sight[: self.walls[-1]]:
            reason = f"{name} lies outside of the parallel loop, which cannot change it"
            self.notes.leave(node.line, reason)
            return f'throw "{reason}"'
        text = self.change(name, self.value(node))
        self._after(node, name)
        return text + (f"\n{sink(self.read(name))}" if sink is not None else "")

    def _apart(self, names: tuple[str, ...], value: str, sink: Sink | None = None) -> str:
        """Several variables from the fields of a value."""
        word = "var" if self.top and self.depth == 0 else "let"
        if not any(self.is_boxed(name) for name in names):
            for name in names:
                self.sees(name)
            text = f"{word} {{ {', '.join(map(script_name, names))} }} = {value}"
        else:
            all = self.fresh("parts")
            each = [self.bind(name, f"@{all}.{script_name(name)}") for name in names]
            text = "\n".join([f"{word} @{all} = {value}", *each])
        all_of_them = record([(script_name(name), self.read(name)) for name in names])
        self.last = all_of_them
        return text + (f"\n{sink(all_of_them)}" if sink is not None else "")

    def _after(self, node: s.Statement | s.Expr, name: str | None = None) -> None:
        """Note what a condition that follows is about: the last session here, or else the variable."""
        if isinstance(node, s.Session | s.Chain) or (name is None and _asks(node)):
            self.last = ""
        elif name is not None:
            self.last = self.read(name)

    # ── values that nobody takes ─────────────────────────────────────────────────────────────────

    def _bare(self, node: s.Expr, sink: Sink | None) -> str:
        match node:
            case s.Anonymous(body=body):
                return self.lines(body, sink)
            case s.Parallel(branches=branches) if any(branch.name for branch in branches):
                return self._branches(node, sink)
            case s.For() if sink is None:
                text = self.for_(node, self.value(node.source), None)
                self.last = None
                return text
        text = (sink or self.ignored)(self.value(node))
        self._after(node)
        if isinstance(node, s.Do | s.Parallel | s.Piped | s.For):
            self.last = None
        return text

    def _branches(self, node: s.Parallel, sink: Sink | None) -> str:
        names = tuple(branch.name for branch in node.branches if branch.name is not None)
        return self._apart(names, self.parallel(node, [branch.name for branch in node.branches]), sink)

    # ── control ──────────────────────────────────────────────────────────────────────────────────

    def condition(self, node: s.Text) -> str:
        """The words with what they are about."""
        about = self.about(node)
        if about is None:
            self.notes.leave(node.line, "there is nothing that this condition could be about")
        return predicate(self.parts(node)) + (settings_of([("of", about)]) if about else "")

    def _if(self, node: s.If, sink: Sink | None) -> str:
        made, conditions = [], [self.condition(condition) for condition, _ in node.branches]
        for condition, (_, lines) in zip(conditions, node.branches, strict=True):
            made.append(f"if {condition} {self.body(lines, sink)}")
        if node.otherwise is not None:
            made.append(self.body(node.otherwise, sink))
        self._after(node)
        return " else ".join(made)

    def _choice(self, node: s.Choice, sink: Sink | None) -> str:
        question = self.condition(node.question)
        options = []
        for option in node.options:
            body = self.body(option.body, None) if sink is None else self.taken(option.body)
            options.append(f"{literal(self.parts(option.label))} => {body}")
        self._after(node)
        text = f"choose {question} [\n" + "\n".join(options) + "\n]"
        return text if sink is None else sink(text)

    def _loop(self, node: s.Loop, sink: Sink | None) -> str:
        limit = next((self.value(each.value) for each in node.modifiers if each.name == "max"), None)
        for each in node.modifiers:
            if each.name != "max":
                self.notes.leave(each.line, f"a loop has no {each.name}")
        if limit is None:
            self.notes.tell(node.line, f"the loop has no limit and got one of {LIMIT} rounds")
            limit = str(LIMIT)
        until, last = "", ""
        if node.condition is not None:
            until, last = self._ending(node, node.condition)
        body = self._rounds(node.index, node.body, sink)
        self._after(node)
        return f"loop({limit}){until} {body.removesuffix(']')}{last}]"

    def _ending(self, node: s.Loop, condition: s.Text) -> tuple[str, str]:
        """What stands behind the limit, and what at the end of the body: `while` needs something to look at."""
        words = predicate(self.parts(condition))
        about = self.together(self._watched(node.body, condition))
        of = settings_of([("of", about)]) if about else ""
        if node.way == "until":
            return f" until {words}{of}", ""
        if about:
            return f" until !({words}{of})", ""
        self.notes.tell(
            condition.line, "there is nothing to look at before the first round, so it is looked at after it"
        )
        return "", f"if !{words} [ done ]\n"

    def _watched(self, body: s.Lines, condition: s.Text) -> list[str]:
        """The variables that the condition of a loop is about; none if that is what its last session says."""
        spoken_of, bound = self.named_in(condition), bound_in(body)
        changing = [name for name in self.in_sight if self.is_boxed(name) and name in bound]
        if changing or _asks(body):
            return [name for name in spoken_of if name in changing] or changing
        return spoken_of or [name for name in self.in_sight if name in mentioned(condition)]

    def _rounds(self, index: str | None, lines: s.Lines, sink: Sink | None) -> str:
        return self.around(index, (), lines, sink, "@mx.loop.iteration - 1")

    def _try(self, node: s.Try, sink: Sink | None) -> str:
        made = f"try {self.body(node.body, sink)}"
        if node.handler is not None:
            name = node.caught or "error"
            self.caught.append(name)
            made += f" catch @{script_name(name)} {self.body(node.handler, sink, (name,))}"
            self.caught.pop()
        if node.last is not None:
            made += f" finally {self.body(node.last, None)}"
        return made

    def _throw(self, message: s.Text | None) -> str:
        if message is not None:
            return f"throw {self.value(message)}"
        return f"throw @{script_name(self.caught[-1])}" if self.caught else 'throw "failed"'

    # ── declarations ─────────────────────────────────────────────────────────────────────────────

    def _declaration(self, node: s.Input | s.Use | s.Import | s.Agent | s.Block) -> str:
        match node:
            case s.Input(name=name, prompt=prompt):
                asked = self.value(prompt) if prompt is not None else literal([name])
                return self._input(name, asked)
            case s.Use(source=source, name=name):
                self.notes.leave(node.line, f"the program {source} is not read; translate it by itself")
                return ""
            case s.Import(names=names, source=source):
                self.notes.tell(node.line, f"skill {', '.join(names)} of {source} must lie in llm/skills/NAME/SKILL.md")
                return f">> skill {', '.join(names)} from {source}: llm/skills/NAME/SKILL.md"
            case s.Agent(name=name, properties=properties):
                for unknown in sorted(mentioned(properties) & self.scoping.known - set(self.in_sight)):
                    self.notes.leave(node.line, f"{unknown} is not known yet where agent {name} stands")
                settings = self.settings(properties, AGENT_SETTINGS, "an agent")
                if name in self.program.resumed and not any(setting == "persist" for setting, _ in settings):
                    self.notes.tell(node.line, f"{name} is resumed, and so remembers as long as the run")
                    settings.append(("persist", '"run"'))
                return f"agent @{self.program.agents[name]} = {record(settings)}"
            case s.Block():
                return self._block(node)

    def _input(self, name: str, asked: str) -> str:
        if asked.startswith(":"):  # only quotes may follow
            prompt = self.fresh("prompt")
            return f"var @{prompt} = {asked}\n{self._input(name, f'`@{prompt}`')}"
        if not self.is_boxed(name):
            self.sees(name)
            return f"input @{script_name(name)} {asked}"
        answer = self.fresh("answer")
        return f"input @{answer} {asked}\n{self.bind(name, f'@{answer}')}"

    def _block(self, node: s.Block) -> str:
        inner = Statements(
            self.program, scoping(node.body, node.parameters, self.program.scoping)
        )  # fmt: skip
        program, names = self.program, list(map(script_name, node.parameters))
        if node.name in program.numbered:
            names.append(f"{program.nth} = 0")
            inner.rounds.append(Round(set(), program.nth))
        label = "recursive " if node.name in reached(node, program.bodies) else ""
        return f"exe {label}@{program.blocks[node.name]}({', '.join(names)}) = [\n{inner.function(node)}\n]"


def _called_before(block: s.Block, lines: s.Lines) -> bool:
    above = (line for line in lines if line.line < block.line and not isinstance(line, s.Block))
    return any(isinstance(node, s.Do) and node.block == block.name for line in above for node in within(line))


def _asks(node: object) -> bool:
    return any(isinstance(each, s.Session) for each in within(node))

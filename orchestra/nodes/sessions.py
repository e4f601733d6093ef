"""`agent`, `session` and `resume`: who is asked, and for what.

How they are asked, what is kept of it and what an agent remembers is the run's business.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, node
from orchestra.nodes.predicates import Predicate
from orchestra.nodes.tails import SESSION, With, asked_of_cache
from orchestra.nodes.templates import text_of
from orchestra.source import Span
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, tag, unwrap

__all__ = ["Agent", "Ask", "Asking", "Resume", "Session"]

DONE: Final = "doneWhen"
MOST: Final = 5  # answers until a session that is not done is given up


@dataclass(frozen=True, slots=True)
class Ask:
    """One session as the script wants it.

    whom:     the agent as a value, None for a session without one
    task:     text, with the tags of what stands in it
    options:  what `with` says, by name
    resumed:  whether the agent is to go on with what it remembers
    attempt:  from 1; more than that if the session was told to try again
    sample, cache: as for every labelled call
    """

    whom: Any
    task: Any
    options: dict[str, Any]
    resumed: bool
    attempt: int
    span: Span
    sample: int = 0
    cache: bool = True


@node
class Agent(Statement):
    """`agent @name = { model, prompt, … }`; without a right side it is read from the file `NAME.md`."""

    token: str
    value: Node | None

    def exec(self, scope: Scope) -> None:
        name = str(self.token)[1:]
        given = self.value.eval(scope) if self.value is not None else None
        scope.module.declare(name, scope.run.sessions.declared(name, given, self.span), self.span, variable=True)


class Asking(Node):
    """A session whose answer is its value."""

    __slots__ = ()
    whom: Node | None
    task: Node
    resumed = False

    def eval(self, scope: Scope) -> Any:
        return self.ask(None, 1, scope)

    def ask(self, options: With | None, attempt: int, scope: Scope) -> Any:
        """The answer, asked for with what `with` says."""
        whom = self.whom.eval(scope) if self.whom is not None else None
        ask = Ask(whom, self._text(scope), {}, self.resumed, attempt, self.span)
        if options is not None:
            named = [name for name in SESSION if name != DONE and options.part(name) is not None]
            given = {name: options.value(name, scope) for name in named}
            ask = replace(ask, options=given, **asked_of_cache(options, scope))
            done = options.part(DONE)
            if done is not None:
                return self._until(done, ask, scope)
        return scope.run.sessions.ask(ask, scope)

    def _until(self, done: Node, ask: Ask, scope: Scope) -> Any:
        """The first answer of which the condition holds; whoever is not done is asked to go on from the last one."""
        if not isinstance(done, Predicate):
            help = "doneWhen: **what is so when it is done**"
            raise OrchError("E207", "doneWhen is a condition in words", done.span, help=help)
        task = ask.task
        for _ in range(MOST):
            answer = scope.run.sessions.ask(ask, scope)
            if scope.run.guesses or done.matches(answer, scope):
                return answer
            so_far = (
                f"{unwrap(task)}\n\n<so_far>\n{text_of(answer)}\n</so_far>\n\nThis is not done yet: go on from there."
            )
            ask = replace(ask, task=tag(so_far, joined((task, answer), deep=True)))
        what = f"the session is not done after {MOST} answers: {done.span.text}"
        raise OrchError("E303", what, done.span, help="say in the task what is missing, or change the condition")

    def _text(self, scope: Scope) -> Any:
        value = self.task.eval(scope)
        return tag(text_of(value), joined((value,), deep=True))


@node
class Session(Asking):
    """`session @agent "task"` or `session "task"`: the answer to a task."""

    whom: Node | None
    task: Node


@node
class Resume(Asking):
    """`resume @agent "task"`: the answer of an agent that knows what was said before."""

    whom: Node
    task: Node
    resumed = True

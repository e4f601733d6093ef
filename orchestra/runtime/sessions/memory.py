"""What persistent agents remember while a run lasts: which memory a session finds, and what it leaves.

A script is run again from the top after every interruption, so memory follows the order of the script and not that of
the clock: items of a parallel loop do not hear of each other, what comes after the loop hears of the last item.
Rows are kept by `store.memories`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.runtime.files.replacing import replace_file
from orchestra.source import Span
from orchestra.store.memories import Belongs
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, tag, unwrap
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Memory", "Said", "belongs"]

Position = tuple[int, ...]

LIMIT: Final = 2000  # tokens of a memory that is kept word for word
HEADINGS: Final = ("Understanding", "Decisions", "Concerns", "Segment")
REQUEST: Final = """\
Below stands what you remember of your work, the latest segment last. Write it anew in at most {limit} tokens.
Keep every location (file, line, address), every number, and every decision with its reason, as they are written.
Use these headings and no others, in this order:

{headings}

Below Segment stands the number of the latest segment, {number}, and what happened in it.

<memory>
{memory}
</memory>"""
REPAIR: Final = "{problem}. Write the whole memory again, with these headings in this order, in at most {limit} tokens:"


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in a session: the memory before it, the task and the answer."""

    whose: Belongs
    agent: dict[str, Any]
    session: str
    position: Position
    earlier: Any
    task: Any
    answer: Any
    span: Span


def belongs(agent: dict[str, Any], name: str, run: str) -> Belongs | None:
    """Whose memory the sessions of an agent go into; None for one that does not persist."""
    wish = unwrap(agent.get("persist"))
    if wish is None or wish is False:
        return None
    if wish is True or wish == "run":
        return Belongs(name, "run", run)
    return Belongs(name, str(wish), "") if wish in ("project", "user") else Belongs(name, "path", str(wish))


class Memory:
    """The memories of all agents of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._left: dict[Belongs, list[tuple[Position, Any]]] = {}  # what sessions of this execution left behind

    def before(self, whose: Belongs, position: Position) -> Any:
        """What the agent knows at a place of the script; empty if nothing."""
        earlier = [entry for entry in self._left.get(whose, ()) if precedes(entry[0], position)]
        if earlier:
            return max(earlier, key=lambda entry: entry[0])[1]
        return self._run.execution.memories.beginning(whose, self._in_file(whose))

    def after(self, said: Said, scope: Scope) -> int:
        """Keep what a session said, and give the number of its segment."""
        whose, session = said.whose, said.session
        earlier, task, answer = said.earlier, said.task, said.answer
        limit = int(unwrap(said.agent.get("memoryTokens", LIMIT)))
        memories = self._run.execution.memories
        memories.beginning(whose, self._in_file(whose))
        number = memories.segment(whose, session, template_text(task), template_text(answer))
        known = memories.after(whose, session)
        meta = joined((earlier, task, answer), deep=True)
        if known is None:
            known = self._grown(template_text(earlier), number, template_text(task), template_text(answer))
            if tokens(known) > limit:
                known = template_text(self._compacted(said, tag(known, meta), number, limit, scope))
            memories.remember(whose, session, known)
            self._write_file(whose, known)
        self._left.setdefault(whose, []).append((said.position, tag(known, meta)))
        return number

    @staticmethod
    def _grown(earlier: str, number: int, task: str, answer: str) -> str:
        segment = f"## Segment {number}\n\nTask: {task}\n\nAnswer: {answer}"
        return f"{earlier}\n\n{segment}" if earlier else segment

    # ── compaction ───────────────────────────────────────────────────────────────────────────────

    def _compacted(self, said: Said, memory: Any, number: int, limit: int, scope: Scope) -> Any:
        """A memory that has grown too long, written anew by the agent's model under fixed headings."""
        model, agent, span = self._run.model_function("llm"), said.whose.agent, said.span
        settings: dict[str, Any] = {"agent": agent, "purpose": "memory"}
        settings |= {key: said.agent[key] for key in ("model", "provider", "effort") if key in said.agent}

        def body(op: Op, inner: Scope) -> Any:
            def ask(prompt: str) -> Any:
                return model.body(Op("exe", "llm", [tag(prompt, joined((memory,))), settings], ("llm",), span), inner)

            return _fitting(ask, str(unwrap(memory)), number, limit, agent)

        function = Native(f"memory of {agent}", ("memory", "number", "limit", "settings"), body, ("llm",))
        function.digest = "memory:1"
        op = Op("exe", function.name, [memory, number, limit, settings], ("llm",), span, "", {}, function)
        return self._run.call(op, scope)

    # ── memories that are files ──────────────────────────────────────────────────────────────────

    def _file(self, whose: Belongs) -> Path | None:
        if whose.scope == "user":
            name = re.sub(r"[^\w.-]", "_", whose.agent)
            return self._run.user_home / ".orch" / "memory" / f"{name}.md"
        return self._run.permitted(self._run.root / whose.owner) if whose.scope == "path" else None

    def _in_file(self, whose: Belongs) -> str | None:
        path = self._file(whose)
        try:
            return path.read_text("utf-8").strip() if path is not None and path.is_file() else None
        except (OSError, UnicodeDecodeError) as error:
            raise OrchError("E742", f"the memory of {whose.agent} cannot be read: {error}") from None

    def _write_file(self, whose: Belongs, memory: str) -> None:
        path = self._file(whose)
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, (memory + "\n").encode("utf-8", "replace"), None)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OrchError("E742", f"the memory of {whose.agent} cannot be written: {reason}") from None


def precedes(earlier: Position, later: Position) -> bool:
    """Whether a step of the script has ended before another begins: neither beside it nor after it."""
    for place, (a, b) in enumerate(zip(earlier, later, strict=False)):
        if a != b:
            return a < b and place % 2 == 0  # odd places are items of one parallel loop
    return False


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // 4)


def _fitting(ask: Callable[[str], Any], memory: str, number: int, limit: int, agent: str) -> Any:
    """The compacted memory, asked for once more if it is not as it should be. Raises E742."""
    headings = "\n".join(f"## {heading}" for heading in HEADINGS)
    request = REQUEST.format(limit=limit, headings=headings, number=number, memory=memory)
    answer = ask(request)
    problem = problem_of(template_text(answer), limit)
    if problem is None:
        return template_text(answer)
    again = f"{request}\n\nYour last attempt:\n\n{template_text(answer)}\n\n"
    answer = ask(again + REPAIR.format(problem=problem, limit=limit) + f"\n\n{headings}")
    problem = problem_of(template_text(answer), limit)
    if problem is not None:
        raise OrchError("E742", f"memory of {agent}: {problem}", retryable=True, help="raise memoryTokens")
    return template_text(answer)


def problem_of(memory: str, limit: int) -> str | None:
    """What is wrong with a compacted memory; None if nothing."""
    found = [heading.strip() for heading in re.findall(r"^##[ \t]+(.+?)[ \t]*$", memory, re.MULTILINE)]
    for heading in HEADINGS:
        if heading not in found:
            return f"the heading {heading} is missing"
    if [heading for heading in found if heading in HEADINGS] != list(HEADINGS):
        return "the headings are not in their order"
    return f"it has about {tokens(memory)} tokens, more than {limit}" if tokens(memory) > limit else None

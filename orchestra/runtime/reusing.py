"""Model requests below a labelled call whose body runs again: those that had an answer get it once more.

That is so when the call's code changed, and when a run ended in the middle of the call; not when somebody asked for
another answer. Where answers are kept is the business of `store.requests`, whether a body runs that of `memo`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestra.nodes.op import Op
from orchestra.providers.choice import ResolvedModel
from orchestra.providers.protocol import Block, Message, Usage
from orchestra.runtime.calls import LLMRequest, LLMResult, PollFacts
from orchestra.runtime.labelled import MemoFrame, attempts
from orchestra.runtime.poll import parsed
from orchestra.runtime.schema import candidate
from orchestra.store import Answer, code_digest
from orchestra.store.requests import RESUMED
from orchestra.values.scope import Scope
from orchestra.values.tagged import meta_of, unwrap, with_facts

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Reusing", "changes_nothing", "given_again", "kept_form"]

FORM: Final = 1  # of the digest; another number makes all requests new ones
DIGITS: Final = 16  # of a digest: there are few requests in a call
HARMLESS: Final = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead", "TodoWrite", "StructuredOutput"})
WRITING: Final = frozenset({"Write", "Edit"})
# What of a request makes another answer, besides model, tools and places. A field that is added counts.
ASKED: Final = sorted(
    set(LLMRequest.__dataclass_fields__)
    - {"model", "provider", "tools", "dir", "poll"}
    - {"call_id", "fn", "position", "passage", "stream", "timeout", "retries", "max_cost"}
)
BRIEF: Final = 800  # characters of an answer that is kept without the facts that its row tells
CONTENT: Final = "poll file"  # fact of a kept answer that is only a part of its file


class Reusing:
    """The requests of one labelled call, while its body runs.

    asked, reused: how many went to a model, and how many had an answer
    """

    def __init__(self, run: Run, frame: MemoFrame) -> None:
        self._run = run
        self._frame = frame
        self._known: Mapping[str, Answer] | None = None
        self._counts: dict[str, int] = {}
        self._code = ""
        self.asked = 0
        self.reused = 0

    def name(self, request: LLMRequest, resolved: ResolvedModel, op: Op, scope: Scope) -> str | None:
        """The name under which the answer to a request is kept; None for one that is to be asked in any case.

        Equal requests of one call are numbered: each has an answer of its own.
        """
        key = self._frame.key
        if key is None or op is self._frame.op or not self._run.writes_checkpoints:
            return None
        again = key.attempts or attempts(scope.context) or key.sample or op.sample  # another answer was asked for
        if again or request.session_id or request.resume or request.select is not None or self._has_secret(request):
            return None
        digest = _digest(request, resolved, self._run.root)
        number = self._counts[digest] = self._counts.get(digest, 0) + 1
        return digest if number == 1 else f"{digest}.{number}"

    def find(self, name: str) -> Answer | None:
        """The answer kept under this name, if it may be given once more."""
        if not self._allowed:
            return None
        if self._known is None:
            assert self._frame.key is not None
            self._known = self._run.execution.requests.of(self._frame.key.digest)
            self._code = code_digest(self._frame.validity) if self._known else ""
        answer = self._known.get(name)
        if answer is None or answer.spent in (RESUMED, self._code) or self._run.expired(answer.call.started):
            return None
        return answer

    def failed(self) -> None:
        """The body came to its end without a result: with the same code it is to get other answers.

        Those from which a result was made once are kept: then it is the new code that fails.
        """
        self._spend(code_digest(self._frame.validity), all=not self._frame.stale)

    def not_to_be_stored(self) -> None:
        """The script says that what was made is made anew each time."""
        self._spend(RESUMED, all=True)

    def _spend(self, why: str, *, all: bool) -> None:
        if self._frame.key is not None and self._counts:
            self._run.execution.requests.spend(self._frame.key.digest, why, all=all)

    @property
    def _allowed(self) -> bool:
        """Whether the body runs for want of a result, and not because what is stored is not wanted here."""
        run, frame = self._run, self._frame
        wanted = frame.reason is None or frame.reason.kind != "miss"
        return wanted and not frame.anew and run.replaying is None and run.reads_checkpoints

    def _has_secret(self, request: LLMRequest) -> bool:
        clean = self._run.redactor.clean
        return any(clean(text) != text for text in (request.prompt, request.system or ""))

    def keeps(self, result: LLMResult) -> bool:
        """Whether an answer is kept: not if its tools left something behind, or a secret stands in it."""
        texts = (result.text, result.poll.content if result.poll is not None else "")
        return result.repeatable and all(self._run.redactor.clean(text) == text for text in texts)


def kept_form(result: LLMResult, value: Any) -> Any:
    """What is kept of an answer: its text, if the row of the call and the request tell the rest."""
    if result.poll is not None and result.poll.content != result.text:
        return with_facts(value, {**(meta_of(value).facts or {}), CONTENT: result.poll.content})
    plain = result.poll is None and not (meta_of(value).facts or {}).get("tools")
    return result.text if plain and len(result.text) <= BRIEF else value


def given_again(answer: Answer, request: LLMRequest) -> LLMResult:
    """The result of a request that was answered before; the poll file is not written yet."""
    text, call = _text(answer.value), answer.call
    return LLMResult(
        text=text,
        data=_data(text, request),
        usage=Usage(call.input, call.output, call.cache_write, call.cache_read, estimated=bool(call.estimated)),
        cost=call.cost,
        model=call.model,
        provider=call.provider,
        turns=call.turns,
        stop=call.stop or "end_turn",
        ms=call.ms,
        attempts=call.attempts,
        archive=call.archive,
        poll=_poll(answer.value, text, request),
    )


def changes_nothing(history: Sequence[Message], request: LLMRequest, root: Path) -> bool:
    """Whether no tool that was used left anything behind but the poll file."""
    return all(_is_harmless(use, request, root) for use in _tool_uses(history))


def _tool_uses(history: Sequence[Message]) -> Iterator[Block]:
    for message in history:
        yield from (block for block in message["content"] if block.get("type") == "tool_use")


def _is_harmless(use: Block, request: LLMRequest, root: Path) -> bool:
    if use.get("name") in HARMLESS:
        return True
    input = use.get("input")
    written = input.get("file_path") if isinstance(input, dict) else None
    if use.get("name") not in WRITING or request.poll is None or not isinstance(written, str):
        return False
    return os.path.realpath(request.poll) in {os.path.realpath(folder / written) for folder in (request.dir, root)}


def _digest(request: LLMRequest, resolved: ResolvedModel, root: Path) -> str:
    """Of everything that the answer depends on."""
    tools = [str(request.tools) if request.tools.declared else None, *(t.schema() for t in request.tools.functions)]
    rest = {name: getattr(request, name) for name in ASKED}
    asked = [FORM, resolved.provider, resolved.id, tools, _place(request.dir, root), _place(request.poll, root), rest]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=repr)
    return sha256(text.encode()).hexdigest()[:DIGITS]


def _place(path: Path | None, root: Path) -> str | None:
    return None if path is None else os.path.relpath(path, root)


def _text(value: Any) -> str:
    meta, data = meta_of(value), unwrap(value)
    return meta.text if meta.text is not None else str(data)


def _data(text: str, request: LLMRequest) -> Any:
    if request.schema is not None and (found := candidate(text)) is not None:
        return found[1]
    data = parsed(text)
    return text if data is None else data


def _poll(value: Any, text: str, request: LLMRequest) -> PollFacts | None:
    """The file that belongs to a kept answer, as it was."""
    if request.poll is None:
        return None
    facts = meta_of(value).facts or {}
    told = (facts.get("llm") or {}).get("poll") or {}
    return PollFacts(request.poll, True, bool(told.get("salvaged")), str(facts.get(CONTENT, text)))

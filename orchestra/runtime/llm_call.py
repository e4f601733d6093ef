"""One call from prompt to result: the file to be written, the schema to be met, the archive to be kept.

Turns and tools are the business of a `dialogue`, the choice of a model of `agent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from orchestra.errors import OrchError
from orchestra.providers.protocol import Reply
from orchestra.runtime.archive import Entry
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.dialogue import Dialogue, Emit, TurnsSpent
from orchestra.runtime.poll import PollFile, parsed
from orchestra.runtime.reusing import changes_nothing
from orchestra.runtime.schema import NO_JSON, candidate, instruction, problems, repair_message

__all__ = ["Call"]


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    data: Any
    stop: str


@dataclass(frozen=True, slots=True)
class _Checked:
    """The best JSON of a reply and what is wrong with it."""

    text: str
    data: Any
    problems: list[str]


class Call:
    """Runs once. `provider` is the name that results are marked with, `root` the folder of the project."""

    def __init__(
        self,
        request: LLMRequest,
        provider: str,
        model: str,
        dialogue: Dialogue,
        poll: PollFile | None,
        entry: Entry | None,
        emit: Emit,
        root: Path,
    ) -> None:
        self._request = request
        self._root = root
        self._provider = provider
        self._model = model
        self._dialogue = dialogue
        self._poll = poll
        self._entry = entry
        self._emit = emit

    async def run(self) -> LLMResult:
        """Raises OrchError. After a cancellation the file from before the call is put back."""
        started = trio.current_time()
        self._tell_beginning()
        try:
            answer = await self._within_time()
        except OrchError as error:
            self._record({"error": error.code}, error.message)
            raise
        except BaseException:
            if self._poll is not None:
                self._poll.put_back()
            raise
        _, started = self._dialogue.meter.started or ("", started)
        result = self._result(answer, round((trio.current_time() - started) * 1000))
        self._record(_facts(result), result.text)
        return result

    def _tell_beginning(self) -> None:
        request = self._request
        size = len(request.prompt.encode("utf-8", "replace"))
        tools = (str(request.tools) or "none") if request.tools.declared else "by default"
        poll = f", poll {self._poll.shown}" if self._poll is not None else ""
        self._step(f"prompt of {size} bytes to {self._provider}/{self._model}, tools {tools}{poll}")
        if self._poll is not None and self._poll.moved:
            self._step(f"{self._poll.shown} from before is now {self._poll.shown}.prev")

    def _step(self, text: str) -> None:
        self._emit("llm:step", {"text": text})

    async def _within_time(self) -> _Answer:
        with trio.move_on_after(self._request.timeout) as self._dialogue.time:
            return await self._answer()
        raise OrchError("E706", f"no answer within {self._request.timeout:g} s", help="raise timeout", retryable=True)

    async def _answer(self) -> _Answer:
        schema = self._request.schema
        reply = await self._say(self._request.prompt + (instruction(schema) if schema is not None else ""))
        for _ in range(self._request.nudge):
            if self._poll is None or self._poll.answer() is not None:
                break
            self._step(f"{self._poll.shown} is not written, asking again")
            reply = await self._say(self._poll.nudge())
        if schema is not None:
            return await self._fitting(reply, schema)
        text = self._text(reply)
        data = parsed(text)
        return _Answer(text, text if data is None else data, reply.stop)

    async def _say(self, text: str) -> Reply:
        """The model's reply. With the file written it is no harm that the model wanted to go on."""
        try:
            return await self._dialogue.say(text)
        except TurnsSpent:
            if self._poll is not None and self._poll.answer() is not None:
                return Reply([], "end_turn")
            turns = self._request.max_turns
            raise OrchError("E710", f"the model was not done after {turns} turns", help="raise maxTurns") from None

    def _text(self, reply: Reply) -> str:
        if self._poll is None:
            text: str | None = reply.text if reply.text.strip() else None
        else:
            text = self._poll.answer() or self._poll.salvage(reply.text)
            self._step("the last text is taken for the file" if self._poll.salvaged else "the file is read")
        return text if text is not None else self._nothing()

    def _nothing(self) -> str:
        if self._poll is None:
            raise OrchError("E717", "the model answered nothing")
        raise OrchError("E717", f"the model did not write {self._poll.shown}")

    async def _fitting(self, reply: Reply, schema: dict[str, Any]) -> _Answer:
        """The first answer that meets the schema, asked for again and again in the same conversation."""
        for left in range(self._request.schema_retries, -1, -1):
            checked = self._checked(reply, schema)
            if not checked.problems:
                return _Answer(checked.text, checked.data, reply.stop)
            if left:
                reply = await self._say(repair_message(checked.problems) + self._where())
        raise OrchError(
            "E714",
            f"the answer does not fit the schema: {checked.problems[0]}",
            details={
                "errors": checked.problems,
                "hint": repair_message(checked.problems),
                "document": checked.data if checked.data is not None else checked.text,
            },
        )

    def _checked(self, reply: Reply, schema: dict[str, Any]) -> _Checked:
        """The file counts before the words; words that fit replace a file that does not."""
        written = self._poll.answer() if self._poll is not None else None
        said = reply.text if reply.text.strip() else None
        if written is None and said is None:
            self._nothing()
        sources = [_check(text, schema) for text in (written, said) if text is not None]
        best = next((checked for checked in sources if not checked.problems), sources[0])
        if self._poll is not None and not best.problems and (written is None or best is not sources[0]):
            self._poll.replace(best.text)
        return best

    def _where(self) -> str:
        return f" Write it to {self._poll.shown}." if self._poll is not None else ""

    def _result(self, answer: _Answer, ms: int) -> LLMResult:
        meter = self._dialogue.meter
        return LLMResult(
            text=answer.text,
            data=answer.data,
            usage=meter.usage,
            cost=meter.cost,
            model=self._model,
            provider=self._provider,
            turns=meter.turns,
            stop=answer.stop,
            ms=ms,
            attempts=meter.attempts,
            archive=self._entry.name if self._entry is not None else None,
            poll=self._poll.facts() if self._poll is not None else None,
            repeatable=changes_nothing(self._dialogue.history, self._request, self._root),
        )

    def _record(self, facts: dict[str, Any], text: str) -> None:
        if self._entry is not None:
            self._entry.finish(facts, text, self._dialogue.history)


def _check(text: str, schema: dict[str, Any]) -> _Checked:
    found = candidate(text)
    if found is None:
        return _Checked(text, None, [NO_JSON])
    return _Checked(found[0], found[1], problems(schema, found[1]))


def _facts(result: LLMResult) -> dict[str, Any]:
    return {
        "provider": result.provider,
        "model": result.model,
        "turns": result.turns,
        "attempts": result.attempts,
        "stop": result.stop,
        "ms": result.ms,
        "input": result.usage.prompt,
        "output": result.usage.output,
        "cost": result.cost,
    }

"""The loop shared by all providers that answer turn by turn: turns, and the tools that are asked for.

Attempts and their cost are counted in `dialogue`; what the first message says and whether the last one will do is
decided in `llm_call`.
"""

from __future__ import annotations

import json

from orchestra.errors import OrchError
from orchestra.providers import ProviderError, Reply, Turn, TurnModel
from orchestra.runtime.calls import LLMRequest
from orchestra.runtime.dialogue import Dialogue, Emit, Line, TurnsSpent, checked
from orchestra.runtime.tools.toolbox import Toolbox, ToolResult

__all__ = ["Conversation"]


class Conversation(Dialogue):
    """A history that we keep ourselves: every turn sends it whole, tools are run between the turns."""

    def __init__(self, request: LLMRequest, line: Line, provider: TurnModel, toolbox: Toolbox, emit: Emit) -> None:
        self._max_tokens = request.max_tokens
        self._needed = 0
        super().__init__(request, line, emit)
        self._provider = provider
        self._toolbox = toolbox

    async def say(self, text: str) -> Reply:
        """What the model says to `text` after all the tools it asks for. Raises OrchError, TurnsSpent."""
        self.history.append({"role": "user", "content": [{"type": "text", "text": text}]})
        while True:
            reply = await self._turn()
            if reply.stop == "max_tokens":
                self._allow_more()
                continue
            if reply.content:
                self.history.append({"role": "assistant", "content": reply.content})
            if reply.stop == "tool_use":
                await self._run_tools(reply)
            elif reply.stop != "pause_turn":
                return checked(reply)

    @property
    def _longest(self) -> int:
        return self._max_tokens

    @property
    def _least(self) -> int:
        return self._needed

    @property
    def _caches(self) -> bool:
        return bool(self._toolbox.schemas())

    def _size(self) -> int:
        return super()._size() + len(json.dumps(self._toolbox.schemas()))

    def _allow_more(self) -> None:
        """A reply that was cut is thrown away, half a tool call with it, and asked for once more."""
        if self._allowed < self._max_tokens:  # it was cut for want of money, and another one needs more of it
            self._needed = min(2 * self._allowed, self._max_tokens)
            return
        if self._max_tokens > self._request.max_tokens:
            raise OrchError(
                "E707",
                f"the answer was cut after {self._max_tokens} tokens",
                help="raise maxTokens, or ask for less at a time",
            )
        self._max_tokens *= 2

    async def _run_tools(self, reply: Reply) -> None:
        if not reply.calls:
            raise OrchError("E718", "the model stopped for a tool but asked for none")
        for call in reply.calls:
            self._emit("llm:tool_call", {"id": call.id, "name": call.name, "input": call.input})
        results = await self._toolbox.run_all(reply.calls, self._tell_result)
        self.history.append({"role": "user", "content": [result.block() for result in results]})

    def _tell_result(self, result: ToolResult) -> None:
        data = {
            "id": result.call.id,
            "name": result.call.name,
            "is_error": result.is_error,
            "text": result.text,
        }
        self._emit("llm:tool_result", data)

    async def _turn(self) -> Reply:
        """One reply, tried until it comes or there is no point in going on."""
        if self.meter.turns >= self._request.max_turns:
            raise TurnsSpent
        self.meter.turns += 1
        reply = await self._patiently(self._receive)
        self._account(reply.usage)
        return reply

    async def _receive(self) -> Reply:
        reply = None
        async with self._provider.turn(self._next_turn()) as events:
            self._line.gate.accepted(self._since)
            async for event in events:
                if isinstance(event, Reply):
                    reply = event
                else:
                    self._show(event)
        if reply is None:
            raise ProviderError("transient", f"{self._provider.name}: the answer has no end")
        return reply

    def _next_turn(self) -> Turn:
        request, tools = self._request, self._toolbox.schemas()
        return Turn(
            call_id=request.call_id,
            fn=request.fn,
            prompt=request.prompt,
            asked=request.model,
            model=self._line.model,
            messages=list(self.history),
            dir=request.dir,
            system=request.system,
            tools=tools,
            max_tokens=self._allowed,
            poll=request.poll,
            effort=request.effort,
            show_thinking=request.stream,
            agent=request.agent,
            purpose=request.purpose,
            position=request.position,
            schema=request.schema if not tools else None,  # with tools a model has more to say than its answer
        )

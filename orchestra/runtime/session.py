"""A dialogue with an agent that has tools and a loop of its own: each message is an errand, gone on with by the next.

What the agent prints is read by its provider; whether its last answer will do is decided in `llm_call`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from orchestra.errors import OrchError
from orchestra.providers.agents import AgentModel, Errand, Returned, Step, ToolAnswer
from orchestra.providers.faults import ProviderError
from orchestra.providers.prices import DEAREST, Price, price_of
from orchestra.providers.protocol import Reply, TextDelta, ThinkingDelta, ToolCall
from orchestra.runtime.calls import MAX_TOKENS, LLMRequest
from orchestra.runtime.dialogue import Dialogue, Emit, Line, TurnsSpent, checked
from orchestra.runtime.poll import PollFile

__all__ = ["Session", "check_for_agent"]


def check_for_agent(request: LLMRequest, provider: str) -> None:
    """Refuses what the agent could only be given by a server of tools. Raises E704."""
    if request.tools.functions:
        name = request.tools.functions[0].function.name
        what = f"functions such as @{name} cannot be tools of {provider}, which is a program of its own"
        raise OrchError("E704", what, help='name another provider: provider: "anthropic"')


class Session(Dialogue):
    """The history is the agent's; here is a record of what it told."""

    def __init__(
        self, request: LLMRequest, line: Line, provider: AgentModel, poll: PollFile | None, emit: Emit
    ) -> None:
        super().__init__(request, line, emit)
        self._provider = provider
        self._poll = poll
        self._session = request.resume
        self._name = request.session_id
        self._said: list[str] = []  # both sides, for an agent that cannot go on with a session

    @property
    def _longest(self) -> int:
        return self._request.max_tokens * (self._request.max_turns - self.meter.turns)

    @property
    def _price(self) -> Price:
        """Agents tell what they cost; where no price is known, the dearest is a guess on the safe side."""
        return self._line.price or price_of(self._line.model, 0, self.meter.now()) or DEAREST

    async def say(self, text: str) -> Reply:
        if self.meter.turns >= self._request.max_turns:
            raise TurnsSpent
        self._said.append(text)
        self.history.append({"role": "user", "content": [{"type": "text", "text": text}]})
        returned = await self._patiently(lambda: self._send(text))
        self.meter.turns += returned.turns
        self._session = returned.session or self._session
        self._account(returned.usage, returned.cost)
        self._said.append(returned.text)
        return self._reply(returned)

    def _reply(self, returned: Returned) -> Reply:
        if returned.stop == "turns":
            raise TurnsSpent
        if returned.stop == "cost":
            raise self.meter.stopped()
        if returned.stop == "max_tokens":
            raise OrchError("E707", "the answer was cut", help="raise maxTokens, or ask for less at a time")
        content = [{"type": "text", "text": returned.text}] if returned.text else []
        return checked(Reply(content, returned.stop, returned.usage))

    async def _send(self, text: str) -> Returned:
        before = self._stamp()
        try:
            return await self._followed(self._errand(text, before))
        except ProviderError:
            self._name = None  # taken by the attempt that failed
            if self._poll is not None and self._stamp() != before:
                self._poll.discard()
            raise

    async def _followed(self, errand: Errand) -> Returned:
        """Tells what the agent does until it has ended."""
        returned = None
        async with self._provider.errand(errand) as events:
            async for event in events:
                if not isinstance(event, Step):
                    self._line.gate.accepted(self._since)
                match event:
                    case Returned():
                        returned = event
                    case TextDelta() | ThinkingDelta():
                        self._show(event)
                    case ToolCall(id, name, input):
                        self._note("assistant", {"type": "tool_use", "id": id, "name": name, "input": input})
                        self._emit("llm:tool_call", {"id": id, "name": name, "input": input})
                    case ToolAnswer(id, text, is_error):
                        self._note("user", {"type": "tool_result", "tool_use_id": id, "content": text})
                        self._emit("llm:tool_result", {"id": id, "name": None, "is_error": is_error, "text": text})
                    case Step(text):
                        self._emit("llm:step", {"text": text})
        if returned is None:
            raise ProviderError("broken", f"{self._provider.name}: the errand has no end")
        self._note("assistant", {"type": "text", "text": returned.text})
        return returned

    def _note(self, role: str, block: dict[str, Any]) -> None:
        """Adds to the history, in which both sides take turns."""
        if not self.history or self.history[-1]["role"] != role:
            self.history.append({"role": role, "content": []})
        self.history[-1]["content"].append(block)

    def _stamp(self) -> Hashable | None:
        return self._poll.stamp() if self._poll is not None else None

    def _errand(self, text: str, before: Hashable | None) -> Errand:
        request, poll = self._request, self._poll
        tools, grants = self._permissions()

        def written() -> Hashable | None:
            stamp = self._stamp()
            return stamp if stamp != before else None

        return Errand(
            text=text,
            retold="\n\n".join([*self._said[:-1], text]),
            model=self._line.model,
            dir=request.dir,
            system=request.system,
            tools=tools,
            grants=grants,
            denials=tuple(map(str, request.tools.denials)),
            max_turns=request.max_turns - self.meter.turns,
            max_tokens=request.max_tokens if request.max_tokens != MAX_TOKENS else None,
            max_cost=self.meter.money,
            effort=request.effort,
            schema=request.schema if poll is None else None,
            session=self._session,
            name=self._name,
            bare=request.bare,
            stream=request.stream,
            written=written if poll is not None else None,
        )

    def _permissions(self) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Names of the tools, None for the agent's own choice, and what is granted; the poll file always is."""
        tools = self._request.tools
        grants = tuple(map(str, (*tools.grants, *tools.foreign)))
        names = tuple(dict.fromkeys((*tools.names, *(rule.tool for rule in tools.foreign)))) if tools.declared else None
        if self._poll is None:
            return names, grants
        # Two slashes begin an absolute path in permissions, and those of Edit hold for whatever writes.
        own = (f"Write(/{self._poll.path})", f"Edit(/{self._poll.path})")
        return names if names is None or "Write" in names else (*names, "Write"), (*grants, *own)

"""An example that decides for itself, asking a server of the Messages API instead of its program.

Its stand-in answers there too, so that only the settings differ from the example as it is shipped. The audit has
tests of its own in `test_providers_audit`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import messages_wire
import pytest
from example_desk import EXAMPLES, Copy, summary
from loopback import Answer, Loopback, Request
from test_providers_audit import streamed

QUESTION = "---\ntitle: The pond\nplace: Aske\n---\n- depth [metres]: How **deep** is the **pond**?\n"
SURVEY = "In Aske we measured that the pond is 3 metres deep.\n"
LETTER = "---\ndate: 2024-06-01\n---\nIn Aske they say that the pond is 9 metres deep.\n"
PRICE = "price = { input = 2, output = 10 }"
POND = ("--library", "pond", "--question", "pond.md")


def asking(program: Path) -> Callable[[Request], Answer]:
    """What a stand-in says to a request, as a stream."""

    def respond(request: Request) -> Answer:
        asked = json.dumps({"version": 1, **request.body})
        done = subprocess.run([sys.executable, str(program)], input=asked, capture_output=True, text=True, check=True)
        return streamed(messages_wire, json.loads(done.stdout))

    return respond


def served(copy: Copy, server: Loopback) -> None:
    """Change the one line that names the provider, and say where the server is."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in messages_wire.table(server.base).items()]
    settings = (copy.project / "orch.toml").read_text()
    assert settings.count('provider = "stand-in"') == 1
    settings = settings.replace('provider = "stand-in"', 'provider = "anthropic"')
    copy.put("orch.toml", "\n".join([settings, "[llm.providers.anthropic]", *lines, PRICE, ""]))


@pytest.fixture
def research(tmp_path: Path) -> Copy:
    copy = Copy("research", tmp_path)
    copy.put("pond.md", QUESTION)
    copy.put("pond/survey.md", SURVEY)
    copy.put("pond/letter.md", LETTER)
    return copy


def test_a_run_that_a_budget_ended_pays_only_for_what_is_missing(research: Copy) -> None:
    with Loopback(asking(EXAMPLES / "research/tools/researcher.py")) as server:
        served(research, server)
        ended = research.run(*POND, "--budget", "usd=0.016", MODEL_KEY="k")
        stored = research.stored()
        assert (ended.exit, stored != {}) == (4, True), ended.stderr
        done = research.run(*POND, "--budget", "usd=1", MODEL_KEY="k")
        assert done.exit == 0, done.stderr
        assert stored.items() <= research.stored().items()
        asked = len(server.requests)
        again = research.run(*POND, MODEL_KEY="k")
        assert (again.exit, summary(again), len(server.requests)) == (0, "0 calls, 1 cached", asked)
    assert "3 metres deep" in (research.made / "report.md").read_text()

"""Which provider answers, what its model is called, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.providers.choice import Choice, ResolvedModel
from orchestra.providers.prices import Price, configured_price, cost
from orchestra.providers.protocol import Usage

CONFIG: dict[str, Any] = {
    "provider": "stand-in",
    "models": {"fast": "shared-fast", "sonnet": "claude-sonnet-next"},
    "providers": {
        "stand-in": {"type": "command", "command": ["x"], "models": {"fast": "own-fast"}},
        "lab": {"type": "anthropic", "base": "http://lab"},
    },
}


def resolve(
    model: str,
    provider: str | None = None,
    config: dict[str, Any] = CONFIG,
    overrides: dict[str, str] | None = None,
    **environment: str,
) -> tuple[str, str]:
    found = Choice(config, environment, overrides or {}).resolve(model, provider)
    return found.provider, found.id


def test_the_order_of_providers() -> None:
    assert resolve("m") == ("stand-in", "m")
    assert resolve("lab/m") == ("lab", "m")
    assert resolve("lab/m", "stand-in") == ("stand-in", "m")
    assert resolve("m", "anthropic") == ("anthropic", "m")
    assert resolve("org/m") == ("stand-in", "org/m")
    assert resolve("m", ORCH_LLM_PROVIDER="lab") == ("stand-in", "m")
    assert resolve("m", config={}, ORCH_LLM_PROVIDER="anthropic") == ("anthropic", "m")
    assert resolve("m", config={}, ANTHROPIC_AUTH_TOKEN="x") == ("anthropic", "m")
    assert resolve("lab/opus", "stand-in", ORCH_LLM_REPLAY="x.jsonl") == ("replay", "claude-opus-5-5")


def test_the_order_of_names() -> None:
    assert resolve("opus") == ("stand-in", "opus")
    assert resolve("opus", "lab") == ("lab", "claude-opus-5-5")
    assert resolve("sonnet", "lab") == ("lab", "claude-sonnet-next")
    assert resolve("fast") == ("stand-in", "own-fast")
    assert resolve("fast", "lab") == ("lab", "shared-fast")
    assert resolve("fast", ORCH_MODEL_FAST="env-fast") == ("stand-in", "env-fast")
    assert resolve("fast", ORCH_MODEL_FAST="env-fast", overrides={"fast": "flag"}) == ("stand-in", "flag")


def test_claude_is_taken_where_it_is_installed(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = {"config": {}, "PATH": str(tmp_path)}
    assert resolve("opus", **found) == ("claude-cli", "claude-opus-5-5")
    assert resolve("opus", ANTHROPIC_API_KEY="x", **found) == ("anthropic", "claude-opus-5-5")
    assert resolve("claude-cli/opus", config={}, ANTHROPIC_API_KEY="x") == ("claude-cli", "claude-opus-5-5")
    assert resolve("m", ORCH_LLM_PROVIDER="anthropic", **found) == ("anthropic", "m")


def test_replay_is_marked_as_such() -> None:
    choice = Choice(CONFIG, {"ORCH_LLM_REPLAY": "r.jsonl"}, {})
    assert choice.resolve("haiku", None) == ResolvedModel("replay", "claude-haiku-5-5")
    assert choice.settings("replay") == {"type": "replay", "path": "r.jsonl"}


def test_nobody_answers() -> None:
    with pytest.raises(OrchError) as caught:
        resolve("haiku", config={})
    assert (caught.value.code, caught.value.message) == ("E702", "no language model is configured")
    assert caught.value.help is not None and caught.value.help.count("\n") == 2
    with pytest.raises(OrchError) as caught:
        resolve("haiku", "stand-im")
    assert (caught.value.message, caught.value.help) == (
        'there is no provider "stand-im"',
        'did you mean "stand-in"?',
    )
    with pytest.raises(OrchError) as caught:
        resolve("haiku", "somebody")
    assert caught.value.help == "add a table [llm.providers.somebody] to orch.toml"


DAY = "2026-11-25"


def test_prices() -> None:
    million = 1_000_000
    usage = Usage(input=million, output=million, cache_write=2 * million, cache_read=million, cache_write_long=million)
    assert cost("claude-opus-5-5", usage, DAY) == pytest.approx(4 + 20 + 5 + 8 + 0.20)
    assert cost("claude-haiku-5-5", Usage(input=100_000), DAY) == pytest.approx(0.01)
    assert cost("claude-haiku-5-5", Usage(input=100_001), DAY) == pytest.approx(0.0500005)
    assert cost("claude-haiku-5-5", Usage(input=100_000, cache_read=1), DAY) is None
    assert cost("qwen", usage, DAY) is None
    assert cost("qwen", Usage(input=million), DAY, Price(3, 3, 3, 3, 3)) == 3.0


def test_prices_from_the_configuration() -> None:
    assert configured_price(None) is None
    free, pair = configured_price(0), configured_price({"input": 1, "output": 2.5})
    assert free is not None and free.of(Usage(9, 9, 9, 9)) == 0
    assert pair is not None and pair.of(Usage(1_000_000, 1_000_000)) == 3.5
    cached = configured_price({"input": 2, "output": 10, "read": 0.2})
    assert cached is not None and cached.of(Usage(cache_write=1_000_000, cache_read=1_000_000)) == pytest.approx(2.2)


@pytest.mark.parametrize("price", [{"input": 1}, {}, {"input": 1, "output": "2"}, "free", True, -1])
def test_a_price_that_cannot_be_read_is_not_taken_for_zero(price: object) -> None:
    with pytest.raises(ValueError, match="a price is"):
        configured_price(price)


def test_prices_have_days() -> None:
    read = Usage(cache_read=1_000_000)
    assert cost("claude-sonnet-5-5", read, "2026-10-06") == 0.20
    assert cost("claude-sonnet-5-5", read, "2026-10-07T00:00:00.000Z") == 0.10


def test_a_provider_described_by_its_address() -> None:
    tables = {"box": {"type": "openai", "base": "http://box/v1/", "concurrency": 3}}
    choice = Choice({"providers": tables}, {"BOX_KEY": "secret-of-the-box"}, {})
    assert choice.endpoint({"base": "http://box/v1", "concurrency": 9}) == "box"
    assert choice.endpoint({"base": "http://den/v1/", "concurrency": 1, "keyEnv": "BOX_KEY"}) == "http://den/v1"
    assert choice.endpoint({"base": "http://den/v1", "concurrency": 8}) == "http://den/v1"
    assert choice.settings("http://den/v1")["concurrency"] == 1
    assert "key" not in choice.settings("http://den/v1")
    assert dict(choice.secrets()) == {"BOX_KEY": "secret-of-the-box"}


def test_a_provider_named_by_its_address() -> None:
    assert resolve("org/m", "http://lab/") == ("lab", "org/m")
    assert resolve("org/m", "http://den/v1") == ("http://den/v1", "org/m")
    assert resolve("m", "http://den/v1", ORCH_LLM_REPLAY="x.jsonl") == ("replay", "m")
    assert Choice({}, {}, {}).settings("http://den/v1") == {"type": "openai", "key": "none", "base": "http://den/v1"}

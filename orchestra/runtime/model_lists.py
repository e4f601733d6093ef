"""Asks providers which models they have. Printing them is left to the command `models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from orchestra.errors import OrchError
from orchestra.providers import ProviderError, Surroundings, open_provider
from orchestra.providers.choice import Choice
from orchestra.runtime.dialogue import as_orch_error

__all__ = ["ModelList", "list_models"]

PATIENCE = 20.0  # seconds for each provider


@dataclass(frozen=True, slots=True)
class ModelList:
    """The ids of a provider's models, or why there are none. None where it cannot tell."""

    provider: str
    models: list[str] | None
    fault: OrchError | None = None


def list_models(
    root: Path, config: Mapping[str, Any], environment: Mapping[str, str], names: Sequence[str]
) -> list[ModelList]:
    """What the providers called `names` say, or all that are configured. Raises E702 for names that are none."""
    choice = Choice(config, environment, {})
    asked = [choice.resolve("", name).provider for name in names] or choice.usable()
    around = Surroundings(root, environment)

    async def ask_all() -> list[ModelList]:
        return [await _ask(name, choice.settings(name), around) for name in asked]

    return trio.run(ask_all)


async def _ask(name: str, settings: Mapping[str, Any], around: Surroundings) -> ModelList:
    try:
        provider = open_provider(name, settings, around)
    except ProviderError as error:
        return ModelList(name, None, as_orch_error(error))
    try:
        with trio.move_on_after(PATIENCE):
            models = getattr(provider, "models", None)
            return ModelList(name, None if models is None else sorted(await models()))
        return ModelList(name, None, OrchError("E706", f"{name}: nothing came for {PATIENCE:g} s"))
    except ProviderError as error:
        return ModelList(name, None, as_orch_error(error))
    finally:
        await provider.close()

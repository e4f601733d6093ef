"""Asks providers which models they have, for the command `models` and for scripts (`@orch/providers`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.nodes.templates import text_of
from orchestra.providers import ProviderError, Surroundings, open_provider
from orchestra.providers.choice import Choice
from orchestra.runtime.dialogue import as_orch_error
from orchestra.values.tagged import unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run
    from orchestra.values.scope import Scope

__all__ = ["ModelList", "list_models", "provider_functions"]

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
    return trio.run(_ask_all, root, Choice(config, environment, {}), environment, names)


def provider_functions(run: Run) -> dict[str, Native]:
    """The exports of the bundled module `@orch/providers`."""

    def models(op: Op, scope: Scope) -> Any:
        if run.planning is not None:
            return run.planning.nobody_knows("which models there are")
        names = [text_of(name) for name in op.inputs[:1] if unwrap(name) is not None]
        choice = Choice(run.config.llm_table, run.environ, {})
        return [_told(found) for found in run.wait(_ask_all, run.root, choice, run.environ, names)]

    return {"models": Native("models", ("provider",), models)}


def _told(found: ModelList) -> dict[str, Any]:
    fault = found.fault.message if found.fault is not None else None
    return {"provider": found.provider, "models": found.models, "error": fault}


async def _ask_all(root: Path, choice: Choice, environment: Mapping[str, str], names: Sequence[str]) -> list[ModelList]:
    asked = [choice.resolve("", name).provider for name in names] or choice.usable()
    around = Surroundings(root, environment)
    return [await _ask(name, choice.settings(name), around) for name in dict.fromkeys(asked)]


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

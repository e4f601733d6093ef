"""Which provider answers a call and what its model is really called.

Needs neither network nor the providers' modules, because the answer decides whether a stored result is valid.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from orchestra.errors import OrchError, nearest
from orchestra.providers.prices import ALIASES

__all__ = ["NO_KEY", "Choice", "ResolvedModel", "is_local"]

LOCAL_HOSTS = frozenset({"localhost", "::1"})
NO_KEY = "none"  # what a table says of a server that wants no key
REPLAY = "ORCH_LLM_REPLAY"
BUILT_IN = ("anthropic", "claude-cli")  # usable without a table of its own
AGENTS = ("claude-cli",)  # types with tools, a loop and sessions of their own
ALIASED = ("anthropic", "claude-cli", "replay")  # types whose models have the short names of `prices.ALIASES`


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """The name of a provider in the configuration, and the id it knows the model by."""

    provider: str
    id: str


class Choice:
    """Reads the `[llm]` table and the environment.

    overrides: short name → id, from the command line; they stand above everything else
    """

    def __init__(self, config: Mapping[str, Any], environment: Mapping[str, str], overrides: Mapping[str, str]) -> None:
        self._config = config
        self._environment = environment
        self._overrides = overrides
        self._endpoints: dict[str, dict[str, Any]] = {}  # address → what calls said of it

    def endpoint(self, table: Mapping[str, Any]) -> str:
        """The provider at the address `base`: that of the configuration, else what the table says, from now on.

        Its name is then the address. A table that came first stays, so that one server has one width.
        """
        name = self._at(str(table["base"]))
        if is_address(name):
            key = {} if "keyEnv" in table else {"key": NO_KEY}
            self._endpoints.setdefault(name, {"type": "openai", **key, **table, "base": name})
        return name

    def _at(self, base: str) -> str:
        """The provider whose address this is; the address itself if nobody has named it."""
        base = base.rstrip("/")
        named = (name for name, table in self._tables().items() if str(table.get("base", "")).rstrip("/") == base)
        return next(named, base)

    def resolve(self, model: str, provider: str | None) -> ResolvedModel:
        """`model` is a short name, an id or `provider/id`. Raises E702."""
        named, model = self._split(model)
        name = self._provider(provider or named)
        return ResolvedModel(name, self._id(model, name))

    def asked(self, model: str, provider: str | None) -> str | None:
        """Who is meant to answer, though a replay may; None if nobody is named."""
        return self._named(provider or self._split(model)[0])

    def settings(self, provider: str) -> Mapping[str, Any]:
        """The table of a provider, with `type` filled in."""
        if self.replaying:
            return {"type": "replay", "path": self._environment[REPLAY]}
        return self.table(provider)

    def table(self, provider: str) -> Mapping[str, Any]:
        """The same, also while a replay answers."""
        if is_address(provider):
            return self._endpoints.get(provider, {"type": "openai", "key": NO_KEY, "base": provider})
        return {"type": provider, **self._tables().get(provider, {})}

    def usable(self) -> list[str]:
        """The providers that are configured, and the one that is found without a table."""
        names = list(self._tables())
        try:
            default = self._provider(None)
        except OrchError:
            return names
        return names if default in names else [default, *names]

    def is_agent(self, provider: str) -> bool:
        return self.settings(provider)["type"] in AGENTS

    @property
    def replaying(self) -> bool:
        """Whether recorded answers take the place of every model."""
        return bool(self._environment.get(REPLAY))

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The keys that the tables hold or name, each with what to call it, whatever its variable is called."""
        for name, table in (*self._tables().items(), *self._endpoints.items()):
            variable = str(table.get("keyEnv", ""))
            if self._environment.get(variable):
                yield variable, self._environment[variable]
            if table.get("key", NO_KEY) != NO_KEY:
                yield f"key of {name}", str(table["key"])

    def _tables(self) -> Mapping[str, Mapping[str, Any]]:
        tables: Mapping[str, Mapping[str, Any]] = self._config.get("providers", {})
        return tables

    def _known(self) -> set[str]:
        return {*self._tables(), *BUILT_IN}

    def _provider(self, asked: str | None) -> str:
        if self.replaying:
            return "replay"
        name = self._named(asked)
        if name is None:
            return self._automatic()
        if not is_address(name) and name not in self._known():
            close = nearest(name, self._known())
            raise OrchError(
                "E702",
                f'there is no provider "{name}"',
                help=f'did you mean "{close}"?' if close else f"add a table [llm.providers.{name}] to orch.toml",
            )
        return name

    def _named(self, asked: str | None) -> str | None:
        name = asked or self._config.get("provider") or self._environment.get("ORCH_LLM_PROVIDER")
        return name if name is None else self._at(name) if is_address(name) else str(name)

    def _split(self, model: str) -> tuple[str | None, str]:
        """`provider/id` in its two parts."""
        prefix, slash, rest = model.partition("/")
        return (prefix, rest) if slash and prefix in self._known() else (None, model)

    def _automatic(self) -> str:
        if any(self._environment.get(name) for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")):
            return "anthropic"
        if shutil.which("claude", path=self._environment.get("PATH", "")):
            return "claude-cli"
        raise OrchError(
            "E702",
            "no language model is configured",
            help="set ANTHROPIC_API_KEY, or install the program claude,\n"
            'or name a provider in orch.toml: [llm] provider = "…" (orch howto providers),\n'
            f"or replay recorded answers: {REPLAY}=replies.jsonl",
        )

    def _id(self, model: str, provider: str) -> str:
        settings = self.settings(provider)
        own: Mapping[str, str] = settings.get("models", {})
        shared: Mapping[str, str] = self._config.get("models", {})
        variable = self._environment.get("ORCH_MODEL_" + model.upper().replace("-", "_"))
        built_in = ALIASES.get(model) if settings["type"] in ALIASED else None
        found = self._overrides.get(model) or variable or own.get(model) or shared.get(model) or built_in
        return found or model


def is_address(name: str) -> bool:
    """Whether a provider is named by its address."""
    return "://" in name


def is_local(base: str) -> bool:
    """Whether the server at an address is on this machine."""
    host = urlsplit(base).hostname or ""
    return host in LOCAL_HOSTS or host.startswith("127.")

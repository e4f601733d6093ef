"""What every callable value has: a name, parameters and labels. `nodes.functions` makes those written in a script."""

from __future__ import annotations

__all__ = ["Executable"]


class Executable:
    """A function of the language. `params` are names without `@`; `labels` go onto every result."""

    __slots__ = ("labels", "name", "params")

    def __init__(self, name: str, params: tuple[str, ...] = (), labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self.params = params
        self.labels = labels

    @property
    def types(self) -> dict[str, str]:
        """Parameter → the type written behind it, for those that have one."""
        return {}

    @property
    def defaulted(self) -> frozenset[str]:
        """Parameters that a call may leave out, because they have a default."""
        return frozenset()

    def __repr__(self) -> str:
        return f"Executable({self.name})"

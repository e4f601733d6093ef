"""Keeps every test away from the developer's own settings and credentials.

What a test needs of them it sets itself.
"""

from __future__ import annotations

import os

import pytest

# What lies there is material: some of it belongs to projects that have tests of their own.
collect_ignore = ["cases", "check_cases", "seed"]

# Without the last one the many processes of the tests compile what they load again and again.
PREFIXES = ("ORCH_", "MLLD_", "ANTHROPIC_", "OPENAI_", "CLAUDE", "PYTHONDONTWRITEBYTECODE")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)

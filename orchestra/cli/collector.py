"""How often Python looks for unreachable cycles while the command runs.

For the process of the command only: who embeds orch keeps the settings of their own process.
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["relax"]

# The default of 700 new objects walks the nodes of a long script, or the items of a long loop, over and over
# while they are made: a line of 20,000 then takes twice as long to parse as a line of 2,000.
THRESHOLDS: Final = (50_000, 50, 100)


def relax() -> None:
    """Look more rarely: scripts make data that lives on, and few cycles."""
    gc.set_threshold(*THRESHOLDS)

"""`python -m orchestra` is the command `orch`, whose work is done in `cli`."""

from __future__ import annotations

import sys

from orchestra.cli import main

if __name__ == "__main__":
    sys.exit(main())

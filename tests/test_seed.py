"""What the three larger styles promise, one session for each promise: `orch test tests/seed --only C25`.

What a session needs lies in its folder, which is a project of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestra.cli.in_process import run_in_process

ROOT = Path(__file__).parent.parent
SESSIONS = sorted((ROOT / "tests" / "seed").glob("*/session.test.txt"))


@pytest.mark.parametrize("session", SESSIONS, ids=[path.parent.name for path in SESSIONS])
def test_session(session: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    done = run_in_process(["test", str(session.parent.relative_to(ROOT)), "-v", "-j", "1"], ROOT, "", environ)
    assert done.exit == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"ok {session.parent.name}\n")

"""The tests of the bundled modules pass, as `orch test stdlib` runs them, and none of the modules lacks one."""

from __future__ import annotations

import json
from pathlib import Path

from orchestra.cli.in_process import run_in_process

ROOT = Path(__file__).parent.parent


def test_the_bundled_modules() -> None:
    modules = {path.stem for path in (ROOT / "stdlib").glob("*.mld") if not path.name.endswith(".test.mld")}
    done = run_in_process(["test", "stdlib", "--json", "-j", "1"], ROOT, "", {"PATH": "/usr/bin:/bin"})
    told = json.loads(done.stdout)
    assert done.exit == 0, done.stdout
    assert {Path(entry["name"]).name for entry in told["tests"]} >= modules

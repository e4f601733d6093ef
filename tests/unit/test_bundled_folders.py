"""A bundled module that is a folder: names of its files, imports among them, templates beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra.cli.in_process import run_in_process
from orchestra.paths import resource
from orchestra.runtime import modules, writing

FILES = {
    "shed.mld": 'import { @label } from "./shed/labels.mld"\nexport { @label }\n',
    "shed/labels.mld": 'import { @mark } from "./marks.mld"\n'
    'exe @greet(name) = template "prompts/hi.att"\n'
    "exe @label(name) = `@mark() @greet(@name)`\n"
    "exe @found() = <tools.txt>\nexport { @label, @found }\n",
    "shed/marks.mld": 'exe @mark() = "*"\n',
    "shed/prompts/hi.att": "Hi @name!\n",
}
SCRIPT = """
import { @label } from @std/shed
import { @found } from "@orch/shed/labels"
show @label("Ida")
show @found()
"""


def test_its_files_find_each_other_and_work_where_the_script_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FILES.items():
        (tmp_path / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / name).write_text(text)
    for home in ("orchestra.paths", modules.__name__, writing.__name__):
        monkeypatch.setattr(f"{home}.resource", lambda kind: tmp_path / "lib" if kind == "stdlib" else resource(kind))
    project = tmp_path / "project"
    project.mkdir()
    (project / "tools.txt").write_text("a spade")
    (project / "a.mld").write_text(SCRIPT)
    done = run_in_process(["a.mld"], project, "", {})
    assert (done.stdout, done.stderr) == ("* Hi Ida!\na spade\n", "")

"""`files … = git "url"`: text files of a repository on this machine, in a workspace or on disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestra.cli.in_process import Finished, run_in_process

GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a repository `garden` in it that has the branches `main` and `winter`."""
    garden = tmp_path / "garden"
    (garden / "beds").mkdir(parents=True)
    (garden / "readme.md").write_text("# Garden\n")
    (garden / "beds/north.json").write_text('{"crop": "kale"}')
    (garden / "logo.png").write_bytes(b"\x89PNG\0\xff")
    (garden / "secret").symlink_to("/etc/passwd")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["checkout", "-qb", "winter"]):
        subprocess.run([*GIT, *words], cwd=garden, check=True)
    (garden / "readme.md").write_text("# Snow\n")
    subprocess.run([*GIT, "commit", "-qam", "two"], cwd=garden, check=True)
    subprocess.run([*GIT, "checkout", "-q", "main"], cwd=garden, check=True)
    return tmp_path


def run(code: str, folder: Path) -> Finished:
    (folder / "main.mld").write_text(code)
    return run_in_process(["main.mld"], folder, "", {"PATH": os.environ["PATH"], "HOME": str(folder)})


def test_a_workspace_is_filled(project: Path) -> None:
    done = run(
        'files <@g/> = git "./garden"\n'
        "show <@g/readme.md>\n"
        "show <@g/beds/north.json>.crop\n"
        'show @g.mx.keys.join(", ")\n'
        "show @g.mx.edits.length\n"
        'file <@g/readme.md> = "mine"\n'
        "show @g.mx.edits[0].type\n"
        'show <@g/beds/north.json>.mx.taint.includes("src:git")\n',
        project,
    )
    assert done.stdout == "# Garden\nkale\nbeds/north.json, readme.md\n0\nmodified\ntrue\n", done.stderr
    assert done.stderr == ""


def test_branch_folder_and_disk(project: Path) -> None:
    done = run(
        'var @branch = "winter"\n'
        'files "copy/" = git "./garden" branch: @branch depth: 1\n'
        'files <@beds/> = git "./garden" path: "beds"\n'
        "show <copy/readme.md>\n"
        "show <@beds/north.json>.crop\n",
        project,
    )
    assert done.stdout == "# Snow\nkale\n", done.stderr
    assert sorted(path.name for path in (project / "copy").rglob("*.*")) == ["north.json", "readme.md"]


@pytest.mark.parametrize(
    ("written", "code", "words"),
    [
        ('git "./nowhere"', "E501", "nowhere"),
        ('git "./garden" branch: "summer"', "E501", "summer"),
        ('git "./garden" path: "cellar"', "E401", "the repository has no folder cellar"),
        ('git "./garden" path: "../.."', "E402", "leads out of the folder"),
        ('git "./garden" auth: "TOKEN"', "E605", "git has no option auth"),
        ('git "./garden" color: "red"', "E101", "branch, path and depth"),
        ('git "--upload-pack=touch pwned"', "E501", "repository"),
    ],
)
def test_what_goes_wrong(project: Path, written: str, code: str, words: str) -> None:
    done = run(f"files <@g/> = {written}\n", project)
    assert f"error[{code}]" in done.stderr
    assert words in done.stderr
    assert not (project / "pwned").exists()

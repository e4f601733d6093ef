"""`orch bundle`: one file with a run, which another machine shows, compares and does again, and no secret in it."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
from pathlib import Path

import pytest
from cli_desk import Desk

HIDDEN = "hunter2hunter2"
FOLDER = re.compile(r"(?i)/[\w./-]*/(?:garden|project)(?:/beds)?")  # wherever the project lies
PROGRAM = """\
import { @shout } from "../lib/words.mld"
import { topic } from @payload
exe @ask(text) = template "./ask.att"
exe llm @plan(text) = js { console.error("plan"); return "plan of " + text + " " + Math.random() }
exe llm @note(dir, text) = [
  output @text to "@dir/notes/note.txt"
  => `noted in @dir: <notes/*.md>`
]
var @draft = @plan(@ask(@topic))
show @shout(@draft)
show <garden.md>
show @note(@root, @draft)
show <@root/notes/note.txt>
show `@mx.run.id @mx.run.seed`
"""


@pytest.fixture
def here(tmp_path: Path) -> Desk:
    """A project in the home folder of somebody, with one run of which others followed."""
    desk = Desk(tmp_path / "home" / "garden", environ={"HOME": str(tmp_path / "home"), "MY_TOKEN": HIDDEN})
    desk.root.mkdir(parents=True)
    desk.write(
        "orch.toml", f'[llm.providers.own]\ntype = "openai"\nkey = "{HIDDEN}-own"\nurl = "http://localhost/v1"\n'
    )
    desk.write("llm/run/job.mld", PROGRAM)
    desk.write("llm/lib/words.mld", "exe @shout(t) = js { return t.toUpperCase() }\nexport { @shout }\n")
    desk.write("llm/run/ask.att", "@text, please")
    desk.write("llm/run/garden.md", "Beans and kale.\n")
    desk.write("llm/run/notes/a.md", "sowed")
    desk.write("other.md", f"The token is {HIDDEN}.")
    desk.write(".env", f"MY_TOKEN={HIDDEN}")
    assert desk.orch("run", "job", "--topic", f"moss in {desk.root}/beds", "-q") == 0, desk.err
    return desk


@pytest.fixture
def there(tmp_path: Path) -> Desk:
    """Another machine: another home, no project."""
    (tmp_path / "there").mkdir()
    return Desk(tmp_path / "there", environ={"HOME": str(tmp_path / "there" / "me")})


def moved(here: Desk, there: Desk, *words: str) -> str:
    assert here.orch("bundle", "r1", "-o", "out.zip", *words) == 0, here.err
    (there.root / "r1.zip").write_bytes((here.root / "out.zip").read_bytes())
    return "r1.zip"


def texts(file: Path) -> str:
    """All that stands in a bundle, the compressed texts of its store included."""
    import zlib

    found = []
    with zipfile.ZipFile(file) as bundle:
        for name in bundle.namelist():
            raw = bundle.read(name)
            found.append(f"{name}\n{raw.decode('utf-8', 'replace')}")
            if name == "store.db":
                db = sqlite3.connect(":memory:")
                db.deserialize(raw)
                found += db.iterdump()
                for codec, content in db.execute("SELECT codec, bytes FROM blobs"):
                    plain = zlib.decompress(content) if codec == "zlib" else content
                    found.append(plain.decode("utf-8", "replace"))
    return "\n".join(found)


def test_a_run_comes_out_the_same_elsewhere(here: Desk, there: Desk) -> None:
    before = here.out
    here.orch("run", "job", "--topic", "others", "-q", "--new")
    file = moved(here, there)
    assert "written to out.zip" in here.err + here.out
    assert there.orch("replay", file, "-q") == 0, there.err
    assert "plan" not in there.err.splitlines()
    assert FOLDER.sub("…/beds", there.out) == FOLDER.sub("…/beds", before)
    assert str(here.root) not in there.out
    assert sorted(path.name for path in there.root.iterdir()) == ["r1.zip"]


def test_nothing_in_it_tells_who_made_it(here: Desk, there: Desk, tmp_path: Path) -> None:
    moved(here, there, "--with-sources")
    held = texts(there.root / "r1.zip")
    assert HIDDEN not in held
    assert str(tmp_path / "home") not in held
    assert "MY_TOKEN=" not in held
    assert "[redacted:MY_TOKEN]" in held  # in other.md, which holds it
    import platform

    host = platform.node()
    db = sqlite3.connect(":memory:")
    with zipfile.ZipFile(there.root / "r1.zip") as bundle:
        db.deserialize(bundle.read("store.db"))
    assert db.execute("SELECT DISTINCT host, boot, pid, born FROM executions").fetchall() == [("", "", 0, "")]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert host not in [row[0] for row in db.execute("SELECT host FROM executions")]


def test_what_is_in_it(here: Desk, there: Desk) -> None:
    moved(here, there)
    with zipfile.ZipFile(there.root / "r1.zip") as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        names = set(bundle.namelist())
    assert (manifest["format"], manifest["version"], manifest["run"]) == ("orch bundle", 1, "r1")
    kinds = {name.removeprefix("project/"): facts["kind"] for name, facts in manifest["files"].items()}
    assert kinds == {
        "store.db": "store", "orch.toml": "settings", "llm/run/job.mld": "source", "llm/lib/words.mld": "source",
        "llm/run/ask.att": "source", "llm/run/garden.md": "input", "llm/run/notes/a.md": "input",
    }  # fmt: skip
    assert names == {"manifest.json", *manifest["files"]}
    assert "other.md" not in kinds
    moved(here, there, "--with-sources")
    with zipfile.ZipFile(there.root / "r1.zip") as bundle:
        more = set(bundle.namelist())
    assert "project/other.md" in more
    assert not any(".env" in name or ".orch" in name for name in more)


def test_runs_and_calls_are_shown_without_a_project(here: Desk, there: Desk) -> None:
    file = moved(here, there)
    assert there.orch("runs", file) == 0
    assert "r1" in there.out and "done" in there.out
    assert there.orch("show", file) == 0
    assert there.out.startswith("r1: llm/run/job.mld, number 1, done")
    assert there.orch("show", str(there.root / file), "--json") == 0
    assert json.loads(there.out)["summary"]["id"] == "r1"


def test_a_run_is_compared_with_one_that_somebody_sent(here: Desk, there: Desk) -> None:
    moved(here, there)
    assert here.orch("diff", "out.zip", "r1") == 0, here.err
    assert here.out.endswith("0 calls differ, 2 are the same\n")
    here.write("llm/run/ask.att", "@text, and quickly")
    here.orch("run", "job", "--topic", f"moss in {here.root}/beds", "-q", "--new")
    assert here.orch("diff", "out.zip", "last") == 0
    assert "+moss in" in here.out
    assert there.orch("diff", "r1.zip", "r1.zip") == 0, there.err


def test_going_on_with_it_in_a_folder_of_its_own(here: Desk, there: Desk) -> None:
    file = moved(here, there)
    assert there.orch("replay", file, "--from", "@plan", "--into", "garden", "-q") == 0, there.err
    assert there.err.splitlines().count("plan") == 1
    assert (there.root / "garden/.orch/store.db").is_file()
    assert there.orch("runs", cwd="garden") == 0
    assert there.out.splitlines()[1].split()[0] == "r1"
    assert there.orch("replay", file, "--into", "garden") == 2
    assert there.err.startswith("error[E810]: garden is not empty")


def test_what_changed_since_is_said(here: Desk) -> None:
    here.write("llm/run/garden.md", "Nothing left.\n")
    (here.root / "llm/run/notes/a.md").unlink()
    assert here.orch("bundle", "r1", "-o", "out.zip") == 0
    assert "changed since the run: llm/run/garden.md" in here.err
    assert "gone since the run: llm/run/notes/a.md" in here.err


def test_an_answer_that_is_missing_is_an_error_there_too(here: Desk, there: Desk) -> None:
    here.write("llm/run/ask.att", "something else")
    file = moved(here, there)
    assert there.orch("replay", file, "-q") == 1
    assert "error[E808]: run r1 has no answer for @plan" in there.err


def test_the_file_has_a_name_of_its_own_and_replaces_no_other(here: Desk) -> None:
    assert here.orch("bundle") == 0
    assert (here.root / "job-r1.zip").is_file()
    assert here.orch("bundle", "last") == 2
    assert here.err.startswith("error[E810]: job-r1.zip is there already")
    assert here.orch("bundle", "r1", "-o", "job-r1.zip") == 0  # named, hence meant


def rewritten(there: Desk, change: str) -> None:
    old = (there.root / "r1.zip").read_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(old)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            raw = source.read(name)
            if name == "manifest.json":
                manifest = json.loads(raw)
                if change == "newer":
                    manifest["version"] = 99
                if change == "escape":
                    manifest["files"]["project/../../evil"] = {"sha256": "0", "size": 0, "kind": "input"}
                raw = json.dumps(manifest).encode() if change != "garbled" else b"{"
            if name == "store.db" and change == "store":
                raw = raw[:-1] + b"?"
            if name == "project/orch.toml" and change == "lost":
                continue
            target.writestr(name, raw)
    (there.root / "r1.zip").write_bytes(out.getvalue())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("newer", "r1.zip was made by a newer orch"),
        ("escape", "r1.zip is damaged: it names a file outside of itself"),
        ("garbled", "r1.zip is no bundle of orch"),
        ("store", "r1.zip is damaged: store.db is not what was written"),
        ("lost", "r1.zip is damaged: project/orch.toml is missing"),
    ],
)
def test_a_file_that_cannot_be_used(here: Desk, there: Desk, change: str, said: str) -> None:
    file = moved(here, there)
    rewritten(there, change)
    for words in (("show", file), ("runs", file), ("replay", file), ("diff", file, file)):
        assert there.orch(*words) == 2
        assert there.err.startswith(f"error[E814]: {said}"), there.err
    assert not (there.root.parent / "evil").exists()


def test_what_is_no_bundle_at_all(here: Desk, there: Desk) -> None:
    file = moved(here, there)
    whole = (there.root / file).read_bytes()
    there.write("notes.txt", "notes")
    (there.root / "half.zip").write_bytes(whole[: len(whole) // 2])
    (there.root / "bits.zip").write_bytes(whole[:300] + bytes([whole[300] ^ 255]) + whole[301:])
    for name in ("notes.txt", "half.zip", "bits.zip"):
        assert there.orch("show", name) == 2
        assert there.err.startswith(f"error[E814]: {name} is "), there.err
    assert there.orch("show", "gone.zip") == 2
    assert there.err.startswith("error[E814]: gone.zip cannot be read: no such file")

"""`orch bundle RUN`: a run in one file, to be shown, compared and done again on another machine.

How such a file is written and opened is the business of `bundle_file`, which rows a run needs that of the store.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import click

from orchestra.cli.bundle_file import PROJECT, STORE, Manifest, write_bundle
from orchestra.cli.clicked import invoke
from orchestra.cli.options import read
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, now, open_store
from orchestra.cli.tally import amount
from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.paths import home
from orchestra.providers.choice import Choice
from orchestra.runtime.redact import Redactor, is_secret_name
from orchestra.runtime.tools.danger import forbidden_read
from orchestra.store.blobs import Blobs
from orchestra.store.carrying import carry_run, changed
from orchestra.store.happenings import FILES, kept_events
from orchestra.store.listings import RunDetails, show_run
from orchestra.store.places import Places
from orchestra.store.store import Store

__all__ = ["main"]

LARGEST = 16 * 1024 * 1024  # bytes of a file that nobody is known to need
SETTINGS = ("orch.toml", "mlld-config.json")
SECRET_SETTING = re.compile(r'(?i)([\w-]*(?:key|token|secret|password|authorization)"?\s*[=:]\s*)"[^"]*"')
ENVIRONMENT = ("--env-file", "--mlld-env")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(bundle, argv, shell)


@click.command(name="bundle")
@click.argument("run", default="last")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write, SCRIPT-RUN.zip by default.")
@click.option("--with-sources", is_flag=True, help="Also the other files of the project, which models may look at.")
@click.pass_obj
def bundle(shell: Shell, run: str, output: Path | None, with_sources: bool) -> None:
    """Write RUN (the latest if none is named) into one file that needs no project.

    It holds what is stored of the run, its prompts and answers, and the scripts, templates and files that it loaded.
    Secrets, folders and names of this machine are taken out. `orch show`, `replay`, `runs` and `diff` accept it.
    """
    config = shell.config()
    with open_store(config, shell) as store:
        details = show_run(store, chosen_run(store, run).id)
        assert details is not None
        target = _target(shell, details, output)
        parcel = _Parcel(store, details, config, shell)
        parcel.add_store()
        parcel.add_files(with_sources)
    manifest = Manifest(details.summary.id, details.summary.script, notes=list(parcel.notes()))
    write_bundle(target, manifest, parcel.contents)
    size = amount(target.stat().st_size)
    click.echo(
        f"{details.summary.id} was written to {output or target.name}: {len(manifest.files)} files, {size} bytes"
    )
    for note in manifest.notes:
        shell.note(note)


def _target(shell: Shell, details: RunDetails, output: Path | None) -> Path:
    """Where the file is to lie. E810 if a name that nobody gave is taken."""
    if output is not None:
        return shell.cwd / output
    script = Path(details.summary.script)
    indexed = script.stem in ("index", "main") and script.parent.name
    name = script.parent.name if indexed else script.name.split(".")[0]
    target = shell.cwd / f"{name or 'text'}-{details.summary.id}.zip"
    if target.exists():
        raise OrchError("E810", f"{target.name} is there already", help="name another file with -o", exit=2)
    return target


@dataclass
class _Parcel:
    """What goes into a bundle. contents: name → kind and bytes."""

    store: Store
    details: RunDetails
    config: Config
    shell: Shell
    contents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    cleaned: int = 0  # texts in which a secret stood
    left: dict[str, list[str]] = field(default_factory=dict)  # what is to be said about files → their names

    def __post_init__(self) -> None:
        self._places = Places(self.config.root, home(self.shell.environ))
        self._redactor = Redactor(self.shell.environ)
        for name, secret in Choice(self.config.llm_table, self.shell.environ, {}).secrets():
            self._redactor.add(name, secret)
        for execution in self.details.executions:
            self._learn_secrets(execution.argv)

    def _learn_secrets(self, argv: Iterable[str]) -> None:
        """What was handed to the run beside the environment."""
        try:
            given = read(list(argv), self.config.root).options.env
        except OrchError:  # the file is gone
            return
        for name, value in given.items():
            if is_secret_name(name):
                self._redactor.add(name, value)

    def _clean(self, text: str) -> str:
        cleaned = self._redactor.clean(text)
        self.cleaned += cleaned != text
        return self._places.hide(cleaned)

    # ── the store ────────────────────────────────────────────────────────────────────────────────

    def add_store(self) -> None:
        """A store of its own for the run, as one file without a journal."""
        with tempfile.TemporaryDirectory(prefix="orch-") as folder:
            whole = Path(folder) / "whole.db"
            fresh = Store.open(Path(folder) / "fresh" / STORE, now=now)
            try:
                carry_run(self.store.connection, fresh.connection, self.details.summary.id, self._clean)
                self._forget_environment(fresh)
                fresh.connection.change("VACUUM INTO ?", (str(whole),))
            finally:
                fresh.close()
            self.contents[STORE] = "store", whole.read_bytes()

    def _forget_environment(self, store: Store) -> None:
        for id, argv in store.connection.all("SELECT id, argv FROM executions"):
            kept = json.dumps(list(_without_environment(json.loads(argv))))
            store.connection.change("UPDATE executions SET argv = ? WHERE id = ?", (kept, id))

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def add_files(self, with_sources: bool) -> None:
        """What is there now of what the run read; the other files of the project if they are wanted."""
        for name in SETTINGS:
            self._add("settings", name)
        self._add("source", self.details.summary.script)
        known = self._known()
        for kind, files in known.items():
            for name, digest in files.items():
                if not self._made(name):
                    self._add(kind, name, digest)
        for word in (word.partition("=")[2] or word for word in self.details.executions[-1].argv):
            self._add("input", word)
        for path in sorted((self.config.root / (self.details.out_dir or "-") / "prompts").glob("*")):
            self._add("archive", path.relative_to(self.config.root).as_posix())
        for name in _all_files(self.config.root) if with_sources else ():
            self._add("other", name)

    def _made(self, name: str) -> bool:
        """Whether the run wrote the file itself: done again, it is to begin without it.

        What a labelled call wrote comes with its answer. A file that was there before is taken if nobody knows better.
        """
        folder = self.details.out_dir
        if folder is not None and Path(name).is_relative_to(folder):
            return True
        sql = "SELECT 1 FROM checkpoint_files f JOIN checkpoints USING (script, key) WHERE path = ? AND run = ?"
        return self.store.connection.one(sql, (name, self.details.summary.id)) is not None

    def _known(self) -> dict[str, dict[str, str]]:
        """What the executions read, as the last of them found it."""
        found: dict[str, dict[str, str]] = {"source": {}, "input": {}}
        for files in kept_events(self.store.connection, self.details.summary.id, FILES):
            found["source"] |= files["sources"]
            found["input"] |= files["inputs"]
            for what, said in (("outside", "outside of the project"), ("secret", "said to be secret")):
                self.left |= {f"not in it, because {said}": [f"{files[what]} files"]} if files[what] else {}
        return found

    def _add(self, kind: str, name: str, digest: str | None = None) -> None:
        """Take a file along. digest: what it was in the run, as far as that is known."""
        path = self.config.root / name
        inside = not Path(name).is_absolute() and ".." not in Path(name).parts
        if f"{PROJECT}{name}" in self.contents or not inside:
            return
        if forbidden_read(path.resolve()):
            self._leave("not in it, because it is made for secrets", name)
        elif kind == "other" and path.is_file() and path.stat().st_size > LARGEST:
            self._leave("not in it, because it is large", name)
        elif (content := self._content(path, name, digest)) is not None:
            self.contents[f"{PROJECT}{Path(name).as_posix()}"] = kind, self._without_secrets(kind, content)

    def _content(self, path: Path, name: str, digest: str | None) -> bytes | None:
        """The file as it was in the run, if the store has it so because a call wrote it; else as it is now."""
        found = path.read_bytes() if path.is_file() else None
        if digest is None or (found is not None and sha256(found).hexdigest() == digest):
            return found
        if self.store.connection.one("SELECT 1 FROM blobs WHERE hash = ?", (digest,)):
            return Blobs(self.store.connection).get(digest)
        self._leave("gone since the run" if found is None else "changed since the run", name)
        return found

    def _leave(self, said: str, name: str) -> None:
        self.left.setdefault(said, []).append(name)

    def _without_secrets(self, kind: str, content: bytes) -> bytes:
        text = content.decode("utf-8", "surrogateescape")
        if kind == "settings":
            text = SECRET_SETTING.sub(r'\1"[redacted]"', text)
        return changed(text, self._clean).encode("utf-8", "surrogateescape")

    def notes(self) -> Iterator[str]:
        """What whoever opens the bundle should know."""
        for said, names in self.left.items():
            yield f"{said}: {', '.join(names)}"
        killed = [execution.id for execution in self.details.executions if execution.ended is None]
        if killed:
            yield f"did not end, so that files which it loaded may be missing: {', '.join(killed)}"
        if self.cleaned:
            yield f"secrets were taken out of {self.cleaned} texts"


def _without_environment(argv: list[str]) -> Iterator[str]:
    """The words of a command line that say nothing about variables."""
    before = ""
    for word in argv:
        if word.partition("=")[0] not in ENVIRONMENT and before not in ENVIRONMENT:
            yield word
        before = word


def _all_files(root: Path) -> list[str]:
    """The files that belong to a project: what git does not ignore, or what is neither hidden nor output."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, capture_output=True, check=False, env=_plain(os.environ))
        if listed.returncode == 0:
            return sorted(os.fsdecode(listed.stdout).rstrip("\0").split("\0"))
    return sorted(_walked(root))


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """Without variables that would send git elsewhere."""
    return {name: value for name, value in environ.items() if not name.startswith("GIT_")}


def _walked(root: Path) -> Iterator[str]:
    for folder, inner, files in os.walk(root):
        here = Path(folder).relative_to(root)
        inner[:] = [name for name in inner if not name.startswith(".") and (here / name).as_posix() != "llm/output"]
        yield from ((here / name).as_posix() for name in files if not name.startswith("."))

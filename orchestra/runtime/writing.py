"""The part of a run that loads and writes files for the script."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.location import is_url, relative_name, resolve
from orchestra.lookup import is_named, under_prefix
from orchestra.nodes.templates import text_of
from orchestra.nodes.views import View
from orchestra.paths import resource
from orchestra.runtime.files import writer
from orchestra.runtime.files.loader import Loader
from orchestra.runtime.files.sections import rename_heading
from orchestra.runtime.files.selectors import parse_selector
from orchestra.runtime.files_read import FilesRead
from orchestra.runtime.filing import Filing
from orchestra.runtime.memo import MemoFrame
from orchestra.runtime.security.files import LabelledFiles
from orchestra.runtime.structured import told_value
from orchestra.runtime.tables import ScriptTables
from orchestra.source import Source, Span
from orchestra.values import transformers
from orchestra.values.scope import Scope
from orchestra.values.tagged import Meta, joined, labels_of, meta_of, plain, unwrap, with_facts
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.files.web import Web

__all__ = ["Writing"]


class Writing(Filing):
    """Mixed into `Run`."""

    root: Path
    config: Any
    options: Any
    loader: Loader
    sinks: Any
    variables: dict[str, str]
    wait: Callable[..., Any]
    now: Callable[[], str]
    effect: Callable[..., None]
    event: Callable[..., None]
    state: dict[str, Any] | None
    state_writes: list[dict[str, Any]]
    seam: Any
    files_read: FilesRead
    labelled_files: LabelledFiles
    carried_by: Callable[[Path, str], Meta]
    learn_secret: Callable[[str, Any], None]
    tables: ScriptTables
    _frame: MemoFrame | None = None

    # ── loading ──────────────────────────────────────────────────────────────────────────────────

    def load(self, path: str, selector: str | None, scope: Scope, optional: bool) -> Any:
        """The value of `<path>`. What a labelled call loads is noted with it."""
        self.tables.mirror()
        chosen = parse_selector(selector) if selector is not None else None
        if is_url(path):
            self.seam.policies.check_network(path)
            return self.wait(self.loader.fetch, path, chosen, optional)
        workspace = self._workspace(path)
        if workspace is not None:
            return workspace[0].load(workspace[1], chosen, optional)
        self._frame = scope.context.memo
        try:
            value = self.loader.load(self._prefixed(path), scope.module.directory, chosen, optional)
            if self.labelled_files.known and "secret" in labels_of(value):
                self.learn_secret(path, value)
            return value
        finally:
            self._frame = None

    def _observed(self, path: Path, digest: str) -> None:
        if self.labelled_files.known and "secret" in self.carried_by(path, digest).labels:
            self.files_read.secret(path)
        else:
            self.files_read.input(path, digest)
        if self._frame is not None:
            self._frame.loaded(path, digest)

    def _prefixed(self, path: str) -> str:
        """`@kit/x`, where `kit` is a configured prefix, stays as written in a load and is resolved here."""
        return str(under_prefix(path, self.prefixes()) or path)

    def place(self, written: str, module: Any, base: Path | None = None) -> Path:
        """The absolute path that a path in a script means. E402 outside the project where that is not allowed."""
        begin = base or module.directory
        return self.permitted(under_prefix(written, self.prefixes()) or resolve(written, begin, self.root))

    def readable(self, path: Path) -> Path:
        """The path of a file that is about to be read, if nothing forbids that. E402, E602."""
        self.seam.policies.check_file("r", path)
        return self.permitted(path)

    def permitted(self, path: Path) -> Path:
        """The path, unless the project keeps its scripts inside and this one leads out, by a link as well."""
        if self.config.security.allowAbsolutePaths or self.options.allow_absolute:
            return path
        real = Path(os.path.realpath(path))
        inside = (self.root, *self.prefixes().values(), resource("stdlib"))
        if any(real.is_relative_to(os.path.realpath(folder)) for folder in inside):
            return path
        help = "--allow-absolute, or allowAbsolutePaths = true under [security]"
        raise OrchError("E402", f"{path} lies outside the project", help=help)

    def prefixes(self) -> Mapping[str, Path]:
        return self.config.paths  # type: ignore[no-any-return]

    def read_as(self, value: Any, format: str) -> Any:
        """A loaded file (or each of several) read as `yaml`, `json` or `text`."""
        data = unwrap(value)
        if isinstance(data, list) and meta_of(value).text is None:
            return [self.read_as(item, format) for item in data]
        text = template_text(value)
        if format == "text":
            return with_facts(text, meta_of(value).facts)
        if format not in ("yaml", "json"):
            raise OrchError(
                "E405", f"a file cannot be read as {format}", help="as yaml, as json, as text, or a template"
            )
        return with_facts(
            _from_yaml(text) if format == "yaml" else transformers.apply("parse", None, text),
            meta_of(value).facts,
            text,
        )

    def rename_heading(self, value: Any, title: Any) -> Any:
        return rename_heading(value, text_of(title))

    def _web(self) -> Web:
        from orchestra.runtime.files.web import Web, WebLimits

        keys = self.config.security
        limits = WebLimits(keys.urlTimeout, keys.urlMaxSize, keys.allowedDomains, keys.blockedDomains)
        return Web(self.root / ".orch/cache", lambda: self.wall_clock(), limits)

    def wall_clock(self) -> float:
        import time

        return time.time()

    def read_source(self, path: Path) -> Source:
        """A script, module or template as a source. E401 and E403."""
        self.files_read.source(path)
        return read_source(path, _bundled_name(path) or relative_name(path, self.root))

    def project_name(self, path: Path) -> str:
        """A path as the project knows it: relative to the root where it lies below it; `@orch/x` for bundled files."""
        return _bundled_name(path) or relative_name(path, self.root).removeprefix("./")

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def output(self, value: Any, where: str, format: str | None, scope: Scope, span: Span) -> None:
        data = unwrap(value)
        value = data.plain() if isinstance(data, View) else value
        try:
            if where in ("stdout", "stderr"):
                self._to_stream(where, writer.render_output(value, format))
            elif where.startswith("state://"):
                self._to_state(where.removeprefix("state://"), value)
            elif where.startswith("env:"):
                self._set_variable(where[4:], writer.render_output(value, format))
            else:
                self._to_file(where, value, format, scope)
        except OrchError as error:
            raise error.at(span) from None
        self.effect("output", lambda: writer.render_output(value, format), value, span, where)

    def _to_state(self, written: str, value: Any) -> None:
        """`state://a.b`: into this run's copy, and into the list of changes. Objects on the way are made."""
        if self.state is None:
            raise OrchError("E420", "this run has no state to write to", help="--state {}")
        *above, last = written.split(".")
        place = self.state
        for name in above:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise OrchError("E420", f"{name} in state://{written} is no object")
        place[last] = plain(value)
        self.state_writes.append({"path": written, "ts": self.now(), **told_value(value)})

    def _set_variable(self, name: str, text: str) -> None:
        """For the commands after this one; what is called MLLD_… is found under ORCH_… too."""
        self.variables[name] = text
        if name.startswith("MLLD_"):
            self.variables[f"ORCH_{name[5:]}"] = text

    def _to_stream(self, name: str, text: str) -> None:
        if name == "stdout":
            self.sinks.show(text)
        else:
            self.sinks.error_line(text)

    def _to_file(self, where: str, value: Any, format: str | None, scope: Scope) -> None:
        path = self._target(where, scope)
        self.seam.policies.check_file("w", path)
        writer.write(path, writer.render_output(value, format, path.suffix))
        self._noted(path, "output", scope)
        self.labelled_files.wrote(path, joined((value,), deep=True), "output", added=False)

    def _target(self, where: str, scope: Scope) -> Path:
        """The file that `output` or `append` names. E420 for an unquoted `@name/…` that is no prefix."""
        if where.startswith("@") and under_prefix(where, self.prefixes()) is None and is_named(where):
            name = where.partition("/")[0]
            raise OrchError("E420", f"{name} is no prefix of this project", help=f'quote the path: "{where}"')
        return self.place(where, scope.module)

    def append(self, value: Any, where: str, format: str | None, scope: Scope, span: Span) -> None:
        try:
            path = self._target(where, scope)
            self.seam.policies.check_file("w", path)
            writer.append(path, writer.render_record(value, path.suffix, format))
        except OrchError as error:
            raise error.at(span) from None
        self._noted(path, "append", scope)
        self.labelled_files.wrote(path, joined((value,), deep=True), "append", added=True)
        self.effect("append", lambda: writer.render_record(value, path.suffix, format), value, span, where)

    def _noted(self, path: Path, mode: str, scope: Scope) -> None:
        """Files that a labelled call writes come back when its answer is served."""
        self.event("write", path=self.project_name(path), mode=mode)
        memo = scope.context.memo
        if memo is not None:
            memo.wrote(path, mode)

    def exists_path(self, written: str, module: Any) -> bool:
        """Whether there is such a file, in a workspace or on disk, or one that matches the pattern."""
        workspace = self._workspace(written)
        if workspace is not None:
            return workspace[0].exists(workspace[1])
        return self.loader.exists(self._prefixed(written), module.directory)


def _from_yaml(text: str) -> Any:
    import yaml

    from orchestra.runtime.files.facts import as_json

    try:
        return as_json(yaml.safe_load(text))
    except RecursionError:
        raise OrchError("E403", "this YAML is nested too deeply, or holds itself") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark is not None else ""
        raise OrchError("E403", f"this is not YAML: {getattr(error, 'problem', error)}{place}") from None


def _bundled_name(path: Path) -> str | None:
    """What a file of the library is called wherever orch is installed."""
    library = resource("stdlib")
    if not path.is_relative_to(library):
        return None
    return f"@orch/{path.relative_to(library).as_posix().removesuffix('.mld')}"


def read_source(path: Path, name: str) -> Source:
    """A text file as a source. E401 where it is missing, E402 where it cannot be read, E403 for what is no text."""
    from orchestra.runtime.files.contents import decode

    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise OrchError("E401", f"file not found: {name}", exit=2) from None
    except OSError as error:
        raise OrchError("E402", f"cannot read {name}: {(error.strerror or 'unknown reason').lower()}", exit=2) from None
    return Source(name, decode(raw, name), path)

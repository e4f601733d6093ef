"""The part of a run that starts commands and code, and makes their failures errors."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from orchestra.errors import Note, OrchError
from orchestra.nodes.commands import Code, CommandOptions
from orchestra.nodes.functions import Function, call_value
from orchestra.nodes.shell_text import variable_text
from orchestra.nodes.templates import text_of
from orchestra.runtime.command_output import CommandOutput
from orchestra.runtime.commands import CommandRequest, CommandResult, failure, last_lines, run_command
from orchestra.runtime.redact import Redactor
from orchestra.runtime.signals import FINISHING, Interrupted
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, meta_of, plain, tag, unwrap
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.code.calls import CodeResult, Shadow
    from orchestra.runtime.code.workers import CodeWorkers

__all__ = ["Executing", "Outcome"]

T = TypeVar("T")

LANGUAGES = {"javascript": "js", "nodejs": "node", "python": "py"}


@dataclass(slots=True)
class Outcome:
    """What a command or code block gave. `value` is the text, or data from JavaScript; `null`: it gave nothing."""

    value: Any
    text: str
    null: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


class Executing:
    """Mixed into `Run`."""

    root: Path
    options: Any
    environ: dict[str, str]
    wait: Callable[..., Any]
    check_interrupted: Callable[[], None]
    sinks: Any
    keep: Callable[[Any], Any]
    redactor: Redactor

    def _start_executing(self) -> None:
        self._workers: CodeWorkers | None = None
        self.ended_with_run: set[trio.CancelScope] = set()  # commands and code that nothing is stored of
        self.variables: dict[str, str] = {}  # set by `output … to env:NAME`

    def command(self, text: str, directory: str | None, options: CommandOptions, scope: Scope, span: Span) -> Outcome:
        """Run one command line with /bin/sh."""
        return self._shell(text, "sh", {}, directory, options, span)

    def code(
        self,
        lang: str,
        code: str,
        params: dict[str, Any],
        directory: str | None,
        options: CommandOptions,
        scope: Scope,
        span: Span,
    ) -> Outcome:
        """Run a block of foreign code."""
        lang = LANGUAGES.get(lang, lang)
        if lang in ("sh", "bash"):
            return self._shell(code, "bash", params, directory, options, span)
        self.check_interrupted()
        shadow = self._shadows(scope, lang)
        functions = {name: value for name, value in params.items() if isinstance(unwrap(value), Executable)}
        given = {name: _given(value) for name, value in params.items() if name not in functions}
        shadow |= {name: self._shadow(value, lang, scope) for name, value in functions.items()}
        output = self._output(options, span)
        # Functions of the script that code calls may be making calls whose results are stored.
        alone = all(function.host is None for function in shadow.values())
        work = (self._while_going_on, self.workers.run) if alone else (self.workers.run,)
        try:
            result: CodeResult = self.wait(
                *work, lang, _straightened(code) if lang == "py" else code, given, shadow,
                self._folder(directory, span), self._limit(options), output.take,
                {**self.variables, **options.env}, _code_input(lang, options),
            )  # fmt: skip
        except OrchError as error:
            return self._ended(error, options, span, code)
        finally:
            output.close()
        text = result.value if isinstance(result.value, str) else ""
        return Outcome(result.value, text, result.value is None, _facts(0, result.warned))

    def _ended(self, error: OrchError, options: CommandOptions, span: Span, code: str) -> Outcome:
        """What code printed that ended its process, where such an end is accepted; else the error."""
        exit = error.details.get("exitCode")
        if error.code == "E504" and "stdout" in error.details:
            printed, warned = error.details["stdout"].rstrip(), error.details["stderr"].rstrip()
            if exit is not None and (options.ok or self.options.error_behavior == "continue"):
                value = printed if options.ok else printed or warned
                return Outcome(value, value, False, _facts(exit, warned))
            error.details |= {"stdout": last_lines(printed), "stderr": last_lines(warned)}
        raise _inside(error, span, code) from None

    def _shell(
        self,
        text: str,
        shell: Any,
        params: dict[str, Any],
        directory: str | None,
        options: CommandOptions,
        span: Span,
    ) -> Outcome:
        self.check_interrupted()
        output = self._output(options, span)
        request = CommandRequest(
            text=text, cwd=self._folder(directory, span), env=self._environment(options), shell=shell,
            params={name: value for name, value in params.items() if not isinstance(plain(value), Executable)},
            stdin=None if options.stdin is MISSING else variable_text(options.stdin),
            timeout=self._limit(options), on_chunk=output.take,
        )  # fmt: skip
        try:
            result: CommandResult = self.wait(self._while_going_on, run_command, request)
        except OrchError as error:
            raise error.at(span) from None
        finally:
            output.close()
        facts = {**_facts(result.exit, result.stderr), "duration": result.ms}
        if result.exit != 0 and not options.ok:
            return self._failed(request, result, facts, span)
        value = result.stdout.rstrip()
        return Outcome(value, value, False, facts)

    def _failed(self, request: CommandRequest, result: CommandResult, facts: dict[str, Any], span: Span) -> Outcome:
        """A non-zero exit is an error, unless the command line asks to go on with what was printed."""
        if self.options.error_behavior == "continue":
            value = (result.stdout or result.stderr).rstrip()
            return Outcome(value, value, False, facts)
        error = failure(request, result).at(span)
        details = error.details
        error.notes.append(Note(f"it ran {_indented(details['command'])}"))
        said = details["stderr"].strip() or details["stdout"].strip()
        if said:
            error.notes.append(Note(f"it said {_indented(said)}"))
        raise error

    def _folder(self, directory: str | None, span: Span) -> Path:
        if directory is None:
            return self.root
        path = Path(directory).expanduser()
        if not path.is_absolute():
            raise OrchError(
                "E402", f"the working folder {directory} is not absolute", span, help=f'"@root/{directory}"'
            )
        if not path.is_dir():
            raise OrchError("E402", f"the working folder {directory} does not exist", span)
        return path

    def _environment(self, options: CommandOptions) -> dict[str, str]:
        return {**self.environ, **self.variables, **options.env}

    def _limit(self, options: CommandOptions) -> float | None:
        limit = options.timeout if options.timeout is not None else self.options.command_timeout
        return float(limit) if limit is not None else None

    def _output(self, options: CommandOptions, span: Span) -> CommandOutput:
        try:
            return CommandOutput(self.sinks, self.redactor, options.stream, options.stream_format)
        except OrchError as error:
            raise error.at(span) from None

    async def _while_going_on(self, work: Callable[..., Awaitable[T]], *args: Any) -> T:
        """What `work` gives. It is ended with the run, unless it is part of a call whose result is stored."""
        if FINISHING.get():
            return await work(*args)
        with trio.CancelScope() as scope:
            self.ended_with_run.add(scope)
            try:
                return await work(*args)
            finally:
                self.ended_with_run.discard(scope)
        raise Interrupted

    # ── code ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def workers(self) -> CodeWorkers:
        if self._workers is None:
            from orchestra.runtime.code.workers import CodeWorkers

            self._workers = CodeWorkers({**self.environ, **self.variables})
        return self._workers

    async def close_workers(self) -> None:
        if self._workers is not None:
            await self._workers.close()

    def _shadows(self, scope: Scope, lang: str) -> dict[str, Shadow]:
        """The functions that the module exposes to code of this language."""
        known = scope.module.shadows
        functions = {**known.get(lang, {}), **(known.get("js", {}) if lang == "node" else {})}
        return {name.replace("-", "_"): self._shadow(value, lang, scope) for name, value in functions.items()}

    def _shadow(self, value: Any, lang: str, scope: Scope) -> Shadow:
        from orchestra.runtime.code.calls import Shadow

        function = plain(value)
        body = getattr(function, "body", None)
        own = LANGUAGES.get(str(getattr(body, "language", "")), str(getattr(body, "language", "")))
        if isinstance(body, Code) and own == lang:
            code = _straightened(str(body.code)) if own == "py" else str(body.code)
            return Shadow(function.params, own, code)  # type: ignore[arg-type]
        return Shadow(function.params, host=self._host(function, scope, body))

    def _host(self, function: Function, scope: Scope, body: Any) -> Callable[..., Awaitable[Any]]:
        """A function of the script that code may call."""

        async def call(*inputs: Any) -> Any:
            value = call_value(function, list(inputs), scope, body)
            return plain(value) if not isinstance(value, str) else text_of(value)

        return call


def _facts(exit: int, stderr: str) -> dict[str, Any]:
    return {"exitCode": exit, "stderr": stderr.rstrip()}


def _given(value: Any) -> Any:
    """What code gets of a value: data, with what is known about it beside, or the wrappers that `.keep` asks for."""
    if not _kept(value):
        return tag(plain(value), meta_of(value))
    data = unwrap(value)
    several = isinstance(data, list) and data and all(meta_of(item).facts is not None for item in data)
    return [_wrapper(item) for item in data] if several else _wrapper(value)


def _code_input(lang: str, options: CommandOptions) -> str | None:
    """The standard input of a block; JavaScript has its pipes for itself and takes values as parameters."""
    if options.stdin is MISSING:
        return None
    if lang != "py":
        raise OrchError("E502", f"{lang} code has no standard input", help=f"{lang} (@value) {{ … }}")
    return variable_text(options.stdin)


def _indented(text: str) -> str:
    return text.replace("\n", "\n             ")


def _straightened(code: str) -> str:
    """Python code moved to the margin, line by line where it was."""
    first, newline, rest = code.partition("\n")
    return first.lstrip() + newline + textwrap.dedent(rest)


def _wrapper(value: Any) -> dict[str, Any]:
    """What code gets of a value that was marked with `.keep`."""
    facts = dict(meta_of(value).facts or {})
    return {"text": template_text(value), "data": plain(value), "mx": plain(facts)}


def _kept(value: Any) -> bool:
    facts = meta_of(value).facts
    return facts is not None and bool(facts.get("kept"))


def _inside(error: OrchError, span: Span, code: str) -> OrchError:
    """Place an exception of foreign code at its line within the block."""
    line = error.details.get("line")
    start = span.source.text.find(code, span.start, span.end)
    if not isinstance(line, int) or start < 0:
        return error.at(span)
    lines = code.splitlines(keepends=True)
    offset = start + sum(len(text) for text in lines[: line - 1])
    text = lines[line - 1] if line <= len(lines) else ""
    begin = offset + len(text) - len(text.lstrip())
    return error.at(Span(span.source, begin, max(begin + 1, offset + len(text.rstrip()))))

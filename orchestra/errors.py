"""What can go wrong, as values with a place and an advice, and the one plain form in which they are shown.

Who raises says code, message, span and help; whoever lets the error pass adds frames, never text.
Colours are the business of `cli.render`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestra.source import Span

__all__ = ["NAMES", "RESUMABLE", "Frame", "Note", "OrchError", "Warned", "internal_error", "nearest", "render"]

# Code → the symbolic name used in JSON output and on the SDK wire.
NAMES: dict[str, str] = {
    "E101": "PARSE_ERROR",
    "E102": "STATEMENT_EXPECTED",
    "E103": "UNCLOSED_BRACKET",
    "E104": "UNCLOSED_STRING",
    "E105": "VAR_IN_BLOCK",
    "E106": "LET_AT_TOP_LEVEL",
    "E107": "NOT_ALLOWED_HERE",
    "E108": "TEXT_IN_STRICT_MODE",
    "E109": "FOREIGN_SYNTAX",
    "E201": "VARIABLE_UNDEFINED",
    "E202": "FUNCTION_UNDEFINED",
    "E203": "VARIABLE_REDEFINITION",
    "E204": "RESERVED_NAME",
    "E205": "FIELD_ACCESS_ERROR",
    "E206": "TYPE_ERROR",
    "E207": "ARGUMENT_ERROR",
    "E208": "CIRCULAR_REFERENCE",
    "E209": "RECURSION_DEPTH",
    "E301": "CONDITION_ERROR",
    "E303": "LOOP_ERROR",
    "E304": "FOR_ERROR",
    "E305": "RETRY_ERROR",
    "E306": "STAGE_ERROR",
    "E307": "TRANSFORMER_ERROR",
    "E308": "FOREACH_ERROR",
    "E309": "THROWN",
    "E310": "ASSERTION_FAILED",
    "E311": "NOT_ENSURED",
    "E399": "BAIL_EXIT",
    "E401": "FILE_NOT_FOUND",
    "E402": "PATH_ERROR",
    "E403": "FILE_FORMAT",
    "E404": "SECTION_NOT_FOUND",
    "E405": "SELECTOR_ERROR",
    "E406": "URL_ERROR",
    "E407": "TEMPLATE_FILE_ERROR",
    "E410": "IMPORT_FAILED",
    "E411": "IMPORT_EXPORT_MISSING",
    "E412": "IMPORT_CYCLE",
    "E413": "IMPORT_NAME_CONFLICT",
    "E414": "IMPORT_TYPE_MISMATCH",
    "E415": "TEMPLATE_IMPORT",
    "E420": "OUTPUT_ERROR",
    "E421": "APPEND_ERROR",
    "E431": "TABLE_DECLARATION",
    "E432": "TABLE_VALUE",
    "E433": "TABLE_CONFLICT",
    "E434": "TRANSACTION_WAITS",
    "E501": "COMMAND_FAILED",
    "E502": "COMMAND_REFUSED",
    "E503": "TIMEOUT",
    "E504": "CODE_EXCEPTION",
    "E505": "INTERPRETER_MISSING",
    "E601": "GUARD_DENIED",
    "E602": "POLICY_CAPABILITY_DENIED",
    "E603": "POLICY_LABEL_FLOW_DENIED",
    "E604": "NEEDS_UNMET",
    "E605": "NOT_ENFORCED",
    "E606": "GUARD_ERROR",
    "E607": "POLICY_ERROR",
    "E608": "LABEL_PRIVILEGE_REQUIRED",
    "E609": "TRUST_CONFLICT",
    "E610": "AUTH_UNRESOLVED",
    "E611": "BOX_TOOL_DENIED",
    "E612": "PROTECTED_LABEL_REMOVAL",
    "W601": "HOOK_FAILED",
    "W602": "GUARD_WARNING",
    "E701": "LLMArgumentError",
    "E702": "LLMNoProvider",
    "E703": "LLMAuth",
    "E704": "LLMToolUnknown",
    "E705": "LLMPollConflict",
    "E706": "LLMTimeout",
    "E707": "LLMTruncated",
    "E708": "LLMRefused",
    "E709": "LLMContextOverflow",
    "E710": "LLMTurnLimit",
    "E711": "LLMRateLimited",
    "E712": "LLMBudget",
    "E713": "LLMSchemaInvalid",
    "E714": "LLMSchemaError",
    "E715": "LLMReplayMiss",
    "E716": "LLMTransport",
    "E717": "LLMEmpty",
    "E718": "LLMProviderError",
    "E731": "ToolCollectionError",
    "E732": "LLMNesting",
    "E741": "AGENT_ERROR",
    "E742": "MEMORY_ERROR",
    "E743": "SKILL_ERROR",
    "E744": "SESSION_ERROR",
    "E801": "CHECKPOINT_UNKNOWN",
    "E802": "CHECKPOINT_AMBIGUOUS",
    "E803": "RESUME_TARGET",
    "E804": "CHECKPOINT_DUPLICATE",
    "E805": "CHECKPOINT_PLACEMENT",
    "E806": "STORE_UNUSABLE",
    "E807": "STALE_RESULTS",
    "E808": "REPLAY_MISS",
    "E810": "USAGE",
    "E811": "SCRIPT_NOT_FOUND",
    "E812": "CONFIG_ERROR",
    "E813": "CHAOS_ERROR",
    "E814": "BUNDLE_UNUSABLE",
    "E820": "GATE_WAITING",
    "E821": "GATE_ERROR",
    "E901": "INTERNAL",
}


# Exit codes of a run that can go on later: when a person has decided, with more money, when a limit has ended.
RESUMABLE = (3, 4, 75)


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of the script's own call stack: what was running, and where.

    kind: call, stage, for, foreach, import or hook; name: of the function, loop variable, module or hook
    """

    what: str
    span: Span | None
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that explains the first, such as where a bracket was opened."""

    message: str
    span: Span | None = None


@dataclass(slots=True)
class Warned:
    """Something worth a line on stderr that stops nothing."""

    code: str
    message: str
    span: Span | None = None
    help: str | None = None


class OrchError(Exception):
    """A fault of a script, its surroundings or its invocation.

    code:    a key of `NAMES`
    message: lower case, no full stop, no file name
    help:    at most one, concrete text that can be typed
    exit:    the process's exit code when nobody handles the error
    details: data for JSON output and `catch`, e.g. exit code and stderr of a command
    """

    def __init__(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        help: str | None = None,
        notes: Sequence[Note] = (),
        exit: int = 1,
        details: dict[str, Any] | None = None,
        retryable: bool = False,
        fatal: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.help = help
        self.notes = list(notes)
        self.exit = exit
        self.details = details or {}
        self.retryable = retryable  # the same call may succeed later
        self.fatal = fatal  # ends the run even inside a parallel loop
        self.labelled = False  # came out of a labelled call
        self.frames: list[Frame] = []

    @property
    def name(self) -> str:
        return NAMES.get(self.code, self.code)

    @property
    def resumable(self) -> bool:
        """Whether it ends the run only for now: what is under way is finished and stored first."""
        return self.fatal and self.exit in RESUMABLE

    def at(self, span: Span | None) -> OrchError:
        """The same error, placed at `span` if it has no place yet."""
        if self.span is None:
            self.span = span
        return self

    def within(self, what: str, span: Span | None, kind: str, name: str) -> OrchError:
        """The same error with one more frame of the script's call stack."""
        self.frames.append(Frame(what, span, kind, name))
        return self

    def as_data(self) -> dict[str, Any]:
        """One JSON object, the form of `--json` and of `catch @e`."""
        data: dict[str, Any] = {
            "code": self.code,
            "name": self.name,
            "severity": "warning" if self.code.startswith("W") else "error",
            "message": self.message,
        }
        if self.span is not None:
            data |= _place(self.span)
        if self.help:
            data["help"] = self.help
        if self.details:
            data["details"] = self.details
        if self.frames:
            data["frames"] = [_frame_data(frame) for frame in self.frames]
        return data


def _frame_data(frame: Frame) -> dict[str, Any]:
    place: dict[str, Any] = _place(frame.span) if frame.span is not None else {}
    where = {key: place[key] for key in ("file", "line", "column") if key in place}
    return {"kind": frame.kind, "name": frame.name, "what": frame.what} | where


def _place(span: Span) -> dict[str, Any]:
    line, column = span.source.place(span.start)
    end_line, end_column = span.source.place(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
    }


def internal_error(error: BaseException) -> OrchError:
    """A fault of ours, in the form in which users see every other fault."""
    from orchestra import __version__

    return OrchError(
        "E901",
        f"internal error in orch {__version__}: {type(error).__name__}: {error}",
        help="this is a bug in orch; run again with ORCH_DEBUG=1 and report the traceback",
    )


# ── rendering ────────────────────────────────────────────────────────────────────────────────────

WIDTH = 110  # longer lines are cut around the fault
MOST_FRAMES = 12


def render(error: OrchError | Warned, cwd: Path | None = None) -> str:
    """The plain form of an error or warning: several lines, without a final newline."""
    kind = "warning" if isinstance(error, Warned) or error.code.startswith("W") else "error"
    lines = [f"{kind}[{error.code}]: {error.message}"]
    if error.span is not None:
        lines += _excerpt(error.span, cwd)
    for note in getattr(error, "notes", ()):
        lines.append(f"   = note: {note.message}")
        if note.span is not None:
            lines += _excerpt(note.span, cwd)
    if error.help:
        lines.append("   = help: " + error.help.replace("\n", "\n           "))
    lines += _frames(getattr(error, "frames", ()), cwd)
    return "\n".join(lines)


def shown_name(span: Span, cwd: Path | None) -> str:
    """The file as messages name it: relative to the current folder where it lies below it."""
    path = span.source.path
    if path is None or cwd is None:
        return span.source.name
    try:
        return str(path.relative_to(cwd))
    except ValueError:
        return str(path)


def _excerpt(span: Span, cwd: Path | None) -> list[str]:
    line, column = span.source.place(span.start)
    text = span.source.line(line).replace("\t", " ")
    one_line = span.end <= span.start + len(text) - column + 1
    carets = max(1, span.end - span.start) if one_line else 1
    shift = column - 1
    if len(text) > WIDTH:
        left = max(0, min(shift - WIDTH // 3, len(text) - WIDTH))
        right = left + WIDTH
        cut = text[left:right]
        shift -= left
        if left > 0:
            cut, shift = "…" + cut, shift + 1
        text = cut + ("…" if right < len(text) else "")
        carets = min(carets, len(text) - shift)
    number = str(line)
    gutter = " " * (len(number) + 2)
    return [
        f"  --> {shown_name(span, cwd)}:{line}:{column}",
        f"{gutter}|",
        f" {number} | {text}",
        f"{gutter}| {' ' * shift}{'^' * max(1, carets)}",
    ]


def _frames(frames: Sequence[Frame], cwd: Path | None) -> list[str]:
    def row(frame: Frame) -> str:
        where = ""
        if frame.span is not None:
            line, column = frame.span.source.place(frame.span.start)
            where = f"{shown_name(frame.span, cwd)}:{line}:{column}"
        return f"  in {frame.what:<40} {where}".rstrip()

    if len(frames) <= MOST_FRAMES:
        return [row(f) for f in frames]
    half = MOST_FRAMES // 2
    middle = frames[half:-half]
    names = [f.what.split("(")[0] for f in middle]
    commonest = max(set(names), key=names.count)
    return [
        *(row(f) for f in frames[:half]),
        f"  … {len(middle)} more, mostly {commonest}",
        *(row(f) for f in frames[-half:]),
    ]


# ── suggestions ──────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Best:
    name: str | None = None
    distance: int = field(default=3)


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that `word` was probably meant to be: at most 2 edits and about a third of its length away."""
    if len(word) < 2:
        return None
    best = _Best(distance=min(2, max(1, len(word) // 3)) + 1)
    for name in sorted(names):
        if name != word and abs(len(name) - len(word)) < best.distance:
            distance = _edits(word.lower(), name.lower())
            if distance < best.distance:
                best.name, best.distance = name, distance
    return best.name


def _edits(a: str, b: str) -> int:
    """Edit distance with insertion, deletion, replacement and swap of neighbours."""
    before: list[int] = []
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]

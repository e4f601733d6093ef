"""The command `orch`: one table of commands, each imported when it is asked for.

Help and version are answered here, because they must not wait for anything else to load.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

__all__ = ["COMMANDS", "main"]

# Command → module with `main(argv, shell) -> exit code`, and what it is for.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("orchestra.cli.run", "run a script of the project; without a name, list them"),
    "eval": ("orchestra.cli.evaluate", "run statements, and show what expressions are worth"),
    "plan": ("orchestra.cli.plan", "what a run would ask and cost, before anything is spent"),
    "runs": ("orchestra.cli.runs", "list what was run"),
    "show": ("orchestra.cli.show", "one run and its model calls, or one call in full"),
    "prompts": ("orchestra.cli.prompts", "what a run asked of models, as it was sent"),
    "rejudge": ("orchestra.cli.rejudge", "whether another model would have decided as a run did"),
    "log": ("orchestra.cli.log", "what a run has told of itself, line by line"),
    "report": ("orchestra.cli.report", "the report that a run has made"),
    "diff": ("orchestra.cli.diff", "which answers of two runs differ, and what followed"),
    "replay": ("orchestra.cli.replay", "do a run again with the answers it got"),
    "bundle": ("orchestra.cli.bundle", "one run in a file, without secrets, for another machine"),
    "sessions": ("orchestra.cli.asked", "the sessions of a run: who was asked, and how it stands"),
    "trace": ("orchestra.cli.trace", "when each session of a run was asked, in the order of the script"),
    "cost": ("orchestra.cli.cost", "calls, tokens and dollars by function"),
    "models": ("orchestra.cli.models", "which models the configured providers have"),
    "verify": ("orchestra.cli.verify", "whether a run was done as its program says"),
    "chaos": ("orchestra.cli.chaos", "interrupt a script at every moment and see that nothing is lost"),
    "policy": ("orchestra.cli.policy", "what is dangerous by itself"),
    "status": ("orchestra.cli.status", "how a run stands: its gates, phases and what processes hold"),
    "gate": ("orchestra.cli.gate", "questions that runs wait at: list, show, answer"),
    "checkpoint": ("orchestra.cli.checkpoint", "look at stored results, or remove them"),
    "why": ("orchestra.cli.why", "why a call was served or made, and what changed"),
    "config": ("orchestra.cli.config", "settings that scripts keep: show, history, rollback"),
    "sql": ("orchestra.cli.sql", "ask the store in SQL"),
    "check": ("orchestra.cli.check", "find faults in scripts and templates without running them"),
    "validate": ("orchestra.cli.check", "the same as check"),
    "graph": ("orchestra.cli.graph", "who asks whom in a script, as a diagram"),
    "test": ("orchestra.cli.test", "run the tests of a project, without a model"),
    "fake-endpoint": ("orchestra.cli.fake_endpoint", "serve recorded replies over HTTP"),
    "explain": ("orchestra.cli.explain", "what an error code means and what to do"),
    "format": ("orchestra.cli.format", "lay scripts out in the one canonical way"),
    "prose": ("orchestra.cli.prose", "translate programs of the .prose language into scripts"),
    "howto": ("orchestra.cli.howto", "the manual"),
    "init": ("orchestra.cli.init", "make a project in this folder"),
    "install": ("orchestra.cli.install", "check that the modules of a project are there"),
}

HEAD = """\
orch runs .mld scripts: small programs that ask language models, check the answers and act on them.

  orch FILE            run a file             orch -e 'CODE'    run a text
  orch run NAME        run llm/run/NAME.mld   orch -            run what comes on standard input

Commands
"""
TAIL = """
`orch COMMAND --help` tells more; `orch run --help` lists the options of a script.
"""


INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line of this process (or `argv`) and return the exit code."""
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        if argv is None:
            _let_end()


def _let_end() -> None:
    """What remains is Python's own end, of which Ctrl-C would only make a trace."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(words: list[str]) -> int:
    code = 0
    _keep_whole()
    out = sys.stdout  # click puts another in its place
    try:
        try:
            code = _answer(words)
        finally:
            out.flush()
    except OSError as error:
        # The reader has left, or the disk is full. Python flushes once more at the end and is not to complain.
        if code == 0 and not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"cannot write to standard output: {(error.strerror or str(error)).lower()}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return code or 1
    return code


def _keep_whole() -> None:
    """With PYTHONUNBUFFERED Python drops without a word what a full disk or pipe did not take at once."""
    raw, old = getattr(sys.stdout, "buffer", None), sys.stdout
    if isinstance(raw, io.RawIOBase):
        writer = io.BufferedWriter(raw)
        sys.stdout = io.TextIOWrapper(writer, old.encoding, old.errors, line_buffering=old.isatty())


def _answer(words: list[str]) -> int:
    if not words or words in (["help"], ["--help"], ["-h"]):
        print(overview(), end="")
        return 0
    if words in (["--version"], ["-V"], ["version"]):
        from orchestra import __version__

        print(f"orch {__version__}")
        return 0
    from orchestra.cli.collector import relax
    from orchestra.cli.dispatch import dispatch
    from orchestra.cli.shell import Shell

    relax()
    return dispatch(words, Shell.of_process())


def overview() -> str:
    width = max(map(len, COMMANDS))
    return HEAD + "".join(f"  {name:<{width}} {purpose}\n" for name, (_, purpose) in COMMANDS.items()) + TAIL

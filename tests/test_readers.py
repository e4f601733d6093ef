"""Every option of a run and every setting of a project is read by somebody: with it something is different.

What exactly is different belongs to the tests of the parts. The tables here are compared with those of `RunOptions`
and `orch.toml`, so that neither can gain a name that nobody reads.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.dispatch import dispatch
from orchestra.cli.in_process import Finished, run_in_process
from orchestra.cli.shell import Shell
from orchestra.config import settings
from orchestra.invocation import RunOptions

ASK = "import { @claude } from @orch/llm\nexe llm @ask(q) = @claude(`ask @q`)\n"
SHOWS = 'show "words"\n'
REPLIES = {"replies.jsonl": '{"reply": "one"}\n'}
GATE = 'gate "go"\n'
LIMITED = {"replies.jsonl": '{"error": {"status": 429, "message": "slow", "retry_after": 900}}\n'}
MODELS = ("--models", "replies.jsonl")
HANGS = "run cmd { sleep 20 }\n"
FAILS = 'run cmd { sh -c "exit 3" }\nshow "on"\n'
ANSWERED = ASK + 'show @ask("x")\n'
HAIKU = 'import { @haiku } from @orch/llm\nvar @a = @haiku("x")\nshow @a.mx.llm.model\n'
STREAMS = 'exe @dig(n) = sh { echo "bed $n" }\nvar @all = for parallel(1) @n in [1] => stream @dig(@n)\n'
OWN = '[llm.providers.own]\ntype = "replay"\npath = "replies.jsonl"\n'


@dataclass(frozen=True)
class Probe:
    """A script that shows that a wish is read.

    command, words: of the command line in both runs; `wish` only in the second
    before: command lines that are run first
    script, toml, files, environ: what both have; `key` stands in `orch.toml` only in the second
    """

    script: str
    wish: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    before: tuple[tuple[str, ...], ...] = ()
    toml: str = ""
    key: str = ""
    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ("job.mld",)
    later: str = ""  # what the script becomes after the runs before
    typed: str | None = None  # what somebody says at the terminal, in both

    def seen(self, root: Path, wished: bool) -> tuple[Any, ...]:
        """Exit code, both streams without times, and the files beside the script."""
        root.mkdir()
        written = (self.key if wished else "") + self.toml
        for name, text in {**self.files, "orch.toml": written, "job.mld": self.script}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for words in self.before:
            run_in_process(["job.mld", *words], root, "", self.environ)
        (root / "job.mld").write_text(self.later or self.script)
        wish = self.wish if wished else ()
        done = self._run([*self.command, *self.words, *wish], root)
        made = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.suffix != ".toml"}
        told = [_settled(text, root) for text in (done.stdout, done.stderr)]
        return done.exit, *told, made

    def _run(self, argv: list[str], root: Path) -> Finished:
        if self.typed is None:
            return run_in_process(argv, root, "", self.environ)
        out, err = io.StringIO(), io.StringIO()
        exit = dispatch(argv, Shell(Terminal(self.typed), out, err, self.environ, root))
        return Finished(exit, out.getvalue(), err.getvalue())


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


CHANGING = re.compile(r'[\d.]+ ms\b|"ms": [\d.]+|, [\d.]+ s$|\d\d:\d\d:\d\d UTC|[\d-]{8,}T[\d:.]+Z?', re.MULTILINE)


def _settled(text: str, root: Path) -> str:
    """Without times and places, which are never the same."""
    lines = [line for line in text.splitlines() if not line.startswith("continue with: ")]
    return CHANGING.sub("…", "\n".join(lines)).replace(str(root), "…")


def check(probe: Probe, folder: Path) -> None:
    """The wish makes a difference, and nothing else does."""
    without, again, wished = (probe.seen(_made(folder / name), name == "c") for name in "abc")
    assert without == again
    assert without != wished


def _made(folder: Path) -> Path:
    """A project in a folder of its own: it may have neighbours."""
    folder.mkdir()
    return folder / "project"


def asked(script: str = ANSWERED, wish: str = "", more: tuple[str, ...] = (), **facts: Any) -> Probe:
    """A probe that is answered from a file."""
    files = REPLIES | facts.pop("files", {})
    return Probe(script, tuple(wish.split()), (*MODELS, *more), files=files, **facts)


OPTIONS: dict[str, Probe] = {
    "new": asked(wish="--new", before=(MODELS,)),
    "resume": asked(wish="--resume @ask", before=(MODELS,)),
    "checkpoint": asked(wish="--no-checkpoint", before=(MODELS,)),
    "fork": asked(wish="--fork nobody.mld"),
    "stale": asked(wish="--stale use", before=(MODELS,), later=ANSWERED.replace("ask @q", "tell @q")),
    "explain": asked(wish="--explain"),
    "models": asked(HAIKU, "--model haiku=other"),
    "replay": Probe(ANSWERED, MODELS, files=REPLIES),
    "strict_models": asked(wish="--strict-models", files={"replies.jsonl": '{"reply": "one"}\n{"reply": "two"}\n'}),
    "record": asked(wish="--record kept.jsonl"),
    "calls_out": asked(wish="--calls-out calls.jsonl"),
    "clock": Probe("show @now.slice(0, 4)\n", ("--clock", "2001-02-03T04:05:06Z")),
    "seed": Probe(
        ANSWERED, ("--seed", "7"), (*MODELS, "--seed", "8"), toml="[llm]\nmaxWait = 0.001\n",
        files={"replies.jsonl": '{"error": {"status": 529, "message": "busy"}}\n'},
    ),
    "budget": asked(wish="--budget calls=0"),
    "wait": Probe(ANSWERED, ("--wait", "--timeout", "300ms"), (*MODELS, "--seed", "1"), files=LIMITED),
    "timeout": Probe(HANGS, ("--timeout", "100ms"), ("--command-timeout", "400ms")),
    "command_timeout": Probe(HANGS, ("--command-timeout", "100ms"), ("--timeout", "400ms")),
    "error_behavior": Probe(FAILS, ("--error-behavior", "continue")),
    "strict": asked(ANSWERED.replace("`ask @q`", "`ask @q`, { colour: 1 }"), "--strict"),
    "mode": Probe("Prose.\n", ("--mode", "markdown")),
    "stdout": Probe('show "a"\n\n\n\nshow "b"\n', ("--stdout",), ("--mode", "markdown")),
    "output": Probe(SHOWS, ("--output", "out.md")),
    "format": Probe(SHOWS, ("--format", "xml")),
    "tidy": Probe('Prose   \n\n\n\n\nmore\n', ("--no-format",), ("--mode", "markdown", "--stdout")),
    "stream": Probe(STREAMS, ("--no-stream",)),
    "structured": Probe(SHOWS, ("--structured",)),
    "state": Probe("show @state.a ?? `none`\n", ("--state", "a=1"), ("--state", "b=2")),
    "modules": Probe("import { @a } from @my/data\nshow @a\n", ("--inject", '@my/data={"a": 1}')),
    "env": Probe("run cmd { echo \"$COLOUR\" }\n", ("--env-file", "COLOUR=red")),
    "allow_absolute": Probe(
        'show <../outside.txt>?\n', ("--allow-absolute",), toml="[security]\nallowAbsolutePaths = false\n",
        files={"../outside.txt": "far"},
    ),
    "json": Probe(SHOWS, ("--json",)),
    "debug": Probe(SHOWS, ("--debug",)),
    "quiet": asked(wish="--quiet"),
    "trace": asked('show session "x"\n', "--trace plain"),
    "verbose": Probe('checkpoint "first"\nshow 1\n', ("--verbose",)),
    "run": Probe("show @mx.run.id\n", ("--run", "mine")),
    "answers": Probe(GATE, ("--answer", "go=approve")),
    "interactive": Probe(GATE, ("--interactive",), typed="approve\n"),
    "warn": asked(ANSWERED.replace("`ask @q`", "`ask @q`, { colour: 1 }"), "--no-warn"),
}  # fmt: skip


def test_no_option_is_missing_here() -> None:
    """`own` is no wish: it is filled in from the others, and tested with them."""
    assert {option.name for option in fields(RunOptions)} - {"own"} == OPTIONS.keys()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_changes_something(name: str, tmp_path: Path) -> None:
    check(OPTIONS[name], tmp_path)


def test_options_do_not_tell_runs_apart(tmp_path: Path) -> None:
    (tmp_path / "job.mld").write_text(ANSWERED)
    (tmp_path / "replies.jsonl").write_text('{"reply": "one"}\n')
    for words in ((), ("--quiet",), ("--budget", "calls=9")):
        run_in_process(["job.mld", *MODELS, *words], tmp_path, "", {})
    runs = run_in_process(["runs"], tmp_path, "", {}).stdout.splitlines()
    assert len(runs) == 2
    assert " 3 " in runs[1]


# ── settings ─────────────────────────────────────────────────────────────────────────────────────

PATH = {"PATH": "/usr/bin:/bin"}
FAR = {"../outside.txt": "far"}
SLOW = ("--timeout", "400ms")


def tool(name: str, **arguments: str) -> dict[str, str]:
    """Replies of a model that uses one tool."""
    turns = [{"tool": name, "input": arguments}, {"text": "done"}]
    return {"replies.jsonl": json.dumps({"turns": turns}) + "\n"}


SETTINGS: dict[str, Probe] = {
    "run.scriptDir": Probe(
        "", key='[run]\nscriptDir = "scripts"\n', files={"scripts/tell.mld": SHOWS}, command=("run", "tell")
    ),
    "run.modulesDir": Probe(
        "import { @hi } from @local/kit\nshow @hi()\n", key='[run]\nmodulesDir = "kits"\n',
        files={"kits/kit.mld": "exe @hi() = `hi`\nexport { @hi }\n"},
    ),
    "run.timeout": Probe(HANGS, key="[run]\ntimeout = 0.1\n", words=("--command-timeout", "400ms")),
    "run.commandTimeout": Probe(HANGS, key="[run]\ncommandTimeout = 0.1\n", words=SLOW),
    "run.errorBehavior": Probe(FAILS, key='[run]\nerrorBehavior = "continue"\n'),
    "run.parallel": Probe(
        "var @a = for parallel @n in [1, 2, 3] => @mx.for.batchIndex ?? @mx.for\nshow @a\n",
        key="[run]\nparallel = 1\n",
    ),
    "run.recursionDepth": Probe(
        "exe recursive @down(n) = when [ @n == 0 => `end`; * => @down(@n - 1) ]\nshow @down(5)\n",
        key="[run]\nrecursionDepth = 3\n",
    ),
    "run.noStream": Probe(STREAMS, key="[run]\nnoStream = true\n"),
    "run.autoParseJson": Probe(
        "var @a = cmd { echo '{\"b\": 1}' }\nshow @a.b ?? `text`\n", key="[run]\nautoParseJson = false\n"
    ),
    "llm.provider": Probe(
        ANSWERED, key='[llm]\nprovider = "own"\n', files=REPLIES, toml=OWN
    ),
    "llm.providers": Probe(ANSWERED.replace("`ask @q`", '`ask @q`, { provider: "own" }'), key=OWN, files=REPLIES),
    "llm.models": asked(HAIKU, key='[llm.models]\nhaiku = "other"\n'),
    "llm.extraRoots": Probe(
        'import { @claude } from @orch/llm\nshow @claude("go", { tools: "Write", dir: "desk" })\n', words=MODELS,
        key='[llm]\nextraRoots = ["other"]\n',
        files=tool("Write", file_path="../other/new.txt", content="x") | {"desk/a": "", "other/a": ""},
    ),
    "llm.judge": asked(
        "if **it is blue** with { of: `sky` } [ show 1 ]\n", key='[llm]\njudge = "haiku"\n', more=("--json",),
        files={"replies.jsonl": '{"reply": {"holds": true, "evidence": "sky", "confidence": 1}}\n'},
    ),
    "llm.maxTokens": asked(key="[llm]\nmaxTokens = 10\n", more=("--budget", "usd=0.005")),
    "llm.maxWait": Probe(ANSWERED, words=(*MODELS, *SLOW, "--seed", "1"), key='[llm]\nmaxWait = "1h"\n', files=LIMITED),
    "llm.env": Probe(
        'import { @claude } from @orch/llm\nshow @claude("go", { tools: "Bash" })\n', words=MODELS,
        key='[llm]\nenv = ["MY_TOKEN"]\n', files=tool("Bash", command='test -n "$MY_TOKEN" && touch seen'),
        environ=PATH | {"MY_TOKEN": "value-of-the-token"},
    ),
    "llm.archive": asked(key='[llm]\narchive = "full"\n'),
    "llm.budget": asked(key="[llm.budget]\ncalls = 0\n"),
    "prelude.modules": asked(ANSWERED.split("\n", 1)[1], key='[prelude]\nmodules = ["@orch/llm"]\n'),
    "checkpoint.resume": asked(key='[checkpoint]\nresume = "never"\n', before=(MODELS,)),
    "checkpoint.stale": asked(
        key='[checkpoint]\nstale = "use"\n', before=(MODELS,), later=ANSWERED.replace("ask @q", "tell @q")
    ),
    "checkpoint.store": asked(key='[checkpoint]\nstore = "elsewhere.db"\n'),
    "checkpoint.keep": Probe(
        ANSWERED, key='checkpoint.keep = "1ms"\n', before=(MODELS,), command=("checkpoint", "gc"), files=REPLIES
    ),
    "checkpoint.max": asked(
        ANSWERED + "run cmd { sleep 1.1 }\n", key="checkpoint.max = 1\n", toml='checkpoint.keep = "1ms"\n'
    ),
    "security.allowAbsolutePaths": Probe(
        "show <../outside.txt>?\n", key="[security]\nallowAbsolutePaths = false\n", files=FAR
    ),
    "security.allowedEnvVars": Probe(
        "import { COLOUR } from @input\nshow @COLOUR ?? `none`\n", key='[security]\nallowedEnvVars = ["COLOUR"]\n',
        environ={"COLOUR": "red"},
    ),
    "security.allowedDomains": Probe("show <PAGE/plain>\n", key='[security]\nallowedDomains = ["example.org"]\n'),
    "security.blockedDomains": Probe("show <PAGE/plain>\n", key='[security]\nblockedDomains = ["localhost"]\n'),
    "security.urlTimeout": Probe("show <PAGE/slow>\n", key="[security]\nurlTimeout = 0.05\n", words=SLOW),
    "security.urlMaxSize": Probe("show <PAGE/plain>\n", key="[security]\nurlMaxSize = 3\n"),
    "audit.required": asked(key="[audit]\nrequired = true\n", files={".orch/sec/audit.jsonl/in-the-way": ""}),
    "hooks.onError": Probe(
        "exe @f() = `x`\nhook before @f = [ throw `broken` ]\nshow @f()\n", key='[hooks]\nonError = "fail"\n'
    ),
    "check.suppressWarnings": Probe(
        "show @nobody\n", key='[check]\nsuppressWarnings = ["undefined-variable"]\n', command=("check", "job.mld")
    ),
}  # fmt: skip


def test_no_setting_is_missing_here() -> None:
    assert {setting.name for setting in settings()} == SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_changes_something(name: str, tmp_path: Path, page: str) -> None:
    probe = replace(SETTINGS[name], script=SETTINGS[name].script.replace("PAGE", page))
    check(probe, tmp_path)


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """A server on this machine with a plain page and one that does not come."""
    done = threading.Event()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/slow":
                done.wait(20)
            self.send_response(200)
            self.send_header("content-type", "text/plain")
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(b"plain text")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    done.set()
    server.shutdown()
    server.server_close()

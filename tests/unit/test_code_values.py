"""Blocks of Python and JavaScript: what goes in, what comes out, and what an exception tells."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestra.errors import OrchError
from orchestra.runtime.code.calls import CodeResult, Lang, Shadow
from orchestra.runtime.code.workers import CodeWorkers
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged

PYTHON = str(Path(sys.executable).parent)
ENV = {"PATH": f"{PYTHON}:{os.environ['PATH']}"}
WITHOUT_NODE = {"PATH": PYTHON}
HAS_NODE = shutil.which("node") is not None
needs_node = pytest.mark.skipif(not HAS_NODE, reason="Node.js is not installed")
engines = pytest.mark.parametrize(
    ("lang", "env"),
    [
        pytest.param("js", ENV, marks=needs_node, id="js"),
        pytest.param("node", ENV, marks=needs_node, id="node"),
        pytest.param("js", WITHOUT_NODE, id="js-without-node"),
    ],
)

Run = Callable[..., Awaitable[CodeResult]]


def session(lang: Lang, body: Callable[[Run], Awaitable[Any]], env: dict[str, str] = ENV) -> Any:
    """The result of `body`, which runs blocks of one language in the same workers."""

    async def main() -> Any:
        async with CodeWorkers(env) as workers:

            async def run(code: str, params: Any = (), shadow: Any = (), **options: Any) -> CodeResult:
                return await workers.run(
                    lang, code, dict(params), dict(shadow), options.pop("cwd", Path("/")), **options
                )

            return await body(run)

    return trio.run(main)


def value_of(lang: Lang, code: str, params: Any = (), shadow: Any = (), env: dict[str, str] = ENV) -> Any:
    async def body(run: Run) -> Any:
        return (await run(code, params, shadow)).value

    return session(lang, body, env)


def fault_of(lang: Lang, code: str, shadow: Any = (), env: dict[str, str] = ENV) -> OrchError:
    with pytest.raises(OrchError) as caught:
        value_of(lang, code, (), shadow, env)
    return caught.value


SAME_IN_EVERY_ENGINE: list[tuple[str, dict[str, Any], Any]] = [
    ("return n / 2", {"n": 9}, 4.5),
    ("n * 2", {"n": 4}, 8),
    ("const a = n + 1;\na * 2;", {"n": 1}, 4),
    ("const twice = x => x * 2\ntwice(n)\n  .toString()\n  .padStart(3, '0')", {"n": 4}, "008"),
    ("function f(a) {\n  return a\n}\nf(n)", {"n": 3}, 3),
    ("let x = 1\nwhile (x < 5)\n  x++\n// done", {}, ""),
    ("let x = 1\nwhile (x < 5)\n  x++\nx", {}, 5),
    ("if (n) { return 'yes' }\n'no'", {"n": 0}, "no"),
    ("let s = 'a; b'; s", {}, "a; b"),
    ("`a;\n${n}`", {"n": 1}, "a;\n1"),
    ("1\n+ 2", {}, 3),
    ("{ a: 1, b: [n] }", {"n": 2}, {"a": 1, "b": [2]}),
    (
        "return { d: new Date(0), u: undefined, f() {}, n: NaN }",
        {},
        {"d": "1970-01-01T00:00:00.000Z", "n": None},
    ),
    ("return Promise.resolve([1, undefined])", {}, [1, None]),
    ("const p = await Promise.resolve(2)\np + 1", {}, 3),
    ("return '  text \\n\\n'", {}, "text"),
    ("return 10n", {}, 10),
    ("return [12345678901234567890n]", {}, ["12345678901234567890"]),
    ("return Infinity", {}, math.inf),
    ("return x === -Infinity", {"x": -math.inf}, True),
    ("return null", {}, ""),
    ("console.log('a', 1); return null", {}, "a 1"),
    ("console.log('a'); return 2", {}, 2),
    ("const unused = 1", {}, ""),
    ("", {}, ""),
    ("typeof v", {"v": MISSING}, "undefined"),
    ("typeof v", {"v": None}, "object"),
    ("typeof v", {"v": "7"}, "string"),
    ("[typeof v, v]", {"v": 3.0}, ["number", 3]),
    ("Array.isArray(v) && v instanceof Array && v.length", {"v": [1, {"a": []}]}, 2),
    ("my_name", {"my-name": "x"}, "x"),
    ("v.e", {"v": {"e": Executable("f", ("a", "b"))}}, "<function(a, b)>"),
    ("v", {"v": Tagged({"a": Tagged(1, Meta(("x",)))}, Meta(("y",), text="{…}"))}, {"a": 1}),
    ("v.length", {"v": "é\ud83d"}, 2),
    ("globalThis.leak = 1; Object.prototype.leak = 1; 0", {}, 0),
    ("typeof leak + typeof ({}).leak", {}, "undefinedundefined"),
]


@engines
def test_javascript(lang: Lang, env: dict[str, str]) -> None:
    async def body(run: Run) -> None:
        for code, params, expected in SAME_IN_EVERY_ENGINE:
            result = await run(code, params)
            assert result.value == expected, code
            assert type(result.value) is type(expected), code

    session(lang, body, env)


@engines
def test_nan_comes_back_as_a_number(lang: Lang, env: dict[str, str]) -> None:
    assert math.isnan(value_of(lang, "return 0 / 0", env=env))


@engines
def test_what_is_printed_is_kept_besides_the_value(lang: Lang, env: dict[str, str]) -> None:
    seen: list[tuple[str, str]] = []

    async def body(run: Run) -> CodeResult:
        code = "console.log('one'); console.error('oops'); console.log({ a: 1 } ? 'two' : ''); return 3"
        return await run(code, on_output=lambda stream, text: seen.append((stream, text)))

    result = session(lang, body, env)
    assert (result.value, result.printed) == (3, "one\ntwo\n")
    assert "".join(text for stream, text in seen if stream == "stdout") == "one\ntwo\n"
    assert "".join(text for stream, text in seen if stream == "stderr") == "oops\n"


THROWN = [
    ("throw new Error('cannot')", "cannot", 1),
    ("\nnull.x", "Cannot read properties of null (reading 'x')", 2),
    ("const f = () => {\n  throw new TypeError('deep')\n}\nf()", "deep", 2),
    ("throw 'text'", "text", None),
    ("throw { code: 4 }", '{"code":4}', None),
    ("throw new Error()", "Error", 1),
    ("return Promise.reject(new Error('later'))", "later", 1),
    ("const a = []; a.push(a); return a", "Converting circular structure to JSON", None),
]


@engines
def test_exceptions_say_what_the_code_said(lang: Lang, env: dict[str, str]) -> None:
    async def body(run: Run) -> None:
        for code, message, line in THROWN:
            with pytest.raises(OrchError) as caught:
                await run(code)
            assert caught.value.code == "E504"
            assert caught.value.message.split("\n")[0] == message
            assert caught.value.details.get("line") == line, code
            assert caught.value.details["language"] == lang

    session(lang, body, env)


@needs_node
def test_wrong_syntax_is_located() -> None:
    error = fault_of("js", "let a = 1;\nlet b = ;")
    assert (error.message, error.details["line"]) == ("Unexpected token ';'", 2)
    assert error.details["name"] == "SyntaxError"


HELPERS = {
    "loud": Shadow(("s",), "js", "return s.toUpperCase()"),
    "star": Shadow(("s",), "js", "'*' + s + '*'"),
    "both": Shadow(("s",), "js", "return star(loud(s))"),
}


@pytest.mark.parametrize("env", [pytest.param(ENV, marks=needs_node), WITHOUT_NODE])
def test_helpers_of_js_are_synchronous(env: dict[str, str]) -> None:
    assert value_of("js", "words.map(w => both(w))", {"words": ["go"]}, HELPERS, env) == ["*GO*"]


@pytest.mark.parametrize("env", [pytest.param(ENV, marks=needs_node), WITHOUT_NODE])
def test_parameters_win_over_helpers_and_may_be_helpers(env: dict[str, str]) -> None:
    params = {"loud": "mine", "f": Executable("star", ("s",)), "g": Executable("other", ("a",))}
    assert value_of("js", "[loud, f('x'), g]", params, HELPERS, env) == ["mine", "*x*", "<function(a)>"]


@needs_node
def test_helpers_of_node_are_asynchronous() -> None:
    helpers = {**HELPERS, "both": Shadow(("s",), "node", "return await star(await loud(s))")}
    assert value_of("node", "[loud('a') instanceof Promise, await both('b')]", (), helpers) == [True, "*B*"]


def test_helpers_of_another_language_are_refused() -> None:
    error = fault_of("py", "loud('x')", HELPERS)
    assert (error.code, error.message) == ("E206", "@loud is js code and cannot be called from py code")


async def template(*parts: Any) -> str:
    if parts == ("bad",):
        raise OrchError("E205", "no such field")
    return "T:" + "".join(str(part) for part in parts)


HOST = {"tell": Shadow(host=template)}
CALLS_OF_HOSTS: list[tuple[Lang, str, Any]] = [
    pytest.param("js", "[tell('a', 1), tell(undefined)]", ["T:a1", "T:None"], marks=needs_node),  # type: ignore
    pytest.param("node", "Promise.all([tell('a', 1), tell(null)])", ["T:a1", "T:None"], marks=needs_node),  # type: ignore
    ("py", "print([tell('a', 1), tell(None)])", "['T:a1', 'T:None']"),
]


@pytest.mark.parametrize(("lang", "code", "expected"), CALLS_OF_HOSTS)
def test_functions_of_the_script_can_be_called(lang: Lang, code: str, expected: Any) -> None:
    assert value_of(lang, code, (), HOST) == expected


@pytest.mark.parametrize(
    ("lang", "let_pass", "caught"),
    [
        pytest.param("js", "tell('bad')", "try { tell('bad') } catch (e) { e.message }", marks=needs_node),
        pytest.param("node", "await tell('bad')", "return tell('bad').catch(e => e.message)", marks=needs_node),
        ("py", "tell('bad')", "try:\n  tell('bad')\nexcept Exception as e:\n  print(e)"),
    ],
)
def test_their_errors_come_back_as_they_were_unless_caught(lang: Lang, let_pass: str, caught: str) -> None:
    error = fault_of(lang, let_pass, HOST)
    assert (error.code, error.message) == ("E205", "no such field")
    code = caught.replace("{ e.message }", "{ return e.message }")
    assert value_of(lang, code, (), HOST) == "no such field"


def test_without_node_js_cannot_call_functions_of_the_script() -> None:
    error = fault_of("js", "tell('a')", HOST, WITHOUT_NODE)
    assert error.message == "tell is a function of the script, which js can call only with Node.js installed"


def test_other_exceptions_of_host_functions_pass_through() -> None:
    class Stop(BaseException):
        pass

    async def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        value_of("py", "stop()", (), {"stop": Shadow(host=stop)})


@needs_node
def test_node_has_modules_and_js_has_not(tmp_path: Path) -> None:
    (tmp_path / "near.js").write_text("module.exports = 'near'")

    async def node(run: Run) -> None:
        assert (await run("require('./near.js') + process.cwd()", cwd=tmp_path)).value == f"near{tmp_path}"
        assert (await run("module.exports = { a: 1 }; undefined")).value == {"a": 1}
        assert (await run("exports.b = 2; return")).value == {"b": 2}
        assert (await run("(await import('node:path')).basename('/a/b')")).value == "b"
        await run("process.env.LEAK = '1'; delete process.env.PATH; process.exitCode = 3; process.chdir('/tmp')")
        assert (await run("[process.env.LEAK, typeof process.env.PATH, process.cwd()]")).value == [
            None,
            "string",
            "/",
        ]
        assert (await run("setTimeout(() => {}, 0); new URL('http://h/p').pathname")).value == "/p"

    session("node", node)
    assert value_of("js", "[typeof require, typeof module, typeof URL]") == [
        "undefined",
        "undefined",
        "function",
    ]


def test_missing_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    error = fault_of("node", "1", env=WITHOUT_NODE)
    assert (error.code, error.help) == ("E505", "install Node.js")
    assert error.message == "node code needs Node.js, which is not on the path"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    error = fault_of("js", "1", env=WITHOUT_NODE)
    assert error.message == "js code needs Node.js or mini-racer, and neither is installed"
    assert error.help == "install Node.js, or pip install 'orch[js]'"
    assert value_of("py", "print(1)", env={"PATH": ""}) == "1"


def test_an_interpreter_that_does_not_work(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "python3").chmod(0o755)
    error = fault_of("py", "print(1)", env={"PATH": str(tmp_path)})
    assert (error.code, error.message) == ("E505", f"{tmp_path}/python3 cannot be used, it ended at once")


PYTHON_BLOCKS: list[tuple[str, dict[str, Any], str]] = [
    ("import statistics\nprint(statistics.mean(xs), type(xs[0]).__name__)", {"xs": [2, 4]}, "3 int"),
    (
        "print(type(a).__name__, type(b).__name__, c, d)",
        {"a": 1.5, "b": True, "c": None, "d": MISSING},
        "float bool None None",
    ),
    ("print(repr(n))", {"n": 4.0}, "4"),
    ("print(n)", {"n": 2**60 + 1}, "1152921504606846977"),
    ("print(x != x, y)", {"x": math.nan, "y": -math.inf}, "True -inf"),
    ("print(my_name)", {"my-name": "é"}, "é"),
    (
        "print(isinstance(d, dict), d, d.mx['labels'], d.mx['filename'])",
        {"d": Tagged({"a": 1}, Meta(("pii",), facts={"filename": "f.json"}))},
        "True {'a': 1} ['pii'] f.json",
    ),
    (
        "print(orch.is_variable(d), orch.is_variable(l), orch.is_variable({}), orch.is_variable(s))",
        {"d": {}, "l": [], "s": ""},
        "True True False False",
    ),
    ("import json\nprint(json.dumps(d))", {"d": {"a": [1]}}, '{"a": [1]}'),
    ("print('  text  \\n\\n')", {}, "  text"),
    ("pass", {}, ""),
    ("import os\nos.system('echo sub')\nprint('own')", {}, "sub\nown"),
    ("import sys\nsys.exit()", {}, ""),
    ("if __name__ == '__main__':\n  print(__name__)", {}, "__main__"),
    ("from dataclasses import dataclass\n@dataclass\nclass P:\n  x: int\nprint(P(1))", {}, "P(x=1)"),
    ("import pickle\nclass P: pass\nprint(type(pickle.loads(pickle.dumps(P()))) is P)", {}, "True"),
    (
        "import os, sys\nleak = os.environ['LEAK'] = '1'\nsys.path.append('leak')\nsys.stdout = None\nos.chdir('/tmp')",
        {},
        "",
    ),
    (
        "import os, sys\nprint('leak' in globals(), 'LEAK' in os.environ, 'leak' in sys.path, os.getcwd())",
        {},
        "False False False /",
    ),
    ("try:\n  input()\nexcept EOFError:\n  print('closed')", {}, "closed"),
]


def test_python() -> None:
    async def body(run: Run) -> None:
        for code, params, expected in PYTHON_BLOCKS:
            result = await run(code, params)
            assert result.value == expected, code

    session("py", body)


def test_python_exceptions_show_the_users_code_alone() -> None:
    error = fault_of("py", "import json\ndef f(t):\n    return json.loads(t)\n\nf('{')\n")
    assert error.code == "E504"
    assert error.message.startswith("JSONDecodeError: Expecting property name")
    assert error.details["line"] == 3
    trace = error.details["traceback"]
    assert "File \"<block>\", line 5, in <module>\n    f('{')" in trace
    assert 'File "<block>", line 3, in f\n    return json.loads(t)' in trace
    assert "worker.py" not in trace
    assert "decoder.py" not in trace


@pytest.mark.parametrize(
    ("code", "message", "line"),
    [
        ("x = 1\nreturn x", "SyntaxError: 'return' outside function", 2),
        ("print(1)\n  print(2)", "IndentationError: unexpected indent", 2),
        ("raise KeyError('k')", "KeyError: 'k'", 1),
        ("raise ValueError", "ValueError", 1),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'", 1),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", 1),
    ],
)
def test_python_faults(code: str, message: str, line: int) -> None:
    error = fault_of("py", code)
    assert (error.message, error.details["line"]) == (message, line)


def test_python_helpers_print_and_return_what_they_print() -> None:
    helpers = {
        "up": Shadow(("s", "mark"), "py", "print(s.upper() + (mark or ''))"),
        "twice": Shadow(("s",), "py", "print(up(s) * 2)"),
    }
    assert value_of("py", "x = up('a', '!')\nprint(x)", (), helpers) == "A!\nA!"
    assert value_of("py", "twice('b')", (), helpers) == "B\nBB"
    error = fault_of("py", "\nboom()", {"boom": Shadow((), "py", "1/0")})
    assert (error.message, error.details["line"]) == ("ZeroDivisionError: division by zero", 2)
    assert 'File "<function boom>", line 1' in error.details["traceback"]


@pytest.mark.parametrize(
    ("lang", "code", "exit"),
    [
        ("py", "import sys\nprint('x', flush=True)\nsys.exit(3)", 3),
        ("py", "import sys\nsys.exit('no')", 1),
        pytest.param("node", "process.exit(4)", 4, marks=needs_node),
        pytest.param("js", "process.exitCode = 5; process.exit()", 5, marks=needs_node),
    ],
)
def test_exit_codes(lang: Lang, code: str, exit: int) -> None:
    error = fault_of(lang, code)
    assert (error.code, error.message) == ("E504", f"the code ended its process with exit code {exit}")
    assert error.details["exitCode"] == exit


@needs_node
def test_a_clean_exit_in_the_middle_is_an_end() -> None:
    assert value_of("node", "console.log('so far'); process.exit(0)") == "so far"


def test_unknown_folder() -> None:
    async def body(run: Run) -> None:
        with pytest.raises(OrchError, match="the folder /no/such does not exist") as caught:
            await run("1", cwd=Path("/no/such"))
        assert caught.value.code == "E402"

    session("py", body)


@pytest.mark.parametrize(
    ("lang", "code"), [pytest.param("js", "return s + s", marks=needs_node), ("py", "print(s + s)")]
)
def test_large_values(lang: Lang, code: str) -> None:
    assert value_of(lang, code, {"s": "ü" * 1_000_000}) == "ü" * 2_000_000

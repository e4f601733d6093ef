"""The checks as an API: which files they read, what they pass over, and the forms of a report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestra.check import Report, check_script
from orchestra.check.findings import Findings
from orchestra.check.rules import RULES
from orchestra.check.sarif import as_sarif
from orchestra.check.walker import one_edit_apart
from orchestra.cli.in_process import run_in_process
from orchestra.config import Config, load
from orchestra.errors import NAMES, OrchError, Warned, render
from orchestra.source import Source, Span
from orchestra.values.known import BUILT_IN_MODULES

CASES = Path(__file__).parent.parent / "cases"
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def check(text: str, root: Path, **options: Any) -> Report:
    return check_script(Source("x.mld", text), Config(root), **options)[0]


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


# ── no false alarms ──────────────────────────────────────────────────────────────────────────────


def good_cases() -> list[Path]:
    folders = sorted({path.parent for path in CASES.glob("*/*/example.m*")})
    return [path for path in folders if not (path / "error.txt").exists() and not (path / "fault.txt").exists()]


def laid_out(case: Path, work: Path) -> Path:
    """The script of a case among its files, without copying them."""
    work.mkdir()
    for entry in (case / "files").iterdir() if (case / "files").exists() else ():
        (work / entry.name).symlink_to(entry)
    script = next(case.glob("example.m*"))
    (work / script.name).symlink_to(script)
    return work / script.name


def test_programs_that_run_have_no_errors(tmp_path: Path) -> None:
    wrong = []
    for number, case in enumerate(good_cases()):
        script = laid_out(case, tmp_path / str(number))
        report = check_script(script, load(script.parent, {}))[0]
        found = [error for error in report.errors if not error.code.startswith("E1")]  # the parser has its own tests
        wrong += [f"{case.name}: {error.code} {error.message}" for error in found]
    assert wrong == []


@pytest.mark.parametrize("module", sorted(BUILT_IN_MODULES))
def test_what_a_built_in_module_exports_is_what_a_run_finds_in_it(module: str, tmp_path: Path) -> None:
    done = run_in_process(["-e", f"import {{ @none }} from @{module}"], tmp_path, "", {})
    assert f"= help: it exports {', '.join(sorted(BUILT_IN_MODULES[module]))}\n" in done.stderr


@pytest.mark.parametrize("script", sorted(EXAMPLES.rglob("*.mld")), ids=lambda path: path.stem)
def test_examples_have_no_findings(script: Path) -> None:
    root = next(folder for folder in script.parents if (folder / "orch.toml").exists())
    assert [finding.message for finding in check_script(script, load(root, {}))[0].findings] == []


# ── what is read ─────────────────────────────────────────────────────────────────────────────────


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OrchError, match=r"file not found: gone\.mld") as caught:
        check_script(tmp_path / "gone.mld", Config(tmp_path))
    assert (caught.value.code, caught.value.exit) == ("E401", 2)


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.mld").write_bytes(b"show \xff\xfe")
    with pytest.raises(OrchError, match=r"x\.mld is not UTF-8 text"):
        check_script(tmp_path / "x.mld", Config(tmp_path))


def test_a_template_alone_is_checked_for_its_syntax(tmp_path: Path) -> None:
    (tmp_path / "good.att").write_text("Hi @who\n")
    (tmp_path / "bad.att").write_text("One\n/for @x in @xs\n@x\n")
    assert check_script(tmp_path / "good.att", Config(tmp_path))[0].as_data()["template"] == {"variables": ["who"]}
    (bad,) = check_script(tmp_path / "bad.att", Config(tmp_path))
    assert (codes(bad), bad.valid, bad.kind) == (["E103"], False, "template")


def test_deep_checks_what_is_imported(tmp_path: Path) -> None:
    (tmp_path / "a.mld").write_text('import { @b } from "./b.mld"\nvar @a = @b\n')
    (tmp_path / "b.mld").write_text("var @b = @nothing\n")
    script = tmp_path / "x.mld"
    script.write_text('import { @a } from "./a.mld"\nshow @a\n')
    assert [report.file for report in check_script(script, Config(tmp_path))] == ["x.mld"]
    reports = check_script(script, Config(tmp_path), deep=True)
    assert {report.file: codes(report) for report in reports} == {
        "x.mld": [],
        "a.mld": [],
        "b.mld": ["undefined-variable"],
    }


def test_modules_of_the_invocation_are_not_missed(tmp_path: Path) -> None:
    text = "import { @a } from @team/info\nshow @a\n"
    assert codes(check(text, tmp_path)) == ["unknown-module"]
    assert codes(check(text, tmp_path, given=["@team/info"])) == []


def test_the_mode_can_be_given(tmp_path: Path) -> None:
    assert codes(check("Only prose\n", tmp_path, mode="markdown")) == []
    assert codes(check("Only prose\n", tmp_path)) != []


def test_an_empty_script_is_valid(tmp_path: Path) -> None:
    assert check("", tmp_path).valid


def test_nothing_is_run(tmp_path: Path) -> None:
    check('run sh { touch made }\noutput "x" to "made"\n', tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_engine_is_loaded() -> None:
    code = "import orchestra.check, sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = ("trio", "anthropic", "rich", "click", "sqlite_utils")
    ours = ("orchestra.runtime", "orchestra.store", "orchestra.providers")
    assert [name for name in done.stdout.split() if name.split(".")[0] in heavy or name.startswith(ours)] == []


# ── findings ─────────────────────────────────────────────────────────────────────────────────────


def test_advice_can_be_silenced_and_errors_cannot() -> None:
    findings = Findings(["unused-definition", "E203"])
    span = Span(Source("x", "show 1"), 0, 4)
    findings.add("unused-definition", "a", span)
    findings.add("E203", "b", span)
    findings.add("E203", "b", span)
    assert [finding.message for finding in findings] == ["b"]


def test_findings_come_in_source_order() -> None:
    source = Source("x", "show 1\nshow 2\n")
    findings = Findings()
    findings.add("E203", "second", Span(source, 7, 8))
    findings.add("E203", "first", Span(source, 0, 1))
    assert [finding.message for finding in findings] == ["first", "second"]


def test_a_finding_is_shown_like_any_fault(tmp_path: Path) -> None:
    error, *_ = check("var @a = 1\nvar @a = 2\nshow @a\n", tmp_path).findings
    warning, *_ = check("show @nope\n", tmp_path).findings
    fault = error.as_fault()
    assert isinstance(fault, OrchError)
    assert (fault.exit, fault.notes[0].message) == (2, "first defined here")
    assert isinstance(warning.as_fault(), Warned)
    assert render(warning.as_fault()) == (
        "warning[undefined-variable]: variable @nope is not defined\n"
        "  --> x.mld:1:6\n"
        "   |\n"
        " 1 | show @nope\n"
        "   |      ^^^^^"
    )


def test_no_word_of_the_table_is_a_code_of_an_error() -> None:
    assert not RULES.keys() & NAMES.keys()
    assert {rule.level for rule in RULES.values()} == {"warning", "advice"}


def test_many_faults_do_not_take_forever(tmp_path: Path) -> None:
    text = "".join(f"var @name{n} = @nome{n}\n" for n in range(400))
    report = check(text, tmp_path)
    helped = [finding for finding in report.findings if finding.help and finding.help.startswith("did you mean")]
    assert codes(report).count("undefined-variable") == 400
    assert len(helped) == 50


@pytest.mark.parametrize(
    ("a", "b", "close"),
    [
        ("customer", "custmer", True),
        ("custmer", "customer", True),
        ("customer", "custoner", True),
        ("customer", "cutsomer", True),
        ("customers", "customer", True),
        ("customer", "customer", False),
        ("customer", "cutsomre", False),
        ("abc", "abd", False),
        ("name", "naming", False),
    ],
)
def test_one_edit_apart(a: str, b: str, close: bool) -> None:
    assert one_edit_apart(a, b) is close


# ── as data ──────────────────────────────────────────────────────────────────────────────────────

MIXED = """\
exe llm @ask(q, result) = `@q @result`
var @x = @ask(@topic, 1)
var @x = 2
checkpoint "one"
hook @seen after op:exe = [ log @output ]
import { nothing } from "./gone.mld"
export { @x }
"""


def test_json_has_every_list_and_every_place(tmp_path: Path) -> None:
    data = check(MIXED, tmp_path).as_data()
    assert list(data) == [
        "filepath", "valid", "errors", "warnings", "redefinitions", "antiPatterns", "executables", "exports",
        "imports", "hooks", "guards", "policies", "needs", "checkpoints", "template",
    ]  # fmt: skip
    assert (data["filepath"], data["valid"]) == ("x.mld", False)
    assert data["executables"] == [{"name": "ask", "params": ["q", "result"], "labels": ["llm"]}]
    assert data["imports"] == [{"from": "./gone.mld", "names": ["nothing"]}]
    assert (data["exports"], data["checkpoints"]) == (["x"], ["one"])
    assert data["hooks"] == [{"name": "seen", "timing": "after", "filter": "op:exe"}]
    found = [*data["errors"], *data["warnings"], *data["redefinitions"], *data["antiPatterns"]]
    assert {entry["code"] for entry in found} >= {
        "E401",
        "E203",
        "undefined-variable",
        "exe-parameter-shadowing",
    }
    assert all(entry["endColumn"] > 0 and entry["line"] > 0 for entry in found)


def test_json_names_variable_reason_and_suggestion(tmp_path: Path) -> None:
    data = check(MIXED.replace("@topic", "@asc"), tmp_path).as_data()
    (warning,) = data["warnings"]
    assert (warning["variable"], warning["line"], warning["column"]) == ("asc", 2, 15)
    assert warning["suggestion"] == "did you mean @ask?"
    (rebound,) = data["redefinitions"]
    assert (rebound["variable"], rebound["line"]) == ("x", 3)
    assert rebound["reason"] == "@x is already defined and cannot be redefined"


def test_sarif_has_what_code_hosts_require(tmp_path: Path) -> None:
    log = as_sarif([check(MIXED, tmp_path)])
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "orch"
    for rule in driver["rules"]:
        assert rule["id"] and rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
        assert rule["help"]["text"] and rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "x.mld", "uriBaseId": "%SRCROOT%"}
        region = place["region"]
        assert 1 <= region["startLine"] <= region["endLine"] and region["startColumn"] >= 1
        assert len(result["partialFingerprints"]["primaryLocationLineHash"]) == 32
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}


def test_sarif_fingerprints_survive_moved_lines(tmp_path: Path) -> None:
    def prints(text: str) -> list[str]:
        results = as_sarif([check(text, tmp_path)])["runs"][0]["results"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    assert prints("show @nope\n") == prints("show 1\n\nshow @nope\n")
    assert prints("show @nope\n") != prints("show @other\n")


def test_sarif_without_findings_has_an_empty_run(tmp_path: Path) -> None:
    (run,) = as_sarif([check("show 1\n", tmp_path)])["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])

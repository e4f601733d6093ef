"""Ensembles that are wrong in every way found so far: each gets its finding, and none stops the check of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestra.cli.in_process import Finished, run_in_process

WRONG = {
    "": "an ensemble is an object with agents",
    "[1, 2]": "an ensemble is an object with agents",
    "agents: [": "this is not YAML: expected the node content, but found '<stream end>' in line 1",
    "agents: &a [*a]": "this YAML is nested too deeply, or holds itself",
    "agents: []": "agents must be a list with at least one node",
    "agents: {a: 1}": "agents must be a list with at least one node",
    "agents: [a]": "each agent is an object with a name, not a",
    "{name: [1], agents: [{name: a, model: m}]}": "name must be text",
    "agents: [{name: a, model: m}, {name: a, model: m}]": "there are two nodes called a",
    "agents: [{name: a, model: m, depends_on: [a]}]": "these nodes wait for each other: a",
    "agents: [{name: a, model: m, depends_on: b}]": "depends_on must be a list of nodes",
    "agents: [{name: a, model: m, depends_on: [b]}]": "depends_on names b, which is no node",
    "agents: [{name: a, model: m, fan_out: 3}]": "fan_out must be true or false",
    "agents: [{name: a, model: m, input_key: 4}]": "input_key must be the name of a field",
    "agents: [{name: a, model: m, when: 3}]": "when must be a path such as scan.found",
    "agents: [{name: a, model: m, timeout_seconds: 0}]": "timeout_seconds must be a number above 0",
    "agents: [{name: a}]": "no model: give the node a model_profile, or the ensemble a default_profile",
    "agents: [{name: a, model_profile: gone}]": "profile gone not found",
    "agents: [{name: input, model: m}]": "input is the name of what the ensemble is given",
    "agents: [{name: a, script: 5}]": "script must be the path of a file",
    "agents: [{name: a, ensemble: gone}]": 'there is no ensemble "gone"',
    "agents: [{name: a, ensemble: wrong}]": "the ensemble runs itself, through wrong",
    "agents: [{name: a, loop: 4}]": "loop must be an object with ensemble and max_iterations",
    "agents: [{name: a, loop: {ensemble: sound}}]": "a loop needs max_iterations, a whole number from 1",
    "agents: [{name: a, loop: {ensemble: sound, max_iterations: 0.5}}]": "a loop needs max_iterations",
    "agents: [{name: a, dispatch: {cases: [x]}}]": "dispatch must be an object with by and cases",
    "agents: [{name: a, dispatch: {by: k, cases: {x: gone}}}]": 'there is no ensemble "gone"',
    "agents: [{name: a, model: m, holistic_judgment: true}]": "holistic_judgment is beyond an agent",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / ".llm-orc" / "ensembles"
    folder.mkdir(parents=True)
    (tmp_path / "orch.toml").touch()
    (folder / "sound.yaml").write_text("agents: [{name: a, model: m, task: Say yes.}]")
    return tmp_path


def orch(project: Path, *words: str) -> Finished:
    return run_in_process(list(words), project, "", {"PATH": "/usr/bin:/bin", "HOME": str(project)})


def test_each_fault_is_found(project: Path) -> None:
    folder = project / ".llm-orc" / "ensembles"
    for number, text in enumerate(WRONG):
        (folder / f"wrong{number:02}.yaml").write_text(text.replace("ensemble: wrong", f"ensemble: wrong{number:02}"))
    done = orch(project, "ensemble", "check", "--json")
    assert done.exit == 2
    said = {Path(one["file"]).stem: [] for one in json.loads(done.stdout)}
    for one in json.loads(done.stdout):
        said[Path(one["file"]).stem].append(one["text"])
    for number, (text, expected) in enumerate(WRONG.items()):
        name = f"wrong{number:02}"
        found = [line.replace(name, "wrong") for line in said.get(name, [])]
        assert any(line.startswith(expected) for line in found), (text, found)
    assert "sound" not in said


def test_a_wrong_ensemble_does_not_run(project: Path) -> None:
    (project / ".llm-orc" / "ensembles" / "wrong.yaml").write_text("agents: [{name: a}]")
    done = orch(project, "ensemble", "run", "wrong")
    assert done.exit == 2
    assert "no model: give the node a model_profile" in done.stderr
    assert not (project / ".orch" / "store.db").exists()

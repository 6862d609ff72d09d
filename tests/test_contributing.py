"""What is said to those who contribute is so: paths exist, and the workflow runs what everybody runs."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = [name for name in re.findall(r"`((?:lstm_core|dashboard|lab|tests|docs)/[\w./]*)`", text)]
    assert named
    for name in [*named, *re.findall(r"\]\(([^):]+)\)", text)]:
        assert (ROOT / name).exists(), name
    for row in re.findall(r"^\| (`.+?) \|", text, re.MULTILINE):  # a row of files beside each other
        folder = ROOT / row.split("`")[1].partition("/")[0]
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", row):
            assert (ROOT / name).exists() or (folder / name).exists(), name


def test_the_workflow_runs_make_test_from_the_oldest_python_and_torch_on() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))["jobs"]
    for name, target in (("test", "make test"), ("oldest", "make test-oldest")):
        assert any(step.get("run") == target for step in jobs[name]["steps"])
    pythons = jobs["test"]["strategy"]["matrix"]["python"]
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    said = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert pythons == said
    assert pythons[0] in [step.get("with", {}).get("python-version") for step in jobs["oldest"]["steps"]]


def test_the_oldest_torch_is_the_one_that_the_project_allows() -> None:
    plan = subprocess.run(["make", "-n", "-B", "test-oldest"], cwd=ROOT, capture_output=True, text=True, check=True)
    (allowed,) = PROJECT["optional-dependencies"]["torch"]
    assert f"'{allowed.replace('>=', '==')}.*'" in plan.stdout
    assert "tests/test_trace_ways.py" in plan.stdout


def test_what_runs_before_a_commit_is_part_of_make_test() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    assert hooks and all(hook["entry"] in makefile for hook in hooks)

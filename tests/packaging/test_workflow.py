"""The workflow calls what exists, runs nothing that can move, and holds no secret."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

PINNED_ACTION = re.compile(r"actions/[a-z-]+@[0-9a-f]{40}")


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    return (repository / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workflow(text: str) -> Mapping[str, Any]:
    # YAML 1.2, where the key `on` is a word.
    loaded = YAML(typ="safe", pure=True).load(text)
    assert isinstance(loaded, Mapping)
    return loaded


def _steps(workflow: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def _commands(workflow: Mapping[str, Any]) -> list[list[str]]:
    lines = [line for step in _steps(workflow) for line in step.get("run", "").splitlines()]
    return [shlex.split(line) for line in lines]


def test_every_command_is_a_script_of_ours(workflow: Mapping[str, Any], repository: Path) -> None:
    called = {command[0] for command in _commands(workflow)}
    assert called >= {"./scripts/test", "./scripts/coverage"}
    for name in called:
        assert re.fullmatch(r"\./scripts/\w+", name), name
        assert (repository / name).is_file(), name
        assert sys.platform == "win32" or os.access(repository / name, os.X_OK), name


def test_everything_runs_and_so_do_the_checks(
    workflow: Mapping[str, Any], repository: Path
) -> None:
    assert ["./scripts/test"] in _commands(workflow)
    script = (repository / "scripts" / "test").read_text(encoding="utf-8")
    assert re.search(r"^\./scripts/check$", script, flags=re.MULTILINE)


def test_every_lane_that_is_called_is_registered(
    workflow: Mapping[str, Any], repository: Path
) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    markers = {line.split(":")[0] for line in project["tool"]["pytest"]["ini_options"]["markers"]}
    lanes = [command[command.index("-m") + 1] for command in _commands(workflow) if "-m" in command]
    assert lanes
    for lane in lanes:
        assert set(lane.split()) - {"not", "and", "or"} <= markers


def test_actions_are_pinned_by_hash_and_keep_no_right(workflow: Mapping[str, Any]) -> None:
    used = [step for step in _steps(workflow) if "uses" in step]
    assert used
    assert [step["uses"] for step in used if not PINNED_ACTION.fullmatch(step["uses"])] == []
    for step in used:
        if step["uses"].startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_workflow_may_only_read_and_holds_no_secret(
    workflow: Mapping[str, Any], text: str
) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert [job for job in workflow["jobs"].values() if "permissions" in job] == []
    assert "secrets" not in text
    assert "pull_request_target" not in workflow["on"]


def test_three_systems_and_every_supported_python_are_tried(
    workflow: Mapping[str, Any], repository: Path
) -> None:
    matrix = workflow["jobs"]["everything"]["strategy"]["matrix"]
    assert [name.split("-")[0] for name in matrix["system"]] == ["ubuntu", "windows", "macos"]
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["project"]["classifiers"]))
    assert named
    assert set(named) <= set(matrix["python"])

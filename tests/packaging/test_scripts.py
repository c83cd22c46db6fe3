"""The scripts name packages, tests and each other as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from localensemble.core.encoder_name import ENCODER


def test_packages_with_a_floor_of_coverage_exist_with_their_tests(repository: Path) -> None:
    script = (repository / "scripts" / "coverage").read_text(encoding="utf-8")
    floors = re.findall(r'^    "(\w+) (\d+) (tests/.+)"$', script, flags=re.MULTILINE)
    names = {package for package, _, _ in floors}
    assert names >= {"agreement", "consensus", "ledger", "study"}
    for package, floor, tests in floors:
        assert (repository / "localensemble" / package).is_dir()
        assert 0 < int(floor) <= 100
        assert f"tests/{package}" in tests.split()
        assert [test for test in tests.split() if not (repository / test).exists()] == []


def test_everything_that_is_tested_includes_the_checks_and_the_coverage(repository: Path) -> None:
    script = (repository / "scripts" / "test").read_text(encoding="utf-8")
    called = re.findall(r"\./(scripts/\w+)", script)
    assert {"scripts/setup", "scripts/check", "scripts/coverage"} <= set(called)
    assert [name for name in called if not (repository / name).is_file()] == []
    # What one of them leaves out, the other one runs.
    assert "scripts/coverage --tests" in script
    printed = subprocess.run(
        [repository / "scripts" / "coverage", "--tests"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"tests/agreement", "tests/study", "tests/contract/test_coefficients.py"} <= {*printed}


@pytest.mark.parametrize("network", [True, False])
def test_the_quick_start_brings_the_encoder_and_runs_the_demo_without_it_too(
    repository: Path, tmp_path: Path, network: bool
) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(repository / "scripts" / "quickstart", scripts)
    program = tmp_path / ".venv" / "bin" / "localensemble"
    program.parent.mkdir(parents=True)
    pulled = "true" if network else "false"
    for path, line in (
        (scripts / "setup", "echo setup"),
        (program, f'echo "$@"; [ "$1" = demo ] || {pulled}'),
    ):
        path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        path.chmod(0o755)
    ended = subprocess.run(
        [scripts / "quickstart", "--limit", "3"], capture_output=True, text=True, check=True
    )
    pull = f"models pull {ENCODER}"
    assert ended.stdout.splitlines() == ["setup", pull, "demo --limit 3"]
    assert (pull in ended.stderr) is not network
    windows = (repository / "scripts" / "quickstart.ps1").read_text(encoding="utf-8")
    assert pull in windows

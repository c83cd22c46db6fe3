"""A small part of `scripts/check_faults` and `scripts/check_soak`; the whole takes long."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # breaks dozens of commands


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler"
)
def test_kills_and_write_faults_lose_double_change_and_leave_nothing(
    repository: Path, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    ended = subprocess.run(
        [
            *(sys.executable, "scripts/check_faults", "-o", str(figures)),
            *("--kills", "16", "--failures", "10"),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["kills"] >= 12
    assert found["failures"] >= 8
    names = ("lost", "doubled", "changed", "leftovers", "other")
    assert [found[name] for name in names] == [0, 0, 0, 0, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
def test_an_hour_with_faults_at_random_loses_nothing_and_takes_no_more_memory(
    repository: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "scripts/check_soak", "--hours", "1", "--faults-per-hour", "12"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "equal those of an undisturbed run" in ended.stdout

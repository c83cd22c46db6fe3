"""Labeling needs no network and makes no network call, watched from outside Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studies import StudyFiles, study_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

EMBEDDED = "raters:\n  - {model: le-llama-2m}\n  - {model: le-gpt2-2m}\n"


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, [f"comment {number}" for number in range(5)], ensemble=EMBEDDED)


def run_label(files: StudyFiles, *prefix: str, study: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [
            *prefix,
            *(sys.executable, "-m", "localensemble", "label", files.items, "-c", files.codebook),
            *("-e", files.ensemble, "-o", study, "--threads", "1"),
        ],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=paths),
        timeout=300,
        check=False,
    )


def program(name: str, *trial: str) -> str:
    """Find a program that works here, or skip."""
    path = shutil.which(name)
    if path is None or subprocess.run([path, *trial], capture_output=True, check=False).returncode:
        pytest.skip(f"needs {name}, and the right to use it")
    return path


def test_no_process_of_a_run_makes_a_network_call(files: StudyFiles, tmp_path: Path) -> None:
    strace = program("strace", "-qq", "-o", "/dev/null", "true")
    calls = tmp_path / "network.txt"
    ended = run_label(
        files,
        *(strace, "-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", str(calls)),
        study=files.study,
    )
    assert ended.returncode == 0, ended.stderr
    assert [line for line in calls.read_text().splitlines() if "AF_UNIX" not in line] == []


def test_labels_are_the_same_without_a_network(files: StudyFiles, tmp_path: Path) -> None:
    unshare = program("unshare", "--map-root-user", "--net", "true")
    without = tmp_path / "without"
    assert run_label(files, unshare, "--map-root-user", "--net", study=without).returncode == 0
    assert run_label(files, study=files.study).returncode == 0
    assert (without / "labels.csv").read_bytes() == (files.study / "labels.csv").read_bytes()

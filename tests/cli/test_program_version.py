"""`--version` names the program, what it computes with, and Python."""

from __future__ import annotations

import platform

import localensemble
from tests.cli.conftest import Run


def test_the_version_and_the_build_are_shown_without_a_command(run: Run) -> None:
    ended = run("--version")
    assert ended.code == 0
    first, *others = ended.out.splitlines()
    assert first == f"localensemble, version {localensemble.__version__}"
    assert "llama-cpp-python" in others[0]
    assert platform.python_version() in others[-1]

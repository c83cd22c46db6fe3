"""The embedded models, run as a person runs them: in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Start:
    """Give a function that starts `localensemble` and does not wait for it."""

    def start_with(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "localensemble", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start_with


@pytest.fixture(scope="session")
def examples(repository: Path) -> Path:
    """The example texts and codebooks."""
    return repository / "examples"

"""Run the command line in this process and keep what it printed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from localensemble.cli.main import main


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs `localensemble` with its arguments."""
    # It could not be taken away again; this process has the guard of tests/conftest.py.
    monkeypatch.setattr("localensemble.cli.main.guard_egress", lambda: None)

    def run_with(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["localensemble", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Ended(0 if code is None else int(code), printed.out, printed.err)

    return run_with

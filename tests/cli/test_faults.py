"""An error that nobody expected is named without a word of its message."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from localensemble.cli.main import main
from localensemble.core.prompts import Prompt
from localensemble.engines import registry
from localensemble.engines.scripted import ScriptedEngine
from localensemble.engines.settings import EngineSettings
from localensemble.privacy.attempts import closed_counter
from tests.cli.conftest import Ended, Run
from tests.studies import study_files

SECRET = "Mrs Winterbottom fell again"


class FaultyEngine(ScriptedEngine):
    """Fails as code of another author may: with the text in its error."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__()

    def score(self, prompts: Sequence[Prompt], answers: object) -> object:  # type: ignore[override]
        raise ValueError(prompts[0].messages[-1].text)


@pytest.fixture
def failed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ended:
    point = EntryPoint("faulty", "tests.cli.test_faults:FaultyEngine", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", EntryPoints([point]).select)
    files = study_files(tmp_path, [SECRET], ensemble="raters:\n  - {model: a, engine: faulty}\n")
    return run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)


def test_a_fault_is_named_by_kind_and_place_without_its_message(failed: Ended) -> None:
    assert failed.code == 1
    assert "ValueError at tests.cli.test_faults:" in failed.err
    assert "Traceback" not in failed.err
    assert SECRET not in failed.out + failed.err


def test_compiled_code_that_cannot_be_loaded_is_told_and_is_no_fault(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = "/srv/venv/lib/python3.12/site-packages/numpy/_core/_multiarray_umath.so"

    def refused(*_: object) -> object:
        raise ImportError(f"{file}: undefined symbol: x", path=file)

    monkeypatch.setattr("localensemble.cli.main.importlib.import_module", refused)
    ended = run("agree", "ratings.csv")
    assert ended.code == 4
    assert f'compiled code of numpy from "{file}"' in ended.err
    assert "another build" in ended.err
    assert "fault in the program" not in ended.err


class TestForDevelopers:
    @pytest.fixture(autouse=True)
    def _traceback(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOCALENSEMBLE_TRACEBACK", "1")

    def test_the_traceback_is_shown_when_asked_for(self, failed: Ended) -> None:
        assert failed.code == 1
        assert "Traceback" in failed.err
        assert SECRET in failed.err


def test_a_temporary_folder_on_a_full_disk_is_named_without_a_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    counter = closed_counter()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        patched.setattr("localensemble.cli.main.guard_egress", counter.path)
        patched.setattr(sys, "argv", ["localensemble", "models", "list"])
        with pytest.raises(SystemExit) as ended:
            main()
    printed = capsys.readouterr().err
    counter.forget()
    assert ended.value.code == 1
    assert "the disk is full" in printed
    assert tempfile.gettempdir() in printed
    assert "Traceback" not in printed

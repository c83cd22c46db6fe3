"""Files behave in `windows_like` as they do on Windows; what writes files for users takes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,  # starts other test runs
    pytest.mark.skipif(sys.platform != "linux", reason="reads what is open from /proc"),
]

_ON_WINDOWS = """
import sys
import pytest
from pathlib import Path
from localensemble.core import leftovers

def test_an_open_file_can_be_neither_replaced_nor_deleted(tmp_path):
    path, new = tmp_path / "a", tmp_path / "b"
    path.write_text("x")
    new.write_text("y")
    with path.open():
        with pytest.raises(PermissionError):
            path.unlink()
        with pytest.raises(PermissionError):
            new.replace(path)
    new.replace(path)

@pytest.mark.parametrize("name", ["con", "AUX.txt", "a.", "b ", "a:b", "nul.tar.gz", "lpt1"])
def test_a_name_of_windows_is_refused(tmp_path, name):
    with pytest.raises(OSError):
        (tmp_path / name).write_text("x")

def test_names_that_differ_in_case_are_one(tmp_path):
    (tmp_path / "Theme.json").write_text("")
    with pytest.raises(AssertionError, match="is the file"):
        (tmp_path / "theme.json").write_text("")

def test_the_package_sees_windows():
    assert leftovers.sys.platform == "win32"

@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
def test_what_is_skipped_there_is_skipped():
    raise AssertionError
"""


def _run(repository: Path, *tests: str) -> str:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.windows_like"),
            *("-p", "no:cacheprovider", "-m", "not slow", *tests),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-2000:]
    return ended.stdout


def test_files_behave_as_on_windows(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "test_on_windows.py").write_text(_ON_WINDOWS, encoding="utf-8")
    assert "10 passed, 1 skipped" in _run(repository, str(tmp_path))


def test_files_of_users_are_written_replaced_and_removed_as_on_windows(repository: Path) -> None:
    written = ("tests/core", "tests/ledger/test_back_up.py", "tests/study/test_kept_tables.py")
    assert " passed" in _run(repository, *written)

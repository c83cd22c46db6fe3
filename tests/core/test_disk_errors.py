"""What a disk refuses is named by its cause, and the cause is found if a library hides it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from localensemble.core.disk_errors import is_environmental, trouble_with, writing_error
from localensemble.core.errors import LocalEnsembleError
from localensemble.core.files import replaced_text_file


@pytest.mark.parametrize(
    ("number", "found", "hint"),
    [
        (errno.ENOSPC, "the disk is full", "Free some space"),
        (errno.EDQUOT, "quota", "Free some space"),
        (errno.EROFS, "the file system is read-only", "Choose another folder"),
        (errno.EACCES, "Permission denied", "Choose a folder"),
        (errno.EIO, "the disk reports an error", "Check the disk"),
        (errno.EFBIG, "larger than", "another disk"),
        (errno.EBADF, os.strerror(errno.EBADF), "Check that the folder exists"),
    ],
)
def test_every_cause_has_its_name_and_its_next_step(number: int, found: str, hint: str) -> None:
    path = Path("study", "labels.csv")
    error = writing_error(path, OSError(number, os.strerror(number)))
    assert found in error.message
    assert f'"{path}"' in error.message
    assert hint in error.hint
    assert is_environmental(OSError(number, "")) == (number != errno.EBADF)


def test_an_error_without_a_number_or_a_text_is_named_too() -> None:
    assert "the file system refused it" in writing_error(Path("a"), OSError()).message


def refused(path: Path) -> str:
    with pytest.raises(LocalEnsembleError) as caught, replaced_text_file(path) as stream:
        stream.write("new")
    return caught.value.message


@pytest.mark.skipif(os.name != "posix", reason="Windows has other limits and links")
def test_a_path_that_cannot_be_written_is_named_by_its_cause(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    (tmp_path / "folder").mkdir()
    assert "the name is too long" in refused(tmp_path / ("x" * 300))
    assert "a part of the path is a file" in refused(tmp_path / "file" / "b")
    assert "its folder does not exist" in refused(tmp_path / "gone" / "b")
    assert "it is a folder" in refused(tmp_path / "folder")
    assert "links form a loop" in refused(tmp_path / "round" / "b")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder", "round"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "the disk is full" in refused(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_the_cause_is_found_by_writing(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trouble_with(tmp_path) is None

    def full(*_: object) -> int:
        raise OSError(number, "")

    monkeypatch.setattr(os, "write", full)
    found = trouble_with(tmp_path)
    assert found is not None
    assert "Free some space" in found.hint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_a_cause(tmp_path: Path) -> None:
    found = trouble_with(tmp_path / "gone")
    assert found is not None
    assert "does not exist" in found.found

"""Promises of files that replace others."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from localensemble.core.files import replaced_binary_file, replaced_text_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file modes are of POSIX")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    with replaced_text_file(path) as stream:
        stream.write("first")
    assert mode_of(path) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o664, 0o600, 0o444])
def test_a_shared_file_keeps_its_mode_when_it_is_written_again(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "report.html"
    path.write_text("first", encoding="utf-8")
    path.chmod(mode)
    with replaced_text_file(path) as stream:
        stream.write("second")
    assert (path.read_text(encoding="utf-8"), mode_of(path)) == ("second", mode)
    with replaced_binary_file(path) as binary:
        binary.write(b"third")
    assert (path.read_bytes(), mode_of(path)) == (b"third", mode)


def test_no_reader_sees_the_new_content_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("first", encoding="utf-8")
    path.chmod(0o644)
    with replaced_text_file(path) as stream:
        stream.write("half")
        modes = [mode_of(one) for one in tmp_path.iterdir() if one != path]
    assert modes == [0o600]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may choose any group"
)
def test_a_shared_file_keeps_its_group(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("first", encoding="utf-8")
    os.chown(path, -1, 12345)
    path.chmod(0o640)
    with replaced_text_file(path) as stream:
        stream.write("second")
    assert (path.stat().st_gid, mode_of(path)) == (12345, 0o640)


def test_permissions_of_a_group_that_cannot_be_kept_go_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("first", encoding="utf-8")
    path.chmod(0o664)
    foreign = path.stat()

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    monkeypatch.setattr(
        "localensemble.core.files._group_of",
        lambda one: foreign.st_gid + (one == path),
    )
    with replaced_text_file(path) as stream:
        stream.write("second")
    assert mode_of(path) == 0o604

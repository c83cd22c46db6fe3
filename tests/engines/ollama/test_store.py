"""What lies in Ollama's folder is read without the server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from localensemble.engines.ollama.store import kept_blobs, weights_in_store


def test_a_blob_is_looked_for_in_the_folder_that_ollama_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    assert kept_blobs("0" * 64) == (tmp_path / "blobs" / f"sha256-{'0' * 64}",)
    monkeypatch.delenv("OLLAMA_MODELS")
    assert len(kept_blobs("0" * 64)) == 2


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("qwen2.5:3b", "registry.ollama.ai/library/qwen2.5/3b"),
        ("qwen2.5", "registry.ollama.ai/library/qwen2.5/latest"),
        ("someone/model:q4", "registry.ollama.ai/someone/model/q4"),
        ("hf.co/maker/model-GGUF:Q4_K_M", "hf.co/maker/model-GGUF/Q4_K_M"),
        ("Library/Qwen2.5:3B", "registry.ollama.ai/library/qwen2.5/3b"),
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
    assert weights_in_store(name) == ""
    manifest = tmp_path / "manifests" / place
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": layers}), encoding="utf-8")
    assert weights_in_store(name) == f"{1:064x}"
    layers.append({"mediaType": "application/vnd.ollama.image.adapter", "digest": "sha256:0"})
    manifest.write_text(json.dumps({"layers": layers}), encoding="utf-8")
    assert weights_in_store(name) == ""


@pytest.mark.parametrize("name", ["", "a/b/c/d:e", "..:tag", "a:..", "../../etc:passwd"])
def test_a_name_that_is_none_has_no_weights(name: str) -> None:
    assert weights_in_store(name) == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_manifest_that_is_a_pipe_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    manifest = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "m" / "latest"
    manifest.parent.mkdir(parents=True)
    os.mkfifo(manifest)
    assert weights_in_store("m") == ""


def test_a_manifest_that_cannot_be_read_has_no_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    manifest = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "m" / "latest"
    manifest.parent.mkdir(parents=True)
    for content in ("<html>", "[]", '{"layers": [{}]}', '{"layers": []}'):
        manifest.write_text(content, encoding="utf-8")
        assert weights_in_store("m") == ""

"""A converted model holds the published weights, under the names llama.cpp knows."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import gguf
import numpy as np
import pytest

from localensemble.catalog.gguf_header import read_header
from localensemble.core.errors import ModelFileError
from localensemble.embeddings.bert_conversion import convert_bert
from tests.embeddings.tiny_bert import FILE, FOLDER, VOCABULARY, TinyBert, convert_tiny, wheel_bytes

MODEL = TinyBert.random()


def convert(folder: Path, content: bytes) -> None:
    (folder / FILE).write_bytes(content)
    convert_bert(
        folder / FILE, folder=FOLDER, name="tiny", license="mit", to=folder / "converted.gguf"
    )


def test_another_reader_finds_the_published_weights(tmp_path: Path) -> None:
    reader = gguf.GGUFReader(convert_tiny(tmp_path, MODEL))
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    # All but the numbers of the positions and the pooler's two, which the method does not use.
    assert len(tensors) == len(MODEL.weights) - 3
    pairs = {
        "token_embd.weight": "embeddings.word_embeddings.weight",
        "position_embd.weight": "embeddings.position_embeddings.weight",
        "token_embd_norm.bias": "embeddings.LayerNorm.bias",
        "blk.1.attn_k.weight": "encoder.layer.1.attention.self.key.weight",
        "blk.0.attn_output_norm.weight": "encoder.layer.0.attention.output.LayerNorm.weight",
        "blk.1.ffn_down.weight": "encoder.layer.1.output.dense.weight",
    }
    for ours, published in pairs.items():
        expected = MODEL.weights[published]
        np.testing.assert_allclose(tensors[ours].data, expected, rtol=1e-3, atol=1e-4)
    kinds = {name: tensor.tensor_type.name for name, tensor in tensors.items()}
    assert kinds["blk.0.ffn_up.weight"] == "F16"
    assert kinds["blk.0.ffn_up.bias"] == kinds["position_embd.weight"] == "F32"


def test_words_and_their_ends_are_marked_as_llama_cpp_marks_them(tmp_path: Path) -> None:
    reader = gguf.GGUFReader(convert_tiny(tmp_path))
    field = reader.get_field("tokenizer.ggml.tokens")
    assert field is not None
    tokens = dict(zip(VOCABULARY, field.contents(), strict=True))
    assert (tokens["ward"], tokens["##ing"], tokens["[SEP]"]) == ("\u2581ward", "ing", "[SEP]")
    assert tokens["["] == "\u2581["


def test_our_own_reader_reads_the_header(tmp_path: Path) -> None:
    header = read_header(convert_tiny(tmp_path))
    assert (header.architecture, header.name, header.license) == ("bert", "tiny", "apache-2.0")
    assert (header.context_tokens, header.chat_template_sha256) == (24, "")


def test_the_same_archive_gives_the_same_bytes(tmp_path: Path) -> None:
    first = convert_tiny(tmp_path).read_bytes()
    assert convert_tiny(tmp_path).read_bytes() == first


@pytest.mark.parametrize(
    "changed",
    [{"model_type": "roberta"}, {"hidden_act": "relu"}, {"position_embedding_type": "relative"}],
)
def test_another_build_of_model_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    with pytest.raises(ModelFileError, match="BERT model"):
        convert(tmp_path, wheel_bytes(changed=changed))


def test_a_tensor_nobody_knows_is_refused(tmp_path: Path) -> None:
    more = TinyBert(MODEL.weights | {"adapter.weight": np.zeros((2, 2), np.float32)})
    with pytest.raises(ModelFileError, match="BERT model"):
        convert(tmp_path, wheel_bytes(more))


def test_weights_of_other_types_are_refused(tmp_path: Path) -> None:
    content = wheel_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    weights = f"{FOLDER}/model.safetensors"
    files[weights] = files[weights].replace(b'"F32"', b'"F16"', 1)
    with zipfile.ZipFile(tmp_path / FILE, "w") as archive:
        for name, one in files.items():
            archive.writestr(name, one)
    with pytest.raises(ModelFileError, match="BERT model"):
        convert(tmp_path, (tmp_path / FILE).read_bytes())


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="BadZipFile"):
        convert(tmp_path, b"<!doctype html>")


def test_an_archive_without_the_model_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.whl", "w") as archive:
        archive.writestr("README", "")
    with pytest.raises(ModelFileError, match="KeyError"):
        convert(tmp_path, (tmp_path / "empty.whl").read_bytes())

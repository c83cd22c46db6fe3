"""An encoder's vectors are those of the published method, whatever stands beside a text."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.core.errors import EngineCrashedError, EngineError, ModelFileError
from localensemble.embeddings import bert_conversion
from localensemble.embeddings.gguf_file import Value
from localensemble.engines.llama_cpp.embedding import EmbeddingFailure, LlamaEmbedder
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.worker_engines import WorkerEmbedder
from tests.embeddings.tiny_bert import CONTEXT, WIDTH, TinyBert, convert_tiny
from tests.engines.llama_cpp.tiny_gguf import write_tiny_gguf

MODEL = TinyBert.random(seed=1)
TOKENS = {
    "The ward was clean.": ["the", "ward", "was", "clean", "."],
    "Waiting, WAITED long": ["wait", "##ing", ",", "wait", "##ed", "long"],
    "Kind stáff zzz": ["kind", "staff", "[UNK]"],
    # Text cannot put a mark of the model into itself.
    "[SEP]": ["[", "sep", "]"],
    " ".join(["ward"] * (CONTEXT - 2)): ["ward"] * (CONTEXT - 2),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert_tiny(tmp_path_factory.mktemp("model"), MODEL)


@pytest.fixture(scope="module")
def embedder(path: Path) -> Iterator[LlamaEmbedder]:
    embedder = LlamaEmbedder(EngineSettings(model_path=path, threads=1))
    yield embedder
    embedder.close()


def test_the_vectors_are_those_of_the_published_method(embedder: LlamaEmbedder) -> None:
    vectors, failures = embedder.embed(list(TOKENS))
    expected = np.array([MODEL.embed(tokens) for tokens in TOKENS.values()])
    assert failures == (None,) * len(TOKENS)
    assert (vectors.shape, vectors.dtype) == ((len(TOKENS), WIDTH), np.dtype(np.float32))
    np.testing.assert_allclose((vectors * expected).sum(axis=1), 1.0, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    # The texts are not all alike, or the check above could not fail.
    assert (expected @ expected.T).min() < 0.99


def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder: LlamaEmbedder) -> None:
    texts = list(TOKENS)
    together, _ = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text])[0] for text in reversed(texts)])
    assert np.array_equal(together, alone[::-1])


def test_a_text_that_cannot_be_embedded_fails_for_itself(embedder: LlamaEmbedder) -> None:
    texts = ["ward", "ward " * (CONTEXT - 1), "", " \n", "zzz 日本", "\ud800", "clean"]
    vectors, failures = embedder.embed(texts)
    assert failures == (
        None,
        EmbeddingFailure(f"too_long: {CONTEXT + 1} of {CONTEXT} tokens"),
        EmbeddingFailure("no_tokens"),
        EmbeddingFailure("no_tokens"),
        EmbeddingFailure("unknown_words: all 3"),
        EmbeddingFailure("not_text"),
        None,
    )
    assert np.isnan(vectors).all(axis=1).tolist() == [one is not None for one in failures]


def test_a_model_that_gives_no_number_gives_no_vector(tmp_path: Path) -> None:
    broken = {name: tensor * np.float32("nan") for name, tensor in MODEL.weights.items()}
    path = convert_tiny(tmp_path, TinyBert(broken))
    embedder = LlamaEmbedder(EngineSettings(model_path=path, threads=1))
    vectors, failures = embedder.embed(["ward"])
    assert failures == (EmbeddingFailure("not_finite: the model returned an invalid number"),)
    assert np.isnan(vectors).all()
    embedder.close()


def test_a_text_far_too_long_is_counted_to_its_end(embedder: LlamaEmbedder) -> None:
    _, (failure,) = embedder.embed(["ward " * 50_000])
    assert failure == EmbeddingFailure(f"too_long: 50002 of {CONTEXT} tokens")


def test_no_texts_give_no_vectors(embedder: LlamaEmbedder) -> None:
    vectors, failures = embedder.embed([])
    assert (vectors.shape, failures) == ((0, WIDTH), ())


def test_the_empty_string_has_a_vector_of_its_own_in_both_processes(
    path: Path, embedder: LlamaEmbedder
) -> None:
    (nothing,), failures = embedder.embed_nothing()
    assert failures == (None,)
    assert np.linalg.norm(nothing) == pytest.approx(1, abs=1e-6)
    worker = WorkerEmbedder(EngineSettings(model_path=path, threads=1))
    assert np.array_equal(worker.embed_nothing(), nothing)
    worker.close()


def test_a_worker_gives_the_same_digits(path: Path, embedder: LlamaEmbedder) -> None:
    worker = WorkerEmbedder(EngineSettings(model_path=path, threads=1))
    vectors, failures = worker.embed([*TOKENS, ""])
    expected, expected_failures = embedder.embed([*TOKENS, ""])
    assert np.array_equal(vectors, expected, equal_nan=True)
    assert failures == expected_failures
    assert worker.describe() == embedder.describe()
    assert worker.describe().architecture == "bert"
    assert worker.usage().prompt_tokens == sum(len(tokens) + 2 for tokens in TOKENS.values())
    worker.close()
    with pytest.raises(EngineError, match="is closed"):
        worker.embed(["ward"])


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_worker_that_dies_fails_the_call_and_not_the_next(path: Path) -> None:
    worker = WorkerEmbedder(EngineSettings(model_path=path, threads=1))
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(EngineCrashedError):
        worker.embed(["ward"])
    assert worker.embed(["ward"])[1] == (None,)
    worker.close()


def _with_metadata(folder: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, int]) -> Path:
    """Convert the model, without what 0 stands for here and with the rest changed."""
    metadata = bert_conversion._metadata

    def other(config: dict[str, int], tokens: list[str], **named: str) -> dict[str, Value]:
        entries = metadata(config, tokens, **named) | changed
        return {key: value for key, value in entries.items() if value != 0 or key not in changed}

    monkeypatch.setattr(bert_conversion, "_metadata", other)
    return convert_tiny(folder, MODEL)


def test_a_file_that_does_not_say_how_to_pool_is_pooled_by_the_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _with_metadata(tmp_path, monkeypatch, {"bert.pooling_type": 0})
    embedder = LlamaEmbedder(EngineSettings(model_path=path, threads=1))
    vectors, _ = embedder.embed(["ward"])
    assert vectors[0] @ MODEL.embed(["ward"]) > 0.9999
    embedder.close()


def test_a_file_that_pools_in_another_way_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _with_metadata(tmp_path, monkeypatch, {"bert.pooling_type": 2})
    with pytest.raises(ModelFileError, match="pooling type 2"):
        LlamaEmbedder(EngineSettings(model_path=path))


def test_a_model_that_labels_is_no_encoder(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "chat.gguf")
    with pytest.raises(ModelFileError, match='architecture "llama"') as caught:
        LlamaEmbedder(EngineSettings(model_path=path))
    assert "models pull all-minilm-l6-v2" in caught.value.hint


def test_a_file_that_is_not_given_or_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no model file is given"):
        LlamaEmbedder(EngineSettings())
    page = tmp_path / "page.gguf"
    page.write_text("<html>")
    with pytest.raises(ModelFileError, match="does not begin with"):
        LlamaEmbedder(EngineSettings(model_path=page))


def test_a_closed_embedder_says_so(path: Path) -> None:
    embedder = LlamaEmbedder(EngineSettings(model_path=path, threads=1))
    embedder.close()
    embedder.close()
    with pytest.raises(EngineError, match="it is closed"):
        embedder.embed(["ward"])

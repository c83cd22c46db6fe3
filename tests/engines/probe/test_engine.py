"""A probe as an engine: a text that it was trained on is judged by another fold."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from localensemble.core.errors import EngineError, ModelFileError
from localensemble.core.identity import sha256_words
from localensemble.core.prompts import CategoryText, Message, Prompt, Segment
from localensemble.engines.probe.engine import ProbeEngine
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.registry import engine_kind
from localensemble.engines.settings import EngineSettings
from localensemble.probes.probe import Features, Probe, VariableProbe
from localensemble.probes.word_features import WordFeatures

SEEN = "the ward was clean"
WORDS = WordFeatures.of([SEEN, "waiting"])


def write(folder: Path, *, features: Features = "words") -> Path:
    """Write a probe whose first fold says "good" and whose others say "bad"."""
    biases = np.array([[9, 0], *[[0, 9]] * 5], dtype=np.float32)
    trained = VariableProbe(
        ("good", "bad"),
        (1, 1),
        np.zeros((6, 2, len(WORDS.hashes)), dtype=np.float32),
        biases,
        np.ones(6),
    )
    path = folder / "tone.probe"
    Probe(
        features=features,
        encoder_sha256="0" * 64,
        variables={"tone": trained},
        folds={sha256_words(SEEN): 0},
        held_out=frozenset(),
        words=WORDS,
        settings={},
    ).write(path)
    return path


def ask(engine: ProbeEngine, text: str, variable: str = "tone") -> Scores | ScoreFailure:
    prompt = Prompt(
        (Message("user", (Segment(text, "item"),)),),
        variable=variable,
        categories=(CategoryText("good"), CategoryText("bad")),
    )
    (result,) = engine.score([prompt], [("good", "bad")])
    return result


def test_a_text_of_the_training_is_judged_by_the_fold_that_did_not_see_it(tmp_path: Path) -> None:
    engine = ProbeEngine(EngineSettings("probe", write(tmp_path)))
    seen, new = ask(engine, SEEN), ask(engine, "the waiting was long")
    assert isinstance(seen, Scores)
    assert isinstance(new, Scores)
    assert seen.log_probabilities[0] > math.log(0.99)
    assert new.log_probabilities[1] > math.log(0.99)


@pytest.mark.parametrize("copy", [f"{SEEN} ", "The ward\r\nwas CLEAN.", "the\u00a0ward was clean"])
def test_a_copy_with_the_same_words_is_judged_like_the_text(tmp_path: Path, copy: str) -> None:
    engine = ProbeEngine(EngineSettings("probe", write(tmp_path)))
    seen, again = ask(engine, SEEN), ask(engine, copy)
    assert isinstance(seen, Scores)
    assert isinstance(again, Scores)
    assert again.log_probabilities == seen.log_probabilities


def test_a_variable_of_another_codebook_is_refused(tmp_path: Path) -> None:
    engine = ProbeEngine(EngineSettings("probe", write(tmp_path)))
    result = ask(engine, "ward", variable="another")
    assert isinstance(result, ScoreFailure)
    assert result.reason.startswith("answers: ")


def test_a_probe_of_vectors_needs_the_encoder_of_its_training(tmp_path: Path) -> None:
    path = write(tmp_path, features="vectors")
    with pytest.raises(ModelFileError, match="encoder") as without:
        ProbeEngine(EngineSettings("probe", path))
    assert "models pull all-minilm-l6-v2" in without.value.hint
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF")
    with pytest.raises(ModelFileError, match="trained with the encoder 000000000000"):
        ProbeEngine(EngineSettings("probe", path, encoder_path=other))


def test_what_it_was_trained_on_is_known_before_it_runs(tmp_path: Path) -> None:
    kind = engine_kind("probe")
    assert kind.training(write(tmp_path)).texts == {sha256_words(SEEN)}
    assert kind.training(write(tmp_path)).encoder == ""
    assert kind.training(write(tmp_path, features="vectors")).encoder == "all-minilm-l6-v2"


def test_no_file_and_a_closed_engine_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no file"):
        ProbeEngine(EngineSettings("probe"))
    engine = ProbeEngine(EngineSettings("probe", write(tmp_path)))
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.describe()

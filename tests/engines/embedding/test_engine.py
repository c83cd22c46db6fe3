"""An encoder reads the codebook: the nearest description wins, and nothing is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.core.prompts import CategoryText, Message, Prompt, Segment
from localensemble.engines.embedding.engine import TEMPERATURE, EmbeddingEngine
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.settings import EngineSettings
from tests.embeddings.tiny_bert import CONTEXT, TinyBert, convert_tiny

MODEL = TinyBert.random(seed=1)
CLEAN = CategoryText("clean", "the ward was clean")
WAIT = CategoryText("wait_long", "waiting")
# The tokens of the phrasings of each category.
PHRASINGS = {
    "clean": (["clean"], ["clean", "[UNK]", "the", "ward", "was", "clean"]),
    "wait_long": (["wait", "long"], ["wait", "long", "[UNK]", "wait", "##ing"]),
}
DEFINITIONS = {"clean": ["the", "ward", "was", "clean"], "wait_long": ["wait", "##ing"]}
NAMES = ("clean", "wait_long")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddingEngine]:
    path = convert_tiny(tmp_path_factory.mktemp("model"), MODEL)
    opened = EmbeddingEngine(EngineSettings("embedding", Path(path), threads=1))
    yield opened
    opened.close()


def prompt(text: str, *categories: CategoryText) -> Prompt:
    user = Message("user", (Segment("Which one?", "instruction"), Segment(text, "item")))
    return Prompt((user,), categories=categories or (CLEAN, WAIT))


def probabilities(engine: EmbeddingEngine, asked: Prompt) -> list[float]:
    (scores,) = engine.score([asked], [tuple(one.name for one in asked.categories)])
    assert isinstance(scores, Scores)
    return [math.exp(value) for value in scores.log_probabilities]


def test_probabilities_are_a_softmax_of_mean_cosines(engine: EmbeddingEngine) -> None:
    item = MODEL.embed(["kind", "staff"])
    means = [
        np.mean([MODEL.embed(one) @ item for one in (*PHRASINGS[name], DEFINITIONS[name])])
        for name in NAMES
    ]
    weights = np.exp(np.array(means) / TEMPERATURE)
    expected = weights / weights.sum()
    assert probabilities(engine, prompt("Kind staff")) == pytest.approx(list(expected), rel=0.02)


def test_examples_count_as_much_as_all_other_phrasings(engine: EmbeddingEngine) -> None:
    with_example = CategoryText("clean", "the ward was clean", ("dirty staff",))
    item = MODEL.embed(["kind", "staff"])
    described = np.mean(
        [MODEL.embed(one) @ item for one in (*PHRASINGS["clean"], DEFINITIONS["clean"])]
    )
    shown = MODEL.embed(["dirty", "staff"]) @ item
    plain = probabilities(engine, prompt("kind staff"))
    moved = probabilities(engine, prompt("kind staff", with_example, WAIT))
    difference = math.log(moved[0] / moved[1]) - math.log(plain[0] / plain[1])
    expected = ((described + shown) / 2 - described) / TEMPERATURE
    assert difference == pytest.approx(expected, rel=0.02, abs=0.02)


def test_the_closest_part_of_a_long_text_counts_for_each_category(engine: EmbeddingEngine) -> None:
    first, second = ["long"] * (CONTEXT - 2), ["clean", "ward"]
    parts = [
        [
            np.mean([MODEL.embed(one) @ MODEL.embed(part) for one in phrasings])
            for phrasings in (
                (*PHRASINGS["clean"], DEFINITIONS["clean"]),
                (*PHRASINGS["wait_long"], DEFINITIONS["wait_long"]),
            )
        ]
        for part in (first, second)
    ]
    closest = np.max(parts, axis=0)
    # Or the check below could not fail.
    assert parts[0][0] < parts[1][0]
    text = " ".join([*first, *second])
    logs = np.log(probabilities(engine, prompt(text)))
    expected = (closest[0] - closest[1]) / TEMPERATURE
    assert logs[0] - logs[1] == pytest.approx(expected, rel=0.02, abs=0.02)


def test_an_underscore_in_a_name_is_read_as_a_space(engine: EmbeddingEngine) -> None:
    spaced = CategoryText("wait long", "waiting")
    assert probabilities(engine, prompt("ward", CLEAN, WAIT)) == probabilities(
        engine, prompt("ward", CLEAN, spaced)
    )


def test_a_text_without_words_is_equally_close_to_all(engine: EmbeddingEngine) -> None:
    assert probabilities(engine, prompt("  ")) == [0.5, 0.5]


def test_a_text_of_unknown_words_is_refused(engine: EmbeddingEngine) -> None:
    (result,) = engine.score([prompt("zzz 日本")], [NAMES])
    assert result == ScoreFailure("unknown_words: all 3")


def test_a_string_that_is_not_text_is_refused(engine: EmbeddingEngine) -> None:
    (result,) = engine.score([prompt("ward \udcff")], [NAMES])
    assert result == ScoreFailure("not_text: character 5 is a lone surrogate")


def test_a_category_of_unknown_words_is_refused(engine: EmbeddingEngine) -> None:
    (result,) = engine.score([prompt("ward", CLEAN, CategoryText("日本"))], [("clean", "日本")])
    assert isinstance(result, ScoreFailure)
    assert result.reason.startswith("answers: ")


def test_nothing_is_off_the_codebook(engine: EmbeddingEngine) -> None:
    (scores,) = engine.score([prompt("ward")], [NAMES])
    assert isinstance(scores, Scores)
    assert scores.off_codebook_mass == 0.0


def test_what_the_numbers_depend_on_is_part_of_the_description(engine: EmbeddingEngine) -> None:
    settings = dict(engine.describe().settings)
    assert settings["temperature"] == "0.05"
    assert settings["long_texts"] == "closest part"
    assert settings["part_tokens"] == str(CONTEXT)
    assert settings["pooling"] == "mean"

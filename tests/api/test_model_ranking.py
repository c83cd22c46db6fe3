"""Candidates for an ensemble, refused by what they were trained for and told apart by intervals."""

from __future__ import annotations

import pytest

from localensemble.api.before_a_run.model_ranking import Candidate, ModelRanking
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Variable
from localensemble.strategies.model_choice import ListedModel, rank_models


@pytest.fixture(scope="module")
def topic() -> Variable:
    categories = [{"name": name, "definition": f"It is {name}."} for name in ("pain", "sleep")]
    variable = {"name": "topic", "level": "nominal", "question": "?", "categories": categories}
    return load_codebook({"name": "n", "version": "1", "variables": [variable]}).variables[0]


@pytest.mark.parametrize(
    ("trained_for", "refused"),
    [
        (None, None),
        ({"topic": ("sleep", "pain")}, None),
        ({"topic": ("pain", "sleep", "other")}, "other_categories"),
        ({"mood": ("pain", "sleep")}, "other_categories"),
        ({"topic.pain": ("yes", "no"), "topic.sleep": ("yes", "no")}, "several_at_once"),
    ],
)
def test_a_model_is_refused_for_other_categories_or_several_at_once(
    topic: Variable, trained_for: dict[str, tuple[str, ...]] | None, refused: str | None
) -> None:
    one = Candidate("x", 10, trained_for)
    (ranked,) = rank_models([one.listed_for(topic, right=4, items=5)], categories=topic.answers)
    assert ranked.refused == refused
    assert one.knows(topic) == (refused is None)


def ranking(*right: int) -> ModelRanking:
    models = [ListedModel(f"m{n}", ("a",), False, 1, one, 50) for n, one in enumerate(right)]
    return ModelRanking("topic", rank_models(models, categories=["a"]))


def test_only_models_whose_interval_reaches_that_of_the_first_are_named() -> None:
    # Of 50: 48 from .863 to .995, 44 from .757 to .955, 20 from .264 to .548.
    assert "do not tell m1 from m2:" in ranking(20, 48, 44).sentence


def test_a_model_that_is_ahead_of_all_others_is_said_to_be() -> None:
    assert "m0 is ahead" in ranking(48, 20).sentence


def test_one_model_is_compared_with_none() -> None:
    assert ranking(48).sentence == ""

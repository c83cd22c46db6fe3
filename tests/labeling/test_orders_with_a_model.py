"""A published model is asked in several category orders; skipped where its file is not kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.codebook.listed_orders import category_orders
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Variable
from localensemble.core.items import Item
from localensemble.core.labels import ItemId, LabelStatus
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.protocol import Scores
from localensemble.engines.settings import EngineSettings
from localensemble.labeling.scoring import Questions, label_block
from localensemble.prompting.template import load_template

pytestmark = pytest.mark.slow  # runs a model

TEXTS = ("The nurse was kind and explained everything.", "We waited for six hours.", "It was fine.")
ITEMS = [Item(ItemId(str(n)), text, n) for n, text in enumerate(TEXTS)]


@pytest.fixture
def settings(real_model: Callable[[str], Path]) -> EngineSettings:
    return EngineSettings(model_path=real_model("smollm2-135m-instruct"), threads=1)


@pytest.fixture
def sentiment(repository: Path) -> Variable:
    codebook = load_codebook(repository / "examples" / "patient_feedback.yaml")
    return codebook.variable("sentiment")


def test_the_average_is_that_of_the_prompts_scored_one_by_one(
    settings: EngineSettings, sentiment: Variable
) -> None:
    template, orders = load_template(), category_orders(sentiment, at_most=3)
    # Batches of other sizes round otherwise; alone, a prompt always gets the same digits.
    engine = LlamaCppEngine(replace(settings, mode="strict"))
    try:
        questions = Questions((sentiment,), template, "codebook_first", orders=3)
        labels = label_block(engine, ITEMS, questions=questions)["sentiment"]
        for item, label in zip(ITEMS, labels, strict=True):
            sums = dict.fromkeys(sentiment.answers, 0.0)
            for order in orders:
                places = tuple(sentiment.categories[place] for place in order)
                asked = replace(sentiment, categories=places)
                prompt = template.render(asked, item.text, layout="codebook_first")
                (scores,) = engine.score([prompt], [asked.answers])
                assert isinstance(scores, Scores)
                for name, log in zip(asked.answers, scores.log_probabilities, strict=True):
                    sums[name] += math.exp(log) / len(orders)
            whole = sum(sums.values())
            assert label.status == LabelStatus.ASSIGNED
            assert label.probabilities is not None
            expected = [sums[name] / whole for name in sentiment.answers]
            assert label.probabilities == pytest.approx(expected, rel=1e-6)
            assert label.off_codebook_mass == pytest.approx(1.0 - whole, abs=1e-6)
    finally:
        engine.close()


def test_what_prompts_have_in_common_is_evaluated_once_for_each_order(
    settings: EngineSettings, sentiment: Variable
) -> None:
    engine = LlamaCppEngine(settings)
    try:
        questions = Questions((sentiment,), load_template(), "codebook_first", orders=3)
        label_block(engine, ITEMS, questions=questions)
        work = engine.usage()
    finally:
        engine.close()
    assert work.evaluated_tokens < 0.6 * work.prompt_tokens

"""A published model is asked in several category orders; skipped where its file is not kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.codebook.load import load_codebook
from localensemble.core.items import Item
from localensemble.core.labels import ItemId, LabelStatus
from localensemble.engines.llama_cpp.engine import LlamaCppEngine
from localensemble.engines.protocol import Scores
from localensemble.engines.settings import EngineSettings
from localensemble.labeling.category_orders import category_orders
from localensemble.labeling.scoring import Questions, label_block
from localensemble.prompting.template import load_template

pytestmark = pytest.mark.slow  # runs a model

TEXTS = ("The nurse was kind and explained everything.", "We waited for six hours.", "It was fine.")


def test_the_average_is_that_of_the_prompts_scored_one_by_one(
    real_model: Callable[[str], Path], repository: Path
) -> None:
    codebook = load_codebook(repository / "examples" / "patient_feedback.yaml")
    sentiment = codebook.variable("sentiment")
    template = load_template()
    items = [Item(ItemId(str(n)), text, n) for n, text in enumerate(TEXTS)]
    settings = EngineSettings(model_path=real_model("smollm2-135m-instruct"), threads=1)
    engine = LlamaCppEngine(settings)
    try:
        questions = Questions((sentiment,), template, "codebook_first", orders=3)
        labels = label_block(engine, items, questions=questions)["sentiment"]
        work = engine.usage()
    finally:
        engine.close()
    strict = LlamaCppEngine(replace(settings, mode="strict"))
    try:
        for item, label in zip(items, labels, strict=True):
            sums = dict.fromkeys(sentiment.answers, 0.0)
            orders = category_orders(sentiment, at_most=3)
            for order in orders:
                places = tuple(sentiment.categories[place] for place in order)
                asked = replace(sentiment, categories=places)
                prompt = template.render(asked, item.text, layout="codebook_first")
                (scores,) = strict.score([prompt], [asked.answers])
                assert isinstance(scores, Scores)
                for name, log in zip(asked.answers, scores.log_probabilities, strict=True):
                    sums[name] += math.exp(log) / len(orders)
            assert label.status == LabelStatus.ASSIGNED
            assert label.probabilities is not None
            assert label.off_codebook_mass == pytest.approx(1 - sum(sums.values()), abs=0.01)
            whole = sum(sums.values())
            expected = [sums[name] / whole for name in sentiment.answers]
            assert label.probabilities == pytest.approx(expected, abs=0.02)
    finally:
        strict.close()
    # The beginning is evaluated once for each order, not once for each item and order.
    assert work.evaluated_tokens < 0.6 * work.prompt_tokens

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from localensemble.engines.llama_cpp.answer_plan import AnswerPlan, BatchLimits, plan_answers
from localensemble.engines.llama_cpp.answer_scores import Scorer
from localensemble.engines.llama_cpp.prefix_tree import Tail
from localensemble.engines.protocol import ScoringMode
from tests.engines.llama_cpp.path_model import TOKENS, PathModel, log_probability

Groups = dict[tuple[int, ...], list[Tail]]
Call = tuple[Groups, int]

LIMITS = BatchLimits(tokens=40, paths=6, reads=20)
CACHE = 150

token = st.integers(0, TOKENS - 1)
long_item = st.lists(token, min_size=20, max_size=60).map(tuple)
question = st.lists(token, min_size=1, max_size=30).map(tuple)
answer_sets = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple),
    min_size=1,
    max_size=7,
    unique=True,
)


@st.composite
def _groups(draw: st.DrawFn) -> Call:
    """Prompts of several heads: items alone, and items under several questions."""
    plans = [
        plan_answers(answers, limits=LIMITS)
        for answers in draw(st.lists(answer_sets, min_size=1, max_size=3))
    ]
    heads = draw(st.lists(st.lists(token, max_size=20).map(tuple), max_size=2, unique=True))
    groups: Groups = {}
    slot = 0
    for head in [(), *heads]:
        tails = groups.setdefault(head, [])
        for item in draw(st.lists(long_item, min_size=1, max_size=4)):
            for end in draw(st.lists(question, min_size=1, max_size=5)):
                plan = draw(st.sampled_from(plans))
                tails.append(Tail(item + end, plan, slot))
                slot += plan.path_count
    return groups, slot


def _expected(groups: Groups, slots: int) -> NDArray[np.float64]:
    expected = np.zeros(slots)
    for head, tails in groups.items():
        for tail in tails:
            for index, path in enumerate(tail.plan.paths):
                expected[tail.slot + index] = log_probability(head + tail.tokens, path)
    return expected


def _scorer(
    mode: ScoringMode = "batched", limits: BatchLimits = LIMITS
) -> tuple[Scorer, PathModel]:
    model = PathModel(limits, cache_tokens=CACHE)
    return Scorer(model, mode=mode, limits=limits, cache_tokens=CACHE), model


@settings(max_examples=30)
@given(call=_groups())
@pytest.mark.parametrize("mode", ["batched", "strict"])
def test_every_path_gets_the_product_of_its_tokens_probabilities(
    mode: ScoringMode, call: Call
) -> None:
    groups, slots = call
    scorer, _ = _scorer(mode)
    np.testing.assert_allclose(scorer.score(groups, slots=slots), _expected(groups, slots))


@settings(max_examples=20)
@given(first=_groups(), second=_groups())
def test_the_same_call_gives_the_same_digits_whatever_was_scored_before(
    first: Call, second: Call
) -> None:
    scorer, _ = _scorer()
    alone = _scorer()[0].score(first[0], slots=first[1])
    scorer.score(second[0], slots=second[1])
    assert np.array_equal(scorer.score(first[0], slots=first[1]), alone)
    assert np.array_equal(scorer.score(first[0], slots=first[1]), alone)


def _tails(items: Sequence[tuple[int, ...]], plan: AnswerPlan) -> list[Tail]:
    return [Tail(item, plan, index * plan.path_count) for index, item in enumerate(items)]


def test_a_head_is_evaluated_once_and_heads_that_alternate_are_brought_back() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    tails = _tails([(3, 4, 5)], plan)
    scorer, model = _scorer()
    first, second = tuple(range(10)), tuple(range(9, -1, -1))
    for head in (first, first, second, first, second):
        scorer.score({head: tails}, slots=2)
    assert model.decoded == [10, 3, 3, 10, 3, 3, 3]
    assert model.restored == 2


def test_a_long_item_is_evaluated_once_for_all_its_questions() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    item = tuple(range(10)) * 6
    tails = _tails([item + (number,) * 5 for number in range(8)], plan)
    scorer, _ = _scorer()
    scorer.score({(): tails}, slots=16)
    assert scorer.evaluated_tokens == 60 + 8 * 5


def test_items_that_are_the_same_are_evaluated_once() -> None:
    plan = plan_answers([(1, 2), (3,)], limits=LIMITS)
    scorer, _ = _scorer()
    results = scorer.score({(): _tails([(5, 6, 7)] * 4, plan)}, slots=8)
    assert scorer.evaluated_tokens == 4
    assert len(set(results[::2])) == 1


def test_many_short_items_share_an_evaluation() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    items = [(number, 1, 2, 3, number) for number in range(9)]
    scorer, model = _scorer()
    scorer.score({(4, 4, 4): _tails(items, plan)}, slots=18)
    # 40 tokens hold eight items, 6 sequences six; nine are divided evenly.
    assert model.decoded == [3, 25, 20]


def test_an_answer_tree_larger_than_a_batch_is_evaluated_in_parts() -> None:
    answers = list(product(range(4), range(4), (1, 2)))
    limits = dataclasses.replace(LIMITS, reads=5)
    plan = plan_answers(answers, limits=limits)
    assert len(plan.parts) > 1
    groups: Groups = {(9, 9): _tails([(5, 6, 7)], plan)}
    scorer, _ = _scorer(limits=limits)
    np.testing.assert_allclose(scorer.score(groups, slots=32), _expected(groups, 32))


def test_after_a_failure_nothing_in_the_cache_is_trusted() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    groups: Groups = {(1, 2, 3): _tails([(5, 6, 7)], plan)}
    scorer, model = _scorer()
    expected = scorer.score(groups, slots=2)
    model.cache_tokens = 4
    with pytest.raises(AssertionError, match="no room"):
        scorer.score(groups, slots=2)
    model.cache_tokens = CACHE
    assert np.array_equal(scorer.score(groups, slots=2), expected)
    assert model.decoded == [3, 3, 3, 3]

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
from tests.engines.llama_cpp.path_model import TOKENS, PathModel, log_probability, read_all

pytestmark = pytest.mark.slow  # tries many sets of answers

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
    np.testing.assert_allclose(read_all(scorer, groups, slots), _expected(groups, slots))


@settings(max_examples=20)
@given(first=_groups(), second=_groups())
def test_the_same_call_gives_the_same_digits_whatever_was_scored_before(
    first: Call, second: Call
) -> None:
    scorer, _ = _scorer()
    alone = read_all(_scorer()[0], first[0], first[1])
    read_all(scorer, second[0], second[1])
    assert np.array_equal(read_all(scorer, first[0], first[1]), alone)
    assert np.array_equal(read_all(scorer, first[0], first[1]), alone)


@settings(max_examples=40)
@given(call=_groups(), data=st.data())
@pytest.mark.parametrize("mode", ["batched", "strict"])
def test_wanted_tails_get_the_digits_of_the_whole_call_and_the_others_are_not_reported(
    mode: ScoringMode, call: Call, data: st.DataObject
) -> None:
    groups, slots = call
    whole_scorer, _ = _scorer(mode)
    whole = read_all(whole_scorer, groups, slots)
    wanted = np.zeros(slots, dtype=np.bool_)
    tails = [tail for group in groups.values() for tail in group]
    for tail in data.draw(st.lists(st.sampled_from(tails), unique_by=id)):
        wanted[tail.slot : tail.slot + tail.plan.path_count] = True
    scorer, _ = _scorer(mode)
    read = read_all(scorer, groups, slots, wanted=wanted)
    assert np.array_equal(read[wanted], whole[wanted])
    assert np.isnan(read[~wanted]).all()
    assert scorer.evaluated_tokens <= whole_scorer.evaluated_tokens
    # What is left of a call that was cut off, and nothing else.
    rest, _ = _scorer(mode)
    assert np.array_equal(read_all(rest, groups, slots, wanted=~wanted)[~wanted], whole[~wanted])


def test_nothing_wanted_is_nothing_evaluated() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    scorer, model = _scorer()
    groups: Groups = {(4, 4): _tails([(5, 6, 7)], plan)}
    read_all(scorer, groups, 2, wanted=np.zeros(2, dtype=np.bool_))
    assert (model.decoded, scorer.evaluated_tokens) == ([], 0)


def test_a_long_item_is_evaluated_again_only_if_one_of_its_questions_is_wanted() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    long_items = [tuple(range(10)) * 5, tuple(range(9, -1, -1)) * 5]
    tails = _tails([item + (number,) * 5 for item in long_items for number in range(8)], plan)
    wanted = np.zeros(32, dtype=np.bool_)
    wanted[30:] = True
    scorer, model = _scorer()
    read_all(scorer, {(): tails}, 32, wanted=wanted)
    # The second item, and the batch that holds its last question.
    assert model.decoded == [50, 20]


def test_tails_are_reported_after_the_batch_that_completes_them() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    groups: Groups = {(4, 4, 4): _tails([(number, 1, 2, 3, number) for number in range(9)], plan)}
    scorer, model = _scorer()
    reported: list[tuple[int, int]] = []
    scorer.score(
        groups,
        wanted=np.ones(18, dtype=np.bool_),
        on_read=lambda tails, results: reported.append((len(model.decoded), len(tails))),
    )
    # The head is the first evaluation.
    assert reported == [(2, 5), (3, 4)]


def test_what_a_report_raises_ends_the_call_and_the_next_one_gives_the_same_digits() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    groups: Groups = {(4, 4, 4): _tails([(number, 1, 2, 3, number) for number in range(9)], plan)}
    scorer, _ = _scorer()
    expected = read_all(scorer, groups, 18)

    def stop(tails: Sequence[Tail], results: NDArray[np.float64]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scorer.score(groups, wanted=np.ones(18, dtype=np.bool_), on_read=stop)
    assert np.array_equal(read_all(scorer, groups, 18), expected)


def _tails(items: Sequence[tuple[int, ...]], plan: AnswerPlan) -> list[Tail]:
    return [Tail(item, plan, index * plan.path_count) for index, item in enumerate(items)]


def test_a_head_is_evaluated_once_and_heads_that_alternate_are_brought_back() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    tails = _tails([(3, 4, 5)], plan)
    scorer, model = _scorer()
    first, second = tuple(range(10)), tuple(range(9, -1, -1))
    for head in (first, first, second, first, second):
        read_all(scorer, {head: tails}, 2)
    assert model.decoded == [10, 3, 3, 10, 3, 3, 3]
    assert model.restored == 2


def test_a_long_item_is_evaluated_once_for_all_its_questions() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    item = tuple(range(10)) * 6
    tails = _tails([item + (number,) * 5 for number in range(8)], plan)
    scorer, _ = _scorer()
    read_all(scorer, {(): tails}, 16)
    assert scorer.evaluated_tokens == 60 + 8 * 5


def test_items_that_are_the_same_are_evaluated_once() -> None:
    plan = plan_answers([(1, 2), (3,)], limits=LIMITS)
    scorer, _ = _scorer()
    results = read_all(scorer, {(): _tails([(5, 6, 7)] * 4, plan)}, 8)
    assert scorer.evaluated_tokens == 4
    assert len(set(results[::2])) == 1


def test_many_short_items_share_an_evaluation() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    items = [(number, 1, 2, 3, number) for number in range(9)]
    scorer, model = _scorer()
    read_all(scorer, {(4, 4, 4): _tails(items, plan)}, 18)
    # 40 tokens hold eight items, 6 sequences six; nine are divided evenly.
    assert model.decoded == [3, 25, 20]


def test_an_answer_tree_larger_than_a_batch_is_evaluated_in_parts() -> None:
    answers = list(product(range(4), range(4), (1, 2)))
    limits = dataclasses.replace(LIMITS, reads=5)
    plan = plan_answers(answers, limits=limits)
    assert len(plan.parts) > 1
    groups: Groups = {(9, 9): _tails([(5, 6, 7)], plan)}
    scorer, _ = _scorer(limits=limits)
    np.testing.assert_allclose(read_all(scorer, groups, 32), _expected(groups, 32))


def test_after_a_failure_nothing_in_the_cache_is_trusted() -> None:
    plan = plan_answers([(1,), (2,)], limits=LIMITS)
    groups: Groups = {(1, 2, 3): _tails([(5, 6, 7)], plan)}
    scorer, model = _scorer()
    expected = read_all(scorer, groups, 2)
    model.cache_tokens = 4
    with pytest.raises(AssertionError, match="no room"):
        read_all(scorer, groups, 2)
    model.cache_tokens = CACHE
    assert np.array_equal(read_all(scorer, groups, 2), expected)
    assert model.decoded == [3, 3, 3, 3]

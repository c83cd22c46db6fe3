from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.engines.llama_cpp.answer_plan import (
    BatchLimits,
    UnscorableAnswersError,
    plan_answers,
)
from localensemble.engines.llama_cpp.name_paths import NamePath
from tests.engines.llama_cpp.path_model import log_probability

Answer = tuple[int, ...]

LIMITS = BatchLimits(tokens=64, paths=8, reads=64)

answer_sets = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple),
    min_size=1,
    max_size=12,
    unique=True,
)


def test_an_answer_of_one_token_needs_no_evaluation_of_its_own() -> None:
    plan = plan_answers([(3,), (5,), (7,)], limits=LIMITS)
    assert plan.parts == ()
    assert plan.first_tokens.tolist() == [3, 5, 7]


def test_an_answer_that_begins_another_gets_what_does_not_go_on_to_it() -> None:
    plan = plan_answers([(1, 2), (1,), (4,)], limits=LIMITS)
    assert plan.paths == ((1, 2), (1,), (4,))
    logs = np.log([0.25 * 0.4, 0.25, 0.5])
    np.testing.assert_allclose(np.exp(plan.answers(logs)), [0.1, 0.15, 0.5])


def test_a_further_path_to_a_longer_answer_counts_for_that_one() -> None:
    longer = [NamePath((1, 7), 1), NamePath((1, 8), 1)]
    plan = plan_answers([(1,), (3,)], longer=longer, limits=LIMITS)
    logs = np.log([0.5, 0.125, 0.25, 0.0625])
    np.testing.assert_allclose(np.exp(plan.answers(logs)), [0.1875, 0.4375])


def test_answers_none_of_which_begins_another_keep_every_digit() -> None:
    plan = plan_answers([(1, 2), (1, 3), (4,)], limits=LIMITS)
    logs = np.log([0.1, 0.2, 0.3])
    assert plan.answers(logs).tolist() == logs.tolist()


def test_an_answer_that_always_goes_on_keeps_a_finite_logarithm() -> None:
    logs = np.log([0.5, 0.5 * (1 + 1e-12)])
    shorter, longer = plan_answers([(1,), (1, 2)], limits=LIMITS).answers(logs)
    assert np.log(1e-18) < shorter < np.log(1e-15)
    assert longer == logs[1]


def test_thousands_of_further_last_tokens_cost_no_evaluation() -> None:
    longer = [NamePath((1, last), 1) for last in range(10, 5000)]
    (part,) = plan_answers([(1,), (2,)], longer=longer, limits=LIMITS).parts
    assert part.tokens.tolist() == [1]
    assert part.path_count == 1


def test_answers_that_share_a_beginning_share_its_evaluation() -> None:
    plan = plan_answers([(1, 2, 3), (1, 2, 4), (1, 5), (6, 7)], limits=LIMITS)
    (part,) = plan.parts
    assert part.tokens.tolist() == [1, 2, 6]
    assert part.depths.tolist() == [0, 1, 0]
    assert part.path_count == 2
    assert part.first_paths.tolist() == [0, 0, 1]
    assert part.path_counts.tolist() == [1, 1, 1]


@given(answers=answer_sets)
def test_the_answers_are_disjoint_so_their_probabilities_sum_to_at_most_one(
    answers: list[Answer],
) -> None:
    plan = plan_answers(answers, limits=LIMITS)
    logs = np.array([log_probability((9,), path) for path in plan.paths])
    assert np.exp(plan.answers(logs)).sum() <= 1.0 + 1e-12
    # As a group they have what the shortest beginnings have: nothing is lost between them.
    begun = [one for one, parent in zip(plan.paths, plan.parents, strict=True) if parent < 0]
    total = math.fsum(math.exp(log_probability((9,), path)) for path in begun)
    assert np.exp(plan.answers(logs)).sum() == pytest.approx(total)


@given(answers=answer_sets, paths=st.integers(1, 4), tokens=st.integers(5, 9))
def test_every_part_keeps_to_the_limits_and_every_token_of_every_answer_is_read(
    answers: list[Answer], paths: int, tokens: int
) -> None:
    limits = BatchLimits(tokens=tokens, paths=paths, reads=tokens)
    plan = plan_answers(answers, limits=limits)
    read: dict[int, list[int]] = {
        answer: [token] for answer, token in enumerate(plan.first_tokens.tolist())
    }
    for part in plan.parts:
        assert len(part.tokens) <= tokens
        assert 1 <= part.path_count <= paths
        assert int((part.first_paths + part.path_counts).max()) == part.path_count
        for answer, token in zip(part.read_paths.tolist(), part.read_tokens.tolist(), strict=True):
            read[answer].append(token)
    assert [tuple(read[answer]) for answer in range(len(answers))] == list(plan.paths)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([(1,), ()], "answer 1 has no tokens"),
        ([(1, 2), (3,), (1, 2)], "answers 0 and 2 have the same tokens"),
        ([tuple(range(9)) * 9], "answer 0 has 81 tokens, but at most 65"),
    ],
)
def test_answers_that_cannot_be_told_apart_are_refused(answers: list[Answer], reason: str) -> None:
    with pytest.raises(UnscorableAnswersError, match=reason):
        plan_answers(answers, limits=LIMITS)

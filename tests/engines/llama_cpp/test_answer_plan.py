from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.engines.llama_cpp.answer_plan import (
    BatchLimits,
    UnscorableAnswersError,
    plan_answers,
)
from tests.engines.llama_cpp.path_model import TOKENS, log_probability

Answer = tuple[int, ...]

END = TOKENS - 1
LIMITS = BatchLimits(tokens=64, paths=8, reads=64)

answer_sets = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple),
    min_size=1,
    max_size=12,
    unique=True,
)


def test_an_answer_of_one_token_needs_no_evaluation_of_its_own() -> None:
    plan = plan_answers([(3,), (5,), (7,)], end_token=END, limits=LIMITS)
    assert plan.parts == ()
    assert plan.first_tokens.tolist() == [3, 5, 7]


def test_an_answer_that_begins_another_counts_with_the_end_of_turn() -> None:
    plan = plan_answers([(1, 2), (1,), (4,)], end_token=END, limits=LIMITS)
    assert plan.paths == ((1, 2), (1, END), (4,))


def test_answers_that_share_a_beginning_share_its_evaluation() -> None:
    plan = plan_answers([(1, 2, 3), (1, 2, 4), (1, 5), (6, 7)], end_token=END, limits=LIMITS)
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
    plan = plan_answers(answers, end_token=END, limits=LIMITS)
    for one, other in product(plan.paths, repeat=2):
        assert one is other or other[: len(one)] != one
    total = math.fsum(math.exp(log_probability((9,), path)) for path in plan.paths)
    assert total <= 1.0 + 1e-12


@given(answers=answer_sets, paths=st.integers(1, 4), tokens=st.integers(5, 9))
def test_every_part_keeps_to_the_limits_and_every_token_of_every_answer_is_read(
    answers: list[Answer], paths: int, tokens: int
) -> None:
    limits = BatchLimits(tokens=tokens, paths=paths, reads=tokens)
    plan = plan_answers(answers, end_token=END, limits=limits)
    read: dict[int, list[int]] = {
        answer: [token] for answer, token in enumerate(plan.first_tokens.tolist())
    }
    for part in plan.parts:
        assert len(part.tokens) <= tokens
        assert 1 <= part.path_count <= paths
        assert int((part.first_paths + part.path_counts).max()) == part.path_count
        for answer, token in zip(
            part.read_answers.tolist(), part.read_tokens.tolist(), strict=True
        ):
            read[answer].append(token)
    assert [tuple(read[answer]) for answer in range(len(answers))] == list(plan.paths)


@pytest.mark.parametrize(
    ("answers", "end_token", "reason"),
    [
        ([(1,), ()], END, "answer 1 has no tokens"),
        ([(1, 2), (3,), (1, 2)], END, "answers 0 and 2 have the same tokens"),
        ([(1, 2), (1,)], None, "answer 1 begins another answer and the model has no end"),
        ([tuple(range(9)) * 9], END, "answer 0 has 81 tokens, but at most 65"),
    ],
)
def test_answers_that_cannot_be_told_apart_are_refused(
    answers: list[Answer], end_token: int | None, reason: str
) -> None:
    with pytest.raises(UnscorableAnswersError, match=reason):
        plan_answers(answers, end_token=end_token, limits=LIMITS)

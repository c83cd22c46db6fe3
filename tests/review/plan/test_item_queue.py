from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from localensemble.core.errors import InputError
from localensemble.ledger.records import DecisionRows
from localensemble.review.plan.item_queue import (
    by_doubt,
    finished,
    left_for,
    people_needed,
)
from localensemble.review.plan.review_plan import ReviewPlan, plan_of
from localensemble.review.plan.reviewer_letters import letters

ANNE, BEN, CLEO = 11, 12, 13
CATEGORY, CANNOT_DECIDE, UNCLEAR, UNDONE = 0, 1, 2, 3


def rows(*answers: tuple[int, int, int], role: int = 0) -> DecisionRows:
    """Make decisions of (position, reviewer, answer), oldest first."""
    columns = np.array(answers, np.int64).reshape(-1, 3)
    count = len(columns)
    return DecisionRows(
        position=columns[:, 0],
        reviewer=columns[:, 1],
        batch=np.arange(count),
        answer=columns[:, 2].astype(np.uint8),
        category=np.where(columns[:, 2] == CATEGORY, 0, -1).astype(np.int16),
        role=np.full(count, role, np.uint8),
        shown=np.ones(count, np.uint8),
        seconds=np.full(count, np.nan),
    )


def ids(count: int) -> list[str]:
    return [f"note-{i}" for i in range(count)]


def run_review(
    arrivals: Sequence[int], *, item_count: int, plan: ReviewPlan
) -> dict[int, set[int]]:
    """Let reviewers answer one item each time they come; return who answered each item."""
    asked = np.ones((item_count, 1), np.bool_)
    order = by_doubt(asked, np.zeros((item_count, 1)))
    needed = people_needed(ids(item_count), plan)
    answered: dict[int, set[int]] = {position: set() for position in range(item_count)}
    given: list[tuple[int, int, int]] = []
    for reviewer in arrivals:
        done = finished(asked, [rows(*given)])
        left = left_for(order, needed=needed, people=done.people, mine=done.by(reviewer))
        if len(left):
            answered[int(left[0])].add(reviewer)
            given.append((int(left[0]), reviewer, CATEGORY))
    return answered


def test_the_most_doubtful_item_comes_first_and_ties_keep_the_order_of_the_file() -> None:
    asked = np.array([[True, False], [True, True], [False, False], [True, False]])
    doubt = np.array([[1.0, 9.0], [0.5, 2.0], [5.0, 5.0], [1.0, 0.0]])

    assert by_doubt(asked, doubt).tolist() == [1, 0, 3]


def test_a_queue_without_items_is_empty() -> None:
    assert by_doubt(np.zeros((3, 1), np.bool_), np.zeros((3, 1))).tolist() == []
    assert by_doubt(np.zeros((0, 2), np.bool_), np.zeros((0, 2))).tolist() == []


def test_an_item_is_finished_when_every_variable_that_it_asks_has_an_answer() -> None:
    asked = np.array([[True, True], [True, False]])
    done = finished(asked, [rows((0, ANNE, CATEGORY), (1, ANNE, UNCLEAR)), rows()])

    assert done.people.tolist() == [0, 1]
    assert done.by(ANNE).tolist() == [False, True]

    both = finished(asked, [rows((0, ANNE, CATEGORY)), rows((0, ANNE, CANNOT_DECIDE))])
    assert both.people.tolist() == [1, 0]


def test_an_undone_answer_puts_the_item_back_and_a_later_answer_takes_it_out() -> None:
    asked = np.ones((1, 1), np.bool_)
    undone = rows((0, ANNE, CATEGORY), (0, BEN, CATEGORY), (0, ANNE, UNDONE))
    again = rows((0, ANNE, CATEGORY), (0, ANNE, UNDONE), (0, ANNE, CATEGORY))

    assert finished(asked, [undone]).people.tolist() == [1]
    assert finished(asked, [undone]).by(ANNE).tolist() == [False]
    assert finished(asked, [again]).people.tolist() == [1]


def test_a_revised_answer_counts_once_and_an_adjudication_not_at_all() -> None:
    asked = np.ones((2, 1), np.bool_)

    revised = finished(asked, [rows((0, ANNE, CATEGORY), (0, ANNE, CATEGORY))])
    adjudicated = finished(asked, [rows((1, CLEO, CATEGORY), role=1)])

    assert revised.people.tolist() == [1, 0]
    assert adjudicated.people.tolist() == [0, 0]


def test_double_coding_draws_the_stated_share_whatever_the_order_of_the_items() -> None:
    plan = ReviewPlan(double_coded=0.2, people=3, seed=4)
    names = ids(20_000)
    needed = people_needed(names, plan)

    assert set(needed.tolist()) == {1, 3}
    assert np.mean(needed == 3) == pytest.approx(0.2, abs=0.01)
    assert people_needed(names[::-1], plan).tolist() == needed[::-1].tolist()
    assert people_needed(names, ReviewPlan(double_coded=0.2, people=3, seed=5)).tolist() != (
        needed.tolist()
    )


@pytest.mark.parametrize(("share", "people"), [(0.0, {1}), (1.0, {2})])
def test_without_double_coding_one_person_answers_and_with_all_of_it_two(
    share: float, people: set[int]
) -> None:
    assert set(people_needed(ids(50), ReviewPlan(double_coded=share)).tolist()) == people


@pytest.mark.parametrize("people", [2, 3])
def test_every_item_gets_its_number_of_different_reviewers_whoever_comes_when(people: int) -> None:
    plan = ReviewPlan(double_coded=0.3, people=people, seed=1)
    needed = people_needed(ids(40), plan)
    one_after_another = [ANNE] * 60 + [BEN] * 60 + [CLEO] * 60
    rng = np.random.default_rng(0)
    mixed = rng.choice([ANNE, BEN, CLEO], 400).tolist()

    for arrivals in (one_after_another, mixed):
        answered = run_review(arrivals, item_count=40, plan=plan)
        assert [len(answered[position]) for position in range(40)] == needed.tolist()


def test_an_item_that_another_reviewer_has_open_can_be_held_back() -> None:
    order = np.array([2, 0, 1])
    needed = np.array([1, 1, 2])
    open_elsewhere = np.array([1, 0, 1])

    left = left_for(order, needed=needed, people=open_elsewhere, mine=np.zeros(3, np.bool_))

    assert left.tolist() == [2, 1]


def test_letters_hide_who_answered_and_are_dealt_anew_for_each_item() -> None:
    dealt = [letters(item, [ANNE, BEN], seed=0) for item in ids(200)]

    assert all(sorted(one.values()) == ["A", "B"] for one in dealt)
    assert 60 < sum(one[ANNE] == "A" for one in dealt) < 140
    assert letters("note-7", [BEN, ANNE], seed=0) == letters("note-7", [ANNE, BEN], seed=0)
    with pytest.raises(ValueError, match="27 reviewers"):
        letters("note-7", range(27), seed=0)


def test_the_plan_can_be_read_from_the_origin_of_a_batch() -> None:
    plan = ReviewPlan(double_coded=0.25, people=3, control_share=0.05, audit_share=0.1, seed=9)

    assert plan_of(plan.origin) == plan
    assert plan_of("page") is None
    assert plan_of("file answers.csv 0a1b") is None


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("double_coded", lambda: ReviewPlan(double_coded=1.5)),
        ("control_share", lambda: ReviewPlan(control_share=-0.1)),
        ("audit_share", lambda: ReviewPlan(audit_share=2.0)),
    ],
)
def test_a_share_outside_of_0_to_1_is_refused(name: str, made: Callable[[], ReviewPlan]) -> None:
    with pytest.raises(InputError, match=name):
        made()


def test_double_coding_by_one_person_is_refused() -> None:
    with pytest.raises(InputError, match="people is 1"):
        ReviewPlan(people=1)

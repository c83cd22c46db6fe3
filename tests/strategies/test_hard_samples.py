"""Hard samples: reviewed once, buffered in order, never given a default category."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.core.label_matrix import LabelMatrix
from localensemble.strategies.hard_samples import review_hard_samples

Positions = NDArray[np.intp]
Codes = NDArray[np.int16]


def matrix(*rows: str) -> LabelMatrix:
    """One row is one item: a letter a rater, ``-`` for a gap."""
    cells = [[None if letter == "-" else letter for letter in row] for row in rows]
    raters = [f"rater-{j}" for j in range(len(rows[0]))]
    return LabelMatrix.from_names(cells, categories=("a", "b", "c"), raters=raters)


class Reviewer:
    """Answers by item position, and counts how often each item is asked."""

    def __init__(self, answers: str) -> None:
        self.answers = np.array(["abc".find(letter) for letter in answers], dtype=np.int16)
        self.asked: list[int] = []

    def __call__(self, positions: Positions) -> Codes:
        self.asked += positions.tolist()
        return self.answers[positions]


class Class:
    """A teacher whose students always give the category they saw last; keeps what it taught."""

    def __init__(self) -> None:
        self.lessons: list[tuple[list[int], list[int]]] = []

    def __call__(self, positions: Positions, codes: Codes) -> Student:
        self.lessons.append((positions.tolist(), codes.tolist()))
        return Student(int(codes[-1]))


class Student:
    def __init__(self, code: int) -> None:
        self.code = code

    def __call__(self, positions: Positions) -> Codes:
        return np.full(len(positions), self.code, dtype=np.int16)


def test_the_reviewer_gets_each_disagreement_once_and_no_unanimous_item() -> None:
    reviewer = Reviewer("ccccc")
    result = review_hard_samples(
        matrix("aaa", "aab", "bbb", "abc", "aaa"), review=reviewer, batch_size=2
    )
    assert reviewer.asked == [1, 3]
    assert result.categories.tolist() == [0, 2, 1, 2, 0]
    assert result.calls_saved == 3
    assert result.review_share == 0.4


@pytest.mark.parametrize(("accept", "asked"), [("unanimous", [0, 1]), ("majority", [1])])
def test_two_of_three_are_accepted_under_majority_only(accept: str, asked: list[int]) -> None:
    reviewer = Reviewer("ccc")
    labels = matrix("aab", "abc", "aaa")
    result = (
        review_hard_samples(labels, review=reviewer, accept="majority")
        if accept == "majority"
        else review_hard_samples(labels, review=reviewer)
    )
    assert reviewer.asked == asked
    assert result.categories.tolist() == [0 if accept == "majority" else 2, 2, 0]


def test_an_unparsable_review_stays_with_people_and_never_enters_the_buffer() -> None:
    result = review_hard_samples(
        matrix("ab", "ab", "ab", "bb"), review=Reviewer("-a-a"), buffer_size=1
    )
    assert result.categories.tolist() == [-1, 0, -1, 1]
    assert result.open.tolist() == [True, False, True, False]
    assert result.reviewed.tolist() == [True, True, True, False]
    assert [event.positions for event in result.updates] == [(1,)]


def test_a_full_buffer_fires_with_exactly_its_items_and_empties() -> None:
    labels = matrix(*["ab"] * 7)
    result = review_hard_samples(labels, review=Reviewer("aaa-abb"), buffer_size=2, batch_size=3)

    assert [(one.number, one.positions) for one in result.updates] == [
        (1, (0, 1)),
        (2, (2, 4)),
        (3, (5, 6)),
    ]
    assert result.left_over == ()


def test_what_is_left_in_the_buffer_is_reported() -> None:
    result = review_hard_samples(matrix(*["ab"] * 5), review=Reviewer("abcab"), buffer_size=3)
    assert [one.positions for one in result.updates] == [(0, 1, 2)]
    assert result.left_over == (3, 4)


def test_a_student_learns_from_all_events_and_votes_from_the_next_batch_on() -> None:
    teacher = Class()
    labels = matrix("ab", "ab", "aa", "bb", "aa", "ab")
    result = review_hard_samples(
        labels, review=Reviewer("aaaaab"), teach=teacher, buffer_size=1, batch_size=2
    )
    # The student says "a": the unanimous "bb" of item 3 becomes a disagreement.
    assert result.student.tolist() == [-1, -1, 0, 0, 0, 0]
    assert np.flatnonzero(result.reviewed).tolist() == [0, 1, 3, 5]
    assert teacher.lessons == [
        ([0], [0]),
        ([0, 1], [0, 0]),
        ([0, 1, 3], [0, 0, 0]),
        ([0, 1, 3, 5], [0, 0, 0, 1]),
    ]
    assert [one.before for one in result.updates] == [2, 2, 4, 6]


def test_a_student_can_spare_a_review_under_majority() -> None:
    labels = matrix("ab", "ab", "ab", "ab")
    without = review_hard_samples(labels, review=Reviewer("bbbb"), accept="majority")
    taught = review_hard_samples(
        labels,
        review=Reviewer("bbbb"),
        teach=Class(),
        accept="majority",
        buffer_size=2,
        batch_size=2,
    )
    assert without.reviewed.sum() == 4
    assert taught.reviewed.sum() == 2
    assert taught.categories.tolist() == without.categories.tolist()


def test_no_items_are_no_reviews_and_no_share() -> None:
    labels = LabelMatrix(np.empty((0, 2), np.int16), ("a", "b", "c"), ("x", "y"))
    result = review_hard_samples(labels, review=Reviewer(""))
    assert result.review_share is None
    assert result.calls_saved == 0


@pytest.mark.parametrize("sizes", [(0, 64), (1, 0)])
def test_a_buffer_or_batch_of_nothing_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        review_hard_samples(
            matrix("ab"), review=Reviewer("a"), buffer_size=sizes[0], batch_size=sizes[1]
        )

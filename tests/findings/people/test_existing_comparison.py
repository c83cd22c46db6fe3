from __future__ import annotations

import numpy as np
import pytest

from localensemble.findings.people.existing_comparison import (
    ExistingComparison,
    existing_comparison,
)


def compared(
    *, agreements: int, won: int, lost: int, third: int = 0, undecided: int = 0, audit: str = ""
) -> ExistingComparison:
    """Compare labels where the existing label is 0 and the study's is 1 if they differ.

    ``audit`` has one letter for each audited agreement: c for confirmed, w for wrong.
    """
    people = [1] * won + [0] * lost + [2] * third + [-1] * undecided
    audited = [0 if letter == "c" else 1 for letter in audit]
    people += audited + [-1] * (agreements - len(audited))
    existing = np.zeros(len(people), np.int16)
    differing = won + lost + third + undecided
    study = np.array([1] * differing + [0] * agreements, np.int16)
    return existing_comparison(
        existing, study=study, people=np.array(people, np.int16), categories=("a", "b", "c")
    )


@pytest.mark.parametrize(
    ("agreements", "won", "lost", "third", "before", "after"),
    [
        # 40 items, 8 disagreements, the study wins 4.
        (32, 4, 4, 0, 0.80, 0.90),
        (32, 4, 2, 2, 0.80, 0.90),
        # 31,807 of 40,000 agree; people decided 3,839 of 8,193 as the model had it.
        (31_807, 3_839, 4_354, 0, 0.795175, 0.89115),
        (5, 5, 0, 0, 0.5, 1.0),
    ],
)
def test_agreement_before_and_after_people_decided_the_disagreements(
    agreements: int, won: int, lost: int, third: int, before: float, after: float
) -> None:
    found = compared(agreements=agreements, won=won, lost=lost, third=third)

    assert found.before == pytest.approx(before)
    assert found.after == pytest.approx(after)
    assert (found.study_right, found.existing_right, found.neither_right) == (won, lost, third)
    assert "too high as an accuracy" in found.sentence()


def test_agreement_after_review_is_undefined_while_a_disagreement_is_undecided() -> None:
    found = compared(agreements=10, won=2, lost=1, undecided=3)

    assert (found.after, found.accuracy) == (None, None)
    assert found.undefined_because == "3 disagreements without a decision"
    assert "undefined" in found.sentence()


def test_an_audit_of_agreements_corrects_the_accuracy() -> None:
    found = compared(agreements=30, won=6, lost=4, audit="ccccccccw" + "c")

    assert (found.audited, found.confirmed) == (10, 9)
    # Clopper and Pearson for 9 of 10: .5550 to .9975.
    assert found.confirmed_low == pytest.approx(0.5550, abs=5e-5)
    assert found.confirmed_high == pytest.approx(0.9975, abs=5e-5)
    assert found.accuracy == pytest.approx((6 + 30 * 0.9) / 40)
    assert found.accuracy_low == pytest.approx((6 + 30 * 0.5550) / 40, abs=1e-4)
    assert "9 of 10" in found.sentence()


def test_nothing_is_compared_where_a_side_has_no_label() -> None:
    none = np.full(3, -1, np.int16)
    found = existing_comparison(
        none, study=np.zeros(3, np.int16), people=none, categories=("a", "b")
    )

    assert (found.compared, found.before, found.after) == (0, None, None)
    assert found.undefined_because == "no item has both labels"
    assert "No item" in found.sentence()


def test_counts_are_broken_down_by_the_existing_category() -> None:
    existing = np.array([0, 0, 1, 1, 1], np.int16)
    study = np.array([0, 1, 1, 0, 0], np.int16)
    people = np.array([-1, 1, -1, 1, 0], np.int16)

    found = existing_comparison(existing, study=study, people=people, categories=("a", "b"))

    assert [
        (one.category, one.compared, one.disagreements, one.study_right, one.existing_right)
        for one in found.categories
    ] == [("a", 2, 1, 1, 0), ("b", 3, 2, 1, 1)]

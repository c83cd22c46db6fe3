"""What other raters decided about existing labels, in numbers and words."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.findings.people.existing_comparison import existing_comparison
from localensemble.findings.strategy.relabeled_variable import RelabeledVariable

NAMES = ("a", "b", "c")


def relabeled(
    existing: list[int], study: list[int], decided: list[int], *, drawn: int = 0
) -> RelabeledVariable:
    sides: list[NDArray[np.int16]] = [np.array(one, np.int16) for one in (existing, study, decided)]
    found = existing_comparison(sides[0], study=sides[1], people=sides[2], categories=NAMES)
    return RelabeledVariable("topic", found, drawn)


def test_eight_of_forty_of_which_the_study_wins_four_are_80_and_90_percent() -> None:
    one = relabeled([0] * 40, [1] * 8 + [0] * 32, [1] * 4 + [0] * 4 + [-1] * 32)
    assert one.after_range == (0.9, 0.9)
    assert one.share_won == 0.5
    text = " ".join(one.sentences())
    assert "80.0% of 40 items" in text
    assert "agrees on 90.0%" in text
    assert "too high as an accuracy" in text


def test_a_disagreement_without_a_majority_leaves_a_range() -> None:
    one = relabeled([0] * 10, [1] * 4 + [0] * 6, [1, 1, -1, 2] + [-1] * 6)
    assert one.after_range == (0.8, 0.9)
    text = " ".join(one.sentences())
    assert "no majority on 1" in text
    assert "80.0% to 90.0%" in text


def test_an_audit_gives_the_exact_interval_and_an_estimate_for_all_items() -> None:
    # Clopper-Pearson for 9 of 10: .5550 to .9975 (R: binom.test(9, 10)).
    one = relabeled([0] * 20, [0] * 20, [0] * 9 + [1] + [-1] * 10, drawn=10)
    text = " ".join(one.sentences())
    assert "confirmed 9 of 10 agreements" in text
    assert "(55.5% to 99.7%)" in text
    assert "estimated 90.0%" in text
    assert "only gold labels" in text
    assert one.sided_range == pytest.approx((0.5550, 0.9975), abs=1e-4)
    assert one.share_won is None


def test_an_audited_agreement_without_a_majority_widens_the_interval_at_both_ends() -> None:
    # The lower end of 9 of 12 and the upper end of 11 of 12 (R: binom.test).
    one = relabeled([0] * 20, [0] * 20, [0] * 9 + [1] + [-1] * 10, drawn=12)
    assert one.audit_range == pytest.approx((0.4281, 0.9979), abs=1e-4)
    text = " ".join(one.sentences())
    assert "confirmed 9 of 12 agreements" in text
    assert "2 without a majority" in text
    assert "estimated" not in text


def test_undecided_disagreements_widen_the_share_of_all_items() -> None:
    one = relabeled([0] * 10, [1] * 4 + [0] * 6, [1, 1, -1, 2] + [0] * 6, drawn=6)
    assert one.audit_range is not None
    low, high = one.audit_range
    assert one.sided_range == pytest.approx(((2 + 6 * low) / 10, (3 + 6 * high) / 10))
    assert high == 1


def test_without_an_audit_the_agreement_is_too_high() -> None:
    one = relabeled([0] * 5, [1] + [0] * 4, [1] + [-1] * 4)
    assert one.audit_range is None
    assert "--audit-share" in " ".join(one.sentences())


def test_nothing_compared_is_said() -> None:
    one = relabeled([-1, 0], [0, -1], [-1, -1])
    assert one.after_range is None
    assert one.sentences() == ("No item has both an existing label and an accepted consensus.",)

"""Disagreements with existing labels, labeled again by other raters."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.people.existing_comparison import existing_comparison
from localensemble.strategies.relabeling import asked_again, relabel

IDS = [f"note-{i}" for i in range(40)]


def codes(*given: int) -> np.ndarray:
    return np.array(given, np.int16)


def matrix(*rows: str) -> LabelMatrix:
    cells = [[None if letter == "-" else letter for letter in row] for row in rows]
    raters = [f"rater-{j}" for j in range(len(rows[0]))]
    return LabelMatrix.from_names(cells, categories=("a", "b", "c"), raters=raters)


def test_eight_of_forty_disagreements_of_which_the_model_wins_four_are_80_and_90_percent() -> None:
    existing = codes(*[0] * 40)
    given = codes(*[1] * 8, *[0] * 32)
    asked = asked_again(existing, given=given, item_ids=IDS)
    # Three other raters: four times they side with the labels, four times with the existing ones.
    again = matrix(*["bba"] * 4, *["aab"] * 4, *["---"] * 32)

    found = relabel(existing, given=given, again=again, asked=asked)
    compared = existing_comparison(
        existing, study=given, people=found.relabels, categories=("a", "b", "c")
    )

    assert (compared.before, compared.after) == (0.8, 0.9)
    assert (compared.disagreements, compared.study_right, compared.existing_right) == (8, 4, 4)
    assert compared.categories[0].study_right == 4
    assert found.categories.tolist() == [1] * 4 + [0] * 36


def test_only_disagreements_are_asked_again_and_every_one_of_them() -> None:
    existing, given = codes(0, 0, -1, 0, 2), codes(0, 1, 1, -1, 0)
    asked = asked_again(existing, given=given, item_ids=IDS[:5])
    assert np.flatnonzero(asked.asked).tolist() == [1, 4]


@pytest.mark.parametrize(("share", "size"), [(0.0, 0), (0.1, 3), (0.11, 4), (1.0, 30)])
def test_an_audit_draws_its_share_of_the_agreements_by_their_ids(share: float, size: int) -> None:
    existing, given = codes(*[0] * 40), codes(*[1] * 10, *[0] * 30)
    asked = asked_again(existing, given=given, item_ids=IDS, audit_share=share)
    turned = asked_again(existing, given=given[::-1], item_ids=IDS[::-1], audit_share=share)
    assert asked.audited.sum() == size
    assert not (asked.audited & asked.differs).any()
    assert asked.audited.tolist() == turned.audited[::-1].tolist()


def test_an_audited_agreement_stands_and_is_counted_with_an_exact_interval() -> None:
    existing = codes(*[0] * 40)
    asked = asked_again(existing, given=existing, item_ids=IDS, audit_share=0.5)
    rows = ["---"] * 40
    for place in np.flatnonzero(asked.audited)[:20]:
        rows[place] = "aaa"
    rows[np.flatnonzero(asked.audited)[0]] = "bbb"
    found = relabel(existing, given=existing, again=matrix(*rows), asked=asked)
    compared = existing_comparison(
        existing, study=existing, people=found.relabels, categories=("a", "b", "c")
    )
    assert found.categories.tolist() == [0] * 40
    # Clopper-Pearson for 19 of 20: 0.7513 to 0.9987.
    assert (compared.audited, compared.confirmed) == (20, 19)
    assert compared.confirmed_low == pytest.approx(0.7513, abs=5e-5)
    assert compared.confirmed_high == pytest.approx(0.9987, abs=5e-5)


def test_three_different_votes_or_no_majority_decide_nothing() -> None:
    existing, given = codes(0, 0, 0, 0), codes(1, 1, 1, 1)
    asked = asked_again(existing, given=given, item_ids=IDS[:4])
    found = relabel(existing, given=given, again=matrix("cca", "abc", "---", "ab-"), asked=asked)
    assert found.relabels.tolist() == [2, -1, -1, -1]
    assert found.categories.tolist() == [-1] * 4


def test_a_label_on_an_item_that_was_not_asked_again_does_not_count() -> None:
    existing, given = codes(0, 0), codes(0, 1)
    asked = asked_again(existing, given=given, item_ids=IDS[:2])
    found = relabel(existing, given=given, again=matrix("bb", "bb"), asked=asked)
    assert found.relabels.tolist() == [-1, 1]
    assert found.categories.tolist() == [0, 1]

"""Corrected prevalence: right where counting is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.consensus.certificates.category_prevalence import (
    PREVALENCE_ASSUMPTIONS,
    corrected_prevalence,
)

NAMES = ("a", "b", "c")


def test_the_worked_difference_estimate() -> None:
    consensus = np.array([0] * 60 + [1] * 40, dtype=np.int16)
    gold = np.full(100, -1, dtype=np.int16)
    # Ten gold labels: eight of the first are right, two of them belong to b.
    gold[:8] = 0
    gold[8:10] = 1
    a, b = corrected_prevalence(consensus, gold=gold, categories=("a", "b"))
    assert (a.consensus_share, a.gold_items, a.missed, a.overcounted) == (0.6, 10, 0, 2)
    assert a.share == pytest.approx(0.4)
    assert b.share == pytest.approx(0.6)
    assert a.interval is not None
    # Bonett-Price: (1 - 3) / 12 plus or minus 1.96 sqrt((4/12 - 1/36) / 12 * 0.9).
    half = 1.959964 * np.sqrt((4 / 12 - (2 / 12) ** 2) / 12 * 0.9)
    assert a.interval.low == pytest.approx(0.6 - 2 / 12 - half)
    assert a.interval.high == pytest.approx(0.6 - 2 / 12 + half)


def test_shares_of_all_categories_sum_to_one_where_every_item_has_a_consensus() -> None:
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 3, 5_000).astype(np.int16)
    consensus = np.where(generator.random(5_000) < 0.2, 0, truth).astype(np.int16)
    gold = np.where(generator.random(5_000) < 0.1, truth, -1).astype(np.int16)
    found = corrected_prevalence(consensus, gold=gold, categories=NAMES)
    assert sum(entry.share for entry in found if entry.share is not None) == pytest.approx(1)
    undecided = np.where(generator.random(5_000) < 0.2, -1, truth).astype(np.int16)
    found = corrected_prevalence(undecided, gold=gold, categories=NAMES)
    total = sum(entry.share for entry in found if entry.share is not None)
    assert total == pytest.approx(1, abs=0.03)


def test_the_interval_covers_the_true_share_although_the_raters_are_biased() -> None:
    generator = np.random.default_rng(11)
    covered = plain_covered = 0
    studies = 400
    for _ in range(studies):
        truth = generator.choice(3, p=[0.7, 0.2, 0.1], size=4_000).astype(np.int16)
        # A third of b and c is called a.
        wrong = (truth > 0) & (generator.random(4_000) < 1 / 3)
        consensus = np.where(wrong, 0, truth).astype(np.int16)
        gold = np.full(4_000, -1, dtype=np.int16)
        drawn = generator.choice(4_000, 300, replace=False)
        gold[drawn] = truth[drawn]
        first = corrected_prevalence(consensus, gold=gold, categories=NAMES)[0]
        true_share = float(np.mean(truth == 0))
        assert first.interval is not None
        covered += first.interval.low <= true_share <= first.interval.high
        plain_covered += abs(first.consensus_share - true_share) < 0.05
    assert 0.92 <= covered / studies <= 0.98
    assert plain_covered == 0


def test_no_error_among_few_gold_labels_is_not_certainty() -> None:
    consensus = np.array([0] * 500 + [1] * 500, dtype=np.int16)
    gold = np.full(1_000, -1, dtype=np.int16)
    gold[:20] = 0
    found = corrected_prevalence(consensus, gold=gold, categories=("a", "b"))[0]
    assert found.share == 0.5
    assert found.interval is not None
    assert found.interval.low < 0.45
    assert found.interval.high > 0.55


def test_gold_labels_for_everything_leave_nothing_to_estimate() -> None:
    consensus = np.array([0, 0, 1, 1], dtype=np.int16)
    gold = np.array([0, 1, 1, 1], dtype=np.int16)
    found = corrected_prevalence(consensus, gold=gold, categories=("a", "b"))[0]
    assert found.share == 0.25
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (0.25, 0.25)


def test_a_share_stays_between_0_and_1_with_its_interval_around_it() -> None:
    consensus = np.zeros(100, dtype=np.int16)
    gold = np.full(100, -1, dtype=np.int16)
    gold[:5] = 1
    for entry in corrected_prevalence(consensus, gold=gold, categories=NAMES):
        assert entry.share is not None
        assert entry.interval is not None
        assert 0 <= entry.interval.low <= entry.share <= entry.interval.high <= 1


def test_without_gold_labels_the_share_is_undefined_in_words() -> None:
    nothing = np.full(3, -1, dtype=np.int16)
    found = corrected_prevalence(np.zeros(3, dtype=np.int16), gold=nothing, categories=NAMES)[0]
    assert found.consensus_share == 1
    assert found.share is None
    assert found.interval is None
    assert found.undefined_because == "no item has a gold label"


def test_arrays_that_do_not_fit_are_refused() -> None:
    for consensus, gold in ((np.zeros(3), np.zeros(2)), (np.empty(0), np.empty(0))):
        with pytest.raises(ValueError, match="do not fit"):
            corrected_prevalence(
                consensus.astype(np.int16), gold=gold.astype(np.int16), categories=NAMES
            )


def test_the_number_of_gold_labels_is_listed_as_what_is_assumed() -> None:
    assert "at least about 50" in PREVALENCE_ASSUMPTIONS[-1]

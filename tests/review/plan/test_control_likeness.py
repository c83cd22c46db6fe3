from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from localensemble.review.plan.control_likeness import (
    FEWEST_ITEMS,
    sentences,
    unlike_categories,
    unlike_length,
)

SHORT = np.arange(20, 60)
LONG = np.arange(200, 215)
MIXED = np.array([0, 0, 0, 0, 1, 1, 2, 2, -1, -1] * 4, np.int16)


def test_longer_control_items_are_told_with_the_distance_and_its_chance() -> None:
    found = unlike_length(SHORT, LONG)
    assert found is not None
    expected = ks_2samp(SHORT, LONG)
    assert (found.effect, found.p_value) == (1.0, expected.pvalue)
    assert "length" in found.sentence()
    assert "1.00" in found.sentence()


def test_control_items_drawn_like_the_others_are_not_mentioned() -> None:
    assert unlike_length(SHORT, SHORT[::2]) is None
    assert unlike_categories("topic", queued=MIXED, control=MIXED[::2]) is None
    assert sentences([None, None]) == ()


def test_control_items_of_one_category_are_told_and_unknown_ones_are_left_out() -> None:
    control = np.array([2] * 12 + [-1] * 30, np.int16)
    found = unlike_categories("topic", queued=MIXED, control=control)
    assert found is not None
    counts = [[16, 8, 8], [0, 0, 12]]
    assert found.p_value == pytest.approx(chi2_contingency(counts, correction=False).pvalue)
    assert found.effect == pytest.approx(0.75)
    assert '"topic"' in sentences([found])[0]


@pytest.mark.parametrize("few", range(FEWEST_ITEMS))
def test_too_few_items_show_no_difference(few: int) -> None:
    assert unlike_length(SHORT, LONG[:few]) is None
    assert unlike_categories("topic", queued=MIXED, control=np.full(few, 2, np.int16)) is None


def test_one_category_everywhere_is_no_difference() -> None:
    same = np.zeros(9, np.int16)
    assert unlike_categories("topic", queued=same, control=same) is None

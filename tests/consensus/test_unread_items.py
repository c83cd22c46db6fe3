"""The promise is about the items that nobody has read: exact test, bound, and where it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import hypergeom

from localensemble.consensus.certificates.bounds import certifying_size
from localensemble.consensus.certificates.counted_threshold import (
    CountedThreshold,
    items_needed,
    walk_start,
)
from localensemble.consensus.certificates.derived_again import contradiction
from localensemble.consensus.certificates.threshold import (
    CertifiedThreshold,
    certify_threshold,
    control_risk,
    threshold_grid,
    walked_again,
)
from localensemble.consensus.certificates.unread_items import (
    certifying_size_of_share,
    unread_bound,
    unread_p,
)

pytestmark = pytest.mark.slow  # draws thousands of samples


@pytest.mark.parametrize(
    ("errors", "items", "unread", "alpha"),
    [
        (0, 100, 900, 0.05),
        (3, 400, 168, 0.2),
        (60, 450, 118, 0.2),
        (7, 7, 30, 0.1),
        (2, 90, 3, 0.3),
    ],
)
def test_the_p_value_is_the_hypergeometric_one(
    errors: int, items: int, unread: int, alpha: float
) -> None:
    tolerated = int(np.floor(alpha * unread + 1e-9))
    expected = hypergeom.cdf(errors, items + unread, tolerated + 1 + errors, items)
    found = unread_p(errors, items=items, unread=unread, alpha=alpha)
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-14)


def test_many_unread_items_make_it_the_binomial_test() -> None:
    # .95 ** 100 and 1 - .1 ** (1 / 100): all of 100 gold labels are right.
    endless = unread_p(0, items=100, unread=None, alpha=0.05)
    assert endless == pytest.approx(0.0059205, abs=1e-7)
    assert unread_p(0, items=100, unread=10**6, alpha=0.05) == pytest.approx(endless, rel=1e-3)
    assert unread_bound(0, items=100, unread=None, delta=0.1) == pytest.approx(0.02276, abs=1e-5)
    assert unread_bound(0, items=100, unread=10**6, delta=0.1) == pytest.approx(0.02276, abs=1e-4)


def test_nothing_is_promised_about_no_unread_item() -> None:
    assert unread_p(0, items=100, unread=0, alpha=0.05) == 1
    assert unread_bound(0, items=100, unread=0, delta=0.1) == 1


def test_the_bound_is_at_most_alpha_exactly_where_the_test_passes() -> None:
    generator = np.random.default_rng(3)
    for _ in range(100):
        items, unread = int(generator.integers(1, 300)), int(generator.integers(1, 600))
        errors = int(generator.integers(0, min(items, 40) + 1))
        alpha = float(generator.choice([0.05, 0.1, 0.37]))
        bound = unread_bound(errors, items=items, unread=unread, delta=0.1)
        passes = unread_p(errors, items=items, unread=unread, alpha=alpha) <= 0.1
        assert (bound <= alpha + 1e-12) == passes


def test_one_threshold_breaks_its_promise_about_the_unread_in_at_most_delta_of_all_draws() -> None:
    """Every draw of 50 of 60 items, for every number of wrong ones: the exact probability."""
    items, unread, alpha, delta = 50, 10, 0.2, 0.1
    passes = [unread_p(k, items=items, unread=unread, alpha=alpha) <= delta for k in range(items)]
    for wrong in range(items):
        broken = sum(
            hypergeom.pmf(k, items + unread, wrong, items)
            for k in range(wrong + 1)
            if passes[k] and wrong - k > alpha * unread
        )
        assert broken <= delta + 1e-12


def test_a_test_that_counts_the_gold_items_breaks_it_more_often() -> None:
    """450 of 568 are read; the exact test of all 568 breaks the promise about the other 118."""
    items, unread, alpha = 450, 118, 0.2
    read, tolerated = np.arange(items + 1), int(alpha * (items + unread))
    passing = read[hypergeom.cdf(read, items + unread, tolerated + 1, items) <= 0.1]
    broken = [
        hypergeom.pmf(passing[wrong - passing > alpha * unread], items + unread, wrong, items).sum()
        for wrong in range(90, 140)
    ]
    assert max(broken) > 0.15


def gold_right(items: int) -> CertifiedThreshold:
    return certify_threshold(
        np.ones(items), wrong=np.zeros(items, bool), grid=(1.0,), alpha=0.05, delta=0.1
    )


def test_a_hundred_right_gold_labels_certify_at_alpha_5_percent() -> None:
    found = gold_right(100)
    assert found.threshold == 1.0
    assert found.chosen is not None
    assert found.chosen.p_value == pytest.approx(0.00592, abs=5e-6)
    assert found.chosen.upper == pytest.approx(0.02276, abs=5e-6)
    assert found.obstacle is None


@pytest.mark.parametrize("items", [45, 60, 101, 102, 130])
def test_more_right_gold_labels_never_certify_less(items: int) -> None:
    assert gold_right(items).threshold == 1.0


@pytest.mark.parametrize(
    ("accepted", "least"),
    # Sizes for 0, 1 and 2 errors at 5% and 10%: 45, 77, 105. With 1.3 times: 100.1 and 136.5.
    [(44, 45), (100, 45), (101, 77), (136, 77), (137, 105), (5_000, 105)],
)
def test_the_walk_starts_where_the_loosest_threshold_leaves_room(accepted: int, least: int) -> None:
    for errors in (0, accepted):
        counts = [CountedThreshold(0.9, 3, 0, None), CountedThreshold(0.5, accepted, errors, None)]
        start = walk_start(counts, alpha=0.05, delta=0.1)
        assert start.least_accepted == least, "it looks at no label"
        assert start.forgiven == [45, 77, 105].index(least)
    assert walk_start([], alpha=0.05, delta=0.1).least_accepted == 45


def test_a_strict_threshold_that_leaves_few_items_unread_does_not_stop_the_walk() -> None:
    """One unread item, of which none may be wrong, fails where two errors are forgiven."""
    generator = np.random.default_rng(2)
    scores = np.append(np.linspace(1, 0.9, 60), generator.random(140) * 0.9)
    found = certify_threshold(
        scores,
        wrong=np.arange(200) % 12 == 3,
        grid=threshold_grid(scores),
        alpha=0.2,
        delta=0.1,
        unread_scores=np.append([0.999], generator.random(60) * 0.9),
    )
    assert found.candidates[0].unread == 1
    assert {one.outcome for one in found.candidates if one.unread == 1} == {"skipped"}
    assert any(one.outcome != "skipped" for one in found.candidates)


def test_a_candidate_with_fewer_items_than_errors_forgives_nothing() -> None:
    assert not CountedThreshold(0.5, 1, 0, None).forgives(2, alpha=0.5, delta=0.1)


def test_few_unread_items_need_more_gold_labels() -> None:
    size = certifying_size_of_share(0, unread_per_item=0.5, most=200, alpha=0.05, delta=0.1)
    assert size is not None
    assert size > certifying_size(0, alpha=0.05, delta=0.1)
    assert unread_p(0, items=size, unread=round(size / 2), alpha=0.05) <= 0.1
    assert certifying_size_of_share(0, unread_per_item=0.5, most=44, alpha=0.05, delta=0.1) is None
    # Of 4 unread items none may be wrong; 1 in 100 read ones is not enough to show that.
    few = certifying_size_of_share(1, unread_per_item=0.04, most=9, alpha=0.5, delta=0.1)
    assert few is None


def test_the_need_is_a_number_that_certifies_and_does_not_recede() -> None:
    counts = [CountedThreshold(0.5, 30, 0, 900)]
    needed = items_needed(counts, gold_items=40, pool_items=1_240, alpha=0.05, delta=0.1)
    assert needed is not None
    assert 60 <= needed <= 64
    grown = [CountedThreshold(0.5, round(needed * 0.75), 0, 930 - round(needed * 0.75))]
    # With this many, and still no error, it passes.
    p = unread_p(0, items=grown[0].accepted, unread=grown[0].unread, alpha=0.05)
    assert p <= 0.1
    assert items_needed([], gold_items=0, pool_items=None, alpha=0.05, delta=0.1) is None


def study_of(items: int, gold: int, *, wrong: float, kept: float) -> CertifiedThreshold:
    """Certify a study of random scores, of which the rules accept a share."""
    generator = np.random.default_rng(5)
    scores = generator.random(items)
    scores[generator.random(items) >= kept] = np.nan
    return certify_threshold(
        scores[:gold],
        wrong=generator.random(gold) < wrong,
        grid=threshold_grid(scores),
        alpha=0.05,
        delta=0.1,
        unread_scores=scores[gold:],
    )


def test_what_stands_in_the_way_is_told_apart() -> None:
    assert study_of(1_000, 30, wrong=0, kept=1).obstacle == "too few"
    assert study_of(1_000, 400, wrong=0.5, kept=1).obstacle == "too wrong"
    assert study_of(400, 400, wrong=0, kept=1).obstacle == "nothing unread"
    assert study_of(400, 300, wrong=0, kept=0).obstacle == "nothing to accept"
    assert study_of(1_000, 400, wrong=0, kept=0.02).obstacle == "study too small"
    # The rules leave two items of a thousand, and no gold item is among them.
    left = certify_threshold(
        np.full(300, np.nan),
        wrong=np.zeros(300, bool),
        grid=(0.5,),
        alpha=0.05,
        delta=0.1,
        unread_scores=np.append(np.full(698, np.nan), [0.6, 0.7]),
    )
    assert left.obstacle == "study too small"


@pytest.mark.parametrize(
    "made",
    [
        lambda: study_of(2_000, 400, wrong=0.01, kept=0.8),
        lambda: study_of(2_000, 40, wrong=0.2, kept=0.8),
        lambda: gold_right(200),
        lambda: control_risk(
            np.ones(80),
            wrong=np.arange(80) < 2,
            grid=(1.0,),
            alpha=0.1,
            unread_scores=np.ones(300),
        ),
    ],
)
def test_everything_follows_from_the_counts(made: Callable[[], CertifiedThreshold]) -> None:
    found = made()
    again = walked_again(found)
    if found.pool_items is not None:
        assert again == found
    assert again.chosen == found.chosen


def test_an_edited_certificate_is_derived_differently() -> None:
    found = study_of(2_000, 400, wrong=0.01, kept=0.8)
    assert found.chosen is not None
    assert walked_again(replace(found, alpha=0.01)).chosen != found.chosen
    first = replace(found.candidates[0], outcome="passed", p_value=0.001)
    edited = replace(found, chosen=first, candidates=(first, *found.candidates[1:]))
    assert walked_again(edited) == found


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: replace(one, alpha=1.0),
        lambda one: replace(one, alpha=0.01),
        lambda one: replace(one, gold_items=3),
        lambda one: replace(one, pool_items=None),
        lambda one: replace(one, pool_items=300),
        lambda one: replace(one, pool_items=500),
        lambda one: replace(one, candidates=one.candidates[::-1]),
        lambda one: replace(one, chosen=None),
        lambda one: replace(
            one, candidates=(replace(one.candidates[0], unread=1), *one.candidates[1:])
        ),
    ],
)
def test_a_certificate_whose_counts_were_edited_contradicts_itself(
    edit: Callable[[CertifiedThreshold], CertifiedThreshold],
) -> None:
    found = study_of(2_000, 400, wrong=0.01, kept=0.8)
    assert contradiction(found) == ""
    assert contradiction(edit(found))


def test_an_edited_conformal_certificate_contradicts_itself() -> None:
    found = control_risk(
        np.ones(80), wrong=np.arange(80) < 2, grid=(1.0,), alpha=0.1, unread_scores=np.ones(9)
    )
    assert contradiction(found) == ""
    assert "this method has none" in contradiction(replace(found, delta=0.1))
    lower = replace(found.candidates[0], p_value=0.01)
    assert "a bound of" in contradiction(replace(found, chosen=lower, candidates=(lower,)))
    bound = replace(found.candidates[0], upper=0.05)
    assert "no upper bound" in contradiction(replace(found, chosen=bound, candidates=(bound,)))


def test_impossible_counts_and_starts_are_named() -> None:
    found = gold_right(200)
    assert contradiction(found) == ""
    assert "expected the size" in contradiction(replace(found, least_accepted=50))
    assert "impossible" in contradiction(replace(found, gold_items=100))
    assert "more items" in contradiction(replace(found, items_needed=300))
    assert "delta is not" in contradiction(replace(found, delta=None))
    assert found.chosen is not None
    lower = replace(found.chosen, upper=0.001)
    assert "an upper bound" in contradiction(replace(found, chosen=lower, candidates=(lower,)))
    failed = replace(found.chosen, outcome="failed")
    assert 'has "failed"' in contradiction(replace(found, chosen=None, candidates=(failed,)))
    with_unread = study_of(2_000, 400, wrong=0.01, kept=0.8)
    first = replace(with_unread.candidates[0], unread=None)
    edited = replace(with_unread, candidates=(first, *with_unread.candidates[1:]))
    assert "are not counted" in contradiction(edited)


@pytest.mark.slow  # certifies a thousand times
@pytest.mark.parametrize(("gold", "alpha"), [(400, 0.2), (450, 0.2), (450, 0.05)])
def test_the_promise_about_the_unread_of_568_items_is_kept_in_nine_of_ten_draws(
    gold: int, alpha: float
) -> None:
    generator = np.random.default_rng(7)
    draws, certified, broken = 300, 0, 0
    for _ in range(draws):
        scores = generator.random(568)
        wrong = generator.random(568) < 2.2 * alpha * (1 - scores)
        found = certify_threshold(
            scores[:gold],
            wrong=wrong[:gold],
            grid=threshold_grid(scores),
            alpha=alpha,
            delta=0.1,
            unread_scores=scores[gold:],
        )
        if found.threshold is not None:
            certified += 1
            unread = wrong[gold:][scores[gold:] >= found.threshold]
            broken += unread.mean() > alpha if len(unread) else 0
    assert certified > draws / 4
    assert broken / draws <= 0.1

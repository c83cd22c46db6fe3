"""Bootstrap and jackknife where they can say nothing, and where work comes in chunks."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.agreement import (
    AgreementError,
    Analytic,
    Bootstrap,
    Jackknife,
    conger_kappa,
    draws,
    estimators,
    fleiss_kappa,
    gwet_ac1,
    intervals,
    krippendorff_alpha,
    percent_agreement,
    prepare,
)
from tests.agreement.matrices import matrix_of, random_matrix


def test_no_draws_are_refused() -> None:
    with pytest.raises(AgreementError, match="resamples: 0 is below 1"):
        gwet_ac1(matrix_of("ab", "aa"), interval=Bootstrap(0))


def test_one_item_cannot_be_left_out() -> None:
    result = gwet_ac1(matrix_of("aab"), interval=Jackknife())
    assert result.value is not None
    assert result.interval_undefined_because == "only one item has labels"


def test_a_coefficient_that_hangs_on_one_item_has_no_jackknife() -> None:
    result = fleiss_kappa(matrix_of("aa", "aa", "ab"), interval=Jackknife())
    assert result.value is not None
    assert result.standard_error is None
    assert "left out" in result.interval_undefined_because


def test_draws_without_a_value_are_counted() -> None:
    result = fleiss_kappa(matrix_of("aa", "aa", "ab"), interval=Bootstrap(500, seed=1))
    assert 100 < result.resamples_undefined < 200
    assert result.interval_method == "bootstrap"


def test_too_few_draws_with_a_value_give_no_interval() -> None:
    result = fleiss_kappa(matrix_of("aa", "aa", "ab"), interval=Bootstrap(1))
    assert result.standard_error is None
    assert "fewer than two bootstrap draws" in result.interval_undefined_because


@pytest.mark.parametrize("interval", [Bootstrap(60, seed=4), Jackknife()])
def test_chunks_of_patterns_and_draws_change_nothing(
    interval: Bootstrap | Jackknife, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = random_matrix(7, items=200, raters=5)
    whole = [
        conger_kappa(matrix, interval=interval),
        krippendorff_alpha(matrix, level="ordinal", interval=interval),
    ]
    # Whole draws stay together: the generator must give the same numbers.
    monkeypatch.setattr(estimators, "STATISTICS_CELLS", 97)
    chunked = [
        conger_kappa(matrix, interval=interval),
        krippendorff_alpha(matrix, level="ordinal", interval=interval),
    ]
    for one, other in zip(whole, chunked, strict=True):
        assert other.standard_error == pytest.approx(one.standard_error, rel=1e-9)
        assert other.interval_low == pytest.approx(one.interval_low, abs=1e-9)


def test_blocks_of_draws_give_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = random_matrix(7, items=100)
    whole = percent_agreement(matrix, interval=Bootstrap(50, seed=4))
    monkeypatch.setattr(intervals, "_DRAW_CELLS", 40)
    for kept in (draws._KEPT_CELLS, 0):
        monkeypatch.setattr(draws, "_KEPT_CELLS", kept)
        assert percent_agreement(matrix, interval=Bootstrap(50, seed=4)).interval_low == (
            pytest.approx(whole.interval_low, abs=1e-12)
        )


def test_coefficients_of_one_matrix_share_their_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = random_matrix(11, items=80, raters=4)
    made = []
    drawn = draws.ItemDraws._drawn

    def counted(self: draws.ItemDraws, generator: np.random.Generator, count: int) -> object:
        made.append(count)
        return drawn(self, generator, count)

    monkeypatch.setattr(draws.ItemDraws, "_drawn", counted)
    prepared = prepare(matrix)
    together = [
        compute(prepared, interval=Bootstrap(50))
        for compute in (gwet_ac1, fleiss_kappa, percent_agreement)
    ]
    assert made == [50]
    alone = [
        compute(matrix, interval=Bootstrap(50))
        for compute in (gwet_ac1, fleiss_kappa, percent_agreement)
    ]
    assert together == alone


@pytest.mark.parametrize("interval", [Bootstrap(40), Jackknife()], ids=["bootstrap", "jackknife"])
@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["aab"], "only one item has labels"),
        (["aab", "aab", "aab", "aab"], "no spread"),
    ],
)
def test_where_nothing_varies_there_is_no_interval(
    interval: Bootstrap | Jackknife, rows: list[str], reason: str
) -> None:
    result = gwet_ac1(matrix_of(*rows), interval=interval)
    assert result.value is not None
    assert (result.interval_low, result.interval_high, result.standard_error) == (None, None, None)
    assert result.interval_method == ""
    assert reason in result.interval_undefined_because


def test_an_interval_ends_at_1_above_and_is_not_cut_below() -> None:
    """The convention of Gwet (2014); a requirement compares the lower end as computed."""
    low = gwet_ac1(matrix_of("ab", "ab", "aa"), interval=Analytic())
    assert low.interval_low is not None
    assert low.interval_low < -1.0
    share = percent_agreement(matrix_of("ab", "ab", "aa"), interval=Analytic())
    assert share.interval_low == 0.0
    high = gwet_ac1(matrix_of("aa", "aa", "aa", "bb", "ab"), interval=Analytic())
    assert high.interval_high == 1.0


def test_a_multinomial_over_patterns_is_a_draw_of_items() -> None:
    matrix = random_matrix(3, items=60, raters=3)
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        rows = generator.integers(0, 60, size=60)
        copy = type(matrix)(matrix.indices[rows], matrix.categories, matrix.raters)
        drawn.append(gwet_ac1(copy).value or 0.0)
    result = gwet_ac1(matrix, interval=Bootstrap(4000, seed=2))
    assert result.standard_error == pytest.approx(float(np.std(drawn, ddof=1)), rel=0.12)
    assert result.interval_low == pytest.approx(float(np.quantile(drawn, 0.025)), abs=0.04)
    assert result.interval_high == pytest.approx(float(np.quantile(drawn, 0.975)), abs=0.04)

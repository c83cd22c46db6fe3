"""Benchmark scales: a verdict with a probability, not a lookup."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localensemble.agreement import (
    SCALES,
    Analytic,
    ScaleName,
    benchmark,
    brennan_prediger,
    fleiss_kappa,
    gwet_ac1,
    percent_agreement,
)
from tests.agreement.matrices import matrix_of

GOLDEN = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "benchmark_scales.json").read_text("utf-8")
)
SCALE = {scale.name: scale for scale in SCALES}


@pytest.mark.parametrize("entry", GOLDEN["expected"], ids=lambda entry: str(entry["scale"]))
def test_memberships_are_the_published_ones(entry: dict[str, Any]) -> None:
    some = gwet_ac1(matrix_of(*["aa", "ab", "bb"] * 2), interval=Analytic())
    coefficient = replace(some, value=entry["coefficient"], standard_error=entry["standard_error"])
    found = benchmark(coefficient, next(s for s in SCALES if s.name == entry["scale"]))
    assert [band.reached for band in found.bands] == pytest.approx(
        entry["cumulative"], abs=GOLDEN["tolerance"]
    )
    assert sum(band.probability for band in found.bands) == pytest.approx(1.0)


def test_the_verdict_is_the_best_band_reached_with_the_asked_probability() -> None:
    six = gwet_ac1(matrix_of(*["aa", "ab", "bb"] * 2), interval=Analytic())
    some = replace(six, value=0.77544, standard_error=0.14295)
    found = benchmark(some, SCALE["Landis-Koch"])
    assert found.naive_word == "substantial"
    assert found.word == "moderate"
    assert found.reached == pytest.approx(0.99542, abs=1e-5)
    assert found.sentence == "moderate with at least 95% probability"
    easier = benchmark(some, SCALE["Landis-Koch"], probability=0.8)
    assert easier.sentence == "substantial with at least 80% probability"


def test_perfect_agreement_is_judged_by_how_many_items_show_it() -> None:
    few = benchmark(gwet_ac1(matrix_of(*["aa"] * 6)), SCALE["Landis-Koch"])
    many = benchmark(gwet_ac1(matrix_of(*["aa"] * 300)), SCALE["Landis-Koch"])
    assert (few.naive_word, few.word) == ("almost perfect", "substantial")
    assert (many.naive_word, many.word) == ("almost perfect", "almost perfect")
    # None of six items disagrees: with 95 % confidence fewer than 40 % of all do.
    assert few.bands[1].reached == pytest.approx(1 - 0.6**6)


def test_a_coefficient_without_value_has_no_verdict() -> None:
    found = benchmark(fleiss_kappa(matrix_of("aa", "aa")), SCALE["Altman"])
    assert found.word is None
    assert found.naive_word is None
    assert found.bands == ()
    assert found.sentence.startswith('no verdict: only the category "a" occurs')


def test_a_coefficient_without_spread_has_a_naive_word_only() -> None:
    coefficient = brennan_prediger(matrix_of(*["aab"] * 6), interval=Analytic())
    found = benchmark(coefficient, SCALE["Fleiss"])
    assert found.naive_word == "poor"
    assert found.word is None
    assert "every item contributes the same" in found.undefined_because


@pytest.mark.parametrize(
    ("scale", "low", "word"),
    [
        ("Landis-Koch", 0.81, "almost perfect"),
        ("Landis-Koch", 0.8, "almost perfect"),
        ("Landis-Koch", 0.7999, "substantial"),
        ("Landis-Koch", 0.001, "slight"),
        ("Landis-Koch", 0.0, "poor"),
        ("Landis-Koch", -14.0, "poor"),
        ("Fleiss", 0.39, "poor"),
        ("Altman", 0.0, "poor"),
    ],
)
def test_a_word_for_an_interval_is_reached_by_all_of_it(
    scale: ScaleName, low: float, word: str
) -> None:
    assert SCALE[scale].interval_word(low) == word


def test_a_coefficient_below_minus_one_is_poor() -> None:
    six = percent_agreement(matrix_of(*["aa", "ab"] * 3), interval=Analytic())
    some = replace(six, value=-3.0, standard_error=0.1)
    found = benchmark(some, SCALE["Landis-Koch"])
    assert found.word == "poor"
    assert found.bands[-1].probability == pytest.approx(1.0)


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: str(scale.name))
def test_every_scale_falls_and_is_cited(scale: object) -> None:
    found = next(one for one in SCALES if one is scale)
    lowers = [lower for lower, _ in found.bands[:-1] if lower is not None]
    assert lowers == sorted(lowers, reverse=True)
    assert found.bands[-1] == (None, "poor")
    assert found.citation

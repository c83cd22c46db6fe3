"""A required level of agreement: read from text, judged by the interval's lower end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localensemble.agreement import (
    AgreementError,
    Requirement,
    brennan_prediger,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
    percent_agreement,
)
from tests.agreement.matrices import matrix_of, random_matrix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AC1 >= 0.6", Requirement("AC1", 0.6)),
        ("  ac1>=.6 ", Requirement("AC1", 0.6)),
        ("Gwet's AC1 ≥ 0.60", Requirement("AC1", 0.6)),
        ("Fleiss' kappa >= 0.4", Requirement("Fleiss kappa", 0.4)),
        ("fleiss (quadratic) >= 0.4", Requirement("Fleiss kappa", 0.4, "quadratic")),
        ("Krippendorff's alpha >= 0.667", Requirement("Krippendorff alpha", 0.667)),
        ("alpha >= 1", Requirement("Krippendorff alpha", 1.0)),
        ("percent agreement >= 0.9", Requirement("percent agreement", 0.9)),
        ("Brennan-Prediger >= -0.1", Requirement("Brennan-Prediger", -0.1)),
    ],
)
def test_a_requirement_is_read_as_people_write_it(text: str, expected: Requirement) -> None:
    found = Requirement.parse(text)
    assert found == expected
    assert Requirement.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AC1 > 0.6", "Cannot read the requirement 'AC1 > 0.6'."),
        ("AC1", "Cannot read the requirement 'AC1'."),
        ("", "Cannot read the requirement ''."),
        ("AC1 >= high", "Cannot read the requirement"),
        ("AC3 >= 0.6", "nknown coefficient 'AC3'"),
        ("kappa >= 0.6", "nknown coefficient 'kappa'"),
        ("xyzzy >= 0.6", "nknown coefficient 'xyzzy'"),
        ("AC2 (cubic) >= 0.6", "nknown weights 'cubic'"),
        ("AC1 >= 60", "60 is not between -1 and 1."),
    ],
)
def test_a_requirement_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(AgreementError) as caught:
        Requirement.parse(text)
    assert message in caught.value.message
    assert caught.value.hint


def test_a_misspelt_coefficient_gets_a_suggestion() -> None:
    with pytest.raises(AgreementError) as caught:
        Requirement.parse("Fleis kappa >= 0.6")
    assert caught.value.hint.startswith('Did you mean "Fleiss kappa"?')


def test_the_lower_end_decides_and_not_the_estimate() -> None:
    result = gwet_ac1(random_matrix(3, items=40, copied=0.9, gaps=0))
    assert result.value is not None
    assert result.interval_low is not None
    between = (result.value + result.interval_low) / 2
    missed = Requirement("AC1", between).check([result])
    assert not missed.met
    assert missed.interval_low == result.interval_low
    assert "95% interval" in missed.because
    assert ", below" in missed.because
    met = Requirement("AC1", result.interval_low).check([result])
    assert met.met
    assert "not below" in met.because


def test_perfect_agreement_on_enough_items_meets_a_requirement() -> None:
    few, many = (gwet_ac1(matrix_of(*["aa"] * count)) for count in (5, 300))
    requirement = Requirement.parse("AC1 >= 0.9")
    assert not requirement.check([few]).met
    assert requirement.check([many]).met


def test_an_undefined_coefficient_never_meets_a_requirement() -> None:
    verdict = Requirement.parse("Fleiss >= -1").check([fleiss_kappa(matrix_of("aa", "aa"))])
    assert not verdict.met
    assert verdict.interval_low is None
    assert verdict.because.startswith('Fleiss kappa is undefined: only the category "a" occurs')


def test_a_coefficient_without_interval_never_meets_a_requirement() -> None:
    verdict = Requirement.parse("BP >= -1").check([brennan_prediger(matrix_of("aab"))])
    assert not verdict.met
    assert "has no interval: only one item has labels" in verdict.because


def test_a_coefficient_that_was_not_computed_never_meets_a_requirement() -> None:
    matrix = random_matrix(1)
    verdict = Requirement.parse("Fleiss (linear) >= 0").check([fleiss_kappa(matrix)])
    assert not verdict.met
    assert verdict.because == "Fleiss kappa (linear) was not computed"
    assert (
        Requirement.parse("Fleiss (linear) >= -1")
        .check(
            [
                percent_agreement(matrix),
                fleiss_kappa(matrix),
                fleiss_kappa(matrix, weights="linear"),
            ]
        )
        .met
    )


def test_alpha_and_ac2_need_no_named_level_or_weights() -> None:
    matrix = random_matrix(1)
    results = [krippendorff_alpha(matrix, level="ordinal"), gwet_ac2(matrix, weights="linear")]
    assert Requirement.parse("alpha >= -1").check(results).met
    assert Requirement.parse("AC2 >= -1").check(results).met
    assert not Requirement.parse("AC2 (quadratic) >= -1").check(results).met


@pytest.mark.parametrize(
    ("low", "met", "shown"),
    [(0.7996, False, "0.7996, below 0.8"), (0.75, False, "0.75, below"), (0.81, True, "0.81, not")],
)
def test_the_lower_end_is_shown_with_the_digits_that_tell_whether_it_is_met(
    low: float, met: bool, shown: str
) -> None:
    measured = replace(gwet_ac1(random_matrix(1)), value=0.9, interval_low=low, interval_high=1.0)
    verdict = Requirement.parse("AC1 >= 0.8").check([measured])
    assert verdict.met is met
    assert shown in verdict.because

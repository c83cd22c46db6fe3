"""What a codebook requires of the agreement is compared with the lower end of its interval."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.codebook.model import Category, Level, RequiredAgreement, Variable
from localensemble.core.coefficient_names import AgreementCoefficient
from localensemble.core.label_matrix import LabelMatrix
from localensemble.study.required_verdict import required_verdict, requirement_of


def variable(
    coefficient: AgreementCoefficient | None, at_least: float = 0.6, level: Level = "ordinal"
) -> Variable:
    names = ("low", "high") if level == "binary" else ("low", "middle", "high")
    return Variable(
        "pain",
        level,
        "",
        tuple(Category(name, "") for name in names),
        required_agreement=coefficient and RequiredAgreement(coefficient, at_least, "review"),
    )


def matrix(first: list[int], second: list[int], of: Variable) -> LabelMatrix:
    return LabelMatrix(np.array([first, second], dtype=np.int16).T, of.answers, ("ann", "bo"))


FIRST = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]
SECOND = [0, 1, 2, 0, 1, 2, 0, 1, 1, 0, 1, 2, 0, 1, 2, 0, 0, 2, 0, 1]


def test_a_codebook_that_requires_nothing_gets_no_verdict() -> None:
    silent = variable(None)
    assert requirement_of(silent) is None
    assert required_verdict(matrix(FIRST, SECOND, silent), variable=silent) is None


@pytest.mark.parametrize("coefficient", ["AC1", "AC2", "Krippendorff alpha", "Fleiss kappa"])
@pytest.mark.parametrize(("at_least", "met"), [(0.4, True), (0.95, False)])
def test_the_lower_end_of_the_interval_has_to_reach_what_is_required(
    coefficient: AgreementCoefficient, at_least: float, met: bool
) -> None:
    asked = variable(coefficient, at_least)
    verdict = required_verdict(matrix(FIRST, SECOND, asked), variable=asked)
    assert verdict is not None
    assert verdict.met is met
    assert verdict.requirement == requirement_of(asked)
    assert verdict.interval_low is not None
    assert (verdict.interval_low >= at_least) is met


@pytest.mark.parametrize("level", ["binary", "nominal", "ordinal"])
def test_a_coefficient_that_is_undefined_reaches_nothing(level: Level) -> None:
    asked = variable("Krippendorff alpha", -1.0, level)
    verdict = required_verdict(matrix([0] * 9, [0] * 9, asked), variable=asked)
    assert verdict is not None
    assert (verdict.met, verdict.interval_low) == (False, None)


@pytest.mark.parametrize(
    ("coefficient", "differs"), [("Krippendorff alpha", True), ("AC2", True), ("AC1", False)]
)
def test_the_order_of_the_categories_counts_where_the_coefficient_knows_it(
    coefficient: AgreementCoefficient, differs: bool
) -> None:
    levels: tuple[Level, Level] = ("nominal", "ordinal")
    found = set()
    for level in levels:
        plain = coefficient if level == "ordinal" or coefficient != "AC2" else "AC1"
        asked = variable(plain, 0.6, level)
        verdict = required_verdict(matrix(FIRST, SECOND, asked), variable=asked)
        assert verdict is not None
        found.add(verdict.interval_low)
    assert len(found) == 1 + differs

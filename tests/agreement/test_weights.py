"""Weights: eight schemes, one's own matrix, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.agreement import (
    WEIGHT_SCHEMES,
    AgreementError,
    LevelError,
    WeightScheme,
    agreement_weights,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
)
from tests.agreement.matrices import random_matrix


@pytest.mark.parametrize("scheme", WEIGHT_SCHEMES)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_scheme_is_symmetric_with_ones_and_a_zero(scheme: WeightScheme, count: int) -> None:
    weights = agreement_weights(scheme, category_count=count).matrix
    np.testing.assert_array_equal(weights, weights.T)
    np.testing.assert_array_equal(np.diag(weights), 1.0)
    assert weights.max() == 1.0
    assert weights.min() == (0.0 if count > 1 else 1.0)


@pytest.mark.parametrize(
    ("scheme", "first_row"),
    [
        ("identity", [1, 0, 0, 0]),
        ("linear", [1, 2 / 3, 1 / 3, 0]),
        ("quadratic", [1, 8 / 9, 5 / 9, 0]),
        ("ordinal", [1, 5 / 6, 1 / 2, 0]),
        ("radical", [1, 1 - 3**-0.5, 1 - 1.5**-0.5, 0]),
        ("ratio", [1, 1 - (1 / 9) / (9 / 25), 1 - (1 / 4) / (9 / 25), 0]),
        ("circular", [1, 1 / 2, 0, 1 / 2]),
        ("bipolar", [1, 4 / 5, 1 / 2, 0]),
    ],
)
def test_every_scheme_has_its_published_weights_for_four_categories(
    scheme: WeightScheme, first_row: list[float]
) -> None:
    weights = agreement_weights(scheme, category_count=4)
    assert weights.name == scheme
    np.testing.assert_allclose(weights.matrix[0], first_row, atol=1e-12)


def test_values_stretch_the_distances() -> None:
    weights = agreement_weights("linear", category_count=3, values=[0, 1, 10]).matrix
    np.testing.assert_allclose(weights[0], [1, 0.9, 0])


def test_a_ratio_of_zero_and_zero_is_no_distance() -> None:
    weights = agreement_weights("ratio", category_count=3, values=[0, 1, 2]).matrix
    expected = np.array([[9, 0, 0], [0, 9, 8], [0, 8, 9]]) / 9
    np.testing.assert_allclose(weights, expected, atol=1e-12)


def test_a_matrix_of_ones_own_is_used_as_it_is() -> None:
    matrix = random_matrix(3, category_count=3)
    own = [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    result = gwet_ac2(matrix, weights=own)
    assert result.weights == "custom"
    assert result.value == gwet_ac2(matrix, weights="linear").value
    assert gwet_ac2(matrix, weights=np.eye(3)).value == pytest.approx(gwet_ac1(matrix).value)


def test_weights_that_call_everything_equal_leave_nothing_to_disagree() -> None:
    result = fleiss_kappa(random_matrix(3, category_count=3), weights=np.ones((3, 3)))
    assert result.value is None
    assert "nothing can disagree" in result.undefined_because


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (np.eye(2), "shape (2, 2) for 3 categories"),
        (np.zeros((3, 3)), "agreement weights"),
        (np.eye(3) + np.triu(np.ones((3, 3)), 1) / 2, "agreement weights"),
        (np.eye(3) * 2 - 1, "agreement weights"),
        (np.full((3, 3), np.nan), "agreement weights"),
    ],
)
def test_a_matrix_without_agreement_weights_is_refused(
    own: np.ndarray[tuple[int, int], np.dtype[np.float64]], message: str
) -> None:
    with pytest.raises(AgreementError) as caught:
        agreement_weights(own, category_count=3)
    assert message in caught.value.message


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(AgreementError, match="unknown weighting scheme 'cubic'"):
        agreement_weights("cubic", category_count=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2], "2 numbers for 3 categories"),
        ([1, 3, 2], "not finite and increasing"),
        ([1, 2, 2], "not finite and increasing"),
        ([1, 2, float("nan")], "not finite and increasing"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: list[float], message: str) -> None:
    with pytest.raises(AgreementError, match=message):
        agreement_weights("linear", category_count=3, values=values)
    with pytest.raises(LevelError, match=message):
        krippendorff_alpha(random_matrix(1, category_count=3), level="interval", values=values)


def test_negative_values_make_no_ratio() -> None:
    with pytest.raises(AgreementError, match="-1 is negative"):
        agreement_weights("ratio", category_count=3, values=[-1, 0, 1])
    with pytest.raises(LevelError, match="-1 is negative"):
        krippendorff_alpha(random_matrix(1, category_count=3), level="ratio", values=[-1, 0, 1])

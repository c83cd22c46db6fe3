"""Labels that need more memory than a computer has are refused before anything is computed."""

from __future__ import annotations

import time

import numpy as np
import pytest

from localensemble.agreement import (
    ALL_COEFFICIENTS,
    AgreementError,
    AgreementSettings,
    CoefficientMethod,
    krippendorff_alpha,
    measure_agreement,
    prepare,
)
from localensemble.agreement.size_limits import refuse_too_large
from localensemble.core.label_matrix import LabelMatrix


def labels_of(items: int, raters: int, categories: int) -> LabelMatrix:
    return LabelMatrix(
        np.zeros((items, raters), dtype=np.int16),
        tuple(map(str, range(categories))),
        tuple(f"r{j}" for j in range(raters)),
    )


@pytest.mark.parametrize("method", ALL_COEFFICIENTS, ids=lambda method: str(method.name))
@pytest.mark.parametrize(
    ("shape", "numbers"),
    [
        ((3, 2, 4_001), "4,001 categories; at most 4,000"),
        ((30, 2, 20_000), "20,000 categories"),
        ((120_000, 20, 900), "120,000 different items x 900 categories make 108,000,000 counts"),
    ],
)
def test_every_coefficient_refuses_with_numbers_and_the_next_step(
    method: CoefficientMethod,
    shape: tuple[int, int, int],
    numbers: str,
) -> None:
    started = time.monotonic()
    with pytest.raises(AgreementError) as raised:
        method.compute(labels_of(*shape), AgreementSettings(level="nominal"))
    assert numbers in raised.value.message
    assert "--split-labels" in (raised.value.hint or "")
    assert time.monotonic() - started < 5.0


def test_ordinal_alpha_counts_pairs_of_categories() -> None:
    labels = labels_of(3_397, 468, 734)
    for compute in (
        lambda: krippendorff_alpha(labels, level="ordinal"),
        lambda: measure_agreement(labels, level="ordinal"),
    ):
        with pytest.raises(AgreementError, match="269,011 pairs of categories"):
            compute()
    refuse_too_large(prepare(labels))


def test_items_that_must_be_alike_are_counted_once() -> None:
    # A million items of three raters and five categories have at most 56 different counts.
    refuse_too_large(prepare(labels_of(1_000_000, 3, 5)), ordinal_alpha=True)
    refuse_too_large(prepare(labels_of(10_302, 12, 40)), ordinal_alpha=True)

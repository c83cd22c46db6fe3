"""The coefficients of agreement that a codebook may require, by name.

The packages `codebook` and `agreement` do not import each other; both take these names from
here. A test compares them with the list of all coefficients.
"""

from __future__ import annotations

from typing import Literal, get_args

AgreementCoefficient = Literal[
    "percent agreement",
    "AC1",
    "AC2",
    "Fleiss kappa",
    "Conger kappa",
    "Brennan-Prediger",
    "Krippendorff alpha",
]
"""Every coefficient that is defined for any number of raters."""

CODEBOOK_COEFFICIENTS: tuple[AgreementCoefficient, ...] = get_args(AgreementCoefficient)

COEFFICIENTS_OF_ORDER: frozenset[AgreementCoefficient] = frozenset({"AC2"})
"""Coefficients that weight categories by their order; they need an ordinal variable."""

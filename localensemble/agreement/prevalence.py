"""Describe prevalence and bias: why two coefficients of the same labels can be far apart.

The kappas compute chance agreement from the category shares. When nearly all labels are in
one category, a few disagreements make the kappas small although raters nearly always agree.
This module detects that and explains it with the numbers involved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localensemble.agreement.breakdown import RaterProfile, rater_profiles
from localensemble.agreement.coefficients import conger_kappa, fleiss_kappa, gwet_ac1
from localensemble.agreement.prepared import Labels, prepare
from localensemble.agreement.result import Coefficient
from localensemble.core.estimates import estimate

PARADOX_DISTANCE = 0.2
"""AC1 and Fleiss' kappa count as contradictory from this difference on: the width of a band of
the usual benchmark scales."""


@dataclass(frozen=True, slots=True)
class Prevalence:
    """How the labels are spread over categories and raters.

    Attributes:
        shares: share of each category, in the codebook's order, averaged over items; empty
            without labels.
        largest_category: the most frequent category; None without labels.
        largest_share: its share.
        bias: the largest difference between two raters' shares of one category; None when
            fewer than two raters gave labels.
        bias_category: the category with that difference; None without any bias.
        bias_raters: the rater who uses it most, and the one who uses it least; None without
            any bias.
        paradox: whether AC1 exceeds Fleiss' kappa by ``PARADOX_DISTANCE`` or more, or only
            Fleiss' kappa is undefined.
        explanation: one or two sentences on why the kappas are low or missing, or why
            raters' different shares matter; empty when there is nothing to explain.
    """

    shares: tuple[float, ...]
    largest_category: str | None
    largest_share: float | None
    bias: float | None
    bias_category: str | None
    bias_raters: tuple[str, str] | None
    paradox: bool
    explanation: str


def prevalence(labels: Labels, *, anonymous: bool = False) -> Prevalence:
    """Describe prevalence and bias, and explain the kappa paradox if it occurs.

    Args:
        labels: N items by R raters.
        anonymous: whether it is unknown which rater gave which label; then there is no bias.

    Source: Feinstein and Cicchetti (1990), Journal of Clinical Epidemiology 43:543-549; Byrt,
        Bishop and Carlin (1993), Journal of Clinical Epidemiology 46:423-429, whose two-rater
        bias is extended here to all pairs of raters.
    """
    prepared = prepare(labels)
    counts = prepared.counts
    per_item = counts.counts.sum(axis=1)
    there = per_item > 0
    if not there.any():
        return Prevalence((), None, None, None, None, None, False, "")
    weight = counts.multiplicity[there]
    shares = weight @ (counts.counts[there] / per_item[there, None]) / weight.sum()
    largest = int(np.argmax(shares))
    bias, category, raters = _bias(() if anonymous else rater_profiles(prepared))
    paradox, explanation = _paradox(
        prepared, largest=largest, share=float(shares[largest]), anonymous=anonymous
    )
    return Prevalence(
        tuple(float(share) for share in shares),
        prepared.categories[largest],
        float(shares[largest]),
        bias,
        None if category is None else prepared.categories[category],
        raters,
        paradox,
        explanation,
    )


def _bias(
    profiles: tuple[RaterProfile, ...],
) -> tuple[float | None, int | None, tuple[str, str] | None]:
    active = [profile for profile in profiles if profile.labels]
    if len(active) < 2:
        return None, None, None
    shares = np.array([np.array(profile.category_labels) / profile.labels for profile in active])
    spread = shares.max(axis=0) - shares.min(axis=0)
    category = int(np.argmax(spread))
    if spread[category] == 0.0:
        return 0.0, None, None
    most, least = int(np.argmax(shares[:, category])), int(np.argmin(shares[:, category]))
    return float(spread[category]), category, (active[most].rater, active[least].rater)


def _paradox(labels: Labels, *, largest: int, share: float, anonymous: bool) -> tuple[bool, str]:
    prepared = prepare(labels)
    ac1, fleiss = gwet_ac1(prepared), fleiss_kappa(prepared)
    name = prepared.categories[largest]
    if ac1.value is None or ac1.observed_agreement is None:
        return False, ""
    if fleiss.value is None or fleiss.expected_agreement is None:
        return True, (
            f'Every label is "{name}". Raters agree on all items, but since no other category '
            "occurs, the kappas are 0/0; AC1 is 1 because other categories are declared."
        )
    if ac1.value - fleiss.value >= PARADOX_DISTANCE:
        return True, (
            f"Raters agree on {ac1.observed_agreement:.1%} of the pairs of labels, yet Fleiss' "
            f'kappa is {_shown(fleiss)}: {share:.1%} of the labels are "{name}", so it '
            f"expects {fleiss.expected_agreement:.1%} agreement by chance alone. AC1, which "
            f"does not rise with a frequent category, is {_shown(ac1)}. Read both, together "
            "with the agreement on each category."
        )
    if anonymous:
        return False, ""
    conger = conger_kappa(prepared)
    if conger.value is not None and conger.value - fleiss.value >= PARADOX_DISTANCE:
        return False, (
            f"Conger's kappa ({_shown(conger)}) is above Fleiss' ({_shown(fleiss)}) "
            "because raters use the categories at different rates."
        )
    return False, ""


def _shown(coefficient: Coefficient) -> str:
    return estimate(coefficient.value, coefficient.interval_low, coefficient.interval_high)

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
from localensemble.agreement.prepared import Labels, PreparedMatrix, prepare
from localensemble.agreement.result import Coefficient
from localensemble.core.estimates import estimate, number
from localensemble.core.words import counted

PARADOX_DISTANCE = 0.2
"""AC1 and Fleiss' kappa count as contradictory from this difference on: the width of a band of
the usual benchmark scales."""
LEAST_OTHERS = 10
"""With fewer items outside the commonest category, intervals of kappas and alpha miss the true
value in more than 10% of draws; scripts/reference/interval_coverage.py shows an example."""
_RARE_BESIDE = 0.8
# A category is frequent, and agreement high, from this share on.
_FREQUENT = 0.7


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
        paradox: whether AC1 exceeds Fleiss' kappa by ``PARADOX_DISTANCE`` or more because one
            category is frequent, or only Fleiss' kappa is undefined.
        explanation: one or two sentences on why coefficients are far apart or missing: a
            frequent category, declared categories that do not occur, or raters that use
            categories at different rates; empty when there is nothing to explain.
        rare_warning: why intervals of the kappas and of alpha cannot be relied on; empty if they
            can.
    """

    shares: tuple[float, ...]
    largest_category: str | None
    largest_share: float | None
    bias: float | None
    bias_category: str | None
    bias_raters: tuple[str, str] | None
    paradox: bool
    explanation: str
    rare_warning: str = ""


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
    profiles = () if anonymous else rater_profiles(prepared)
    bias, category, raters = _bias(profiles)
    paradox, explanation = _differences(
        prepared, largest=largest, share=float(shares[largest]), profiles=profiles
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
        _rare_warning(prepared, largest=largest, share=float(shares[largest])),
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


def _differences(
    prepared: PreparedMatrix, *, largest: int, share: float, profiles: tuple[RaterProfile, ...]
) -> tuple[bool, str]:
    """Explain why coefficients are far apart; each cause has its own sentence."""
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
        if unused := _unused(prepared, ac1=ac1, fleiss=fleiss):
            return False, unused
        if rates := _rates(prepared, profiles, ac1=ac1, fleiss=fleiss):
            return False, rates
        if share >= _FREQUENT and ac1.observed_agreement >= _FREQUENT:
            return True, (
                f"Raters agree on {ac1.observed_agreement:.1%} of the pairs of labels, yet Fleiss' "
                f'kappa is {_shown(fleiss)}: {share:.1%} of the labels are "{name}", so it '
                f"expects {fleiss.expected_agreement:.1%} agreement by chance alone. AC1, which "
                f"does not rise with a frequent category, is {_shown(ac1)}. Read both, together "
                "with the agreement on each category."
            )
        return False, (
            f"AC1 is {_shown(ac1)} but Fleiss' kappa {_shown(fleiss)}, because the categories are "
            f"not equally frequent: AC1 expects {ac1.expected_agreement or 0.0:.1%} agreement by "
            f"chance, Fleiss' kappa {fleiss.expected_agreement:.1%}. Raters agree on "
            f"{ac1.observed_agreement:.1%} of the pairs of labels."
        )
    if not profiles:
        return False, ""
    conger = conger_kappa(prepared)
    if conger.value is not None and conger.value - fleiss.value >= PARADOX_DISTANCE:
        return False, (
            f"Conger's kappa ({_shown(conger)}) is above Fleiss' ({_shown(fleiss)}) "
            "because raters use the categories at different rates."
        )
    return False, ""


def _unused(prepared: PreparedMatrix, *, ac1: Coefficient, fleiss: Coefficient) -> str:
    """Explain a high AC1 by declared categories that do not occur; empty if they do not matter."""
    used, declared = len(prepared.categories_seen), prepared.category_count
    observed, expected = ac1.observed_agreement or 0.0, ac1.expected_agreement or 0.0
    if used == declared or used < 2:
        return ""
    # AC1 divides by the number of declared categories minus 1, whatever the shares.
    chance = expected * (declared - 1) / (used - 1)
    alone = (observed - chance) / (1.0 - chance)
    if alone - (fleiss.value or 0.0) >= PARADOX_DISTANCE:
        return ""
    return (
        f"AC1 ({_shown(ac1)}) is above Fleiss' kappa ({_shown(fleiss)}) because "
        f"{declared - used:,} of {declared:,} declared categories never occur: AC1 counts them "
        f"as possible guesses. With only those that occur, it would be {number(alone)}. Declare "
        "only categories that raters could choose."
    )


def _rates(
    prepared: PreparedMatrix,
    profiles: tuple[RaterProfile, ...],
    *,
    ac1: Coefficient,
    fleiss: Coefficient,
) -> str:
    """Explain low kappas by raters that use a category at different rates; empty if they do not."""
    bias, category, raters = _bias(profiles)
    if bias is None or category is None or raters is None or bias < PARADOX_DISTANCE:
        return ""
    most, least = (
        next(one.category_labels[category] / one.labels for one in profiles if one.rater == rater)
        for rater in raters
    )
    return (
        f"Fleiss' kappa ({_shown(fleiss)}) is below AC1 ({_shown(ac1)}), and raters use the "
        f'categories at different rates: "{raters[0]}" chose "{prepared.categories[category]}" for '
        f'{most:.1%} of its items, "{raters[1]}" for {least:.1%}. A frequent category alone does '
        "not explain the difference."
    )


def _rare_warning(prepared: PreparedMatrix, *, largest: int, share: float) -> str:
    """Warn of intervals that rest on too few items outside the commonest category."""
    counts = prepared.counts
    used = int(counts.multiplicity[counts.counts.sum(axis=1) >= 2].sum())
    others = used * (1.0 - share)
    if share < _RARE_BESIDE or share == 1.0 or others >= LEAST_OTHERS:
        return ""
    return (
        f"Only about {max(1, round(others)):,} of {counted(used, 'item')} are not "
        f'"{prepared.categories[largest]}": intervals of the kappas and of alpha can be far too '
        "narrow, and their upper ends too low. Label more items, or more of the rare categories."
    )


def _shown(coefficient: Coefficient) -> str:
    return estimate(coefficient.value, coefficient.interval_low, coefficient.interval_high)

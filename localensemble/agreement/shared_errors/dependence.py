"""Measure how far raters err together: models that share training data are not independent.

Gold labels make this measurable, as double faults and the effective number of raters. Without
them only excess agreement can be seen, which may be shared skill as well as shared error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.breakdown import PairAgreement, too_many_for_pairs
from localensemble.agreement.result import AgreementError
from localensemble.core.label_matrix import LabelMatrix


@dataclass(frozen=True, slots=True)
class DoubleFault:
    """How often two raters are wrong on the same item.

    Attributes:
        first: a rater.
        second: another rater.
        items: items with a gold label that both labeled.
        rate: share of these items on which both are wrong; None without such items.
        same_wrong: share of these items on which both choose the same wrong category.
        if_independent: the rate expected from their error rates on these items if they
            erred independently.
        correlation: the correlation of their errors; None when one of them is always right
            or always wrong.
    """

    first: str
    second: str
    items: int
    rate: float | None
    same_wrong: float | None
    if_independent: float | None
    correlation: float | None


@dataclass(frozen=True, slots=True)
class ErrorDependence:
    """How far the raters share their errors.

    Attributes:
        pairs: every two raters, in the raters' order; empty when there are too many raters.
        effective_raters: the number of independent raters that would average out errors as
            well as these do, at most ``raters``; None when undefined.
        raters: the number of raters that labeled an item with a gold label.
        undefined_because: why there is no effective number.
    """

    pairs: tuple[DoubleFault, ...]
    effective_raters: float | None
    raters: int
    undefined_because: str = ""


@dataclass(frozen=True, slots=True)
class ExcessAgreement:
    """How much more two raters agree with each other than with the others.

    Attributes:
        first: a rater.
        second: another rater.
        excess: percent agreement of the pair minus the mean percent agreement of its two
            members with all other raters; None when one of these is undefined.
        undefined_because: why there is no excess.
    """

    first: str
    second: str
    excess: float | None
    undefined_because: str = ""


def error_dependence(
    matrix: LabelMatrix, gold: NDArray[np.int16] | Sequence[int]
) -> ErrorDependence:
    """Measure how far raters err on the same items.

    The effective number is the mean variance of one rater's errors divided by the variance of
    the raters' mean error: R when errors are uncorrelated, 1 when all raters err alike. Raters
    that avoid each other's errors count as R, because no items show that this is more than
    chance. Covariances are computed over the items that both raters of a pair labeled.

    Args:
        matrix: N items by R raters.
        gold: (N,) category indices, -1 for an item without gold label.
    Undefined when: there are too many raters for pairs, fewer than two raters have
        gold-labeled items, a pair of them shares no such item, every rater is always right or
        always wrong, the errors cancel completely, or a rater is right less often than the
        commonest gold category would be: averaging in such a rater is no gain, however
        independent its errors are.
    Raises:
        AgreementError: gold does not have one entry for each item, or has an unknown category.
    Source: Giacinto and Roli (2001), Image and Vision Computing 19:699-707 (double fault);
        Kish (1965), Survey Sampling (design effect).
    """
    correct = np.asarray(gold)
    if correct.shape != (matrix.item_count,):
        raise AgreementError(
            f"gold: {correct.size} entries for {matrix.item_count} items.",
            hint="Give one category index for each item, or -1 for an item without gold label.",
        )
    if correct.size and not (correct.min() >= -1 and correct.max() < matrix.category_count):
        raise AgreementError(
            f"gold: indices run from {correct.min()} to {correct.max()}; expected -1 to "
            f"{matrix.category_count - 1}.",
            hint="Use the categories' positions in the codebook, counted from 0.",
        )
    there = (matrix.indices >= 0) & (correct >= 0)[:, None]
    wrong = (matrix.indices != correct[:, None]) & there
    labeled = there.sum(axis=0)
    active = labeled > 0
    too_many = too_many_for_pairs(len(matrix.raters))
    if too_many:
        return ErrorDependence((), None, int(active.sum()), too_many)
    pairs, covariances = [], []
    for g, h in combinations(range(len(matrix.raters)), 2):
        pair, covariance = _double_fault(matrix, there, wrong, first=g, second=h)
        pairs.append(pair)
        if there[:, g].any() and there[:, h].any():
            covariances.append(covariance)
    effective, reason = _effective(
        wrong.sum(axis=0)[active] / labeled[active], covariances, raters=int(active.sum())
    )
    if effective is not None:
        reason = _below_the_commonest(matrix, correct, there=there, wrong=wrong)
        effective = None if reason else effective
    return ErrorDependence(tuple(pairs), effective, int(active.sum()), reason)


def _below_the_commonest(
    matrix: LabelMatrix,
    correct: NDArray[np.int_],
    *,
    there: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
) -> str:
    """Name the first rater that one category, given to all its items, would beat."""
    commonest = int(np.bincount(correct[correct >= 0]).argmax())
    for column, rater in enumerate(matrix.raters):
        own = there[:, column]
        if not own.any():
            continue
        right = float((~wrong[own, column]).mean())
        always = float((correct[own] == commonest).mean())
        if right < always:
            return (
                f'"{rater}" is right on {right:.1%} of the items with a gold label, but '
                f'answering always "{matrix.categories[commonest]}" would be right on {always:.1%}'
            )
    return ""


def _double_fault(
    matrix: LabelMatrix,
    there: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    *,
    first: int,
    second: int,
) -> tuple[DoubleFault, float | None]:
    both = there[:, first] & there[:, second]
    items = int(both.sum())
    names = matrix.raters[first], matrix.raters[second]
    if not items:
        return DoubleFault(*names, 0, None, None, None, None), None
    one, other = wrong[both, first], wrong[both, second]
    together = one & other
    same = together & (matrix.indices[both, first] == matrix.indices[both, second])
    rate, product = float(together.mean()), float(one.mean() * other.mean())
    spread = float(np.sqrt(one.var() * other.var()))
    return (
        DoubleFault(
            *names,
            items,
            rate,
            float(same.mean()),
            product,
            (rate - product) / spread if spread > 0 else None,
        ),
        rate - product,
    )


def _effective(
    rates: NDArray[np.float64], covariances: Sequence[float | None], *, raters: int
) -> tuple[float | None, str]:
    if raters < 2:
        return None, "fewer than two raters labeled items that have a gold label"
    if any(covariance is None for covariance in covariances):
        return None, "two raters have no gold-labeled item in common"
    variance = float((rates * (1.0 - rates)).sum())
    if variance == 0.0:
        return None, "no rater is wrong on some items and right on others"
    joint = variance + 2.0 * sum(covariance or 0.0 for covariance in covariances)
    if joint <= 1e-12 * variance:
        return None, "the raters' errors cancel each other completely"
    return min(float(raters), raters * variance / joint), ""


def excess_agreement(pairs: Sequence[PairAgreement]) -> tuple[ExcessAgreement, ...]:
    """Find the pairs of raters that agree more with each other than with the others.

    Undefined when: there are fewer than three raters, or a pair involved has no item in
        common.
    Source: our own definition; it suggests that two raters may share errors, without proof.
    """
    percent = {(pair.first, pair.second): pair.percent.value for pair in pairs}
    raters = list(dict.fromkeys(name for key in percent for name in key))

    def of(one: str, other: str) -> float | None:
        return percent.get((one, other), percent.get((other, one)))

    excesses = []
    for first, second in percent:
        others = [rater for rater in raters if rater not in (first, second)]
        if not others:
            excesses.append(
                ExcessAgreement(first, second, None, "there is no third rater to compare with")
            )
            continue
        own = of(first, second)
        around = [of(member, other) for member in (first, second) for other in others]
        known = [value for value in around if value is not None]
        if own is None or len(known) < len(around):
            excesses.append(
                ExcessAgreement(first, second, None, "two of the raters have no item in common")
            )
            continue
        excesses.append(ExcessAgreement(first, second, own - sum(known) / len(known)))
    return tuple(excesses)

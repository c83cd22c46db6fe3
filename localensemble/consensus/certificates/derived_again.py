"""Derive what a certificate concludes again from its counts, and name what contradicts them.

A certificate is a file that anybody can edit. Its counts are believed as they are; the p-values,
the bounds, the outcomes and the chosen threshold must follow from them.
"""

from __future__ import annotations

import itertools
import math

from localensemble.consensus.certificates.bounds import certifying_size
from localensemble.consensus.certificates.threshold import (
    Candidate,
    CertifiedThreshold,
    walked_again,
)

# Other builds of SciPy differ in the last digits.
_TOLERANCE = 1e-6


def contradiction(certified: CertifiedThreshold) -> str:
    """Return what cannot follow from the counts, in words; empty if everything follows."""
    return _of_promise(certified) or _of_grid(certified) or _of_walk(certified)


def _of_promise(certified: CertifiedThreshold) -> str:
    alpha, delta = certified.alpha, certified.delta
    if not 0 < alpha < 1:
        return f"alpha is {alpha:g}; expected a number between 0 and 1"
    if certified.method == "conformal_risk_control":
        return "" if delta is None else f"delta is {delta:g}; this method has none"
    if delta is None or not 0 < delta < 1:
        return "delta is not a number between 0 and 1"
    sizes = [certifying_size(errors, alpha=alpha, delta=delta) for errors in (0, 1, 2)]
    if certified.pool_items is None and certified.least_accepted not in sizes:
        return (
            f"the least size is {certified.least_accepted:,}; expected the size that certifies "
            f"with 0, 1 or 2 errors ({sizes[0]:,}, {sizes[1]:,} or {sizes[2]:,})"
        )
    return ""


def _of_grid(certified: CertifiedThreshold) -> str:
    """Check that a looser threshold accepts all items of a stricter one, and their errors."""
    gold_items, pool_items = certified.gold_items, certified.pool_items
    if pool_items is not None and pool_items < gold_items:
        return f"{gold_items:,} gold items of {pool_items:,} items are impossible"
    for one in certified.candidates:
        if not 0 <= one.errors <= one.accepted <= gold_items:
            return (
                f"{one.errors:,} errors among {one.accepted:,} accepted of {gold_items:,} gold "
                "items are impossible"
            )
        if (one.unread is None) != (pool_items is None):
            return f"the items without a gold label at threshold {one.threshold:g} are not counted"
        if pool_items is not None and not 0 <= (one.unread or 0) <= pool_items - gold_items:
            return (
                f"{one.unread:,} accepted of {pool_items - gold_items:,} items without a gold "
                "label are impossible"
            )
    for strict, loose in itertools.pairwise(certified.candidates):
        more = loose.accepted - strict.accepted
        if (
            not loose.threshold < strict.threshold
            or not 0 <= loose.errors - strict.errors <= more
            or (loose.unread or 0) < (strict.unread or 0)
        ):
            return f"the counts at threshold {loose.threshold:g} cannot follow a stricter threshold"
    return ""


def _of_walk(certified: CertifiedThreshold) -> str:
    """Walk down the grid again; the last candidate that passes must be the chosen one."""
    again = walked_again(certified)
    if certified.pool_items is not None and certified.least_accepted != again.least_accepted:
        return f"the least size is {certified.least_accepted:,}; expected {again.least_accepted:,}"
    for one, derived in zip(certified.candidates, again.candidates, strict=True):
        if found := _of_candidate(one, derived):
            return found
    place = None if again.chosen is None else again.candidates.index(again.chosen)
    if certified.chosen != (None if place is None else certified.candidates[place]):
        name = "none" if again.chosen is None else format(again.chosen.threshold, "g")
        return f"the chosen threshold is not the last that passed ({name})"
    if certified.chosen is not None and certified.items_needed is not None:
        return "a threshold was chosen, but more items are said to be needed"
    return ""


def _of_candidate(one: Candidate, derived: Candidate) -> str:
    """Compare the p-value, the bound and the outcome with those that the counts give."""
    unread = "" if one.unread is None else f" and {one.unread:,} without a gold label"
    place = (
        f"at threshold {one.threshold:g}, {one.errors:,} errors among {one.accepted:,}{unread} give"
    )
    if not _same(one.p_value, derived.p_value):
        what = "a bound of" if derived.upper is None else "p ="
        return f"{place} {what} {derived.p_value:.4g}, not {one.p_value:.4g}"
    if derived.upper is None:
        return "" if one.upper is None else "this method has no upper bound"
    if one.upper is None or not _same(one.upper, derived.upper):
        return f"{place} an upper bound of {derived.upper:.4g}, not {one.upper}"
    if one.outcome != derived.outcome:
        return f'the threshold {one.threshold:g} has "{one.outcome}"; expected "{derived.outcome}"'
    return ""


def _same(stated: float, derived: float) -> bool:
    return math.isclose(stated, derived, rel_tol=_TOLERANCE, abs_tol=1e-12)

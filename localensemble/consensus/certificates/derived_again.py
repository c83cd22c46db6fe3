"""Derive what a certificate concludes again from its counts, and name what contradicts them.

A certificate is a file that anybody can edit. Its counts are believed as they are; the p-values,
the bounds, the outcomes and the chosen threshold must follow from them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from localensemble.consensus.certificates.bounds import (
    binomial_p,
    certifying_size,
    upper_bound,
)
from localensemble.consensus.certificates.threshold import Candidate, CertifiedThreshold, Outcome

# Other builds of SciPy differ in the last digits.
_TOLERANCE = 1e-6


def contradiction(certified: CertifiedThreshold) -> str:
    """Return what cannot follow from the counts, in words; empty if everything follows."""
    return (
        _of_promise(certified)
        or _of_grid(certified.candidates, gold_items=certified.gold_items)
        or next(filter(None, (_of_numbers(one, certified) for one in certified.candidates)), "")
        or _of_walk(certified)
    )


def _of_promise(certified: CertifiedThreshold) -> str:
    alpha, delta = certified.alpha, certified.delta
    if not 0 < alpha < 1:
        return f"alpha is {alpha:g}; expected a number between 0 and 1"
    if certified.method == "conformal_risk_control":
        return "" if delta is None else f"delta is {delta:g}; this method has none"
    if delta is None or not 0 < delta < 1:
        return "delta is not a number between 0 and 1"
    least = certifying_size(0, alpha=alpha, delta=delta)
    if certified.least_accepted < least:
        return f"the least size is {certified.least_accepted:,}; expected at least {least:,}"
    return ""


def _of_grid(candidates: Sequence[Candidate], *, gold_items: int) -> str:
    """Check that a looser threshold accepts all items of a stricter one, and their errors."""
    for one in candidates:
        if not 0 <= one.errors <= one.accepted <= gold_items:
            return (
                f"{one.errors:,} errors among {one.accepted:,} accepted of {gold_items:,} gold "
                "items are impossible"
            )
    for strict, loose in itertools.pairwise(candidates):
        more = loose.accepted - strict.accepted
        if not loose.threshold < strict.threshold or not 0 <= loose.errors - strict.errors <= more:
            return f"the counts at threshold {loose.threshold:g} cannot follow a stricter threshold"
    return ""


def _of_numbers(one: Candidate, certified: CertifiedThreshold) -> str:
    """Compare the p-value and the bound of a candidate with those that its counts give."""
    place = f"at threshold {one.threshold:g}, {one.errors:,} errors among {one.accepted:,} give"
    if certified.delta is None:
        risk = (one.errors + 1) / (certified.gold_items + 1)
        if not _same(one.p_value, risk):
            return f"{place} a bound of {risk:.4g}, not {one.p_value:.4g}"
        return "" if one.upper is None else "this method has no upper bound"
    counts = np.array([one.errors]), np.array([one.accepted])
    p_value = float(binomial_p(counts[0], items=counts[1], alpha=certified.alpha)[0])
    if not _same(one.p_value, p_value):
        return f"{place} p = {p_value:.4g}, not {one.p_value:.4g}"
    upper = upper_bound(one.errors, items=one.accepted, delta=certified.delta)
    if one.upper is None or not _same(one.upper, upper):
        return f"{place} an upper bound of {upper:.4g}, not {one.upper}"
    return ""


def _of_walk(certified: CertifiedThreshold) -> str:
    """Walk down the grid again; the last candidate that passes must be the chosen one."""
    chosen: Candidate | None = None
    stopped = False
    limit = certified.alpha if certified.delta is None else certified.delta
    for one in certified.candidates:
        expected: Outcome = "passed" if one.p_value <= limit else "failed"
        if certified.delta is not None and stopped:
            expected = "not reached"
        elif one.accepted < certified.least_accepted:
            expected = "skipped"
        stopped = stopped or expected == "failed"
        if one.outcome != expected:
            return f'the threshold {one.threshold:g} has "{one.outcome}"; expected "{expected}"'
        if expected == "passed":
            chosen = one
    if certified.chosen != chosen:
        return (
            "the chosen threshold is not the last that passed"
            f" ({'none' if chosen is None else format(chosen.threshold, 'g')})"
        )
    if chosen is not None and certified.items_needed is not None:
        return "a threshold was chosen, and yet more items are said to be needed"
    return ""


def _same(stated: float, derived: float) -> bool:
    return math.isclose(stated, derived, rel_tol=_TOLERANCE, abs_tol=1e-12)

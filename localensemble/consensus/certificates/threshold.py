"""Certify an acceptance threshold with a promise, on items that people labeled.

Two methods, two promises. ``certify_threshold``: at most alpha wrong among the accepted
items, with confidence 1 - delta (Learn then Test, fixed sequence, exact binomial tests).
``control_risk``: on average at most alpha of all items are accepted and wrong (conformal
risk control), which is weaker. Neither knows where its numbers come from: the caller must make
sure that the gold items were drawn at random and used for nothing else.

Source: Angelopoulos et al., Learn then Test, arXiv 2110.01052; Angelopoulos et al.,
Conformal Risk Control, arXiv 2208.02814.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import (
    binomial_p,
    certifying_size,
    tolerated_errors,
    upper_bound,
)
from localensemble.consensus.protocol import BoolArray, FloatArray
from localensemble.core.errors import InputError

CertificationMethod = Literal["fixed_sequence", "conformal_risk_control"]
Outcome = Literal["passed", "failed", "skipped", "not reached"]

# A walk that starts at the smallest size that certifies without errors stops at an early error;
# the size that tolerates two errors was better or equal in every planning simulation.
_FORGIVEN_ERRORS = 2
_GRID_STEPS = 20
_MOST_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One threshold of the grid and its result on the gold items.

    Attributes:
        threshold: items with a score of at least this are accepted.
        accepted: number of gold items it accepts.
        errors: number of accepted gold items whose consensus is wrong.
        p_value: p-value of the test "more than alpha of the accepted are wrong"; for conformal
            risk control, the bound (errors + 1) / (n + 1) on the risk instead.
        upper: upper bound on the error rate among the accepted, at confidence 1 - delta;
            None for conformal risk control, which makes no such statement.
        outcome: whether it passed, failed, was skipped as too small to pass, or was not
            reached because it comes after the first failure.
    """

    threshold: float
    accepted: int
    errors: int
    p_value: float
    upper: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CertifiedThreshold:
    """The outcome of a certification.

    Attributes:
        method: the method, which determines the promise.
        alpha: the tolerated error.
        delta: chance that the promise fails; None for conformal risk control, whose promise
            holds on average.
        least_accepted: candidates that accept fewer gold items are skipped.
        gold_items: n, the number of all gold items, accepted or not.
        chosen: the certified candidate; None if nothing can be accepted.
        candidates: the grid, strictest first.
        items_needed: number of gold items that would probably certify something; None if
            something is certified or no number would help.
    """

    method: CertificationMethod
    alpha: float
    delta: float | None
    least_accepted: int
    gold_items: int
    chosen: Candidate | None
    candidates: tuple[Candidate, ...]
    items_needed: int | None

    @property
    def threshold(self) -> float | None:
        """The certified threshold; None if nothing can be accepted."""
        return None if self.chosen is None else self.chosen.threshold

    @property
    def coverage(self) -> float:
        """Share of the gold items that the threshold accepts."""
        if self.chosen is None or not self.gold_items:
            return 0.0
        return self.chosen.accepted / self.gold_items


def threshold_grid(scores: FloatArray, *, steps: int = _GRID_STEPS) -> tuple[float, ...]:
    """Choose the candidate thresholds from scores alone, strictest first.

    The scores are those of all items of the study; no gold label is used, because a grid chosen
    after looking at gold labels would break the promise. A few distinct scores are used as they
    are; many are replaced by quantiles, each of which accepts 1/steps more of the items. NaN is
    left out.
    """
    known = np.unique(scores[~np.isnan(scores)])
    if len(known) > steps:
        shares = np.arange(1, steps + 1) / steps
        ordered = np.sort(scores[~np.isnan(scores)])
        places = np.floor((1.0 - shares) * len(ordered) + 1e-9).astype(np.int64)
        known = np.unique(ordered[places])
    return tuple(float(threshold) for threshold in known[::-1])


def certify_threshold(
    scores: FloatArray,
    *,
    wrong: BoolArray,
    grid: Sequence[float],
    alpha: float,
    delta: float,
    least_accepted: int | None = None,
) -> CertifiedThreshold:
    """Certify "at most alpha wrong among the accepted, with confidence 1 - delta".

    Walks from the strictest threshold down, stops at the first that fails its exact
    binomial test, and returns the last that passed. A threshold after a failure is
    never returned, even if it would pass.

    Args:
        scores: (n,) scores of the gold items; NaN is never accepted.
        wrong: bool (n,); the consensus differs from the person's label.
        grid: candidate thresholds, strictly decreasing, fixed without the gold labels.
        alpha: tolerated error rate, between 0 and 1.
        delta: chance that the promise fails, between 0 and 1.
        least_accepted: candidates that accept fewer items are skipped. None means the size
            that certifies with two errors.
    """
    _check_inputs(scores, wrong=wrong, grid=grid)
    if least_accepted is None:
        least_accepted = certifying_size(_FORGIVEN_ERRORS, alpha=alpha, delta=delta)
    # Below this size a candidate cannot pass, even without errors.
    least_accepted = max(least_accepted, certifying_size(0, alpha=alpha, delta=delta))
    accepted, errors = _counts(scores, wrong=wrong, grid=grid)
    p_values = binomial_p(errors, items=accepted, alpha=alpha)
    candidates: list[Candidate] = []
    chosen: Candidate | None = None
    stopped = False
    for i, threshold in enumerate(grid):
        outcome: Outcome
        if stopped:
            outcome = "not reached"
        elif accepted[i] < least_accepted:
            # Skipping depends only on the number of items, so it costs no confidence.
            outcome = "skipped"
        else:
            outcome = "passed" if p_values[i] <= delta else "failed"
            stopped = outcome == "failed"
        k, n = int(errors[i]), int(accepted[i])
        upper = upper_bound(k, items=n, delta=delta)
        candidate = Candidate(float(threshold), n, k, float(p_values[i]), upper, outcome)
        candidates.append(candidate)
        if outcome == "passed":
            chosen = candidate
    needed = None
    if chosen is None:
        needed = _items_needed(candidates, items=len(scores), alpha=alpha, delta=delta)
    return CertifiedThreshold(
        method="fixed_sequence",
        alpha=alpha,
        delta=delta,
        least_accepted=least_accepted,
        gold_items=len(scores),
        chosen=chosen,
        candidates=tuple(candidates),
        items_needed=needed,
    )


def control_risk(
    scores: FloatArray, *, wrong: BoolArray, grid: Sequence[float], alpha: float
) -> CertifiedThreshold:
    """Certify "on average at most alpha of all items are accepted and wrong".

    Chooses the lowest threshold with (k + 1) / (n + 1) <= alpha for it and every stricter one,
    where k counts accepted wrong items. The promise holds on average over draws of gold items,
    and says nothing about the error rate among the accepted.

    Args:
        scores: (n,) scores of the gold items; NaN is never accepted.
        wrong: bool (n,); the consensus differs from the person's label.
        grid: candidate thresholds, strictly decreasing, fixed without the gold labels.
        alpha: tolerated share, between 0 and 1.
    """
    _check_inputs(scores, wrong=wrong, grid=grid)
    item_count = len(scores)
    accepted, errors = _counts(scores, wrong=wrong, grid=grid)
    candidates = []
    chosen: Candidate | None = None
    for i, threshold in enumerate(grid):
        bound = (int(errors[i]) + 1) / (item_count + 1)
        # k never falls along the grid, so nothing can pass after the first failure.
        outcome: Outcome = "passed" if bound <= alpha else "failed"
        candidate = Candidate(
            float(threshold), int(accepted[i]), int(errors[i]), bound, None, outcome
        )
        candidates.append(candidate)
        if outcome == "passed":
            chosen = candidate
    needed = None
    if chosen is None and grid:
        needed = _risk_items_needed(int(errors[0]), item_count, alpha)
    return CertifiedThreshold(
        method="conformal_risk_control",
        alpha=alpha,
        delta=None,
        least_accepted=0,
        gold_items=item_count,
        chosen=chosen,
        candidates=tuple(candidates),
        items_needed=needed,
    )


def refuse_reused_items(
    gold_items: Collection[str], *, used: Mapping[str, Collection[str]]
) -> None:
    """Refuse gold items that already shaped the labels or the threshold.

    Args:
        gold_items: ids of the gold items.
        used: purpose in words (few-shot example, control item, threshold) -> item ids.

    Raises:
        InputError: a gold item was also used for another purpose.
    """
    for purpose, ids in used.items():
        shared = sorted(set(gold_items) & set(ids))
        if shared:
            raise InputError(
                f'Cannot certify: {len(shared):,} gold items, the first "{shared[0]}", '
                f"are also used as {purpose}.",
                hint="Draw gold items that serve no other purpose.",
            )


def _check_inputs(scores: FloatArray, *, wrong: BoolArray, grid: Sequence[float]) -> None:
    if scores.shape != wrong.shape or scores.ndim != 1:
        raise ValueError(f"scores {scores.shape} and wrong {wrong.shape} must be equally long.")
    if any(not later < earlier for earlier, later in itertools.pairwise(grid)):
        raise ValueError("The grid must be strictly decreasing.")


def _counts(
    scores: FloatArray, *, wrong: BoolArray, grid: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    accepts = scores[:, None] >= np.asarray(grid, dtype=np.float64)[None, :]
    accepted = np.count_nonzero(accepts, axis=0).astype(np.int64)
    errors = np.count_nonzero(accepts & wrong[:, None], axis=0).astype(np.int64)
    return accepted, errors


def _items_needed(
    candidates: Sequence[Candidate], *, items: int, alpha: float, delta: float
) -> int | None:
    """Estimate the fewest gold items that would certify a candidate at its error rate."""
    sizes = np.unique(np.geomspace(1, _MOST_ITEMS, 600).astype(np.int64))
    tolerated = tolerated_errors(sizes, alpha=alpha, delta=delta)
    found: list[int] = []
    for candidate in candidates:
        if not candidate.accepted:
            continue
        rate = candidate.errors / candidate.accepted
        if rate >= alpha:
            continue
        enough = np.ceil(rate * sizes) <= tolerated
        # Counts are whole, so passing comes and goes; take the size from which on it stays.
        failing = np.flatnonzero(~enough)
        first = 0 if not len(failing) else int(failing[-1]) + 1
        if first < len(sizes):
            found.append(math.ceil(int(sizes[first]) * items / candidate.accepted))
    return max(min(found), items + 1) if found else None


def _risk_items_needed(errors: int, items: int, alpha: float) -> int | None:
    rate = errors / items if items else 0.0
    if rate >= alpha:
        return None
    # (rate n + 1) / (n + 1) <= alpha
    return max(items + 1, math.ceil((1.0 - alpha) / (alpha - rate)))

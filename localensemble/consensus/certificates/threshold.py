"""Certify an acceptance threshold with a promise, on items that people labeled.

Two methods, two promises. ``certify_threshold``: at most alpha wrong among the accepted
items that nobody has read, with confidence 1 - delta (Learn then Test, fixed sequence, exact
tests). ``control_risk``: on average at most alpha of all items are accepted and wrong (conformal
risk control), which is weaker. Neither knows where its numbers come from: the caller must make
sure that the gold items were drawn at random and used for nothing else.

Every p-value, bound and outcome follows from the counts alone: ``walked_again`` derives them.

Source: Angelopoulos et al., Learn then Test, arXiv 2110.01052; Angelopoulos et al.,
Conformal Risk Control, arXiv 2208.02814.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.counted_threshold import (
    CountedThreshold,
    items_needed,
    risk_items_needed,
    walk_start,
)
from localensemble.consensus.certificates.unread_items import unread_bound, unread_p
from localensemble.consensus.protocol import BoolArray, FloatArray
from localensemble.core.errors import InputError

CertificationMethod = Literal["fixed_sequence", "conformal_risk_control"]
Outcome = Literal["passed", "failed", "skipped", "not reached"]
Obstacle = Literal["nothing to accept", "nothing unread", "too few", "study too small", "too wrong"]

_GRID_STEPS = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """One threshold of the grid and its result on the gold items.

    Attributes:
        threshold: items with a score of at least this are accepted.
        accepted: number of gold items it accepts.
        errors: number of accepted gold items whose consensus is wrong.
        unread: number of accepted items without a gold label; None if unknown.
        p_value: p-value of the test "more than alpha of the unread accepted items are wrong"; for
            conformal risk control, the bound (errors + 1) / (n + 1) on the risk instead.
        upper: upper bound on the error rate among the unread accepted items, at confidence
            1 - delta; None for conformal risk control, which makes no such statement.
        outcome: whether it passed, failed, was skipped as too small to pass, or was not
            reached because it comes after the first failure.
    """

    threshold: float
    accepted: int
    errors: int
    unread: int | None
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
        pool_items: number of items that the gold items were drawn from; None if unknown.
    """

    method: CertificationMethod
    alpha: float
    delta: float | None
    least_accepted: int
    gold_items: int
    chosen: Candidate | None
    candidates: tuple[Candidate, ...]
    items_needed: int | None
    pool_items: int | None = None

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

    @property
    def obstacle(self) -> Obstacle | None:
        """Why nothing is certified; None if something is."""
        if self.chosen is not None:
            return None
        if all(not one.accepted and not one.unread for one in self.candidates):
            return "nothing to accept"
        if all(one.unread == 0 for one in self.candidates):
            return "nothing unread"
        if self.items_needed is not None:
            return "too few"
        failed = [one for one in self.candidates if one.outcome == "failed"] or self.candidates
        rates = [one.errors / one.accepted for one in failed if one.accepted]
        if not rates or min(rates) < self.alpha:
            return "study too small"
        return "too wrong"


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
    unread_scores: FloatArray | None = None,
    least_accepted: int | None = None,
) -> CertifiedThreshold:
    """Certify "at most alpha wrong among the unread accepted, with confidence 1 - delta".

    Walks from the strictest threshold down, stops at the first that fails its exact
    test, and returns the last that passed. A threshold after a failure is
    never returned, even if it would pass.

    Args:
        scores: (n,) scores of the gold items; NaN is never accepted.
        wrong: bool (n,); the consensus differs from the person's label.
        grid: candidate thresholds, strictly decreasing, fixed without the gold labels.
        alpha: tolerated error rate, between 0 and 1.
        delta: chance that the promise fails, between 0 and 1.
        unread_scores: (U,) scores of the items that the gold items were drawn from, without the
            gold items. None means that they have no end.
        least_accepted: candidates that accept fewer items are skipped. None chooses the number
            from the numbers of items, without looking at a label.
    """
    _check_inputs(scores, wrong=wrong, grid=grid)
    return _walk(
        _counted(scores, wrong=wrong, grid=grid, unread_scores=unread_scores),
        gold_items=len(scores),
        pool_items=None if unread_scores is None else len(scores) + len(unread_scores),
        alpha=alpha,
        delta=delta,
        least_accepted=least_accepted,
    )


def control_risk(
    scores: FloatArray,
    *,
    wrong: BoolArray,
    grid: Sequence[float],
    alpha: float,
    unread_scores: FloatArray | None = None,
) -> CertifiedThreshold:
    """Certify "on average at most alpha of all items are accepted and wrong".

    Chooses the lowest threshold with (k + 1) / (n + 1) <= alpha for it and every stricter one,
    where k counts accepted wrong items. The promise holds on average over draws of gold items,
    for an unread item as for any other, and says nothing about the error rate among the accepted.

    Args:
        scores: (n,) scores of the gold items; NaN is never accepted.
        wrong: bool (n,); the consensus differs from the person's label.
        grid: candidate thresholds, strictly decreasing, fixed without the gold labels.
        alpha: tolerated share, between 0 and 1.
        unread_scores: (U,) scores of the other items they were drawn from; only counted.
    """
    _check_inputs(scores, wrong=wrong, grid=grid)
    return _risk(
        _counted(scores, wrong=wrong, grid=grid, unread_scores=unread_scores),
        gold_items=len(scores),
        pool_items=None if unread_scores is None else len(scores) + len(unread_scores),
        alpha=alpha,
    )


def walked_again(certified: CertifiedThreshold) -> CertifiedThreshold:
    """Derive p-values, bounds, outcomes and the choice again from the counts of a certificate.

    The counts must not contradict each other (``derived_again.contradiction``).
    """
    counts = [
        CountedThreshold(one.threshold, one.accepted, one.errors, one.unread)
        for one in certified.candidates
    ]
    if certified.delta is None:
        return _risk(
            counts,
            gold_items=certified.gold_items,
            pool_items=certified.pool_items,
            alpha=certified.alpha,
        )
    # Without a count of unread items, the start does not follow from the counts.
    start = certified.least_accepted if certified.pool_items is None else None
    return _walk(
        counts,
        gold_items=certified.gold_items,
        pool_items=certified.pool_items,
        alpha=certified.alpha,
        delta=certified.delta,
        least_accepted=start,
    )


def _walk(
    counts: Sequence[CountedThreshold],
    *,
    gold_items: int,
    pool_items: int | None,
    alpha: float,
    delta: float,
    least_accepted: int | None,
) -> CertifiedThreshold:
    start = walk_start(counts, alpha=alpha, delta=delta, wanted=least_accepted)
    candidates: list[Candidate] = []
    chosen: Candidate | None = None
    stopped = False
    for one in counts:
        p_value = unread_p(one.errors, items=one.accepted, unread=one.unread, alpha=alpha)
        outcome: Outcome
        if stopped:
            outcome = "not reached"
        elif not start.includes(one, alpha=alpha, delta=delta):
            # Skipping depends only on the numbers of items, so it costs no confidence.
            outcome = "skipped"
        else:
            outcome = "passed" if p_value <= delta else "failed"
            stopped = outcome == "failed"
        upper = unread_bound(one.errors, items=one.accepted, unread=one.unread, delta=delta)
        candidate = Candidate(
            one.threshold, one.accepted, one.errors, one.unread, p_value, upper, outcome
        )
        candidates.append(candidate)
        if outcome == "passed":
            chosen = candidate
    needed = None
    if chosen is None:
        needed = items_needed(
            counts, gold_items=gold_items, pool_items=pool_items, alpha=alpha, delta=delta
        )
    return CertifiedThreshold(
        method="fixed_sequence",
        alpha=alpha,
        delta=delta,
        least_accepted=start.least_accepted,
        gold_items=gold_items,
        chosen=chosen,
        candidates=tuple(candidates),
        items_needed=needed,
        pool_items=pool_items,
    )


def _risk(
    counts: Sequence[CountedThreshold], *, gold_items: int, pool_items: int | None, alpha: float
) -> CertifiedThreshold:
    candidates = []
    chosen: Candidate | None = None
    for one in counts:
        bound = (one.errors + 1) / (gold_items + 1)
        # k never falls along the grid, so nothing can pass after the first failure.
        outcome: Outcome = "passed" if bound <= alpha else "failed"
        candidate = Candidate(
            one.threshold, one.accepted, one.errors, one.unread, bound, None, outcome
        )
        candidates.append(candidate)
        if outcome == "passed":
            chosen = candidate
    needed = None
    if chosen is None and counts:
        needed = risk_items_needed(counts[0].errors, gold_items, alpha)
    return CertifiedThreshold(
        method="conformal_risk_control",
        alpha=alpha,
        delta=None,
        least_accepted=0,
        gold_items=gold_items,
        chosen=chosen,
        candidates=tuple(candidates),
        items_needed=needed,
        pool_items=pool_items,
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


def _counted(
    scores: FloatArray,
    *,
    wrong: BoolArray,
    grid: Sequence[float],
    unread_scores: FloatArray | None,
) -> list[CountedThreshold]:
    accepted, errors = _counts(scores, wrong=wrong, grid=grid)
    unread = None
    if unread_scores is not None:
        nothing = np.zeros(unread_scores.shape, dtype=np.bool_)
        unread, _ = _counts(unread_scores, wrong=nothing, grid=grid)
    return [
        CountedThreshold(
            float(threshold),
            int(accepted[i]),
            int(errors[i]),
            None if unread is None else int(unread[i]),
        )
        for i, threshold in enumerate(grid)
    ]


def _counts(
    scores: FloatArray, *, wrong: BoolArray, grid: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    accepts = scores[:, None] >= np.asarray(grid, dtype=np.float64)[None, :]
    accepted = np.count_nonzero(accepts, axis=0).astype(np.int64)
    errors = np.count_nonzero(accepts & wrong[:, None], axis=0).astype(np.int64)
    return accepted, errors

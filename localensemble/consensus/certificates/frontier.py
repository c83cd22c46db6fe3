"""Compare review effort with the errors left and the cost.

Source: the cost comparison of Beck et al. (2025), IEEE JSTARS 18, 4366-4381: every item
costs a model's price, a reviewed item also costs a person's, and people are assumed right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.consensus.protocol import BoolArray, FloatArray

_STEPS = 20


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One cut: items with a score of at least ``threshold`` are accepted.

    Attributes:
        threshold: lowest accepted score; None means that everything is reviewed.
        accepted: number of accepted gold items.
        errors: number of accepted gold items that are wrong.
        reviewed_share: share of the gold items that a person reviews.
        error_share: wrong accepted items as a share of all gold items: the errors left.
        interval: 95% exact interval of ``error_share``.
        cost: cost of all items of the study, in the unit of the prices.
        saved_share: saved share of the cost of having a person label everything; negative if
            models cost more than they save.
    """

    threshold: float | None
    accepted: int
    errors: int
    reviewed_share: float
    error_share: float
    interval: Interval
    cost: float
    saved_share: float | None


def cost_frontier(
    scores: FloatArray,
    *,
    wrong: BoolArray,
    item_count: int,
    model_cost: float,
    person_cost: float,
    steps: int = _STEPS,
) -> tuple[FrontierPoint, ...]:
    """Trace cost and errors left as the acceptance threshold falls.

    The points describe the gold items; the best of them looks better than it is. A promise
    needs ``certify_threshold``.

    Args:
        scores: (n,) scores of the gold items, at least one; NaN is always reviewed.
        wrong: bool (n,); the consensus differs from the gold label.
        item_count: number of items of the study, to which the costs are scaled.
        model_cost: cost of labeling one item with the whole ensemble.
        person_cost: cost of one person labeling one item.
        steps: approximate number of points; fewer if there are fewer distinct scores.

    Returns:
        Points from reviewing everything to accepting everything that has a score.
    """
    if not len(scores) or scores.shape != wrong.shape:
        raise ValueError(f"scores {scores.shape} and wrong {wrong.shape} do not fit.")
    known = np.sort(scores[~np.isnan(scores)])[::-1]
    places = np.unique(np.linspace(0, max(0, len(known) - 1), steps + 1).round().astype(np.int64))
    thresholds: list[float | None] = [None]
    thresholds += [float(value) for value in np.unique(known[places])[::-1]] if len(known) else []
    points = []
    for threshold in thresholds:
        accepts = np.zeros(len(scores), bool) if threshold is None else scores >= threshold
        points.append(
            _point(
                threshold,
                accepted=int(np.count_nonzero(accepts)),
                errors=int(np.count_nonzero(accepts & wrong)),
                gold_items=len(scores),
                item_count=item_count,
                model_cost=model_cost,
                person_cost=person_cost,
            )
        )
    return tuple(points)


def total_cost(*, item_count: int, reviewed: float, model_cost: float, person_cost: float) -> float:
    """Return the cost of labeling every item by model and the reviewed items also by a person."""
    return item_count * model_cost + reviewed * person_cost


def expected_errors_covered(error_probabilities: FloatArray, *, read: BoolArray) -> float | None:
    """Compute the share of the expected errors that lies in the items a person reads.

    Args:
        error_probabilities: (N,) chance that each item's consensus is wrong; only as good as
            the score it comes from. NaN counts as 1.
        read: bool (N,); the items that a person reads.

    Returns:
        A share in [0, 1]; None if no error is expected at all.
    """
    chances = np.nan_to_num(error_probabilities, nan=1.0)
    expected = float(chances.sum())
    return float(chances[read].sum() / expected) if expected > 0 else None


def _point(
    threshold: float | None,
    *,
    accepted: int,
    errors: int,
    gold_items: int,
    item_count: int,
    model_cost: float,
    person_cost: float,
) -> FrontierPoint:
    reviewed_share = 1.0 - accepted / gold_items
    cost = total_cost(
        item_count=item_count,
        reviewed=reviewed_share * item_count,
        model_cost=model_cost,
        person_cost=person_cost,
    )
    everything = item_count * person_cost
    return FrontierPoint(
        threshold=threshold,
        accepted=accepted,
        errors=errors,
        reviewed_share=reviewed_share,
        error_share=errors / gold_items,
        interval=exact_interval(errors, items=gold_items),
        cost=cost,
        saved_share=1.0 - cost / everything if everything > 0 else None,
    )

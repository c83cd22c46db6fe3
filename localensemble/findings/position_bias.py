"""How far a rater's answers depend on the order in which a prompt lists the categories.

A rater that is asked in several orders is compared with itself, as several raters would be with
each other. That shows how steady its answers are, not whether they are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from localensemble.agreement import AgreementSettings, Coefficient, gwet_ac1, prepare
from localensemble.codebook.listed_orders import category_orders
from localensemble.codebook.model import Variable
from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.label_matrix import LabelMatrix
from localensemble.study.order_changes import OrderAnswers, OrderChanges


@dataclass(frozen=True, slots=True)
class PlaceShare:
    """How often the category at one place of the list is the most probable.

    Attributes:
        chosen: the share of answers, over all orders.
        expected: the share that these categories would have if the order did not matter: what
            they have on average over all orders, wherever they stand.
    """

    chosen: float
    expected: float


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How often the most probable category differs between category orders.

    Attributes:
        items: items whose labels are averages over several orders. Those labeled by a run that
            was killed are not among them.
        changed: items whose most probable category is not the same in all orders.
        share: changed / items.
        interval_low: lower end of the exact (Clopper-Pearson) 95% interval of the share.
        interval_high: upper end of it.
        orders: number of orders; 0 if an earlier version labeled, which did not count answers.
        intra_rater: AC1 of the rater with itself between the orders; None without orders.
        first: how often the category that is listed first is the most probable.
        last: the same for the one listed last.
    """

    items: int
    changed: int
    share: float
    interval_low: float
    interval_high: float
    orders: int = 0
    intra_rater: Coefficient | None = None
    first: PlaceShare | None = None
    last: PlaceShare | None = None


def position_bias(counted: OrderChanges | None, *, variable: Variable) -> PositionBias | None:
    """Return what changes with the order; None if only one order was asked."""
    if counted is None:
        return None
    interval = exact_interval(counted.changed, items=counted.items)
    asked = len(next(iter(counted.answers), ()))
    orders = category_orders(variable, at_most=asked) if asked else ()
    answers = counted.answers if len(orders) == asked else {}
    return PositionBias(
        counted.items,
        counted.changed,
        counted.changed / counted.items,
        interval.low,
        interval.high,
        len(orders),
        intra_rater_agreement(answers, categories=variable.answers) if answers else None,
        _place_share(answers, [order[0] for order in orders]),
        _place_share(answers, [order[-1] for order in orders]),
    )


def intra_rater_agreement(
    answers: Mapping[OrderAnswers, int], *, categories: Sequence[str]
) -> Coefficient:
    """Return Gwet's AC1 of a rater with itself; each order counts as a rater.

    Args:
        answers: how many items have the same answers in all orders.
        categories: the K categories.
    """
    rows = np.array(list(answers), dtype=np.int16)
    indices = np.repeat(rows, list(answers.values()), axis=0)
    names = tuple(f"order {number}" for number in range(1, indices.shape[1] + 1))
    matrix = LabelMatrix(indices, tuple(categories), names)
    return gwet_ac1.compute(prepare(matrix), AgreementSettings(level="nominal"))


def _place_share(answers: Mapping[OrderAnswers, int], stands: Sequence[int]) -> PlaceShare | None:
    """Compare how often a place is chosen with how often its categories are, wherever they stand.

    Args:
        answers: how many items have the same answers in all orders.
        stands: the category at the place, in each order.

    Returns:
        None if an order has no answer without a tie.
    """
    if not answers:
        return None
    rows = np.array(list(answers))
    weights = np.array(list(answers.values()))
    given = weights @ (rows >= 0)
    if not given.all():
        return None
    # The share of each category at the place, in each order: (orders, orders).
    shares = np.array([weights @ (rows == category) / given for category in stands])
    return PlaceShare(float(shares.diagonal().mean()), float(shares.mean()))

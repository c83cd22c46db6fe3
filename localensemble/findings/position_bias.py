"""How far a rater's answers depend on the order in which a prompt lists the categories."""

from __future__ import annotations

from dataclasses import dataclass

from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.study.order_changes import OrderChanges


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
    """

    items: int
    changed: int
    share: float
    interval_low: float
    interval_high: float


def position_bias(counted: OrderChanges | None) -> PositionBias | None:
    """Return the share that changes with the order; None if only one order was asked."""
    if counted is None:
        return None
    interval = exact_interval(counted.changed, items=counted.items)
    return PositionBias(
        counted.items,
        counted.changed,
        counted.changed / counted.items,
        interval.low,
        interval.high,
    )

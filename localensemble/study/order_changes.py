"""How often a rater's most probable category depends on the order of the categories.

The labels are averages over orders, so the ledger's labels do not show it. Runs count it while
they label, and keep the counts in their summaries; a run that is killed loses its counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from localensemble.core.identity import JsonValue
from localensemble.core.labels import Label
from localensemble.ledger.records import RaterKey, RunRecord, VariableKey

_ORDER_CHANGES = "order_changes"


@dataclass(frozen=True, slots=True)
class OrderChanges:
    """Labels of one rater and variable that were asked in several category orders.

    Attributes:
        items: number of such labels.
        changed: for how many of them the most probable category differs between orders.
    """

    items: int
    changed: int


OrderChangesByKey = Mapping[tuple[RaterKey, VariableKey], OrderChanges]


class OrderTally:
    """The counts of one run, taken as its labels are recorded."""

    def __init__(self) -> None:
        self._counts: dict[tuple[RaterKey, VariableKey], OrderChanges] = {}

    def add(self, rater: RaterKey, labels: Mapping[VariableKey, Sequence[Label | None]]) -> None:
        """Count labels that one rater gave; None stands for a label recorded before."""
        for variable, column in labels.items():
            asked = [one.depends_on_order for one in column if one is not None]
            known = [one for one in asked if one is not None]
            _add(self._counts, (rater, variable), OrderChanges(len(known), sum(known)))

    def as_json(self) -> dict[str, JsonValue]:
        """Return the counts as a run's summary keeps them; empty if nothing was counted."""
        counts: list[JsonValue] = [
            {"rater": rater, "variable": variable, "items": one.items, "changed": one.changed}
            for (rater, variable), one in self._counts.items()
        ]
        return {_ORDER_CHANGES: counts} if counts else {}


def order_changes(runs: Iterable[RunRecord]) -> OrderChangesByKey:
    """Add up the counts of all runs of a ledger, finished or not."""
    total: dict[tuple[RaterKey, VariableKey], OrderChanges] = {}
    for run in runs:
        summary = cast(Mapping[str, Any], run.summary or {})
        for one in summary.get(_ORDER_CHANGES, ()):
            key = (RaterKey(one["rater"]), VariableKey(one["variable"]))
            _add(total, key, OrderChanges(one["items"], one["changed"]))
    return total


def _add(
    counts: dict[tuple[RaterKey, VariableKey], OrderChanges],
    key: tuple[RaterKey, VariableKey],
    found: OrderChanges,
) -> None:
    if found.items:
        held = counts.get(key, OrderChanges(0, 0))
        counts[key] = OrderChanges(held.items + found.items, held.changed + found.changed)

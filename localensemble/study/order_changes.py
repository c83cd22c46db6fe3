"""What a rater's most probable category is in each order of the categories.

The labels are averages over orders, so the ledger's labels do not show it. Runs count it while
they label, and keep the counts in their summaries; a run that is killed loses its counts. What is
counted is how many items have the same answers in all orders, and nothing of the items themselves:
so much suffices for a coefficient with an interval, whatever number of runs made the labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from localensemble.core.identity import JsonValue
from localensemble.core.labels import Label
from localensemble.ledger.records import RaterKey, RunRecord, VariableKey

_ORDER_CHANGES = "order_changes"

OrderAnswers = tuple[int, ...]
"""The index of the most probable category in each order, or -1 for a tie."""


@dataclass(frozen=True, slots=True)
class OrderChanges:
    """Labels of one rater and variable that were asked in several category orders.

    Attributes:
        items: number of such labels.
        changed: for how many of them the most probable category differs between orders.
        answers: how many labels have the same answers in all orders; earlier versions counted
            none, so their sum can be lower than ``items``.
    """

    items: int
    changed: int
    answers: Mapping[OrderAnswers, int] = field(default_factory=dict)


OrderChangesByKey = Mapping[tuple[RaterKey, VariableKey], OrderChanges]


class OrderTally:
    """The counts of one run, taken as its labels are recorded."""

    def __init__(self) -> None:
        self._counts: dict[tuple[RaterKey, VariableKey], OrderChanges] = {}

    def add(self, rater: RaterKey, labels: Mapping[VariableKey, Sequence[Label | None]]) -> None:
        """Count labels that one rater gave; None stands for a label recorded before."""
        for variable, column in labels.items():
            given = [one for one in column if one is not None]
            known = [one for one in given if one.depends_on_order is not None]
            changed = sum(bool(one.depends_on_order) for one in known)
            answers = Counter(one.by_order for one in known if one.by_order)
            _add(self._counts, (rater, variable), OrderChanges(len(known), changed, answers))

    def as_json(self) -> dict[str, JsonValue]:
        """Return the counts as a run's summary keeps them; empty if nothing was counted."""
        counts: list[JsonValue] = [
            {
                "rater": rater,
                "variable": variable,
                "items": one.items,
                "changed": one.changed,
                "answers": [[[*answers], count] for answers, count in sorted(one.answers.items())],
            }
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
            answers = {tuple(given): count for given, count in one.get("answers", ())}
            _add(total, key, OrderChanges(one["items"], one["changed"], answers))
    return total


def _add(
    counts: dict[tuple[RaterKey, VariableKey], OrderChanges],
    key: tuple[RaterKey, VariableKey],
    found: OrderChanges,
) -> None:
    if found.items:
        held = counts.get(key, OrderChanges(0, 0))
        answers = Counter(held.answers)
        answers.update(found.answers)
        counts[key] = OrderChanges(
            held.items + found.items, held.changed + found.changed, dict(answers)
        )

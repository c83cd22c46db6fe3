"""Format measures and accuracies for the terminal; they are rounded here and nowhere earlier."""

from __future__ import annotations

from localensemble.api.findings import Evaluation, Measure
from localensemble.core.estimates import estimate, interval, number


def measured(measure: Measure) -> str:
    """Format a measure that has no interval."""
    return number(measure.value)


def overruled(count: int, *, of: int) -> str:
    """Format how many clear majorities a method overruled, of those among the items it decided."""
    return f"{count:,} of {of:,}" if of else "none"


def accuracy_cells(evaluation: Evaluation) -> tuple[str, str, str]:
    """Format an accuracy, its exact interval and its number of items."""
    if evaluation.interval is None:
        return ("undefined", "none", "0")
    low, high = evaluation.interval.low, evaluation.interval.high
    return (
        estimate(evaluation.accuracy.value, low, high),
        interval(low, high),
        f"{evaluation.items:,}",
    )

"""Format numbers for the terminal; they are rounded here and nowhere earlier."""

from __future__ import annotations

from localensemble.api.findings import Evaluation, Measure


def three_digits(value: float | None) -> str:
    """Format a number with three decimals."""
    return "undefined" if value is None else f"{value:.3f}"


def measured(measure: Measure) -> str:
    """Format a measure with three decimals, or as undefined."""
    return three_digits(measure.value)


def share(value: float | None) -> str:
    """Format a share as a percentage."""
    return "undefined" if value is None else f"{value:.1%}"


def accuracy_cells(evaluation: Evaluation) -> tuple[str, str, str]:
    """Format an accuracy, its exact interval and its number of items."""
    if evaluation.interval is None:
        return ("undefined", "none", "0")
    low, high = evaluation.interval.low, evaluation.interval.high
    return (measured(evaluation.accuracy), f"{low:.3f} to {high:.3f}", f"{evaluation.items:,}")

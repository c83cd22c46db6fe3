"""How numbers look on the terminal; rounding happens here and nowhere before."""

from __future__ import annotations

from localensemble.api.findings import Evaluation, Measure


def three_digits(value: float | None) -> str:
    """Write a number with three digits after the point."""
    return "undefined" if value is None else f"{value:.3f}"


def measured(measure: Measure) -> str:
    """Write a measure with three digits after the point, or that it is undefined."""
    return three_digits(measure.value)


def share(value: float | None) -> str:
    """Write a share in percent."""
    return "undefined" if value is None else f"{value:.1%}"


def accuracy_cells(evaluation: Evaluation) -> tuple[str, str, str]:
    """Write an accuracy, its exact interval and the number of items it is about."""
    if evaluation.interval is None:
        return ("undefined", "none", "0")
    low, high = evaluation.interval.low, evaluation.interval.high
    return (measured(evaluation.accuracy), f"{low:.3f} to {high:.3f}", f"{evaluation.items:,}")

"""How numbers look on the terminal; rounding happens here and nowhere before."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from localensemble.api.findings import Evaluation, Measure


def number_table(title: str, *, words: Sequence[str], numbers: Sequence[str]) -> Table:
    """Make an empty table: columns of words, then columns of numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


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

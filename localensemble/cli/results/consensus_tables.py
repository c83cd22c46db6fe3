"""Show consensus methods side by side on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from localensemble.api.consensus import MethodComparison, MethodResult
from localensemble.api.findings import Evaluation
from localensemble.cli.console import say
from localensemble.cli.numbers import accuracy_cells, overruled
from localensemble.cli.results.word_table import WordTable
from localensemble.core.estimates import number, share


def show_comparisons(comparisons: Sequence[MethodComparison], *, console: Console) -> None:
    """Print for every variable what each method decides and how often two decide the same."""
    for comparison in comparisons:
        _show_results(comparison, console)
        _show_agreements(comparison, console)
    if comparisons:
        console.print(
            "Accepted and escalated follow the study's policies, without certificates. "
            "The first method is the study's own, or the one you chose. Pools, which are fitted to "
            "gold labels, are left out.",
            style="dim",
        )


def _show_results(comparison: MethodComparison, console: Console) -> None:
    table = WordTable(
        f"{comparison.variable}: methods side by side",
        words=("method",),
        numbers=("accepted", "escalated", "no consensus", "majorities overruled", "converged"),
    )
    for result in comparison.results:
        if not result.refused_because:
            table.add_row(
                result.method,
                f"{result.accepted:,}",
                f"{result.escalated:,}",
                f"{result.undecided:,}",
                overruled(result.overruled, of=result.majorities),
                _converged(result),
            )
    console.print(table)
    for result in comparison.results:
        if result.refused_because:
            say(console, f"  {result.method} is left out. {result.refused_because}")
    if any(result.consensus for result in comparison.results):
        _show_accuracies(comparison, console)


def _show_accuracies(comparison: MethodComparison, console: Console) -> None:
    table = WordTable(
        f"{comparison.variable}: accuracy against the gold labels",
        words=("method",),
        numbers=("consensus", "95% interval", "items", "right of all", "accepted", "items"),
    )
    for result in comparison.results:
        if result.consensus is not None and result.accepted_labels is not None:
            table.add_row(
                result.method,
                *accuracy_cells(result.consensus),
                _right_of_all(result.consensus),
                *accuracy_cells(result.accepted_labels)[::2],
            )
    console.print(table)


def _right_of_all(evaluation: Evaluation) -> str:
    # Accuracy leaves out items without a consensus, which flatters methods that decide little.
    items = evaluation.items + evaluation.unlabeled
    return number(evaluation.correct / items if items else None)


def _show_agreements(comparison: MethodComparison, console: Console) -> None:
    table = WordTable(
        f"{comparison.variable}: how often two methods decide the same",
        words=("first", "second"),
        numbers=("decided by both", "same category", "share"),
    )
    for pair in comparison.agreements:
        table.add_row(
            pair.first,
            pair.second,
            f"{pair.both:,}",
            f"{pair.same:,}",
            share(pair.same / pair.both if pair.both else None),
        )
    console.print(table)


def _converged(result: MethodResult) -> str:
    return {None: "", True: "yes", False: "no"}[result.converged]

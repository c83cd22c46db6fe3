"""Show agreement on one screen.

Decides what comes first: what was read and guessed, the main coefficients of every variable, how
far the raters agree in words, and every requirement that is not met. Of several variables, a
sentence that holds for more than one is printed once. `--details` shows every table.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from localensemble.api.agree import (
    AgreementReport,
    VariableAgreement,
    agreement_statement,
    agreement_verdict,
    cross_check_summary,
    effective_raters,
    same_answer_sentences,
    why_missing,
)
from localensemble.cli.console import cut
from localensemble.cli.results.agreement_tables import (
    WHOLE,
    coefficient_table,
    items_line,
    overview,
    required_line,
    say_literally,
)
from localensemble.cli.results.shared_lines import together
from localensemble.core.estimates import estimate
from localensemble.core.words import counted


def show_agreement_summary(report: AgreementReport, *, console: Console) -> None:
    """Print the main numbers on the agreement on every variable and group."""
    for message in cut(report.messages, whole=WHOLE):
        say_literally(console, message)
    console.print()
    if len(report.variables) == 1:
        _show_one(report.variables[0], report, console)
    else:
        console.print(overview(report))
        for lines in _sentences(report.variables):
            for line in cut(lines, whole=WHOLE):
                say_literally(console, line)
    if report.checks:
        say_literally(console, cross_check_summary(report.checks))
    say_literally(
        console,
        "Categories, raters, pairs and scales: add --details; --html and --json have everything. "
        "Agreement does not show that labels are right.",
    )


def _show_one(found: VariableAgreement, report: AgreementReport, console: Console) -> None:
    for sentence in agreement_verdict(found.agreement):
        say_literally(console, sentence)
    for verdict in found.verdicts:
        say_literally(console, required_line(verdict))
    say_literally(console, items_line(found.agreement))
    console.print(coefficient_table(found, report))
    for line in (*_missing(found), *_lowest_pair(found)):
        say_literally(console, line)
    if found.dependence:
        say_literally(console, effective_raters(found.dependence))


def _sentences(variables: Sequence[VariableAgreement]) -> tuple[tuple[str, ...], ...]:
    """Write what holds for the variables: requirements, words, and what stands out."""
    return (
        together(
            (one.title, [required_line(verdict) for verdict in one.verdicts if not verdict.met])
            for one in variables
        ),
        together(
            (
                one.title,
                [
                    f"Required {verdict.requirement}: met."
                    for verdict in one.verdicts
                    if verdict.met
                ],
            )
            for one in variables
        ),
        together((one.title, [f"{agreement_statement(one.agreement)}."]) for one in variables),
        together((one.title, same_answer_sentences(one.agreement)[:-1]) for one in variables),
        together((one.title, _missing(one)) for one in variables),
    )


def _missing(found: VariableAgreement) -> tuple[str, ...]:
    return why_missing(shown.coefficient for shown in found.coefficients)


def _lowest_pair(found: VariableAgreement) -> tuple[str, ...]:
    """Name the pair of raters that agrees least, if there are several pairs."""
    pairs = [one for one in found.agreement.by_pair if one.ac1.value is not None]
    if len(pairs) < 2:
        return ()
    worst = min(pairs, key=lambda one: one.ac1.value or 0.0)
    value = estimate(worst.ac1.value, worst.ac1.interval_low, worst.ac1.interval_high)
    return (
        f'Of {counted(len(pairs), "pair")} of raters, "{worst.first}" and "{worst.second}" agree '
        f"least: AC1 is {value}.",
    )

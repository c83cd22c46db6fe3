"""Show the findings of a study as tables on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from localensemble.api.findings import Accuracy, Coefficient, StudyFindings, VariableFindings
from localensemble.api.label import LabeledStudy


def show_study(study: LabeledStudy, *, console: Console) -> None:
    """Print agreement, decisions, accuracy where gold labels are there, speed and files."""
    findings = study.findings
    console.print(_agreement_table(findings))
    for variable in findings.variables:
        for coefficient in variable.coefficients:
            if coefficient.undefined_because:
                who = f"{variable.name}, {coefficient.name}"
                console.print(f"{who}: undefined. {coefficient.undefined_because}")
    console.print(
        "[dim]Agreement says how far the raters choose the same; not that they are right.[/dim]\n"
    )
    console.print(_decision_table(findings))
    _print_reasons(findings, console)
    if any(variable.accuracy_consensus for variable in findings.variables):
        console.print(_accuracy_table(findings))
    console.print(_rater_table(findings))
    _print_unlabeled(findings, console)
    console.print("Files:")
    for path in (
        study.folder.labels,
        study.folder.escalations,
        study.folder.findings,
        study.folder.ledger,
    ):
        console.print(f"  {path}", soft_wrap=True, highlight=False)


def _agreement_table(findings: StudyFindings) -> Table:
    raters = len(findings.raters)
    table = Table(
        title=f"Agreement of {raters} raters on {findings.item_count:,} items", title_justify="left"
    )
    for heading in ("variable", "coefficient"):
        table.add_column(heading)
    for heading in ("value", "95% interval", "observed", "expected", "items used"):
        table.add_column(heading, justify="right")
    for variable in findings.variables:
        for coefficient in variable.coefficients:
            table.add_row(variable.name, *_coefficient_cells(coefficient))
    return table


def _coefficient_cells(coefficient: Coefficient) -> tuple[str, ...]:
    if coefficient.interval_low is None or coefficient.interval_high is None:
        interval = "none"
    else:
        interval = f"{coefficient.interval_low:.3f} to {coefficient.interval_high:.3f}"
    return (
        coefficient.name,
        _three_digits(coefficient.value),
        interval,
        _three_digits(coefficient.observed_agreement),
        _three_digits(coefficient.expected_agreement),
        f"{coefficient.items_used:,}",
    )


def _decision_table(findings: StudyFindings) -> Table:
    table = Table(title=f"Decisions ({findings.consensus_method})", title_justify="left")
    table.add_column("variable")
    for heading in ("accepted", "escalated", "share escalated"):
        table.add_column(heading, justify="right")
    for variable in findings.variables:
        share = variable.escalated / findings.item_count if findings.item_count else 0.0
        table.add_row(
            variable.name, f"{variable.accepted:,}", f"{variable.escalated:,}", f"{share:.1%}"
        )
    return table


def _print_reasons(findings: StudyFindings, console: Console) -> None:
    for variable in findings.variables:
        for reason, count in variable.reason_counts:
            if count:
                console.print(f"  {variable.name}: {count:,} escalated: {reason}", highlight=False)
    console.print()


def _accuracy_table(findings: StudyFindings) -> Table:
    table = Table(title="Accuracy against the gold labels", title_justify="left")
    table.add_column("variable")
    table.add_column("who")
    for heading in ("accuracy", "95% interval", "right", "of", "no label"):
        table.add_column(heading, justify="right")
    for variable in findings.variables:
        for who, accuracy in _accuracies(variable):
            table.add_row(variable.name, who, *_accuracy_cells(accuracy))
    return table


def _accuracies(variable: VariableFindings) -> list[tuple[str, Accuracy]]:
    named = [(rater.rater, rater.accuracy) for rater in variable.raters]
    named += [
        ("consensus, where there is one", variable.accuracy_consensus),
        ("accepted labels", variable.accuracy_accepted),
    ]
    return [(who, accuracy) for who, accuracy in named if accuracy is not None]


def _accuracy_cells(accuracy: Accuracy) -> tuple[str, ...]:
    if accuracy.interval_low is None or accuracy.interval_high is None:
        return ("undefined", "none", "0", "0", f"{accuracy.unlabeled:,}")
    return (
        _three_digits(accuracy.value),
        f"{accuracy.interval_low:.3f} to {accuracy.interval_high:.3f}",
        f"{accuracy.correct:,}",
        f"{accuracy.items:,}",
        f"{accuracy.unlabeled:,}",
    )


def _rater_table(findings: StudyFindings) -> Table:
    table = Table(title="Raters", title_justify="left")
    for heading in ("rater", "identity", "layout"):
        table.add_column(heading)
    for heading in ("labels", "seconds", "labels/s", "tokens shared", "peak memory"):
        table.add_column(heading, justify="right")
    for rater in findings.raters:
        speed = rater.labels / rater.seconds if rater.seconds else 0.0
        shared = 1 - rater.evaluated_tokens / rater.prompt_tokens if rater.prompt_tokens else 0.0
        table.add_row(
            rater.name,
            rater.identity_sha256[:12],
            rater.layout.replace("_", " "),
            f"{rater.labels:,}",
            f"{rater.seconds:,.1f}",
            f"{speed:,.0f}",
            f"{shared:.0%}",
            f"{rater.peak_memory_bytes / 2**20:,.0f} MiB",
        )
    return table


def _print_unlabeled(findings: StudyFindings, console: Console) -> None:
    if not findings.unlabeled:
        return
    console.print(f"{findings.unlabeled:,} labels have no category:")
    for variable in findings.variables:
        for rater in variable.raters:
            for reason, count in rater.reason_counts:
                console.print(
                    f"  {variable.name}, {rater.rater}: {count:,} {reason}", highlight=False
                )


def _three_digits(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"

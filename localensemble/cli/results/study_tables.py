"""Show the findings of a study in full, as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from localensemble.api.findings import (
    Accuracy,
    Coefficient,
    Evaluation,
    PoolFindings,
    StudyFindings,
    VariableFindings,
    agreement_verdict,
    coefficient_name,
    compared_items,
    counted,
    no_answer_sentences,
    off_codebook_verdict,
    position_sentences,
    required_sentences,
    unfit_sentences,
)
from localensemble.cli.console import cut, say
from localensemble.cli.numbers import accuracy_cells, overruled
from localensemble.cli.results.word_table import WordTable
from localensemble.core.estimates import estimate, interval, number
from localensemble.core.labels import is_without_answer

_WHOLE = "findings.json and report.html have all"


def show_findings(
    findings: StudyFindings, *, console: Console, shown: tuple[str, ...] = ()
) -> None:
    """Print cautions, agreement, decisions, accuracy if there are gold labels, and speed.

    Args:
        findings: the study's findings.
        console: the console to print on.
        shown: cautions that were shown already.
    """
    cautions = [f"Caution: {caution}" for caution in findings.cautions if caution not in shown]
    verdicts = [
        f"{variable.name}: {sentence}"
        for variable in findings.variables
        for sentence in _verdict(variable)
    ]
    for lines in (cautions, unfit_sentences(findings), verdicts):
        _say_lines(lines, console)
    console.print()
    if findings.compared_raters > 1:
        _print_agreement(findings, console)
    console.print(_decision_table(findings))
    _print_reasons(findings, console)
    _print_promises(findings, console)
    if any(variable.accuracy_consensus for variable in findings.variables):
        console.print(_accuracy_table(findings))
    if findings.ratings_sha256 is None:
        console.print(_rater_table(findings))
        for sentence in position_sentences(findings):
            say(console, sentence)
    _print_unlabeled(findings, console)


def _print_agreement(findings: StudyFindings, console: Console) -> None:
    console.print(_agreement_table(findings))
    undefined = [
        f"{variable.name}, {coefficient.name}: undefined. {coefficient.undefined_because}"
        for variable in findings.variables
        for coefficient in variable.coefficients
        if coefficient.undefined_because
    ]
    _say_lines(undefined, console)
    console.print(
        "Agreement does not show that labels are right.\n",
        style="dim",
    )


def _verdict(variable: VariableFindings) -> tuple[str, ...]:
    items = variable.accepted + variable.escalated
    return (
        *agreement_verdict(variable.agreement, outside=variable.confidence.mostly_outside(items)),
        *required_sentences(variable),
        *off_codebook_verdict(variable.confidence, items=items),
    )


def _agreement_table(findings: StudyFindings) -> WordTable:
    table = WordTable(
        f"Agreement of {counted(findings.compared_raters, 'rater')} on {compared_items(findings)}",
        words=("variable", "coefficient"),
        numbers=("value", "95% interval", "observed", "expected", "items used"),
        whole=_WHOLE,
    )
    for variable in findings.variables:
        for coefficient in variable.coefficients:
            table.add_row(variable.name, *_coefficient_cells(coefficient))
    return table


def _coefficient_cells(coefficient: Coefficient) -> tuple[str, ...]:
    low, high = coefficient.interval_low, coefficient.interval_high
    return (
        coefficient_name(coefficient),
        estimate(coefficient.value, low, high),
        interval(low, high),
        estimate(coefficient.observed_agreement, low, high),
        estimate(coefficient.expected_agreement, low, high),
        f"{coefficient.items_used:,}",
    )


def _decision_table(findings: StudyFindings) -> WordTable:
    table = WordTable(
        f"Decisions ({findings.decided_by})",
        words=("variable",),
        numbers=("accepted", "escalated", "share escalated", "majorities overruled"),
        whole=_WHOLE,
    )
    for variable in findings.variables:
        share = variable.escalated / findings.item_count if findings.item_count else 0.0
        table.add_row(
            variable.name,
            f"{variable.accepted:,}",
            f"{variable.escalated:,}",
            f"{share:.1%}",
            overruled(variable.overruled, of=variable.majorities),
        )
    return table


def _pool_table(pool: PoolFindings) -> WordTable:
    table = WordTable(
        f"{pool.variable}: cross-validated accuracy on {pool.gold_items:,} gold items",
        words=("rule",),
        numbers=("accuracy", "95% interval", "right"),
        whole=_WHOLE,
    )
    for one in pool.compared:
        low, high = one.interval_low, one.interval_high
        table.add_row(
            one.words, estimate(one.accuracy, low, high), interval(low, high), f"{one.correct:,}"
        )
    return table


def _print_reasons(findings: StudyFindings, console: Console) -> None:
    _say_lines([line for one in findings.variables for line in _reason_lines(one)], console)
    console.print()


def _reason_lines(variable: VariableFindings) -> Iterator[str]:
    for sentence in no_answer_sentences(variable):
        yield f"  {variable.name}: {sentence}"
    for reason, count in variable.reason_counts:
        if count:
            yield f"  {variable.name}: {count:,} escalated: {reason}"
    if sum(count for _, count in variable.reason_counts) > variable.escalated:
        yield f"  {variable.name}: an item can have several reasons, so these counts overlap."
    for expected in variable.expected_errors:
        yield f"  {variable.name}: {expected.sentence()}"


def _print_promises(findings: StudyFindings, console: Console) -> None:
    for pool in findings.pools:
        say(console, f"{pool.sentence}\n")
        console.print(_pool_table(pool))
    for calibration in findings.rater_calibrations:
        say(console, f"{calibration.sentence}\n")
    for promise in findings.promises:
        lines = (
            f"A certificate decides which labels of {promise.variable} are accepted. "
            f"{promise.sentence}",
            *((promise.advice,) if promise.advice else ()),
            *(("It assumes:",) if promise.assumptions else ()),
            *(f"  {assumption}" for assumption in promise.assumptions),
            "",
        )
        for line in lines:
            say(console, line)


def _accuracy_table(findings: StudyFindings) -> WordTable:
    table = WordTable(
        "Accuracy against the gold labels",
        words=("variable", "who"),
        numbers=("accuracy", "95% interval", "right", "items", "no label", "right of all"),
        whole=_WHOLE,
    )
    for variable in findings.variables:
        for who, accuracy in _accuracies(variable):
            table.add_row(variable.name, who, *_accuracy_cells(accuracy))
        for baseline in variable.gold.baselines if variable.gold else ():
            table.add_row(variable.name, baseline.who, *_baseline_cells(baseline.evaluation))
    return table


def _accuracies(variable: VariableFindings) -> list[tuple[str, Accuracy]]:
    named = [(rater.rater, rater.accuracy) for rater in variable.raters]
    named += [
        ("consensus", variable.accuracy_consensus),
        ("accepted labels", variable.accuracy_accepted),
    ]
    return [(who, accuracy) for who, accuracy in named if accuracy is not None]


def _accuracy_cells(accuracy: Accuracy) -> tuple[str, ...]:
    if accuracy.interval_low is None or accuracy.interval_high is None:
        return ("undefined", "none", "0", "0", f"{accuracy.unlabeled:,}", "undefined")
    # Accuracy leaves out items without a label, which flatters raters that abstain often. Only
    # a share of all items with a gold label can be compared between rows.
    of_all = accuracy.correct / (accuracy.items + accuracy.unlabeled)
    return (
        estimate(accuracy.value, accuracy.interval_low, accuracy.interval_high),
        interval(accuracy.interval_low, accuracy.interval_high),
        f"{accuracy.correct:,}",
        f"{accuracy.items:,}",
        f"{accuracy.unlabeled:,}",
        number(of_all),
    )


def _baseline_cells(evaluation: Evaluation) -> tuple[str, ...]:
    return (
        *accuracy_cells(evaluation)[:2],
        f"{evaluation.correct:,}",
        f"{evaluation.items:,}",
        f"{evaluation.unlabeled:,}",
        number(evaluation.correct / (evaluation.items + evaluation.unlabeled)),
    )


def _rater_table(findings: StudyFindings) -> WordTable:
    table = WordTable(
        "Raters",
        words=("rater", "identity", "layout"),
        numbers=("labels", "seconds", "labels/s", "shared", "memory"),
        whole=_WHOLE,
    )
    for rater in findings.raters:
        speed = rater.labels / rater.seconds if rater.seconds else 0.0
        # Some engines also evaluate tokens that are in no prompt, such as those of definitions.
        shared = 1 - rater.evaluated_tokens / rater.prompt_tokens if rater.prompt_tokens else 0.0
        table.add_row(
            rater.name,
            rater.identity_sha256[:8],
            rater.layout.replace("_", " "),
            f"{rater.labels:,}",
            f"{rater.seconds:,.1f}",
            f"{speed:,.0f}",
            f"{max(shared, 0.0):.0%}",
            f"{rater.peak_memory_bytes / 2**20:,.0f} MiB",
        )
    return table


def _print_unlabeled(findings: StudyFindings, console: Console) -> None:
    if not findings.unlabeled:
        return
    if findings.ratings_sha256 is not None:
        cells = len(findings.variables) * len(findings.raters) * findings.item_count
        console.print(
            f"{findings.unlabeled:,} of {cells:,} cells (item by rater) have no label. The ratings "
            "do not show whether the rater was asked.",
            highlight=False,
        )
        return
    has = "label has" if findings.unlabeled == 1 else "labels have"
    console.print(f"{findings.unlabeled:,} {has} no category:")
    lines = [
        f"  {variable.name}, {rater.rater}: {count:,} {reason}"
        for variable in findings.variables
        for rater in variable.raters
        for reason, count in rater.reason_counts
        if not (variable.no_answer and is_without_answer(reason))
    ]
    _say_lines(lines, console)


def _say_lines(lines: Sequence[str], console: Console) -> None:
    """Print lines up to a screen, and count the rest."""
    for line in cut(lines, whole=_WHOLE):
        say(console, line)

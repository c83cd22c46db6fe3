"""Show the findings of a study on one screen.

Decides what comes first: every caution, one table of what was decided and how far the raters
agree, raters that may be unfit, and requirements that are not met. Sentences that hold for
several variables are printed once. The rest is counted: `--details` and the report have it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from localensemble.api.findings import (
    StudyFindings,
    VariableFindings,
    agreement_statement,
    agreement_verdict,
    compared_items,
    counted,
    leading_coefficient,
    no_answer_sentences,
    position_sentences,
    required_sentences,
    strategy_sentence,
    unfit_sentences,
)
from localensemble.api.label import LabeledStudy
from localensemble.cli.console import cut, more, say
from localensemble.cli.results.shared_lines import some, together
from localensemble.cli.results.study_tables import show_findings
from localensemble.cli.results.word_table import WordTable
from localensemble.core.estimates import estimate, interval, share, share_interval
from localensemble.core.labels import NOT_CONFIRMED, is_without_answer
from localensemble.core.words import listed

_WHOLE = "--details shows all"
_MOST_REASONS_WITHOUT_LABEL = 3
_SIGNS = {
    "no_label": "gives no item a category",
    "outside_codebook": "answers outside the codebook on most items",
    "same_answer": "gives every item the same answer",
}


def show_labeled(
    study: LabeledStudy, *, console: Console, table: str, details: bool = False
) -> None:
    """Print the summary of a labeling run, where its files are, and what to do next.

    Cautions that were shown before the run are not repeated.

    Args:
        table: the options that give the labeled table, as `table_options` returns them.
    """
    show_summary(study.findings, console=console, shown=study.messages, details=details)
    folder = study.folder
    files = (folder.labels, folder.escalations, folder.report, folder.findings, folder.manifest)
    names = listed([path.name for path in (*files, folder.ledger)])
    say(console, f"Files in {folder.path}: {names}.")
    say(console, next_step(study, table))
    if not any(variable.accuracy_consensus for variable in study.findings.variables):
        say(
            console,
            "Only gold labels can show how often these labels are right. "
            "Use `localensemble sample` to draw items to label by hand.",
        )


def show_summary(
    findings: StudyFindings, *, console: Console, shown: Sequence[str] = (), details: bool = False
) -> None:
    """Print the main findings on one screen.

    Args:
        findings: the study's findings.
        console: the console to print on.
        shown: cautions that were shown already.
        details: also print every table and remark.
    """
    for caution in findings.cautions:
        if caution not in shown:
            say(console, f"Caution: {caution}")
    for lines in (
        unfit_sentences(findings),
        together((one.name, [_statement(one)]) for one in _rated_by_several(findings)),
        together((one.name, _not_met(one)) for one in findings.variables),
        _signs(findings),
    ):
        for line in cut(lines, whole=_WHOLE):
            say(console, line)
    console.print()
    console.print(_table(findings))
    for line in cut(together((one.name, _held_back(one)) for one in findings.variables)):
        say(console, line)
    if findings.strategy is not None:
        say(console, strategy_sentence(findings.strategy))
    for pool in findings.pools:
        say(console, pool.sentence)
    for calibration in findings.rater_calibrations:
        say(console, calibration.sentence)
    for promise in findings.promises:
        assumed = f" It assumes: {'; '.join(promise.assumptions)}." if promise.assumptions else ""
        say(
            console,
            f"A certificate decides which labels of {promise.variable} are accepted. "
            f"{promise.sentence}{assumed}",
        )
        if promise.advice:
            say(console, promise.advice)
    _say_not_confirmed(findings, console)
    _say_unlabeled(findings, console)
    console.print()
    if details:
        show_findings(findings, console=console, shown=findings.cautions)
        return
    remarks = _remarks(findings)
    more = f"{counted(remarks, 'more remark')} and every table" if remarks else "Every table"
    say(
        console,
        f"{more}: add --details or open the report. Agreement does not show that labels are right.",
    )


def next_step(study: LabeledStudy, table: str) -> str:
    """Return one sentence on what to do after labeling."""
    variables = study.findings.variables
    waiting = counted(sum(variable.open for variable in variables), "row")
    start = f"Next: open {study.folder.report}"
    if not any(variable.open for variable in variables):
        return f"{start}."
    if not any(variable.final for variable in variables):
        return (
            f"{start}. Nothing is accepted: before a person reviews the {waiting} in "
            f"{study.folder.escalations}, change the raters or the codebook; `localensemble pilot` "
            "shows what to change."
        )
    return (
        f"{start}, then review the {waiting} in {study.folder.escalations}: "
        f"`localensemble review {study.folder.path}{table}` opens a page for this."
    )


def _rated_by_several(findings: StudyFindings) -> Sequence[VariableFindings]:
    return findings.variables if findings.compared_raters > 1 else ()


def _outside(variable: VariableFindings) -> tuple[str, ...]:
    return variable.confidence.mostly_outside(variable.accepted + variable.escalated)


def _statement(variable: VariableFindings) -> str:
    return f"{agreement_statement(variable.agreement, outside=_outside(variable))}."


def _not_met(variable: VariableFindings) -> tuple[str, ...]:
    if variable.required is None or variable.required.verdict.met:
        return ()
    return required_sentences(variable)


def _signs(findings: StudyFindings) -> tuple[str, ...]:
    """Write one line for each rater that shows signs of being unfit."""
    where: dict[str, dict[str, list[str]]] = {}
    for variable in findings.variables:
        for one in variable.fitness:
            for sign in one.signs:
                where.setdefault(one.rater, {}).setdefault(sign, []).append(variable.name)
    return tuple(
        f'"{rater}" may be unfit: it '
        + listed([f"{_SIGNS[sign]} ({some(names)})" for sign, names in signs.items()])
        + ". Its labels may mean little."
        for rater, signs in where.items()
    )


def _table(findings: StudyFindings) -> WordTable:
    several = findings.compared_raters > 1
    right = any(one.accuracy_accepted for one in findings.variables)
    people = any(one.people for one in findings.variables)
    names = dict.fromkeys(
        leading_coefficient(one.agreement).name for one in findings.variables if several
    )
    table = WordTable(
        f"Decisions ({findings.decided_by})"
        + f". Agreement of {counted(findings.compared_raters, 'rater')} on "
        f"{compared_items(findings)}" * several,
        words=("variable",),
        numbers=(
            *("accepted", "escalated"),
            *(("by a person", "unresolved", "open") if people else ()),
            *((" or ".join(names), "95% interval", "alpha") if several else ()),
            *(("accepted right", "95% interval", "one answer for all") if right else ()),
        ),
        whole=_WHOLE,
    )
    for variable in findings.variables:
        table.add_row(
            variable.name,
            f"{variable.accepted:,}",
            f"{variable.escalated:,}",
            *(_people_cells(variable) if people else ()),
            *(_agreement_cells(variable) if several else ()),
            *(_accuracy_cells(variable) if right else ()),
        )
    return table


def _people_cells(variable: VariableFindings) -> tuple[str, ...]:
    by_person = 0 if variable.people is None else variable.people.adjudicated
    return f"{by_person:,}", f"{variable.unresolved:,}", f"{variable.open:,}"


def _agreement_cells(variable: VariableFindings) -> tuple[str, ...]:
    leading = leading_coefficient(variable.agreement)
    alpha = variable.agreement.coefficient("Krippendorff alpha")
    return (
        estimate(leading.value, leading.interval_low, leading.interval_high),
        interval(leading.interval_low, leading.interval_high),
        estimate(alpha.value, alpha.interval_low, alpha.interval_high),
    )


def _accuracy_cells(variable: VariableFindings) -> tuple[str, ...]:
    """Return how many accepted labels are right, beside an answer that needs no model."""
    found, gold = variable.accuracy_accepted, variable.gold
    if found is None:
        return ("", "", "")
    low, high = found.interval_low, found.interval_high
    always = gold.baselines[1].evaluation.accuracy.value if gold and gold.baselines else None
    return share(found.value, low, high), share_interval(low, high), share(always)


def _held_back(variable: VariableFindings) -> tuple[str, ...]:
    """State which items need no label, and the main reason why others are escalated."""
    counts = sorted(
        ((reason, count) for reason, count in variable.reason_counts if count),
        key=lambda one: -one[1],
    )
    lines = [*no_answer_sentences(variable)]
    if counts:
        reason, count = counts[0]
        rest = f" ({counted(len(counts) - 1, 'more reason')})" if len(counts) > 1 else ""
        lines.append(f"{count:,} escalated: {reason}{rest}")
    return tuple(lines)


def _say_not_confirmed(findings: StudyFindings, console: Console) -> None:
    counts: dict[str, int] = {}
    for variable in findings.variables:
        for rater in variable.raters:
            found = dict(rater.reason_counts).get(NOT_CONFIRMED, 0)
            counts[rater.rater] = counts.get(rater.rater, 0) + found
    for name, count in counts.items():
        if count:
            say(console, f"{name} did not confirm {counted(count, 'proposed label')}.")


def _say_unlabeled(findings: StudyFindings, console: Console) -> None:
    if not findings.unlabeled:
        return
    if findings.ratings_sha256 is not None:
        cells = len(findings.variables) * len(findings.raters) * findings.item_count
        say(
            console,
            f"{findings.unlabeled:,} of {cells:,} cells (item by rater) have no label. The "
            "ratings do not show whether the rater was asked.",
        )
        return
    reasons: dict[str, int] = {}
    for variable in findings.variables:
        for rater in variable.raters:
            for reason, count in rater.reason_counts:
                # Items without an answer have their own line.
                if variable.no_answer and is_without_answer(reason):
                    continue
                if reason == NOT_CONFIRMED:
                    continue
                reasons[reason] = reasons.get(reason, 0) + count
    has = "label has" if findings.unlabeled == 1 else "labels have"
    why = sorted(reasons.items(), key=lambda one: -one[1])
    shown = [f"{count:,} {reason}" for reason, count in why[:_MOST_REASONS_WITHOUT_LABEL]]
    if rest := len(why) - len(shown):
        shown.append(more(rest, whole=_WHOLE))
    say(console, f"{findings.unlabeled:,} {has} no category: {', '.join(shown)}.")


def _remarks(findings: StudyFindings) -> int:
    """Count the sentences that only the details have."""
    left_out = len(position_sentences(findings))
    for variable in findings.variables:
        if findings.compared_raters > 1:
            left_out += len(agreement_verdict(variable.agreement, outside=_outside(variable))) - 1
        left_out += variable.required is not None and variable.required.verdict.met
        left_out += max(sum(count > 0 for _, count in variable.reason_counts) - 1, 0)
        left_out += len(variable.expected_errors)
    return left_out

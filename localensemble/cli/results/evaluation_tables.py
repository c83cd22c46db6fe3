"""Show the comparison of a study with gold labels on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from localensemble.api.findings import (
    CorrectedPrevalence,
    Evaluation,
    GoldComparison,
    NamedEvaluation,
    RankingQuality,
    StudyFindings,
    VariableFindings,
)
from localensemble.cli.console import say
from localensemble.cli.numbers import accuracy_cells, measured
from localensemble.cli.results.word_table import WordTable
from localensemble.core.estimates import estimate, interval, number, share, share_interval

_WHOLE = "findings.json has all"
# More columns do not fit on a terminal; findings.json has them all.
_MOST_RATERS = 5
_MOST_CATEGORIES = 12
_COVERAGES = (0.25, 0.5, 0.75, 1.0)


def show_evaluation(findings: StudyFindings, *, console: Console) -> None:
    """Print every comparison with gold labels, variable by variable."""
    for variable in findings.variables:
        if variable.gold is not None:
            _show_variable(variable, variable.gold, console)


def show_prevalence(
    prevalence: Sequence[CorrectedPrevalence],
    *,
    variable: str,
    assumptions: Sequence[str],
    console: Console,
) -> None:
    """Print the share of each category in the whole study, and the assumptions."""
    table = WordTable(
        f"{variable}: share of each category in the whole study",
        words=("category",),
        numbers=("counted", "corrected", "95% interval", "gold items", "missed", "overcounted"),
    )
    for corrected in prevalence:
        found = corrected.interval
        low, high = (None, None) if found is None else (found.low, found.high)
        table.add_row(
            corrected.category,
            share(corrected.consensus_share),
            share(corrected.share, low, high),
            share_interval(low, high),
            f"{corrected.gold_items:,}",
            f"{corrected.missed:,}",
            f"{corrected.overcounted:,}",
        )
    console.print(table)
    for assumption in assumptions:
        say(console, f"  Assumed: {assumption}.")
    console.print()


def _show_variable(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    _show_whose(variable, gold, console)
    consensus = gold.evaluated[len(variable.raters)]
    _show_categories(variable, gold, console)
    _show_confusion(variable, consensus, console)
    _show_ordinal(variable, gold, console)
    _show_scores(variable, gold, console)
    _show_calibration(variable, gold, console)
    _show_pairs(variable, gold, console)
    _show_shared(variable, gold, console)
    _show_coverage(variable, gold, console)
    _show_frontier(variable, gold, console)
    _show_groups(variable, gold, console)
    _show_audit(variable, gold, console)


def _show_whose(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    table = WordTable(
        f"{variable.name}: compared with {gold.gold_items:,} gold labels",
        words=("who",),
        numbers=("accuracy", "95% interval", "items", "no label", "macro F1", "weighted F1"),
        whole=_WHOLE,
    )
    for named in (*gold.evaluated, *gold.baselines):
        found = named.evaluation
        table.add_row(
            named.who,
            *accuracy_cells(found),
            f"{found.unlabeled:,}",
            measured(found.macro_f1),
            measured(found.weighted_f1),
        )
    console.print(table)
    if gold.learned_sentence:
        say(console, f"{gold.learned_sentence}\n")


def _show_categories(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    raters = gold.evaluated[: len(variable.raters)][:_MOST_RATERS]
    consensus = gold.evaluated[len(variable.raters)].evaluation
    table = WordTable(
        f"{variable.name}: consensus by category",
        words=("category",),
        numbers=(
            *("gold", "labeled", "precision", "recall", "F1"),
            *(f"F1 {named.who}" for named in raters),
        ),
        whole=_WHOLE,
    )
    for k, found in enumerate(consensus.categories):
        table.add_row(
            found.category,
            f"{found.gold_items:,}",
            f"{found.labeled_items:,}",
            measured(found.precision),
            measured(found.recall),
            measured(found.f1),
            *(measured(named.evaluation.categories[k].f1) for named in raters),
        )
    console.print(table)


def _show_confusion(
    variable: VariableFindings, consensus: NamedEvaluation, console: Console
) -> None:
    names = variable.categories
    if len(names) > _MOST_CATEGORIES:
        console.print(
            f"{variable.name}: findings.json has the confusion matrix of {len(names)} categories."
        )
        return
    table = WordTable(
        f"{variable.name}: gold category (rows) and consensus (columns)",
        words=("gold",),
        numbers=(*map(str, range(1, len(names) + 1)), "none"),
    )
    for position, (name, counts) in enumerate(
        zip(names, consensus.evaluation.confusion.tolist(), strict=True), start=1
    ):
        table.add_row(f"{position} {name}", *(f"{count:,}" for count in counts))
    console.print(table)


def _show_ordinal(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    if gold.evaluated[0].evaluation.ordinal is None:
        return
    table = WordTable(
        f"{variable.name}: distance from the gold category, in steps",
        words=("who",),
        numbers=("mean distance", "mean shift", "at most one step off"),
        whole=_WHOLE,
    )
    for named in gold.evaluated:
        ordinal = named.evaluation.ordinal
        if ordinal is not None:
            table.add_row(
                named.who,
                measured(ordinal.mean_distance),
                measured(ordinal.mean_shift),
                share(ordinal.within_one.value),
            )
    console.print(table)


def _show_scores(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    table = WordTable(
        f"{variable.name}: how well scores tell right from wrong consensus",
        words=("score",),
        numbers=(
            *("items", "wrong", "AUROC", "area under risk"),
            *(f"wrong in the surest {coverage:.0%}" for coverage in _COVERAGES),
        ),
    )
    for ranking in gold.rankings:
        quality = ranking.quality
        table.add_row(
            ranking.score.replace("_", " "),
            f"{quality.items:,}",
            f"{quality.wrong:,}",
            measured(quality.auroc),
            measured(quality.area_under_risk),
            *(share(_risk_at(quality, coverage)) for coverage in _COVERAGES),
        )
    console.print(table)


def _risk_at(quality: RankingQuality, coverage: float) -> float | None:
    """Return the error rate if at least this share is accepted; equal scores go together."""
    points = [point for point in quality.curve if point.coverage >= coverage - 1e-9]
    return points[0].risk if points else None


def _show_calibration(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    known = [named for named in gold.calibrations if named.quality.items]
    if not known:
        return
    table = WordTable(
        f"{variable.name}: how well probabilities match frequencies",
        words=("whose",),
        numbers=("items", "ECE", "Brier", "log loss"),
    )
    for named in known:
        table.add_row(
            named.who,
            f"{named.quality.items:,}",
            measured(named.quality.expected_calibration_error),
            measured(named.quality.brier),
            measured(named.quality.log_loss),
        )
    console.print(table)
    for named in known:
        if named.quality.zeros:
            say(console, f"  {named.who}: {named.quality.zeros_note}")
    bins = WordTable(
        f"{variable.name}: highest probability and share right, {known[-1].who}",
        words=("highest probability",),
        numbers=("items", "mean probability", "share right"),
    )
    for found in known[-1].quality.bins:
        if found.items:
            bins.add_row(
                f"above {found.low:.1f} to {found.high:.1f}",
                f"{found.items:,}",
                number(found.mean_probability),
                number(found.accuracy),
            )
    console.print(bins)


def _show_pairs(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    if not gold.comparisons:
        return
    table = WordTable(
        f"{variable.name}: are two raters right equally often? (exact McNemar test)",
        words=("first", "second"),
        numbers=("items", "only first right", "only second right", "p"),
        whole=_WHOLE,
    )
    for pair in gold.comparisons:
        found = pair.comparison
        table.add_row(
            pair.first,
            pair.second,
            f"{found.items:,}",
            f"{found.only_first:,}",
            f"{found.only_second:,}",
            "undefined" if found.p_value.value is None else f"{found.p_value.value:.3g}",
        )
    console.print(table)


def _show_shared(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    errors = gold.shared_errors
    same = (
        f"On {errors.same_wrong:,} of these they chose the same category, so disagreement cannot "
        "reveal the error."
        if errors.same_wrong
        else "They never chose the same wrong category."
    )
    say(
        console,
        f"{variable.name}: all raters are wrong on {errors.all_wrong:,} of {errors.items:,} gold "
        f"items; if they erred independently, {errors.expected_all_wrong:.1f} would be expected. "
        f"{same}\n",
    )


def _show_coverage(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    covered = gold.escalation
    part = share(covered.wrong_escalated / covered.wrong) if covered.wrong else "none to find"
    say(
        console,
        f"{variable.name}: {covered.escalated:,} of {covered.gold_items:,} gold items are "
        f"escalated. They include {covered.wrong_escalated:,} of the {covered.wrong:,} wrong "
        f"consensus labels ({part}).\n",
    )


def _show_frontier(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    if not gold.frontier:
        return
    table = WordTable(
        f"{variable.name}: errors left against items reviewed, by acceptance threshold",
        words=(),
        numbers=(
            *("accepted from", "reviewed", "errors left, of all items", "95% interval"),
            *("cost", "saved"),
        ),
    )
    for point in gold.frontier:
        table.add_row(
            "nothing" if point.threshold is None else f"{point.threshold:.4g}",
            share(point.reviewed_share),
            share(point.error_share, point.interval.low, point.interval.high),
            share_interval(point.interval.low, point.interval.high),
            f"{point.cost:,.6g}",
            share(point.saved_share),
        )
    console.print(table)
    console.print(
        "The best row of this table looks better than it is; use `certify` for a promise.\n",
        style="dim",
    )


def _show_groups(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    if not gold.groups:
        return
    table = WordTable(
        f"{variable.name}: accuracy by group",
        words=("group", "who"),
        numbers=("accuracy", "95% interval", "items", "no label", "macro F1"),
        whole=_WHOLE,
    )
    for group in gold.groups:
        for named in group.evaluated:
            table.add_row(group.group or "(blank)", named.who, *_group_cells(named.evaluation))
    console.print(table)


def _group_cells(found: Evaluation) -> tuple[str, ...]:
    return (*accuracy_cells(found), f"{found.unlabeled:,}", measured(found.macro_f1))


def _show_audit(variable: VariableFindings, gold: GoldComparison, console: Console) -> None:
    audit = gold.audit
    if audit is None:
        return
    if audit.accuracy is None or audit.interval is None:
        result = f"no accuracy, because {audit.undefined_because}."
    else:
        low, high = audit.interval.low, audit.interval.high
        result = (
            f"accuracy of the {audit.accepted:,} accepted labels is "
            f"{estimate(audit.accuracy, low, high)} ({interval(low, high)}), from "
            f"{audit.audited:,} drawn at random."
        )
    say(console, f"{variable.name}, random audit: {result}")
    if audit.accuracy is not None and gold.audit_unlabeled:
        say(
            console,
            f"  {gold.audit_unlabeled:,} items drawn for the audit have no gold label. Leaving "
            "out hard items makes the result look better than it is.",
        )

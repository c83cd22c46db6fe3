"""Show agreement in full, as tables on the terminal, variable by variable, the verdict first.

Names come from other people's files: they are printed without markup, and characters that
cannot be printed are replaced. Numbers are rounded here and nowhere earlier.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from localensemble.api.agree import (
    Agreement,
    AgreementReport,
    CategoryAgreement,
    Coefficient,
    CrossCheck,
    DoubleFault,
    ErrorDependence,
    VariableAgreement,
    Verdict,
    agreement_verdict,
    check_result,
    cross_check_summary,
    effective_raters,
    leading_coefficient,
    no_band_because,
    reached_word,
    resampling_notes,
    single_label_notes,
    why_missing,
)
from localensemble.cli.console import MOST_ROWS, cut
from localensemble.cli.results.word_table import WordTable, literal
from localensemble.core.estimates import decimals, estimate, interval, number

_MOST_PAIRS = 15
WHOLE = "--json writes all"

_DESCRIBED = {"identity": "", "nominal": ""}


def show_agreement(report: AgreementReport, *, console: Console) -> None:
    """Print everything about the agreement on every variable and group."""
    for message in cut(report.messages, whole=WHOLE):
        say_literally(console, message)
    if len(report.variables) > 1:
        console.print(overview(report))
    for found in report.variables:
        _show_variable(found, report, console)
    if report.checks:
        console.print()
        say_literally(console, cross_check_summary(report.checks), style="bold")
    say_literally(
        console,
        "Agreement does not show that labels are right.",
        style="dim",
    )


def _show_variable(found: VariableAgreement, report: AgreementReport, console: Console) -> None:
    agreement = found.agreement
    console.print()
    console.rule(literal(found.title, style="bold"), align="left")
    for sentence in agreement_verdict(agreement):
        say_literally(console, sentence)
    for verdict in found.verdicts:
        say_literally(console, required_line(verdict), style="bold")
    say_literally(console, items_line(agreement))
    console.print(coefficient_table(found, report))
    for line in (
        *why_missing(shown.coefficient for shown in found.coefficients),
        *single_label_notes(agreement),
        *resampling_notes(found.coefficients),
    ):
        say_literally(console, line)
    console.print(_benchmark_table(found))
    _show_categories(agreement, console)
    if agreement.by_rater:
        _show_raters(agreement, console)
    _show_bias(agreement, console)
    _show_pairs(agreement, console)
    if found.dependence:
        _show_shared_errors(found.dependence, console)
    if found.checks:
        _show_checks(found.checks, console)


def required_line(verdict: Verdict) -> str:
    """State whether a required agreement is met, and why."""
    met = "met" if verdict.met else "NOT MET"
    return f"Required {verdict.requirement}: {met}; {verdict.because}."


def overview(report: AgreementReport) -> WordTable:
    """Return a table with the leading coefficient of every variable and group."""
    table = WordTable(
        "All variables and groups",
        words=("variable", "group") if _grouped(report) else ("variable",),
        numbers=(
            "items used",
            "raters",
            "coefficient",
            "value",
            _interval_heading(report),
            "alpha",
        ),
        whole=WHOLE,
    )
    for found in report.variables:
        leading = leading_coefficient(found.agreement)
        names = (found.variable, found.group or "") if _grouped(report) else (found.variable,)
        table.add_row(
            *names,
            f"{leading.items_used:,}",
            f"{leading.raters:,}",
            _name(leading),
            _value(leading),
            _interval(leading),
            _value(found.agreement.coefficient("Krippendorff alpha")),
        )
    return table


def _grouped(report: AgreementReport) -> bool:
    return any(found.group is not None for found in report.variables)


def items_line(agreement: Agreement) -> str:
    """Count the items used, and those left out."""
    counts = agreement.counts
    left_out = []
    if counts.with_one_label:
        left_out.append(f"{counts.with_one_label:,} with one label")
    if counts.without_labels:
        left_out.append(f"{counts.without_labels:,} without labels")
    used = (
        f"{counts.used:,} of {counts.items:,} items used (two or more labels), "
        f"{counts.unanimous:,} of them unanimous, "
        f"{counts.labeled_by_all:,} labeled by all {_active(agreement):,} raters"
    )
    return f"{used}; left out: {', '.join(left_out)}." if left_out else f"{used}."


def _active(agreement: Agreement) -> int:
    if not agreement.by_rater:
        return len(agreement.raters)
    return sum(profile.labels > 0 for profile in agreement.by_rater)


def coefficient_table(found: VariableAgreement, report: AgreementReport) -> WordTable:
    """Return a table of every coefficient of one variable."""
    drawn = any(shown.bootstrap is not None for shown in found.coefficients)
    table = WordTable(
        f"Coefficients ({found.agreement.level} level)",
        words=("coefficient",),
        numbers=(
            "value",
            _interval_heading(report),
            *(("bootstrap",) if drawn else ()),
            "std. error",
            "p",
            "observed",
            "expected",
        ),
    )
    for shown in found.coefficients:
        one = shown.coefficient
        ends = (one.interval_low, one.interval_high)
        bootstrap = (_interval(shown.bootstrap),) if shown.bootstrap else ()
        table.add_row(
            _name(one),
            _value(one),
            _interval(one),
            *bootstrap,
            "" if one.standard_error is None else number(one.standard_error),
            _p_value(one.p_value),
            estimate(one.observed_agreement, *ends),
            "" if one.expected_agreement is None else estimate(one.expected_agreement, *ends),
        )
    return table


def _benchmark_table(found: VariableAgreement) -> WordTable:
    rated = [shown for shown in found.coefficients if shown.benchmarks]
    scales = [benchmark.scale for benchmark in rated[0].benchmarks] if rated else []
    table = WordTable(
        "Benchmark scales: the word that the whole interval reaches",
        words=("coefficient", *scales),
        numbers=(),
    )
    without = no_band_because(found.agreement)
    for shown in rated:
        words = [
            "none"
            if word is None or without
            else word
            if word == one.naive_word
            else f"{word} (estimate: {one.naive_word})"
            for one in shown.benchmarks
            for word in [reached_word(shown.coefficient, scale=one.scale)]
        ]
        table.add_row(_name(shown.coefficient), *words)
    return table


def _show_categories(agreement: Agreement, console: Console) -> None:
    table = WordTable(
        "By category",
        words=("category",),
        numbers=("labels", "share", "specific agreement", "kappa against the rest"),
    )
    for one in _most_frequent(agreement):
        specific = one.specific_agreement
        table.add_row(
            one.category,
            f"{one.labels:,}",
            "" if one.share is None else f"{one.share:.1%}",
            _with_interval(specific),
            _with_interval(one.against_rest),
        )
    console.print(table)
    _say_cut(
        console, len(agreement.by_category), "categories", shown=MOST_ROWS, which="most frequent"
    )


def _most_frequent(agreement: Agreement) -> list[CategoryAgreement]:
    """Choose the categories to show: all, or the most frequent ones, in their own order."""
    by_labels = sorted(agreement.by_category, key=lambda one: -one.labels)[:MOST_ROWS]
    shown = {one.category for one in by_labels}
    return [one for one in agreement.by_category if one.category in shown]


def _show_raters(agreement: Agreement, console: Console) -> None:
    labels = [profile.labels for profile in agreement.by_rater]
    if len(labels) > MOST_ROWS:
        say_literally(
            console,
            f"{len(labels):,} raters gave {min(labels):,} to {max(labels):,} labels each. "
            "Use `--json` to list them.",
        )
    else:
        console.print(_rater_table(agreement))


def _rater_table(agreement: Agreement) -> WordTable:
    # Without one of two raters there is no agreement to measure.
    influence = {one.rater: one for one in agreement.without_rater if _active(agreement) > 2}
    headings = (
        *(f"{agreement.leading} without this rater", "change"),
        *("Fleiss kappa without it", "change"),
    )
    table = WordTable(
        "By rater",
        words=("rater",),
        numbers=("labels", "gaps", *(headings if influence else ()))
    )  # fmt: skip
    for profile in agreement.by_rater:
        cells = [profile.rater, f"{profile.labels:,}", f"{profile.gaps:,}"]
        if influence:
            one = influence[profile.rater]
            cells.append(_value(one.without))
            cells.append(_signed(one.change, one.without))
            cells.append(_value(one.kappa_without))
            cells.append(_signed(one.kappa_change, one.kappa_without))
        table.add_row(*cells)
    return table


def _show_bias(agreement: Agreement, console: Console) -> None:
    spread = agreement.prevalence
    if spread.largest_category is None or spread.largest_share is None:
        return
    line = f'Prevalence: {spread.largest_share:.1%} of the labels are "{spread.largest_category}".'
    if spread.bias is not None and spread.bias_raters is not None:
        most, least = spread.bias_raters
        line += (
            f' Bias: the share of "{spread.bias_category}" is {spread.bias * 100:.1f} percentage '
            f'points larger with "{most}" than with "{least}".'
        )
    say_literally(console, line)


def _show_pairs(agreement: Agreement, console: Console) -> None:
    if agreement.pairs_left_out_because:
        say_literally(console, f"Pairs of raters: {agreement.pairs_left_out_because}.")
        return
    if not agreement.by_pair:
        return
    pairs = list(zip(agreement.by_pair, agreement.excess, strict=True))
    # Least agreement first: these are the ones to look at.
    pairs.sort(key=lambda pair: (pair[0].ac1.value is not None, pair[0].ac1.value))
    table = WordTable(
        "By pair of raters, least agreement first",
        words=("rater", "rater"),
        numbers=("items", "percent", "AC1", "Cohen kappa", "excess"),
    )
    for pair, excess in pairs[:_MOST_PAIRS]:
        table.add_row(
            pair.first,
            pair.second,
            f"{pair.percent.items_used:,}",
            "none" if pair.percent.value is None else f"{pair.percent.value:.1%}",
            _value(pair.ac1),
            _value(pair.cohen),
            _signed(excess.excess, pair.ac1),
        )
    console.print(table)
    if len(agreement.raters) > 2:
        say_literally(
            console,
            "Excess: how much more the two agree than each agrees with the other raters.",
            style="dim",
        )
    _say_cut(console, len(pairs), "pairs", shown=_MOST_PAIRS)


def _show_shared_errors(dependence: ErrorDependence, console: Console) -> None:
    say_literally(console, effective_raters(dependence))
    if not dependence.pairs:
        return
    table = WordTable(
        "Errors in common, by pair of raters, largest share first",
        words=("rater", "rater"),
        numbers=("items", "both wrong", "same wrong", "if independent", "correlation"),
    )
    pairs = sorted(dependence.pairs, key=lambda pair: -(pair.rate or 0.0))
    for pair in pairs[:_MOST_PAIRS]:
        shares = ("none" if one is None else f"{one:.1%}" for one in _rates(pair))
        table.add_row(pair.first, pair.second, f"{pair.items:,}", *shares, number(pair.correlation))
    console.print(table)
    _say_cut(console, len(pairs), "pairs", shown=_MOST_PAIRS)


def _rates(pair: DoubleFault) -> tuple[float | None, ...]:
    return pair.rate, pair.same_wrong, pair.if_independent


def _show_checks(checks: Sequence[CrossCheck], console: Console) -> None:
    table = WordTable(
        "Cross-check",
        words=("coefficient", "package", "compared"),
        numbers=("largest difference",),
    )
    for check in checks:
        table.add_row(
            check.title,
            f"{check.package} {check.version}",
            check_result(check),
            "" if check.largest_difference is None else f"{check.largest_difference:.1e}",
        )
    console.print(table)


def say_literally(console: Console, sentence: str, *, style: str = "") -> None:
    """Print a sentence unchanged, however narrow the terminal, without control characters."""
    console.print(literal(sentence, style=style), soft_wrap=True)


def _say_cut(console: Console, count: int, what: str, *, shown: int, which: str = "first") -> None:
    if count > shown:
        say_literally(
            console, f"The {which} {shown} of {count:,} {what} are shown; `--json` writes all."
        )


def _name(coefficient: Coefficient) -> str:
    weights = _DESCRIBED.get(coefficient.weights, f" ({coefficient.weights})")
    return f"{coefficient.name}{weights}"


def _interval_heading(report: AgreementReport) -> str:
    return f"{report.settings.confidence_level * 100:.4g}% interval"


def _interval(coefficient: Coefficient) -> str:
    return interval(coefficient.interval_low, coefficient.interval_high)


def _value(coefficient: Coefficient) -> str:
    return estimate(coefficient.value, coefficient.interval_low, coefficient.interval_high)


def _with_interval(coefficient: Coefficient) -> str:
    if coefficient.value is None or coefficient.interval_low is None:
        return _value(coefficient)
    return f"{_value(coefficient)} ({_interval(coefficient)})"


def _signed(difference: float | None, coefficient: Coefficient) -> str:
    """Write a difference with its sign, and with the digits of a coefficient."""
    digits = decimals(coefficient.interval_low, coefficient.interval_high)
    return "" if difference is None else f"{difference:+.{digits}f}"


def _p_value(value: float | None) -> str:
    return "" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"

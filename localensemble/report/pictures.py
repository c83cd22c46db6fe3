"""Which figures a report has, what they show, and how each is said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from localensemble.findings.agreement import Agreement, PairAgreement
from localensemble.findings.confidence import BIN_COUNT, ConfidenceSpread
from localensemble.findings.gold_comparison import GoldComparison, ScoreRanking
from localensemble.findings.study_findings import VariableFindings
from localensemble.report.figures import (
    Estimate,
    IntervalPoint,
    Series,
    dot_plot,
    forest_plot,
    heatmap,
    histogram,
    line_plot,
    reliability_diagram,
)
from localensemble.report.wording import coefficient_name, number, share

# More would be lines nobody can tell apart; the table has them all.
MOST_SERIES = 12
"""Raters up to which a figure, or a table of its own, shows each."""
_MOST_CONFUSION_FIGURE = 60
_MOST_CATEGORIES = 60
MOST_CELLS = 5000
"""Raters times categories up to which a table shows what each rater chose how often."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure for the page; ``svg`` is markup that holds no address and no script."""

    svg: Markup
    caption: str


def forest_picture(name: str, agreement: Agreement) -> Picture:
    """Show the coefficients of one variable with their intervals."""
    corrected = {benchmark.coefficient for benchmark in agreement.benchmarks}
    drawn = [
        Estimate(coefficient_name(one), one.value, one.interval_low, one.interval_high)
        for one in agreement.coefficients
        # Percent agreement has another zero: on this axis it would look like a good value.
        if one.name in corrected
    ]
    said = "; ".join(f"{one.name} {number(one.value)}" for one in drawn)
    return Picture(
        Markup(forest_plot(drawn, alt=f"Forest plot of the agreement on {name}. {said}.")),
        "Coefficients with their intervals. Percent agreement is not among them: chance alone "
        "lifts it above 0.",
    )


def pairs_picture(name: str, agreement: Agreement) -> Picture | None:
    """Show AC1 of every two raters; None where there are no two."""
    if not agreement.by_pair:
        return None
    values = pair_values(agreement)
    known = [one for row in values for one in row if one is not None]
    alt = f"Heatmap of AC1 between every two raters on {name}. "
    alt += f"From {number(min(known))} to {number(max(known))}." if known else "None is defined."
    raters = agreement.raters
    drawn = heatmap(
        raters,
        columns=raters,
        shades=values,
        texts=[
            ["" if row == column else number(value) for column, value in enumerate(line)]
            for row, line in enumerate(values)
        ],
        alt=alt,
    )
    return Picture(Markup(drawn), "AC1 of every two raters on the items both labeled.")


def pair_values(agreement: Agreement) -> list[list[float | None]]:
    """Arrange AC1 of every two raters as a symmetric table; None where there is none."""
    found: dict[tuple[str, str], PairAgreement] = {
        (one.first, one.second): one for one in agreement.by_pair
    }
    values: list[list[float | None]] = []
    for first in agreement.raters:
        values.append([])
        for second in agreement.raters:
            pair = found.get((first, second)) or found.get((second, first))
            values[-1].append(None if pair is None else pair.ac1.value)
    return values


def shares_picture(name: str, agreement: Agreement) -> Picture | None:
    """Show which share of its labels each rater gave each category; None without labels."""
    active = [one for one in agreement.by_rater if one.labels]
    if not active:
        return None
    # The most frequent categories, in the codebook's order.
    by_labels = sorted(agreement.by_category, key=lambda one: -one.labels)[:_MOST_CATEGORIES]
    drawn_names = {one.category for one in by_labels}
    places = [k for k, name in enumerate(agreement.categories) if name in drawn_names]
    names = [agreement.categories[k] for k in places]
    series = [
        Series(one.rater, tuple(one.category_labels[k] / one.labels for k in places))
        for one in active[:MOST_SERIES]
    ]
    alt = f"Dot plot of the categories on {name}, by rater. " + " ".join(
        _largest(one, names) for one in series
    )
    drawn = dot_plot(names, series=series, x_label="share of its labels", alt=alt)
    return Picture(
        Markup(drawn),
        "How often each rater chose each category."
        + _frequent_only(len(agreement.categories))
        + _first_only(len(active)),
    )


def confidence_picture(variable: VariableFindings) -> Picture | None:
    """Show how each rater's confidence is spread; None where no rater gave any."""
    known = [one for one in variable.confidence.raters if one.assigned.known]
    if not known:
        return None
    series = [Series(one.rater, bin_shares(one.assigned)) for one in known[:MOST_SERIES]]
    means = "; ".join(f"{one.rater} {number(one.assigned.mean)}" for one in known[:MOST_SERIES])
    drawn = histogram(
        bin_names(),
        series=series,
        x_label="confidence in the chosen category",
        alt=f"Distribution of each rater's confidence on {variable.name}. Means: {means}.",
    )
    return Picture(
        Markup(drawn),
        "Share of each rater's labels by its own confidence." + _first_only(len(known)),
    )


def reliability_picture(variable: VariableFindings, gold: GoldComparison) -> Picture | None:
    """Show how often a confidence is right; None where no probabilities are known."""
    known = [one for one in gold.calibrations if one.quality.items][:MOST_SERIES]
    lines = [
        (
            one.who,
            [
                (held.mean_probability, held.accuracy)
                for held in one.quality.bins
                if held.mean_probability is not None and held.accuracy is not None
            ],
        )
        for one in known
    ]
    errors = [f"{one.who} {number(one.quality.expected_calibration_error.value)}" for one in known]
    if not lines:
        return None
    return Picture(
        Markup(
            reliability_diagram(
                lines,
                alt=f"Reliability diagram for {variable.name}. Expected calibration error: "
                f"{'; '.join(errors)}.",
            )
        ),
        "Below the diagonal a rater is surer than it is right; above it, less sure.",
    )


def risk_picture(variable: VariableFindings, gold: GoldComparison) -> Picture | None:
    """Show how the share of wrong labels grows with the share accepted; None without a curve."""
    drawn = drawn_rankings(gold)
    if not drawn:
        return None
    accepted = accepted_point(variable, gold)
    marked = (
        "No accepted item has a gold label."
        if accepted is None
        else f"As decided, {share(accepted.x)} are accepted and {share(accepted.y)} of them are "
        f"wrong, 95% interval {share(accepted.low)} to {share(accepted.high)}."
    )
    areas = "; ".join(
        f"{one.score.replace('_', ' ')} {number(one.quality.area_under_risk.value)}"
        for one in drawn
    )
    return Picture(
        Markup(
            line_plot(
                [
                    (
                        one.score.replace("_", " "),
                        [(at.coverage, at.risk) for at in one.quality.curve],
                    )
                    for one in drawn
                ],
                points=[] if accepted is None else [accepted],
                labels=("share of the gold items accepted", "share of them wrong"),
                alt=f"Risk and coverage on {variable.name}: share of wrong labels against share "
                f"accepted, from the highest score down. Area under the curve: {areas}. {marked}",
            )
        ),
        "Accepting from the highest score down. The mark is what was accepted, with its exact 95% "
        "interval; it need not lie on a curve, because other policies escalate too.",
    )


def drawn_rankings(gold: GoldComparison) -> list[ScoreRanking]:
    """Give the scores that have a curve, each curve once: support often is the method's score."""
    drawn: list[ScoreRanking] = []
    for one in gold.rankings:
        steps = [(at.coverage, at.risk) for at in one.quality.curve]
        if steps and all(
            steps != [(at.coverage, at.risk) for at in other.quality.curve] for other in drawn
        ):
            drawn.append(one)
    return drawn


def risk_at(ranking: ScoreRanking, coverage: float) -> float | None:
    """Give the share wrong when at most this share is accepted; None when nothing can be."""
    reached = [at for at in ranking.quality.curve if at.coverage <= coverage + 1e-9]
    return reached[-1].risk if reached else None


def accepted_point(variable: VariableFindings, gold: GoldComparison) -> IntervalPoint | None:
    """Give what was accepted: share of the gold items with a consensus, and share wrong."""
    found, consensus = variable.accuracy_accepted, variable.accuracy_consensus
    if found is None or consensus is None or found.value is None:
        return None
    if found.interval_low is None or found.interval_high is None:
        return None
    return IntervalPoint(
        "accepted, as decided",
        found.items / consensus.items,
        1.0 - found.value,
        1.0 - found.interval_high,
        1.0 - found.interval_low,
    )


def frontier_picture(variable: VariableFindings, gold: GoldComparison) -> Picture | None:
    """Show what reading more buys: share read against errors left; None without gold items."""
    if not gold.frontier:
        return None
    points = [
        IntervalPoint("", one.reviewed_share, one.error_share, one.interval.low, one.interval.high)
        for one in gold.frontier
    ]
    decided = gold.escalation
    left = (decided.wrong - decided.wrong_escalated) / decided.gold_items
    read = decided.escalated / decided.gold_items
    ends = " to ".join(
        f"{share(one.error_share)} when {share(one.reviewed_share)} are read"
        for one in (gold.frontier[0], gold.frontier[-1])
    )
    return Picture(
        Markup(
            line_plot(
                [("", [(one.x, one.y) for one in points])],
                points=[*points, IntervalPoint("as decided", read, left, None, None)],
                labels=("share a person reads", "errors left, share of all"),
                alt=f"Cost frontier on {variable.name}: errors left against the share of the items "
                f"a person reads. From {ends}. As decided, {share(read)} are read and "
                f"{share(left)} are left wrong.",
            )
        ),
        "Errors left, as share of all gold items, with exact 95% intervals, when a person reads "
        "whatever is below a score. The best point, picked afterwards, flatters; only a "
        "certificate is a promise.",
    )


def confusion_picture(
    variable: VariableFindings, who: str, confusion: Sequence[Sequence[int]]
) -> Picture | None:
    """Show which gold category was labeled what; None for more categories than one can see."""
    if len(variable.categories) > _MOST_CONFUSION_FIGURE:
        return None
    totals = [sum(row) for row in confusion]
    right = sum(row[index] for index, row in enumerate(confusion))
    drawn = heatmap(
        variable.categories,
        columns=[*variable.categories, "no label"],
        shades=[
            [count / total if total else None for count in row]
            for row, total in zip(confusion, totals, strict=True)
        ],
        texts=[[f"{count:,}" if count else "" for count in row] for row in confusion],
        labels=("gold label", "label"),
        alt=f"Confusion matrix of {who} on {variable.name}: {right:,} of {sum(totals):,} gold "
        "items are on the diagonal.",
    )
    return Picture(Markup(drawn), "Rows are gold labels; darker is a larger share of the row.")


def bin_names() -> list[str]:
    """Name the bins of a confidence, from low to high."""
    return [f"{k / BIN_COUNT:g}\N{EN DASH}{(k + 1) / BIN_COUNT:g}" for k in range(BIN_COUNT)]


def bin_shares(spread: ConfidenceSpread) -> tuple[float | None, ...]:
    """Give the share of each bin; None where nothing is known."""
    return tuple(count / spread.known if spread.known else None for count in spread.bins)


def _largest(series: Series, categories: Sequence[str]) -> str:
    values = [value or 0.0 for value in series.values]
    top = max(range(len(values)), key=values.__getitem__)
    return f"{series.name} most often chose {categories[top]} ({share(values[top])})."


def _frequent_only(count: int) -> str:
    if count <= _MOST_CATEGORIES:
        return ""
    return f" The {_MOST_CATEGORIES} most frequent of {count} categories."


def _first_only(count: int) -> str:
    if count <= MOST_SERIES:
        return ""
    return f" The first {MOST_SERIES} of {count} raters; the table has all."

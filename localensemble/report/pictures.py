"""Choose the figures of a report, what they show, and how words describe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from localensemble.core.estimates import number, share, share_interval
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
from localensemble.report.wording import coefficient_name

# Nobody can tell more lines apart; the table has them all.
MOST_SERIES = 12
"""A figure, or a table for each rater, shows at most this many raters."""
_MOST_CONFUSION_FIGURE = 60
_MOST_CATEGORIES = 60
MOST_CELLS = 5000
"""A table shows how often each rater chose each category up to this many cells."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure for the page; ``svg`` is markup without addresses and scripts."""

    svg: Markup
    caption: str


def forest_picture(name: str, agreement: Agreement) -> Picture:
    """Draw the coefficients of one variable with their intervals."""
    corrected = {benchmark.coefficient for benchmark in agreement.benchmarks}
    drawn = [
        Estimate(coefficient_name(one), one.value, one.interval_low, one.interval_high)
        for one in agreement.coefficients
        # Chance gives percent agreement more than 0, so on this axis it would look good.
        if one.name in corrected
    ]
    values = "; ".join(f"{one.name} {number(one.value)}" for one in drawn)
    return Picture(
        Markup(forest_plot(drawn, alt=f"Forest plot of the agreement on {name}. {values}.")),
        "Coefficients with their intervals. Percent agreement is not shown, because chance alone "
        "lifts it above 0.",
    )


def pairs_picture(name: str, agreement: Agreement) -> Picture | None:
    """Draw AC1 of each pair of raters; None if no pair was measured."""
    if not agreement.by_pair:
        return None
    values = pair_values(agreement)
    known = [one for row in values for one in row if one is not None]
    alt = f"Heatmap of AC1 for each pair of raters on {name}. "
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
    return Picture(Markup(drawn), "AC1 of each pair of raters on the items that both labeled.")


def pair_values(agreement: Agreement) -> list[list[float | None]]:
    """Arrange AC1 of each pair of raters as a symmetric table; None if it is undefined."""
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
    """Draw the share of its labels that each rater gave each category; None without labels."""
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
    drawn = dot_plot(names, series=series, x_label="share of the rater's labels", alt=alt)
    return Picture(
        Markup(drawn),
        "How often each rater chose each category."
        + _frequent_only(len(agreement.categories))
        + _first_only(len(active)),
    )


def confidence_picture(variable: VariableFindings) -> Picture | None:
    """Draw the distribution of each rater's confidence; None if no rater gave one."""
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
        "Share of each rater's labels in each bin of its confidence." + _first_only(len(known)),
    )


def reliability_picture(variable: VariableFindings, gold: GoldComparison) -> Picture | None:
    """Draw how often labels of each confidence are right; None without probabilities."""
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
        "Below the diagonal a rater is overconfident, above it underconfident.",
    )


def risk_picture(variable: VariableFindings, gold: GoldComparison) -> Picture | None:
    """Draw how the share of wrong labels grows with the share accepted; None without a curve."""
    drawn = drawn_rankings(gold)
    if not drawn:
        return None
    accepted = accepted_point(variable, gold)
    marked = (
        "No accepted item has a gold label."
        if accepted is None
        else f"As decided, {share(accepted.x)} are accepted and "
        f"{share(accepted.y, accepted.low, accepted.high)} of these are wrong (95% interval "
        f"{share_interval(accepted.low, accepted.high)})."
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
                labels=("share of the gold items accepted", "share of these that are wrong"),
                alt=f"Risk and coverage on {variable.name}: share of wrong labels against share "
                f"accepted, from the highest score down. Area under the curve: {areas}. {marked}",
            )
        ),
        "Labels are accepted from the highest score down. The mark shows what was accepted, with "
        "an exact 95% interval; it can lie off the curves, because other policies also escalate.",
    )


def drawn_rankings(gold: GoldComparison) -> list[ScoreRanking]:
    """Return the scores with a curve, each curve once: support is often the method's score."""
    drawn: list[ScoreRanking] = []
    for one in gold.rankings:
        steps = [(at.coverage, at.risk) for at in one.quality.curve]
        if steps and all(
            steps != [(at.coverage, at.risk) for at in other.quality.curve] for other in drawn
        ):
            drawn.append(one)
    return drawn


def risk_at(ranking: ScoreRanking, coverage: float) -> float | None:
    """Return the share wrong if at most this share is accepted; None if nothing can be."""
    reached = [at for at in ranking.quality.curve if at.coverage <= coverage + 1e-9]
    return reached[-1].risk if reached else None


def accepted_point(variable: VariableFindings, gold: GoldComparison) -> IntervalPoint | None:
    """Return the point of what was accepted: share of gold items with a consensus, share wrong."""
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
    """Draw errors left against the share a person reads; None without gold items."""
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
                labels=("share read by a person", "errors left, share of all"),
                alt=f"Cost frontier on {variable.name}: errors left against the share of the items "
                f"a person reads. From {ends}. As decided, {share(read)} are read and "
                f"{share(left)} are left wrong.",
            )
        ),
        "Errors left, as a share of all gold items, with exact 95% intervals, if a person reads "
        "every item below a score. A point picked because it looks best is too optimistic; only a "
        "certificate is a promise.",
    )


def confusion_picture(
    variable: VariableFindings, who: str, confusion: Sequence[Sequence[int]]
) -> Picture | None:
    """Draw the confusion matrix; None if it has too many categories to read."""
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
    return Picture(Markup(drawn), "Rows are gold labels; darker cells are larger shares of a row.")


def bin_names() -> list[str]:
    """Return the names of the confidence bins, from low to high."""
    return [f"{k / BIN_COUNT:g}\N{EN DASH}{(k + 1) / BIN_COUNT:g}" for k in range(BIN_COUNT)]


def bin_shares(spread: ConfidenceSpread) -> tuple[float | None, ...]:
    """Return the share of labels in each bin; None if no confidence is known."""
    return tuple(count / spread.known if spread.known else None for count in spread.bins)


def _largest(series: Series, categories: Sequence[str]) -> str:
    values = [value or 0.0 for value in series.values]
    top = max(range(len(values)), key=values.__getitem__)
    return f"{series.name} most often chose {categories[top]} ({share(values[top])})."


def _frequent_only(count: int) -> str:
    if count <= _MOST_CATEGORIES:
        return ""
    return f" The figure shows the {_MOST_CATEGORIES} most frequent of {count} categories."


def _first_only(count: int) -> str:
    if count <= MOST_SERIES:
        return ""
    return f" The figure shows the first {MOST_SERIES} of {count} raters; the table shows all."

"""Compute Krippendorff's alpha at four levels from sums over items.

The ordinal metric of two categories is the squared difference of their mid-ranks among all
labels in use, so it depends on the data. The analytic standard error, the bootstrap and the
jackknife all take that into account.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from localensemble.agreement.estimators import (
    Booleans,
    Disagreement,
    Floats,
    dense_totals,
    divide,
)
from localensemble.agreement.intervals import Facts, Interval, estimate
from localensemble.agreement.methods import AgreementSettings, CoefficientMethod
from localensemble.agreement.patterns import CountPatterns, Integers
from localensemble.agreement.prepared import Labels, prepare
from localensemble.agreement.result import AgreementError, Coefficient, Level, LevelError
from localensemble.agreement.size_limits import refuse_too_large
from localensemble.agreement.weights import category_values, ratio_distance

LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")


class _KrippendorffAlpha(CoefficientMethod):
    """Measure agreement beyond what shuffling the same labels among items would give.

    Corrects for small samples. Leaves out all items with fewer than two labels. Observed and
    expected agreement are one minus Krippendorff's disagreements, divided by the largest
    distance between two declared categories.

    Args:
        labels: N items by R raters.
        level: the level of measurement, deliberately without a default: a wrong level gives
            a believable wrong number. Ordinal uses the categories in their declared order.
        values: the categories' increasing numbers; required for interval and ratio, not used
            for nominal and ordinal.
        interval: how to compute the interval; None chooses by the number of items.
        confidence_level: the confidence level of the interval.
    Undefined when: no item has labels from two raters, or a single category occurs on the
        items used (0/0).
    Raises:
        LevelError: the level is unknown, values are missing, or ratio values are negative.
    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; standard error:
        linearization after Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition;
        reproduced in tests/golden/krippendorff_2011.json.
    """

    uses_weights = "level"

    def __call__(
        self,
        labels: Labels,
        *,
        level: Level,
        values: Sequence[float] | None = None,
        interval: Interval | None = None,
        confidence_level: float = 0.95,
    ) -> Coefficient:
        """Compute the coefficient; the class describes the arguments."""
        prepared = prepare(labels)
        refuse_too_large(prepared, ordinal_alpha=level == "ordinal")
        distance = _distance(level, values, category_count=prepared.category_count)
        counts = prepared.counts
        paired = counts.counts[counts.counts.sum(axis=1) >= 2].sum(axis=0)
        occurring = [prepared.categories[k] for k in np.flatnonzero(paired)]
        return estimate(
            AlphaEstimator(counts, distance),
            Facts(
                name=self.name,
                weights=level,
                item_count=prepared.item_count,
                items_differing=prepared.items_differing,
                raters=prepared.rater_count,
                confidence_level=confidence_level,
                chance_is_total_because=(
                    f'only the category "{occurring[0]}" occurs on the items used, so there is no '
                    "variation to agree about (0/0)"
                    if occurring
                    else ""
                ),
            ),
            interval,
        )

    def compute(self, labels: Labels, settings: AgreementSettings) -> Coefficient:
        """Compute the coefficient at the level of its variable."""
        return self(
            labels,
            level=settings.level,
            values=settings.values,
            interval=settings.interval,
            confidence_level=settings.confidence_level,
        )


krippendorff_alpha = _KrippendorffAlpha(
    name="Krippendorff alpha",
    possessive="Krippendorff's alpha",
    aliases=("alpha", "krippendorff"),
    chance="shuffling the labels among the items",
    citation="Krippendorff K (2011). Computing Krippendorff's alpha-reliability. "
    "University of Pennsylvania, Departmental Papers (ASC) 43.",
    irrcac="krippendorff",
)


def _distance(
    level: Level, values: Sequence[float] | None, *, category_count: int
) -> Floats | None:
    """Return squared distances scaled to at most 1, or None for the ordinal metric."""
    if level not in LEVELS:
        raise LevelError(
            f"level: unknown level of measurement {level!r}.",
            hint=f"Choose one of {', '.join(LEVELS)}.",
        )
    if level == "ordinal":
        return None
    if level == "nominal":
        return 1.0 - np.eye(category_count)
    if values is None:
        raise LevelError(
            f"level: {level!r} needs a number for each category, but `values` is missing.",
            hint="Pass `values`, or use the ordinal level.",
        )
    try:
        numbers = category_values(values, category_count=category_count)
        if level == "ratio":
            distance = ratio_distance(numbers)
        else:
            distance = (numbers[:, None] - numbers[None, :]) ** 2
    except AgreementError as error:
        raise LevelError(error.message, hint=error.hint) from error
    return np.asarray(distance / distance.max()) if category_count > 1 else distance


class AlphaEstimator:
    """Krippendorff's alpha with a fixed distance, or with the ordinal metric (None)."""

    def __init__(self, patterns: CountPatterns, distance: Floats | None) -> None:
        labels = patterns.counts.sum(axis=1)
        kept = labels >= 2
        self.draws = patterns.draws
        self.kept: Booleans = kept
        self._multiplicity: Integers = patterns.multiplicity[kept]
        self._counts = patterns.counts[kept].astype(np.float64)
        self._labels = labels[kept].astype(np.float64)
        self._distance = distance
        if distance is not None:
            apart = ((self._counts @ distance) * self._counts).sum(axis=1)
            self._gap: Floats = np.asarray(apart / (self._labels - 1.0))
        category_count = self._counts.shape[1]
        self._low, self._high = np.triu_indices(category_count, k=1)

    @property
    def multiplicity(self) -> Integers:
        """(P,) number of items that show each pattern with at least two labels."""
        return self._multiplicity

    @property
    def items_used(self) -> int:
        """Items with two or more labels."""
        return int(self._multiplicity.sum())

    @property
    def heaviest_item(self) -> float:
        """Weight of the item with most labels, relative to the mean item."""
        mean = float(self._multiplicity @ self._labels) / self.items_used
        return float(self._labels.max()) / mean

    def statistics(self, start: int, stop: int) -> Floats:
        """Return columns: K labels, then the disagreement or the coincidences of each pair."""
        counts = self._counts[start:stop]
        if self._distance is not None:
            return np.column_stack([counts, self._gap[start:stop]])
        return np.column_stack([counts, self._coincidences(counts, self._labels[start:stop])])

    def totals(self, items: Floats) -> Floats:
        """Sum over items."""
        return dense_totals(self, items)

    def _coincidences(self, counts: Floats, labels: Floats) -> Floats:
        both = 2.0 * counts[:, self._low] * counts[:, self._high]
        return np.asarray(both / (labels[:, None] - 1.0))

    def disagreement(self, totals: Floats) -> Disagreement:
        """Divide the distances within items by those among all labels."""
        category_count = self._counts.shape[1]
        margins = totals[:, :category_count]
        labels = margins.sum(axis=1)
        if self._distance is not None:
            found = totals[:, category_count]
            among = ((margins @ self._distance) * margins).sum(axis=1)
        else:
            ranks = _mid_ranks(margins)
            reach = ranks[:, -1] - ranks[:, 0]
            apart = divide(ranks[:, self._high] - ranks[:, self._low], reach[:, None]) ** 2
            found = (totals[:, category_count:] * apart).sum(axis=1)
            among = 2.0 * (margins[:, self._low] * margins[:, self._high] * apart).sum(axis=1)
        return Disagreement(divide(found, labels), divide(among, labels * (labels - 1.0)))

    def influence(self, disagreement: Disagreement) -> Floats:
        """Linearize in the labels and coincidences, and for ordinal also in the metric."""
        items = self.items_used
        margins = self._multiplicity @ self._counts
        total = float(margins.sum())
        if self._distance is not None:
            distance, gap = self._distance, self._gap
        else:
            ranks = _mid_ranks(margins[None, :])[0]
            distance = (ranks[:, None] - ranks[None, :]) ** 2
            apart = ((self._counts @ distance) * self._counts).sum(axis=1)
            gap = np.asarray(apart / (self._labels - 1.0))
        found = float(self._multiplicity @ gap)
        among = float(margins @ distance @ margins)
        # Gwet's formula is for the value without its small-sample factor,
        # 1 - total * found / among, so the standard error is larger by total / (total - 1). It
        # weighs an item's number of labels by the observed agreement with that factor, which
        # adds the last term; that term vanishes when all items have the same number of labels.
        change = (
            self._labels / total
            + gap / found
            - 2.0 * (self._counts @ (distance @ margins)) / among
            + (self._labels / total - 1.0 / items) / total
        )
        if self._distance is None:
            change += self._metric_change(margins, ranks, found=found, among=among)
        return np.asarray(-total * found / among * items * change)

    def _metric_change(
        self, margins: Floats, ranks: Floats, *, found: float, among: float
    ) -> Floats:
        """Return (P,) the relative change of found / among as the labels move the mid-ranks."""
        pairs = self._multiplicity @ self._coincidences(self._counts, self._labels)
        coincidences = np.zeros((margins.size, margins.size))
        coincidences[self._low, self._high] = coincidences[self._high, self._low] = pairs / 2.0
        to_found = 4.0 * (coincidences.sum(axis=1) * ranks - coincidences @ ranks)
        to_among = 4.0 * margins * (margins.sum() * ranks - float(margins @ ranks))
        return np.asarray(_mid_ranks(self._counts) @ (to_found / found - to_among / among))


def _mid_ranks(margins: Floats) -> Floats:
    """Return (B, K) the number of labels below each category plus half of its own."""
    return np.asarray(np.cumsum(margins, axis=1) - margins / 2.0)

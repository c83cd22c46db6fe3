"""Count how often intervals of agreement miss the true value, for docs/agreement.md.

    .venv/bin/python scripts/reference/interval_coverage.py [draws]

Raters label items of a known population: each gives the true category with a fixed probability and
otherwise, with equal shares, one of its neighbors or any category. The true coefficient is computed
from 400,000 such items. For each number of items and each interval, the table shows the share of
draws in which the lower limit lies above the true value, and in which the upper limit lies below
it; 2.5% each is right. Draws in which the coefficient has no value are left out and counted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement import (
    AgreementSettings,
    Analytic,
    Bootstrap,
    Coefficient,
    Interval,
    WeightScheme,
    method_named,
)
from localensemble.core.label_matrix import LabelMatrix

ITEMS = (10, 20, 50, 100, 200)
INTERVALS: dict[str, Interval | None] = {
    "default": None,
    "analytic": Analytic(),
    "bootstrap": Bootstrap(400),
}
POPULATION = 400_000


@dataclass(frozen=True, slots=True)
class Population:
    """Items and raters to draw from: shares of the true categories, raters, and their accuracy."""

    name: str
    coefficient: str
    weights: WeightScheme
    shares: tuple[float, ...]
    raters: int
    right: float

    def draw(self, generator: np.random.Generator, items: int) -> LabelMatrix:
        """Draw labels of items."""
        count = len(self.shares)
        size = (items, self.raters)
        true = generator.choice(count, size=(items, 1), p=self.shares)
        near = np.clip(true + generator.choice([-1, 1], size=size), 0, count - 1)
        anything = generator.integers(0, count, size)
        wrong = np.where(generator.random(size) < 0.5, near, anything)
        cells = np.where(generator.random(size) < self.right, true, wrong).astype(np.int16)
        names = tuple(f"c{k}" for k in range(count))
        return LabelMatrix(cells, names, tuple(f"r{j}" for j in range(self.raters)))

    def compute(self, matrix: LabelMatrix, interval: Interval | None) -> Coefficient:
        """Compute the coefficient."""
        settings = AgreementSettings(level="nominal", weights=self.weights, interval=interval)
        return method_named(self.coefficient).compute(matrix, settings)


EVEN2, EVEN5, RARE = (0.5, 0.5), (0.2,) * 5, (0.93, 0.07)
KAPPA, ALPHA = "Fleiss kappa", "Krippendorff alpha"
POPULATIONS = (
    Population("AC2 ordinal, 2 raters, 5 even categories", "AC2", "ordinal", EVEN5, 2, 0.85),
    Population("AC2 quadratic, 2 raters, 5 even categories", "AC2", "quadratic", EVEN5, 2, 0.95),
    Population("AC1, 2 raters, 2 even categories", "AC1", "identity", EVEN2, 2, 0.9),
    Population("AC1, 4 raters, 5 even categories", "AC1", "identity", EVEN5, 4, 0.7),
    Population("AC1, 2 raters, a rare category (7%)", "AC1", "identity", RARE, 2, 0.95),
    Population("Fleiss kappa, 3 raters, 5 even categories", KAPPA, "identity", EVEN5, 3, 0.8),
    Population("alpha, 3 raters, 2 even categories", ALPHA, "identity", EVEN2, 3, 0.9),
    Population("Fleiss kappa, 3 raters, a rare category (7%)", KAPPA, "identity", RARE, 3, 0.9),
    Population("alpha, 3 raters, a rare category (7%)", ALPHA, "identity", RARE, 3, 0.9),
)  # fmt: skip


def missed(
    population: Population, *, items: int, interval: Interval | None, draws: int, truth: float
) -> tuple[float, float, int]:
    """Return the shares of draws whose limits miss the truth, low and high, and draws without."""
    generator = np.random.default_rng(items)
    found = [population.compute(population.draw(generator, items), interval) for _ in range(draws)]
    ends: NDArray[np.float64] = np.array(
        [
            (one.interval_low, one.interval_high)
            for one in found
            if one.interval_low is not None and one.interval_high is not None
        ]
    )
    low, high = float((ends[:, 0] > truth).mean()), float((ends[:, 1] < truth).mean())
    return low, high, draws - len(ends)


def main(draws: int, say: Callable[[str], object] = print) -> None:
    """Print a row of Markdown for each population and interval."""
    say(f"| {draws:,} draws | interval | " + " | ".join(f"N = {n}" for n in ITEMS) + " |")
    say("| --- | --- |" + " --- |" * len(ITEMS))
    for population, (name, interval) in product(POPULATIONS, INTERVALS.items()):
        many = population.draw(np.random.default_rng(0), POPULATION)
        truth = population.compute(many, Analytic()).value or 0.0
        cells = []
        for items in ITEMS:
            low, high, without = missed(
                population, items=items, interval=interval, draws=draws, truth=truth
            )
            cells.append(f"{low:.1%} / {high:.1%}" + (f" ({without})" if without else ""))
        say(f"| {population.name}: {truth:.3f} | {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)

"""Estimate how frequent each category is in the whole file, corrected for label errors.

Counting consensus labels repeats the raters' errors. A random sample of gold labels shows
how far the counts are off; the correction is unbiased however wrong the raters are.

Source: Angelopoulos et al. (2023), Prediction-powered inference, Science 382, 669-674,
arXiv 2301.09633; for a finite file this is the difference estimator of survey sampling.
The interval is that of Bonett and Price (2012), Br. J. Math. Stat. Psychol. 65, 479-488,
for the difference of two paired shares, with the finite-population factor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from localensemble.consensus.certificates.bounds import Interval
from localensemble.consensus.protocol import NO_CONSENSUS, CategoryArray

_NORMAL_975 = 1.959963984540054

PREVALENCE_ASSUMPTIONS: tuple[str, ...] = (
    "the items with gold labels were drawn at random from the whole file",
    "the gold labels are correct",
    "at least about 50 items have gold labels; with fewer, the interval is only rough",
)


@dataclass(frozen=True, slots=True)
class CorrectedPrevalence:
    """Share of one category in the whole file.

    Attributes:
        category: name of the category.
        consensus_share: uncorrected share of all items that have this consensus.
        gold_items: n, the number of items with a gold label.
        missed: gold items of this category with another consensus or none.
        overcounted: gold items of another category with this consensus.
        share: corrected share, in [0, 1]; None if there are no gold labels.
        interval: 95% interval of the share; None if there are no gold labels.
        undefined_because: why there is no corrected share; empty if there is one.
    """

    category: str
    consensus_share: float
    gold_items: int
    missed: int
    overcounted: int
    share: float | None
    interval: Interval | None
    undefined_because: str


def corrected_prevalence(
    consensus: CategoryArray, *, gold: CategoryArray, categories: Sequence[str]
) -> tuple[CorrectedPrevalence, ...]:
    """Estimate the share of every category among all items.

    The shares sum to 1 if every item has a consensus, and otherwise only approximately.

    Args:
        consensus: (N,) categories of all items, -1 without a consensus.
        gold: (N,) gold labels of a random sample of them, -1 elsewhere.
        categories: the K category names.

    Raises:
        ValueError: the arrays differ in length, or there are no items.
    """
    if consensus.shape != gold.shape or consensus.ndim != 1 or not len(consensus):
        raise ValueError(f"consensus {consensus.shape} and gold {gold.shape} do not fit.")
    known = gold != NO_CONSENSUS
    return tuple(
        _of_category(
            name,
            consensus_share=float(np.mean(consensus == k)),
            missed=int(np.count_nonzero(known & (gold == k) & (consensus != k))),
            overcounted=int(np.count_nonzero(known & (gold != k) & (consensus == k))),
            gold_items=int(np.count_nonzero(known)),
            item_count=len(consensus),
        )
        for k, name in enumerate(categories)
    )


def _of_category(
    category: str,
    *,
    consensus_share: float,
    missed: int,
    overcounted: int,
    gold_items: int,
    item_count: int,
) -> CorrectedPrevalence:
    if gold_items == 0:
        return CorrectedPrevalence(
            category, consensus_share, 0, 0, 0, None, None, "no item has a gold label"
        )
    correction = (missed - overcounted) / gold_items
    # Add one of each: finding no error among few gold items is not certainty.
    adjusted = gold_items + 2
    more, less = (missed + 1) / adjusted, (overcounted + 1) / adjusted
    variance = (more + less - (more - less) ** 2) / adjusted
    finite = 1.0 - gold_items / item_count
    half_width = _NORMAL_975 * math.sqrt(max(0.0, variance * finite))
    # If all items have gold labels, there is nothing left to estimate or adjust.
    middle = more - less if finite > 0 else correction
    share = _clipped(consensus_share + correction)
    return CorrectedPrevalence(
        category=category,
        consensus_share=consensus_share,
        gold_items=gold_items,
        missed=missed,
        overcounted=overcounted,
        share=share,
        interval=Interval(
            min(share, _clipped(consensus_share + middle - half_width)),
            max(share, _clipped(consensus_share + middle + half_width)),
        ),
        undefined_because="",
    )


def _clipped(share: float) -> float:
    return min(max(share, 0.0), 1.0)

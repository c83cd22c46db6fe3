"""Compare labels with existing ones, and let other raters label again what differs.

Where both sides agree, nobody looks again, except at a random audit. Where they differ, each side
has one vote and the majority of the other raters has the third. The share of items on which the
labels stand after that is too high as an accuracy, unless the audit corrects it.
Source: Lu and Zhong (2024), arXiv 2410.09416.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.majority import Majority
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.random_draw import drawn_share

CategoryArray = NDArray[np.int16]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class AskedAgain:
    """Which of N items other raters label again.

    Attributes:
        differs: bool (N,); both sides have a label, and the labels differ.
        audited: bool (N,); the agreements that the audit drew.
    """

    differs: BoolArray
    audited: BoolArray

    @property
    def asked(self) -> BoolArray:
        """The items that the other raters are asked about: bool (N,)."""
        return self.differs | self.audited


def asked_again(
    existing: CategoryArray,
    *,
    given: CategoryArray,
    item_ids: Sequence[str],
    audit_share: float = 0.0,
    seed: int = 0,
) -> AskedAgain:
    """Find every disagreement, and draw a random share of the agreements, rounded up.

    Args:
        existing: (N,); the existing categories, -1 where there is none.
        given: (N,); the categories of the labels to compare with them, -1 where there is none.
        item_ids: the N ids; the draw depends on them, not on their order.
        audit_share: the share of the agreements to draw, from 0 to 1.
        seed: another seed draws other items.
    """
    both = (existing != GAP) & (given != GAP)
    agrees = both & (existing == given)
    audited = drawn_share(
        agrees, item_ids=item_ids, share=audit_share, seed=seed, purpose="existing"
    )
    return AskedAgain(both & ~agrees, audited)


@dataclass(frozen=True, slots=True, eq=False)
class Relabeled:
    """What other raters made of the items that they were asked about.

    Attributes:
        relabels: int16 (N,); the category of the majority of the other raters, -1 where they were
            not asked or have no majority. Give this to `findings.people.existing_comparison` as
            what decides, to get the agreement before and after, and the share won per category.
        categories: int16 (N,); the category with at least two of the three votes, or the one on
            which both sides agree; -1 where all three differ or a vote is missing.
    """

    relabels: CategoryArray
    categories: CategoryArray


def relabel(
    existing: CategoryArray, *, given: CategoryArray, again: LabelMatrix, asked: AskedAgain
) -> Relabeled:
    """Decide disagreements by the majority of the existing label, the given one and a new one.

    An audited agreement stands whatever the other raters say, because two of three votes are the
    same; the audit only counts how often they say otherwise.

    Args:
        existing: (N,); the existing categories, -1 where there is none.
        given: (N,); the categories of the labels that are compared.
        again: the labels of the other raters, N items by R raters; gaps where they were not asked.
        asked: what they were asked about; their labels of other items do not count.
    """
    majority = Majority().derive(again).categories
    relabels = np.where(asked.asked, majority, GAP).astype(np.int16)
    decides = asked.differs & (relabels != GAP)
    sides_with_one = decides & ((relabels == existing) | (relabels == given))
    both = (existing != GAP) & (existing == given)
    categories = np.full(len(existing), GAP, dtype=np.int16)
    categories[both] = given[both]
    categories[sides_with_one] = relabels[sides_with_one]
    return Relabeled(relabels, categories)

"""The items on which the study and existing labels differ, with the sides hidden.

A model is judged unfairly if only its own label is shown, or if the items come with a hint who
said what. So the items are shuffled, and neither label is shown.
Source: Lu and Zhong (2024), arXiv 2410.09416.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.random_draw import drawn_share, random_draw
from localensemble.review.plan.item_queue import BoolArray, Positions
from localensemble.review.plan.review_plan import ReviewPlan
from localensemble.study.decisions import Decisions


@dataclass(frozen=True, slots=True, eq=False)
class ExistingQueue:
    """What is reviewed to compare a study with existing labels.

    Attributes:
        positions: the items, disagreements and audited agreements shuffled together.
        differs: bool (N, V); True where both sides have a label and the labels differ.
        audited: bool (N, V); the agreements that the audit drew.
    """

    positions: Positions
    differs: BoolArray
    audited: BoolArray

    @property
    def asked(self) -> BoolArray:
        """The variables that each item asks: bool (N, V)."""
        return self.differs | self.audited


def existing_queue(
    existing: NDArray[np.int16],
    final: NDArray[np.int16],
    *,
    item_ids: Sequence[str],
    plan: ReviewPlan,
) -> ExistingQueue:
    """Queue every disagreement and a random share of the agreements.

    The audit of a variable draws its share of the agreements, rounded up. It does not depend
    on the order of the items.

    Args:
        existing: (N, V); the existing categories, -1 where there is none.
        final: (N, V); the categories of the study's labels, -1 where there is none.
        item_ids: the N ids.
        plan: the audit share and the seed.
    """
    both = (existing >= 0) & (final >= 0)
    differs = both & (existing != final)
    agrees = both & (existing == final)
    drawn = [
        drawn_share(
            agrees[:, variable],
            item_ids=item_ids,
            share=plan.audit_share,
            seed=plan.seed,
            purpose="existing",
        )
        for variable in range(agrees.shape[1])
    ]
    audited = np.stack(drawn, axis=1) if drawn else np.zeros_like(agrees)
    queued = np.flatnonzero((differs | audited).any(axis=1))
    # Another draw than that of the audit, which would put the audited items first.
    shuffled = [
        random_draw(f"order\x1f{item_ids[position]}", seed=plan.seed, purpose="existing")
        for position in queued.tolist()
    ]
    return ExistingQueue(queued[np.argsort(shuffled, kind="stable")], differs, audited)


def queue_of_study(
    decisions: Sequence[Decisions],
    existing: Mapping[str, NDArray[np.int16]],
    *,
    item_ids: Sequence[str],
    plan: ReviewPlan,
) -> ExistingQueue:
    """Queue what `existing_queue` does, from the decisions of a study and its existing labels."""
    return existing_queue(
        np.stack([existing[one.variable.name] for one in decisions], axis=1),
        np.stack([one.final for one in decisions], axis=1),
        item_ids=item_ids,
        plan=plan,
    )

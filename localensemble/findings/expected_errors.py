"""Estimate which share of the expected wrong labels a person reviews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from localensemble.consensus.certificates.frontier import expected_errors_covered
from localensemble.consensus.policies.budget import Budget
from localensemble.core.words import counted
from localensemble.study.decisions import Decisions


@dataclass(frozen=True, slots=True)
class ExpectedErrors:
    """The share of the expected wrong labels that a person reviews.

    Attributes:
        reason: the reason for which the items are escalated; empty for any reason.
        items: number of items escalated for it.
        share: share of the expected errors; None if no errors are expected.
        by: the basis of the expectation: an item's consensus is expected to be wrong with
            probability 1 - ``mean_probability``, or 1 - ``support`` if raters gave no
            probabilities. An item without a consensus is expected to be wrong.
    """

    reason: str
    items: int
    share: float | None
    by: Literal["mean_probability", "support"]

    def sentence(self) -> str:
        """Return a sentence with the share, its basis and its limits."""
        which = f"items {self.reason}" if self.reason else counted(self.items, "escalated item")
        if self.share is None:
            return f"No wrong labels are expected among the {which}."
        basis, limits = (
            ("the raters' own probabilities", "only gold labels can show whether these are right")
            if self.by == "mean_probability"
            else ("the raters' disagreement", "errors that all raters share are not counted")
        )
        return (
            f"Judging by {basis}, {self.share:.1%} of the labels expected to be wrong are among "
            f"the {which}; {limits}."
        )


def expected_errors(decided: Decisions) -> tuple[ExpectedErrors, ...]:
    """Return the share for all escalated items, and for those of each budget."""
    # All expected errors are among the escalated items where nothing is accepted: no finding.
    if not decided.escalated.any() or (decided.escalated | decided.no_answer).all():
        return ()
    unscored = bool(np.isnan(decided.mean_probability).all())
    scores = decided.support if unscored else decided.mean_probability
    read = {"": decided.escalated} | decided.with_code(Budget.name)
    return tuple(
        ExpectedErrors(
            reason,
            int(np.count_nonzero(mask)),
            expected_errors_covered(1.0 - scores, read=mask),
            "support" if unscored else "mean_probability",
        )
        for reason, mask in read.items()
    )

"""How reviewers changed their answers when they saw the labels of the raters.

A reviewer who answers blind first and then sees the labels shows how far the labels pull. Whoever
sees them from the start does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.words import counted
from localensemble.findings.people.answer_histories import Histories


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Answers before and after the labels were revealed, on one variable.

    Attributes:
        pairs: answers given blind and again after the reveal, both with a category.
        changed: pairs with two different categories.
        changed_share: the share of these; None without pairs.
        interval_low: lower end of its exact 95% interval.
        interval_high: upper end.
        toward: changes to the consensus category.
        away: changes from the consensus category to another.
        elsewhere: changes between two categories that are not the consensus, or where there is
            no consensus.
        blind_seconds: median time of first answers given blind; None if no time is known.
        blind_timed: number of these answers.
        shown_seconds: median time of first answers given with the labels in view.
        shown_timed: number of these answers.
    """

    pairs: int
    changed: int
    changed_share: float | None
    interval_low: float | None
    interval_high: float | None
    toward: int
    away: int
    elsewhere: int
    blind_seconds: float | None
    blind_timed: int
    shown_seconds: float | None
    shown_timed: int

    def sentence(self) -> str:
        """Return in words how far the labels moved the reviewers."""
        if self.changed_share is None:
            return (
                "No answer was given blind and again after the reveal, so it is unknown how far "
                "the labels move the reviewers."
            )
        return (
            f"After seeing the labels, reviewers changed {self.changed} of "
            f"{counted(self.pairs, 'blind answer')} ({self.changed_share:.1%}, 95% interval "
            f"{self.interval_low:.1%} to {self.interval_high:.1%}): {self.toward} to the "
            f"consensus, {self.away} away from it and {self.elsewhere} otherwise."
        )


def anchoring(histories: Histories, *, consensus: NDArray[np.int16]) -> Anchoring:
    """Compare each reviewer's first blind answer with the current one after the reveal.

    Args:
        histories: the answers of reviewers on one variable.
        consensus: (N,); the consensus categories, -1 without consensus.
    """
    pairs = changed = toward = away = 0
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for place, answers in histories.items():
        first, last = answers[0], answers[-1]
        if not np.isnan(first.seconds):
            seconds[first.revealed].append(first.seconds)
        if first.revealed or not last.revealed or None in (first.category, last.category):
            continue
        pairs += 1
        if first.category == last.category:
            continue
        changed += 1
        agreed = int(consensus[place.position])
        toward += last.category == agreed
        away += first.category == agreed
    interval = exact_interval(changed, items=pairs) if pairs else None
    return Anchoring(
        pairs=pairs,
        changed=changed,
        changed_share=changed / pairs if pairs else None,
        interval_low=None if interval is None else interval.low,
        interval_high=None if interval is None else interval.high,
        toward=toward,
        away=away,
        elsewhere=changed - toward - away,
        blind_seconds=_median(seconds[False]),
        blind_timed=len(seconds[False]),
        shown_seconds=_median(seconds[True]),
        shown_timed=len(seconds[True]),
    )


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None

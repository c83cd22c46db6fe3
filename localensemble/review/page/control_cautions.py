"""Compare the control items of a review with its queue, before the first one is shown."""

from __future__ import annotations

import numpy as np

from localensemble.review.page.kept_texts import KeptTexts
from localensemble.review.page.review_task import ReviewTask
from localensemble.review.plan.control_likeness import (
    sentences,
    unlike_categories,
    unlike_length,
)


def control_cautions(task: ReviewTask, texts: KeptTexts) -> tuple[str, ...]:
    """Return in words how control items differ from the others; empty without control items.

    Categories of the queue are those of the consensus, so a difference can also be that of the
    raters' mistakes.
    """
    if task.known is None or task.control is None:
        return ()
    queued = np.flatnonzero(task.waiting.asked.any(axis=1))
    control = np.flatnonzero(task.known.any(axis=1))
    lengths = texts.lengths()
    found = [unlike_length(lengths[queued], lengths[control])]
    for decided in task.waiting.decisions:
        name = decided.variable.name
        found.append(
            unlike_categories(
                name,
                queued=decided.categories[queued],
                control=task.control[name][control],
            )
        )
    return sentences(found)

"""Review the items on which raters disagree, and let a student learn from what was reviewed.

Works through the items in batches. The raters vote, and so does the student as soon as there is
one. What they do not agree on goes to a reviewer, once. Reviewed items collect in a buffer; when
it is full, the student is trained on all items reviewed so far and the buffer empties. A pure
function of labels and reviews: the same labels lead to the same result.
Source: Lu et al. (2025), AutoAnnotator, arXiv 2506.16393. There, an answer without a category
counts as the negative category; here, the item stays with people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.roles import AcceptRule, agreed_categories
from localensemble.core.label_matrix import GAP, LabelMatrix

Positions = NDArray[np.intp]
CategoryArray = NDArray[np.int16]

Reviewer = Callable[[Positions], CategoryArray]
"""Gets the positions of items, and returns their categories, -1 where it has none."""

Student = Callable[[Positions], CategoryArray]
"""Gets the positions of items, and returns their categories, -1 where it has none."""

Teacher = Callable[[Positions, CategoryArray], Student]
"""Gets the positions and categories of all reviewed items in order, and returns a student."""

_STUDENT = "\x1fstudent"


@dataclass(frozen=True, slots=True)
class UpdateEvent:
    """A full buffer.

    Attributes:
        number: 1 for the first.
        positions: the reviewed items in it, in the order of their review.
        before: the first item that the student of this event labels.
    """

    number: int
    positions: tuple[int, ...]
    before: int


@dataclass(frozen=True, slots=True, eq=False)
class HardSampleReview:
    """What became of N items.

    Attributes:
        categories: int16 (N,); the agreed category, or else the reviewed one; -1 where the item
            stays with people.
        reviewed: bool (N,); the items that the reviewer was asked about.
        student: int16 (N,); the category of the student that there was, -1 without one.
        updates: the events, in order.
        left_over: the reviewed items that are still in the buffer, in order.
    """

    categories: CategoryArray
    reviewed: NDArray[np.bool_]
    student: CategoryArray
    updates: tuple[UpdateEvent, ...]
    left_over: tuple[int, ...]

    @property
    def review_share(self) -> float | None:
        """The share of items that were reviewed; None without items."""
        return float(self.reviewed.mean()) if len(self.reviewed) else None

    @property
    def open(self) -> NDArray[np.bool_]:
        """The items that stay with people: bool (N,)."""
        return np.equal(self.categories, GAP)

    @property
    def calls_saved(self) -> int:
        """How many calls of the reviewer were saved, compared with reviewing every item."""
        return int(np.count_nonzero(~self.reviewed))


def review_hard_samples(
    labels: LabelMatrix,
    *,
    review: Reviewer,
    teach: Teacher | None = None,
    accept: AcceptRule = "unanimous",
    buffer_size: int = 100,
    batch_size: int = 64,
) -> HardSampleReview:
    """Accept what the raters agree on, review the rest, and let the student learn from it.

    Args:
        labels: N items by R raters; gaps are allowed.
        review: called at most once per batch, with the items to review in order.
        teach: called at each event; None for no student.
        accept: when raters and student agree.
        buffer_size: how many reviewed items make an event, at least 1.
        batch_size: how many items are labeled by one student, at least 1.
    """
    if buffer_size < 1 or batch_size < 1:
        raise ValueError(f"buffer_size {buffer_size} and batch_size {batch_size} must be above 0.")
    categories = np.full(labels.item_count, GAP, dtype=np.int16)
    judged = np.full(labels.item_count, GAP, dtype=np.int16)
    reviewed = np.zeros(labels.item_count, dtype=np.bool_)
    updates: list[UpdateEvent] = []
    taught: list[int] = []
    buffer: list[int] = []
    student: Student | None = None
    for start in range(0, labels.item_count, batch_size):
        stop = min(start + batch_size, labels.item_count)
        if student is not None:
            judged[start:stop] = student(np.arange(start, stop))
        votes = _votes(labels, judged, start, stop, with_student=student is not None)
        categories[start:stop] = agreed_categories(votes, accept=accept)
        hard = start + np.flatnonzero(categories[start:stop] == GAP)
        if not len(hard):
            continue
        reviewed[hard] = True
        categories[hard] = review(hard)
        buffer.extend(hard[categories[hard] != GAP].tolist())
        while len(buffer) >= buffer_size:
            event, buffer = buffer[:buffer_size], buffer[buffer_size:]
            taught.extend(event)
            updates.append(UpdateEvent(len(updates) + 1, tuple(event), stop))
            if teach is not None:
                places = np.array(taught, dtype=np.intp)
                student = teach(places, categories[places])
    return HardSampleReview(categories, reviewed, judged, tuple(updates), tuple(buffer))


def _votes(
    labels: LabelMatrix, judged: CategoryArray, start: int, stop: int, *, with_student: bool
) -> LabelMatrix:
    indices = labels.indices[start:stop]
    if not with_student:
        return LabelMatrix(indices, labels.categories, labels.raters)
    return LabelMatrix(
        np.column_stack([indices, judged[start:stop]]),
        labels.categories,
        (*labels.raters, _STUDENT),
    )

"""The records that are written to and read from a ledger, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NewType

import numpy as np
from numpy.typing import NDArray

from localensemble.core.identity import JsonValue, sha256_text
from localensemble.core.labels import LabelStatus
from localensemble.core.raters import Rater

ItemSetKey = NewType("ItemSetKey", int)
RaterKey = NewType("RaterKey", int)
ReviewerKey = NewType("ReviewerKey", int)
RunKey = NewType("RunKey", int)
VariableKey = NewType("VariableKey", int)

RunStatus = Literal["finished", "incomplete", "interrupted", "failed"]
AnswerKind = Literal["category", "cannot_decide", "codebook_unclear", "undone"]
DecisionRole = Literal["review", "adjudication", "control", "known", "existing"]
ReferenceRole = Literal["known", "existing"]
FileKind = Literal["certificate", "calibration"]
Shown = Literal["unknown", "item", "labels", "answers"]

# The status code of a cell without a label.
MISSING = 255


@dataclass(frozen=True, slots=True)
class VariableRecord:
    """A variable as the ledger stores it.

    ``content`` is the canonical JSON whose hash identifies the variable.
    """

    name: str
    content: str
    categories: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The hash of ``content``."""
        return sha256_text(self.content)


@dataclass(frozen=True, slots=True)
class CodebookRecord:
    """A codebook in the ledger; ``variables`` are in codebook order."""

    sha256: str
    content: str
    variables: Mapping[str, VariableKey]


@dataclass(frozen=True, slots=True)
class ItemSetRecord:
    """An item set in the ledger."""

    key: ItemSetKey
    sha256: str
    item_count: int


@dataclass(frozen=True, slots=True)
class RaterRecord:
    """A rater in the ledger, under its newest name."""

    key: RaterKey
    rater: Rater


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run: its start, its settings, and how it ended.

    The last three fields are None for a run that was cut off or is still going on.
    """

    key: RunKey
    started_at: str
    settings: JsonValue
    status: RunStatus | None
    finished_at: str | None
    summary: JsonValue


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """Where the items of a block stand: positions ``start`` to ``stop - 1`` of an item set."""

    item_set: ItemSetKey
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class BlockUsage:
    """The work that the labels of one block took.

    ``peak_memory_bytes`` is the engine's peak so far; the other numbers cover only this block.
    """

    prompt_tokens: int
    evaluated_tokens: int
    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class RaterUsage:
    """The work of one rater over several blocks; ``peak_memory_bytes`` is their highest value."""

    blocks: int
    labels: int
    prompt_tokens: int
    evaluated_tokens: int
    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """The number of labels of one rater and variable in each status.

    ``reasons`` counts labels without a category by the first word of their reason.
    """

    statuses: Mapping[LabelStatus, int]
    missing: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class LabelBlock:
    """The labels of n consecutive items by R raters for one variable of K categories.

    Attributes:
        status: (n, R) of `STATUS_CODES`, or `MISSING` for a cell without a label.
        category: (n, R), -1 unless assigned.
        confidence: (n, R), the rater's probability for the assigned category, or NaN.
        off_codebook_mass: (n, R); NaN if unknown.
        probabilities: (n, R, K); NaN if the rater gave none. None unless requested.
        reasons: maps (row, column) to the reason of each label without a category.
    """

    status: NDArray[np.uint8]
    category: NDArray[np.int16]
    confidence: NDArray[np.float64]
    off_codebook_mass: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    reasons: Mapping[tuple[int, int], str]


@dataclass(frozen=True, slots=True)
class Event:
    """One link of the chain; ``body`` is canonical JSON."""

    number: int
    kind: str
    recorded_at: str
    body: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Items that were withdrawn together; ``key`` is the number of the event.

    ``item_count`` counts an item once, whatever texts it had.
    """

    key: int
    recorded_at: str
    item_count: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of an item's text, by code points: ``start`` to ``stop - 1``.

    ``category`` is the position of the category that it stands for, and ``score`` how well; None
    if that was not asked.
    """

    start: int
    stop: int
    category: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class ItemPassages:
    """What one rater found in one item.

    Attributes:
        passages: in the rater's order; they may overlap.
        left_out: the number of quotes that were left out because they are not in the text.
        reason: why the rater could not be asked; empty if it was.
    """

    passages: tuple[Passage, ...] = ()
    left_out: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AskedForPassages:
    """Who was asked for passages, about what, and how.

    Attributes:
        rater: who.
        variable: about which variable.
        item_set: the item set in which positions are given.
        method: canonical JSON of everything that decides which passages are found, and their
            score. Asked in another way, a rater is asked again.
        run: the run that asked; None if it was asked after the run.
    """

    rater: RaterKey
    variable: VariableKey
    item_set: ItemSetKey
    method: str
    run: RunKey | None = None


@dataclass(frozen=True, slots=True)
class ReviewerRecord:
    """A person who decides, under the name they gave."""

    key: ReviewerKey
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDecision:
    """What a person decided about one item and variable.

    Attributes:
        position: where the item stands in the item set.
        variable: the variable that was decided.
        kind: ``category``, or why there is none; ``undone`` takes back what this reviewer
            decided before.
        category: its position in the variable; None unless ``kind`` is ``category``.
        role: ``adjudication`` settles decisions of other people that differ; ``control`` answers
            a control item and decides nothing. Two roles are labels of a table, not of a
            reviewer: the ``known`` category of a control item, and a label ``existing`` before
            the study.
        shown: what the person saw: the item only (blind), also the raters' labels, or also
            other people's answers.
        decided_at: UTC, ISO 8601.
        seconds: how long it took; None if unknown.
        confidence: 1 (low) to 3 (high); None if it was not asked for.
        error_type: the kind of mistake that the person ascribes to the raters.
        note: what the person wrote; it may quote the item.
        category_order: the positions of the categories in the order shown; None if that of the
            codebook.
    """

    position: int
    variable: VariableKey
    kind: AnswerKind
    category: int | None
    role: DecisionRole = "review"
    shown: Shown = "unknown"
    decided_at: str
    seconds: float | None = None
    confidence: int | None = None
    error_type: str | None = None
    note: str | None = field(default=None, repr=False)
    category_order: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDecision(NewDecision):
    """A recorded decision: also who made it, how it got here, and with which others."""

    batch: int
    reviewer: ReviewerKey
    origin: str


@dataclass(frozen=True, slots=True, eq=False)
class DecisionRows:
    """The D decisions of all people on one variable, the oldest first.

    Attributes:
        position: (D,) of the item in the item set.
        reviewer: (D,) of `ReviewerKey`.
        batch: (D,); decisions recorded later have a higher number.
        answer: (D,) of `ANSWER_CODES`.
        category: (D,), -1 unless the answer is a category.
        role: (D,) of `ROLE_CODES`.
        shown: (D,) of `SHOWN_CODES`.
        seconds: (D,), NaN if unknown.
    """

    position: NDArray[np.int64]
    reviewer: NDArray[np.int64]
    batch: NDArray[np.int64]
    answer: NDArray[np.uint8]
    category: NDArray[np.int16]
    role: NDArray[np.uint8]
    shown: NDArray[np.uint8]
    seconds: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.position)

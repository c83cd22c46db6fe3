"""The distribution of the raters' own confidence, counted block by block.

A confidence is a model rater's own number, not a probability of being right; evaluation
measures how far the two agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.core.labels import LabelStatus
from localensemble.ledger.schema import STATUS_CODES
from localensemble.study.decisions import Decisions
from localensemble.study.study_labels import BLOCK_ITEMS, StudyLabels

BIN_COUNT = 10
_WANTED_OUTSIDE = 0.5

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ConfidenceSpread:
    """The distribution of numbers between 0 and 1.

    Attributes:
        known: how many numbers there are.
        unknown: labels or items without a number.
        mean: mean of the known numbers; None if there are none.
        bins: counts in ten equal bins from 0 to 1, upper ends included (and 0 in the first).
    """

    known: int
    unknown: int
    mean: float | None
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RaterConfidence:
    """One rater's confidence in its own labels on one variable.

    Attributes:
        rater: the rater's name.
        assigned: the confidence of its assigned labels.
        mean_off_codebook_mass: mean over the labels for which it is known; None if for none.
        median_off_codebook_mass: median over the same labels.
        mostly_off_codebook: labels with more than half of the probability off the codebook.
    """

    rater: str
    assigned: ConfidenceSpread
    mean_off_codebook_mass: float | None
    mostly_off_codebook: int
    median_off_codebook_mass: float | None = None


@dataclass(frozen=True, slots=True)
class VariableConfidence:
    """Confidence on one variable.

    Attributes:
        raters: one entry per rater, in their order.
        accepted: mean probability of the consensus of accepted items.
        escalated: the same for escalated items; unknown for items without a consensus.
    """

    raters: tuple[RaterConfidence, ...]
    accepted: ConfidenceSpread
    escalated: ConfidenceSpread

    def mostly_outside(self, items: int) -> tuple[str, ...]:
        """Return the raters with mostly off-codebook mass on more than half of the items."""
        return tuple(one.rater for one in self.raters if 2 * one.mostly_off_codebook > items)


def variable_confidence(
    labels: StudyLabels, *, variable: Variable, decided: Decisions
) -> VariableConfidence:
    """Count the distribution of the confidence on one variable."""
    tallies = [_Tally() for _ in labels.rater_names]
    masses = [_Tally() for _ in labels.rater_names]
    # A median needs all numbers: eight bytes per label.
    known_masses: list[list[FloatArray]] = [[] for _ in labels.rater_names]
    for start in range(0, labels.item_count, BLOCK_ITEMS):
        stop = min(start + BLOCK_ITEMS, labels.item_count)
        block = labels.block(variable.name, start=start, stop=stop)
        assigned = block.status == STATUS_CODES[LabelStatus.ASSIGNED]
        for column in range(len(tallies)):
            tallies[column].add(block.confidence[assigned[:, column], column])
            mass = block.off_codebook_mass[:, column]
            masses[column].add(mass)
            known_masses[column].append(mass[~np.isnan(mass)])
    return VariableConfidence(
        raters=tuple(
            RaterConfidence(name, tally.spread(), mass.mean, mass.above, _median(known))
            for name, tally, mass, known in zip(
                labels.rater_names, tallies, masses, known_masses, strict=True
            )
        ),
        accepted=_spread(decided.mean_probability[decided.accepted]),
        escalated=_spread(decided.mean_probability[decided.escalated]),
    )


class _Tally:
    def __init__(self) -> None:
        self.bins = np.zeros(BIN_COUNT, dtype=np.int64)
        self.total = 0.0
        self.unknown = 0
        self.above = 0

    def add(self, numbers: FloatArray) -> None:
        known = numbers[~np.isnan(numbers)]
        places = np.clip(np.ceil(known * BIN_COUNT).astype(np.int64) - 1, 0, BIN_COUNT - 1)
        self.bins += np.bincount(places, minlength=BIN_COUNT)
        self.total += float(known.sum())
        self.unknown += len(numbers) - len(known)
        self.above += int(np.count_nonzero(known > _WANTED_OUTSIDE))

    @property
    def mean(self) -> float | None:
        known = int(self.bins.sum())
        return self.total / known if known else None

    def spread(self) -> ConfidenceSpread:
        bins = tuple(int(count) for count in self.bins)
        return ConfidenceSpread(sum(bins), self.unknown, self.mean, bins)


def _median(parts: Sequence[FloatArray]) -> float | None:
    known = np.concatenate(parts) if parts else np.empty(0)
    return float(np.median(known)) if len(known) else None


def _spread(numbers: FloatArray) -> ConfidenceSpread:
    tally = _Tally()
    tally.add(numbers)
    return tally.spread()

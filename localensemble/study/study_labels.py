"""Read the labels of a study from its ledger, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.consensus.probabilities.rater_calibration import RaterCalibration
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.labels import LabelStatus, is_without_answer
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import MISSING, ItemSetKey, LabelBlock, RaterKey, VariableKey
from localensemble.ledger.schema import STATUS_CODES
from localensemble.study.strategy.recorded_strategy import RecordedStrategy

BLOCK_ITEMS = 8192
# What can become of a rater's verdict on an item; None: the rater never gave one.
STATES: tuple[LabelStatus | None, ...] = (*LabelStatus, None)
Gap = Literal["missing", "not_asked"]
"""Why there is no verdict: nobody knows, or a strategy did not ask the rater."""
_STATE_OF_CODE = np.full(MISSING + 1, STATES.index(None), dtype=np.int8)
for _state, _status in enumerate(LabelStatus):
    _STATE_OF_CODE[STATUS_CODES[_status]] = _state

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StudyLabels:
    """The labels of a study in its ledger: one item set, and the raters that count.

    ``item_count`` is smaller than the item set if only its first items were labeled.
    ``scored`` is true if raters gave probabilities; those of a table of ratings did not.
    ``calibrations`` change the probabilities of each rater, by variable, but never the labels.
    ``sets_non_answers_apart`` is false if the codebook, as recorded, lists no non-answers.
    ``strategy`` chose which items each rater was asked about; None if all were asked about all.
    ``injection_signs`` are the bits of `core.injection_signs` for each item; None if nobody
    looked for signs in the texts. ``changed_without_signs`` are the positions of suspected items
    whose label changed when a rater was asked again without the sentences that have signs.
    """

    reader: LedgerReader
    item_set: ItemSetKey
    item_count: int
    rater_keys: tuple[RaterKey, ...]
    rater_names: tuple[str, ...]
    variable_keys: Mapping[str, VariableKey]
    scored: bool = True
    calibrations: Mapping[str, tuple[RaterCalibration | None, ...]] = field(default_factory=dict)
    sets_non_answers_apart: bool = False
    injection_signs: NDArray[np.int64] | None = None
    changed_without_signs: Mapping[tuple[RaterKey, VariableKey], NDArray[np.int64]] = field(
        default_factory=dict
    )
    strategy: RecordedStrategy | None = None

    def block(
        self, variable: str, *, start: int, stop: int, probabilities: bool = False
    ) -> LabelBlock:
        """Read the labels of one variable for the items from start to stop.

        The distributions are calibrated if the rules require it; labels and confidence are the
        raters' own.
        """
        read = self.reader.label_block(
            self.item_set,
            variable=self.variable_keys[variable],
            raters=self.rater_keys,
            start=start,
            stop=stop,
            probabilities=probabilities and self.scored,
        )
        calibrations = self.calibrations.get(variable, ())
        if read.probabilities is None or not calibrations:
            return read
        calibrated = read.probabilities.copy()
        for column, calibration in enumerate(calibrations):
            if calibration is not None:
                calibrated[:, column] = calibration.apply(calibrated[:, column])
        return replace(read, probabilities=calibrated)

    def changed_block(self, variable: str, *, start: int, stop: int) -> NDArray[np.bool_]:
        """Mark which labels of the items from start to stop changed without signs: (n, R)."""
        found = np.zeros((stop - start, len(self.rater_keys)), dtype=np.bool_)
        for column, rater in enumerate(self.rater_keys):
            places = self.changed_without_signs.get((rater, self.variable_keys[variable]))
            if places is not None:
                found[places[(places >= start) & (places < stop)] - start, column] = True
        return found

    def non_answers(self, block: LabelBlock) -> NDArray[np.bool_]:
        """Mark the items, (n,), that no rater was asked about because they answer nothing."""
        unasked = np.zeros(len(block.status), dtype=np.int64)
        if self.sets_non_answers_apart:
            for (row, _), reason in block.reasons.items():
                unasked[row] += is_without_answer(reason)
        # A study that has no raters left asks nobody about anything.
        everyone = max(len(self.rater_names), 1)
        found: NDArray[np.bool_] = unasked == everyone
        return found

    def asked(self, block: LabelBlock) -> NDArray[np.bool_] | None:
        """Mark the raters, (n, R), that were asked about an item; None if all were.

        Without a strategy, a label that is not there is missing.
        """
        return None if self.strategy is None else block.status != MISSING

    @property
    def gap(self) -> Gap:
        """What a label that is not there is: not asked for, if a strategy chose who is asked."""
        return "missing" if self.strategy is None else "not_asked"

    def gold_of_raters(self, variable: str, gold: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the gold categories that each rater is held to: (N, R), -1 where it was not asked.

        Args:
            variable: the name of the variable.
            gold: (N,) gold categories, -1 for items without one.
        """
        found = np.repeat(gold[:, None], len(self.rater_keys), axis=1)
        if self.strategy is not None:
            for start in range(0, self.item_count, BLOCK_ITEMS):
                stop = min(start + BLOCK_ITEMS, self.item_count)
                read = self.block(variable, start=start, stop=stop)
                found[start:stop][read.status == MISSING] = -1
        return found

    def matrix(self, variable: Variable) -> LabelMatrix:
        """Read the whole label matrix of one variable: two bytes per label."""
        indices = self.reader.label_indices(
            self.item_set, variable=self.variable_keys[variable.name], raters=self.rater_keys
        )
        return LabelMatrix(indices[: self.item_count], variable.answers, self.rater_names)

    def left_out(self, variable: str) -> tuple[int, ...]:
        """Count the items that each rater was not asked about; zeros without a strategy."""
        if self.strategy is None:
            return (0,) * len(self.rater_keys)
        key = self.variable_keys[variable]
        return tuple(
            self.reader.label_counts(
                self.item_set, variable=key, rater=rater, stop=self.item_count
            ).missing
            for rater in self.rater_keys
        )

    @property
    def some_left_out(self) -> bool:
        """Whether a strategy left out a rater on an item of any variable."""
        return any(any(self.left_out(name)) for name in self.variable_keys)

    def compared_items(self, variable: str) -> NDArray[np.bool_] | None:
        """Mark the items, (N,), on which raters are compared; None if on all that they labeled.

        A strategy chooses who labels what by the labels themselves, so what several raters labeled
        shows their agreement only on the items drawn for the audit.
        """
        if self.strategy is None or not any(self.left_out(variable)):
            return None
        return self.strategy.labeled_by_all(self.item_ids)

    def compared_matrix(self, variable: Variable) -> LabelMatrix:
        """Read the labels on which the agreement of one variable is measured."""
        matrix, compared = self.matrix(variable), self.compared_items(variable.name)
        if self.strategy is None:
            return matrix
        names = self.strategy.compared_raters(matrix.raters)
        columns = [matrix.raters.index(name) for name in names]
        rows = slice(None) if compared is None else compared
        return LabelMatrix(matrix.indices[rows][:, columns], matrix.categories, names)

    @property
    def item_ids(self) -> Sequence[str]:
        """The ids of the items in order, read from the ledger a block at a time."""
        return _ItemIds(self.reader, self.item_set, self.item_count)


def state_name(status: LabelStatus | None, *, gap: Gap) -> str:
    """Return what became of a label: its status, or why there is none."""
    return gap if status is None else status.value


def state_word(status: LabelStatus | None, *, gap: Gap) -> str:
    """Return the same as tables and pages show it, in angle brackets: ``<not asked>``."""
    return f"<{state_name(status, gap=gap).replace('_', ' ')}>"


def label_states(block: LabelBlock) -> NDArray[np.int8]:
    """Return the state of each label, (n, R): its index in `STATES`."""
    return _STATE_OF_CODE[block.status]


class _ItemIds(Sequence[str]):
    """The ids of a study's items; holds one block of them at a time."""

    def __init__(self, reader: LedgerReader, item_set: ItemSetKey, item_count: int) -> None:
        self._reader = reader
        self._item_set = item_set
        self._item_count = item_count
        self._start = 0
        self._held: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self._item_count

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if not 0 <= index < len(self):
            raise IndexError(index)
        if not self._start <= index < self._start + len(self._held):
            self._start = index - index % BLOCK_ITEMS
            self._held = self._reader.item_ids(
                self._item_set,
                start=self._start,
                stop=min(self._start + BLOCK_ITEMS, len(self)),
            )
        return self._held[index - self._start]

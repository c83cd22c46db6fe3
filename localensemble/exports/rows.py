"""Make the rows of every export, with numbers as numbers and names as names.

Decides what a row contains and the order of rows; each format decides how they look as text.
Rows are made one at a time; memory holds one block of items and a few bytes per item.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.core.items import Item, ItemRow
from localensemble.core.labels import LabelStatus
from localensemble.study.decisions import Decisions
from localensemble.study.people.final_labels import FINAL_STATUSES, FinalLabels, FinalStatus
from localensemble.study.study import Study
from localensemble.study.study_labels import (
    BLOCK_ITEMS,
    STATES,
    Gap,
    StudyLabels,
    label_states,
    state_name,
    state_word,
)
from localensemble.tables.delimited import TableFormat

ConsensusOrigin = Literal["models", "raters"]
Origin = Literal["person", "models", "raters"]
PERSON: Origin = "person"
# Stands beside the reasons of the consensus, where people were asked and do not agree.
PEOPLE_DIFFER = "people differ"
PEOPLE_DIFFER_CODE = "people_differ"


class ItemTable(Protocol):
    """The items of a study, with the input cells that its tables repeat."""

    @property
    def path(self) -> Path:
        """The file, for messages."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the cells."""
        ...

    @property
    def id_column(self) -> str | None:
        """The column with the ids; None if the items are numbered or columns are combined."""
        ...

    @property
    def format(self) -> TableFormat:
        """The format in which to write the tables."""
        ...

    def blocks(self, size: int) -> Iterator[tuple[ItemRow, ...]]:
        """Read the items in order, ``size`` at a time."""
        ...


@dataclass(frozen=True, slots=True)
class DecidedStudy:
    """The content of an export: the items, their labels, and decisions for every variable.

    Attributes:
        items: the table that was labeled.
        labels: the labels of the raters that count.
        decisions: what the consensus decided, variable by variable.
        finals: the final labels, in the same order.
        consensus_origin: ``models``, or ``raters`` of an imported table.
    """

    items: ItemTable
    labels: StudyLabels
    decisions: tuple[Decisions, ...]
    finals: tuple[FinalLabels, ...]
    consensus_origin: ConsensusOrigin

    @classmethod
    def of(
        cls, study: Study, *, items: ItemTable, decisions: tuple[Decisions, ...]
    ) -> DecidedStudy:
        """Combine a study, its table, and what `Study.decide` returned."""
        finals = study.final_labels(decisions)
        return cls(items, study.recorded, decisions, finals, consensus_origin(study))


@dataclass(frozen=True, slots=True)
class RaterLabel:
    """The label of one rater for one item and variable.

    Attributes:
        rater: the rater's name.
        status: the status; None if there is no label.
        category: the category; None unless assigned.
        probability: the rater's own probability of its category, in [0, 1]; None if unknown.
        off_codebook_mass: probability outside the categories, in [0, 1]; None if unknown.
        reason: why there is no category; None if assigned or without a label.
        gap: why there is no label, if there is none.
    """

    rater: str
    status: LabelStatus | None
    category: str | None
    probability: float | None
    off_codebook_mass: float | None
    reason: str | None
    gap: Gap = "missing"

    @property
    def state(self) -> str:
        """The status, or why there is no label."""
        return state_name(self.status, gap=self.gap)

    @property
    def word(self) -> str:
        """The category, or else the state in angle brackets, which no category name has."""
        if self.category is not None:
            return self.category
        return state_word(self.status, gap=self.gap)


@dataclass(frozen=True, slots=True)
class VariableRow:
    """The decision about one item and variable, and its evidence.

    Attributes:
        variable: the variable's name.
        label: the final label; None if there is none.
        status: one of `FINAL_STATUSES`.
        origin: whose label it is; None without a label.
        leading_category: the consensus, even if it was not accepted; None without a consensus.
        support: share of assigned labels that chose the consensus; None without a consensus.
        mean_probability: mean over raters of the probability each gave the consensus; None
            without a consensus or probabilities.
        margin: the excess of that mean over that of the next best category; None likewise.
        off_codebook_mass: the largest mass of any rater; None if no rater gave one.
        doubt: larger is more doubtful; comparable between variables.
        reasons: why a person was or is asked, in words; empty otherwise.
        reason_codes: the codes of these reasons, each once.
        raters: one label per rater, in the order of the study.
    """

    variable: str
    label: str | None
    status: FinalStatus
    origin: Origin | None
    leading_category: str | None
    support: float | None
    mean_probability: float | None
    margin: float | None
    off_codebook_mass: float | None
    doubt: float
    reasons: tuple[str, ...]
    reason_codes: tuple[str, ...]
    raters: tuple[RaterLabel, ...]


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One item, the cells of its row in the input table, and one decision per variable."""

    item: Item
    cells: tuple[str, ...] = field(repr=False)
    variables: tuple[VariableRow, ...]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One item and variable that a person must decide, with the cells of the item's row."""

    item: Item
    cells: tuple[str, ...] = field(repr=False)
    decision: VariableRow


@dataclass(frozen=True, slots=True, eq=False)
class QueueOrder:
    """The order in which a person reviews n escalated decisions.

    Attributes:
        items: int64 (n,); index of the item.
        variables: int64 (n,); index of the variable among the decisions.
    """

    items: NDArray[np.int64]
    variables: NDArray[np.int64]


def consensus_origin(study: Study) -> ConsensusOrigin:
    """Return whose labels the consensus of a study is made of."""
    return "models" if study.ratings_sha256 is None else "raters"


def queue_order(decisions: Sequence[Decisions], finals: Sequence[FinalLabels]) -> QueueOrder:
    """Order the open decisions by item, the most doubtful item first.

    All open variables of an item stand together, in the order of the decisions, so that a
    person reads each text once. An item is as doubtful as its most doubtful open variable;
    items of equal doubt keep their order.
    """
    waiting = [np.flatnonzero(final.open) for final in finals]
    if not waiting:
        return QueueOrder(np.empty(0, np.int64), np.empty(0, np.int64))
    items = np.concatenate(waiting).astype(np.int64)
    variables = np.repeat(np.arange(len(waiting)), [len(part) for part in waiting])
    doubt = np.full(len(finals[0].open), -np.inf)
    for decided, part in zip(decisions, waiting, strict=True):
        doubt[part] = np.maximum(doubt[part], decided.doubt[part])
    order = np.lexsort((variables, items, -doubt[items]))
    return QueueOrder(items[order], variables[order].astype(np.int64))


def study_rows(study: DecidedStudy) -> Iterator[StudyRow]:
    """Yield one row per item, in the order of the items."""
    for start, rows in _blocks(study):
        stop = start + len(rows)
        parts = [
            _VariableRows(study, place, start=start, stop=stop)
            for place in range(len(study.decisions))
        ]
        for item, row in enumerate(rows, start=start):
            yield StudyRow(row.item, row.values, tuple(part.row(item) for part in parts))


def queue_rows(study: DecidedStudy, *, folder: Path) -> Iterator[QueueRow]:
    """Yield one row per open item and variable, in the order of `queue_order`.

    Items are read in another order, so the rows are kept in a temporary file meanwhile.

    Args:
        study: the decided study.
        folder: folder of the temporary file, which may contain confidential text.
    """
    order = queue_order(study.decisions, study.finals)
    places = np.zeros((len(study.decisions), study.labels.item_count), dtype=np.int64)
    # The file has no name that another program could open, and is gone when this one ends.
    with tempfile.TemporaryFile(dir=folder) as aside:
        for start, rows in _blocks(study):
            stop = start + len(rows)
            for place, final in enumerate(study.finals):
                waiting = np.flatnonzero(final.open[start:stop])
                if not len(waiting):
                    continue
                part = _VariableRows(study, place, start=start, stop=stop)
                for offset in map(int, waiting):
                    item = start + offset
                    places[place, item] = aside.tell()
                    row = rows[offset]
                    aside.write(_kept(QueueRow(row.item, row.values, part.row(item))))
        for item, place in zip(order.items.tolist(), order.variables.tolist(), strict=True):
            aside.seek(places[place, item])
            yield _read_kept(aside.readline())


_rater_values = attrgetter(*(one.name for one in fields(RaterLabel)))
_DECISION_FIELDS = [one.name for one in fields(VariableRow) if one.name != "raters"]
_decision_values = attrgetter(*_DECISION_FIELDS)


def _kept(row: QueueRow) -> bytes:
    """Return a row as a line. A cell may hold half of a surrogate pair."""
    values = (
        (row.item.id, row.item.text, row.item.position),
        row.cells,
        _decision_values(row.decision),
        [_rater_values(one) for one in row.decision.raters],
    )
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _read_kept(line: bytes) -> QueueRow:
    item, cells, decision, raters = json.loads(line.decode("utf-8", "surrogatepass"))
    values: dict[str, Any] = dict(zip(_DECISION_FIELDS, decision, strict=True))
    values["reasons"] = tuple(values["reasons"])
    values["reason_codes"] = tuple(values["reason_codes"])
    labels = tuple(
        RaterLabel(rater, None if status is None else LabelStatus(status), *rest)
        for rater, status, *rest in raters
    )
    return QueueRow(Item(*item), tuple(cells), VariableRow(**values, raters=labels))


def variable_row(study: DecidedStudy, place: int, *, item: int) -> VariableRow:
    """Return the decision about the item at an index and the variable at another."""
    return _VariableRows(study, place, start=item, stop=item + 1).row(item)


class _VariableRows:
    """The decisions about one variable of the items from start to stop, read from the ledger."""

    def __init__(self, study: DecidedStudy, place: int, *, start: int, stop: int) -> None:
        labels, decided = study.labels, study.decisions[place]
        block = labels.block(decided.variable.name, start=start, stop=stop)
        self._start = start
        self._decided = decided
        self._final = study.finals[place]
        self._consensus_origin = study.consensus_origin
        self._names = (*decided.variable.answers, None)  # -1, no category, is the last
        self._raters = labels.rater_names
        self._gap = labels.gap
        self._states = label_states(block).tolist()
        self._categories = block.category.tolist()
        self._probabilities = block.confidence.tolist()
        self._masses = block.off_codebook_mass.tolist()
        # Raters without a mass are ignored; the result is NaN if no rater gave one.
        self._largest_masses = np.fmax.reduce(block.off_codebook_mass, axis=1).tolist()
        self._reasons = block.reasons

    def row(self, item: int) -> VariableRow:
        decided = self._decided
        offset = item - self._start
        label = self._names[self._final.categories[item]]
        differ = bool(self._final.differs[item])
        return VariableRow(
            variable=decided.variable.name,
            label=label,
            status=FINAL_STATUSES[self._final.status[item]],
            origin=None if label is None else self._origin(item),
            leading_category=self._names[decided.categories[item]],
            support=_known(decided.support[item]),
            mean_probability=_known(decided.mean_probability[item]),
            margin=_known(decided.margin[item]),
            off_codebook_mass=_known(self._largest_masses[offset]),
            doubt=float(decided.doubt[item]),
            reasons=(*((PEOPLE_DIFFER,) if differ else ()), *decided.reasons(item)),
            reason_codes=(*((PEOPLE_DIFFER_CODE,) if differ else ()), *decided.codes(item)),
            raters=tuple(
                RaterLabel(
                    rater,
                    STATES[self._states[offset][column]],
                    self._names[self._categories[offset][column]],
                    _known(self._probabilities[offset][column]),
                    _known(self._masses[offset][column]),
                    self._reasons.get((offset, column)),
                    self._gap,
                )
                for column, rater in enumerate(self._raters)
            ),
        )

    def _origin(self, item: int) -> Origin:
        return PERSON if self._final.by_person[item] else self._consensus_origin


def _blocks(study: DecidedStudy) -> Iterator[tuple[int, tuple[ItemRow, ...]]]:
    start = 0
    for rows in study.items.blocks(BLOCK_ITEMS):
        rows = rows[: study.labels.item_count - start]
        if not rows:
            return
        yield start, rows
        start += len(rows)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)

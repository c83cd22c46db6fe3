"""Labels of a table that a review compares people with: known categories, and existing labels.

They are recorded in the ledger with a role of their own, so that a later report needs no file.
They decide on no item.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.identity import sha256_file
from localensemble.core.label_matrix import GAP
from localensemble.ledger.encode_decisions import decided_now
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import NewDecision, ReferenceRole
from localensemble.study.control_items import control_categories, read_control_items
from localensemble.study.study import Study
from localensemble.study.study_labels import StudyLabels
from localensemble.tables.delimited import TableSource, path_of

ReferenceCategories = Mapping[str, NDArray[np.int16]]

_WHAT: Mapping[ReferenceRole, str] = {"known": "control labels", "existing": "existing labels"}


@dataclass(frozen=True, slots=True)
class RecordedLabels:
    """What was recorded from a table.

    Attributes:
        labels: number of labels that are new or differ from those recorded before.
        messages: sentences about what was left out or read in another spelling.
    """

    labels: int
    messages: tuple[str, ...]


def reference_categories(
    labels: StudyLabels, *, role: ReferenceRole, reader: LedgerReader | None = None
) -> ReferenceCategories:
    """Return the recorded labels of one role: variable -> (N,), -1 where there is none.

    The newest label of an item counts.

    Args:
        labels: the labels of the study.
        role: what the labels are for.
        reader: the ledger, if it is not the one that ``labels`` reads.
    """
    found = {}
    for name, key in labels.variable_keys.items():
        rows = (reader or labels.reader).reference_labels(labels.item_set, key, role=role)
        inside = rows.position < labels.item_count
        categories = np.full(labels.item_count, GAP, np.int16)
        # Rows are the oldest first, so the newest of an item is written last.
        categories[rows.position[inside]] = rows.category[inside]
        found[name] = categories
    return found


def record_reference_labels(
    ledger: Ledger,
    study: Study,
    source: TableSource,
    *,
    role: ReferenceRole,
    id_column: str | None = None,
) -> RecordedLabels:
    """Record the labels of a table, under the table's name; nothing is recorded twice.

    Args:
        ledger: the ledger of the study.
        study: the study.
        source: a table with ids and a column for each variable: ``gold_theme`` or ``theme``.
        role: what the labels are for.
        id_column: the column with the ids; None guesses it by name.

    Raises:
        TableError: the table has no label for these items, or a label is not a category.
    """
    labels = study.recorded
    read = read_control_items(
        source,
        codebook=study.codebook,
        item_ids=frozenset(labels.item_ids),
        id_column=id_column,
        what=_WHAT[role],
    )
    given = control_categories(read.labels, codebook=study.codebook, labels=labels)
    before = reference_categories(labels, role=role, reader=ledger.reader)
    now = decided_now()
    new = [
        NewDecision(
            position=position,
            variable=labels.variable_keys[name],
            kind="category",
            category=int(categories[position]),
            role=role,
            decided_at=now,
        )
        for name, categories in given.items()
        for position in np.flatnonzero((categories != GAP) & (categories != before[name])).tolist()
    ]
    if new:
        path = path_of(source)
        ledger.append_decisions(
            new,
            reviewer=ledger.register_reviewer(path.name),
            item_set=labels.item_set,
            origin=f"file {path.name} {sha256_file(path)}",
        )
    return RecordedLabels(len(new), read.messages)

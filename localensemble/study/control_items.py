"""Control items: a few items of a study whose category is known in advance.

They are recorded with a run, by item id and category, so that decisions can be derived again
from the ledger alone. A control item shows when raters go wrong; it is not a gold label for an
evaluation or a certificate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.study.category_cells import CategoryReader
from localensemble.study.gold import LeftOut, gold_columns, no_ids_error
from localensemble.study.study_labels import StudyLabels
from localensemble.tables.delimited import TableSource, path_of
from localensemble.tables.row_ids import KeyedTable

Control = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ControlItems:
    """Control labels of known items, and sentences about what was left out."""

    labels: Control
    messages: tuple[str, ...]


def read_control_items(
    source: TableSource,
    *,
    codebook: Codebook,
    item_ids: Collection[str],
    id_column: str | None = None,
    what: str = "control labels",
) -> ControlItems:
    """Read control labels from a table: variable -> item id -> category name.

    Args:
        source: the table.
        codebook: the codebook of the study.
        item_ids: ids of the items that will be labeled.
        id_column: the column with the ids; None guesses it by name.
        what: what the labels are called in an error.

    Raises:
        TableError: the table has no control label or none for these items, or a label is not a
            category.
    """
    path = path_of(source)
    table = KeyedTable.open(source, id_column=id_column)
    if not table.id_columns:
        raise no_ids_error(table)
    columns = gold_columns(table.columns, codebook)
    readers = [
        (CategoryReader(path, codebook.variable(name), column), table.columns.index(column))
        for name, column in columns.items()
    ]
    control: dict[str, dict[str, str]] = {}
    left_out = LeftOut(path)
    shared = 0
    for row in table.rows():
        known = row.id in item_ids
        shared += known
        if not known:
            left_out.add(row.number)
        for reader, place in readers:
            index = reader.index(row.values[place], row_number=row.number)
            if known and index >= 0:
                name = reader.variable.name
                control.setdefault(name, {})[str(row.id)] = reader.variable.answers[index]
    if not control:
        if columns and not shared:
            raise left_out.error()
        wanted = ", ".join(f"gold_{variable.name}" for variable in codebook.variables)
        found = ", ".join(f'"{column}"' for column in columns.values())
        raise TableError(
            f"{path.name}: found no {what}; expected a column {wanted} with categories"
            f"{f', but {found} is blank' if found else ''}.",
            hint="Name each column after its variable and fill it in.",
        )
    spelled = [message for reader, _ in readers for message in reader.messages()]
    return ControlItems(control, (*table.found, *left_out.messages(), *spelled))


def control_categories(
    control: Control, *, codebook: Codebook, labels: StudyLabels
) -> Mapping[str, NDArray[np.int16]]:
    """Align control labels with the items of a study: variable -> (N,), -1 elsewhere."""
    wanted = {item_id for of_variable in control.values() for item_id in of_variable}
    positions = {
        item_id: position for position, item_id in enumerate(labels.item_ids) if item_id in wanted
    }
    aligned = {}
    for variable in codebook.variables:
        categories = np.full(labels.item_count, -1, dtype=np.int16)
        for item_id, category in control.get(variable.name, {}).items():
            if item_id in positions:
                categories[positions[item_id]] = variable.answers.index(category)
        aligned[variable.name] = categories
    return aligned

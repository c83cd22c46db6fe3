"""Golden items: a few items of a study whose category is known beforehand.

They are recorded with a run, by item id and category, so that decisions can be derived again
from the ledger alone. A golden item shows that raters go wrong; it is no gold label for an
evaluation, and cannot be one for a certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.core.row_ids import KeyedTable
from localensemble.findings.decisions import StudyLabels
from localensemble.findings.gold import CategoryReader, gold_columns

Golden = Mapping[str, Mapping[str, str]]


def read_golden(path: Path, *, codebook: Codebook, id_column: str | None = None) -> Golden:
    """Read golden labels from a table: variable -> item id -> category name.

    Raises:
        TableError: no golden label, or one that is no category.
    """
    table = KeyedTable.open(path, id_column=id_column)
    golden: dict[str, dict[str, str]] = {}
    for name, column in gold_columns(table.columns, codebook).items():
        reader = CategoryReader(path, codebook.variable(name), column)
        place = table.columns.index(column)
        for row in table.rows():
            index = reader.index(row.values[place], row_number=row.number)
            if index >= 0:
                golden.setdefault(name, {})[str(row.id)] = reader.variable.answers[index]
    if not golden:
        wanted = ", ".join(f"gold_{variable.name}" for variable in codebook.variables)
        raise TableError(
            f"{path}: found no golden label; expected a column {wanted} with categories.",
            hint="Name each column after its variable.",
        )
    return golden


def golden_categories(
    golden: Golden, *, codebook: Codebook, labels: StudyLabels
) -> Mapping[str, NDArray[np.int16]]:
    """Align golden labels with the items of a study: variable -> (N,), -1 elsewhere."""
    wanted = {item_id for of_variable in golden.values() for item_id in of_variable}
    positions = {
        item_id: position for position, item_id in enumerate(labels.item_ids) if item_id in wanted
    }
    aligned = {}
    for variable in codebook.variables:
        categories = np.full(labels.item_count, -1, dtype=np.int16)
        for item_id, category in golden.get(variable.name, {}).items():
            if item_id in positions:
                categories[positions[item_id]] = variable.answers.index(category)
        aligned[variable.name] = categories
    return aligned

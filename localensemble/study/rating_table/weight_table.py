"""Read the user's own agreement weights from a table: how much each pair of categories agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement import AgreementError
from localensemble.core.errors import TableError
from localensemble.tables.delimited import open_table

# Spreadsheets often leave the cell above the first column blank.
_CORNER = "category"


@dataclass(frozen=True, slots=True, eq=False)
class WeightTable:
    """Weights by category name; ``matrix`` is in the order of ``categories``."""

    categories: tuple[str, ...]
    matrix: NDArray[np.float64]

    def ordered(self, categories: Sequence[str]) -> NDArray[np.float64]:
        """Return the weights in another order of the same categories.

        Raises:
            AgreementError: the categories differ.
        """
        if sorted(categories) != sorted(self.categories):
            raise AgreementError(
                f"The {len(self.categories)} categories in the table of weights are not the "
                f"{len(categories)} of the variable.",
                hint="Give it one row and one column for each category of the variable; "
                "`--categories` names them.",
            )
        places = [self.categories.index(name) for name in categories]
        return self.matrix[np.ix_(places, places)]


def read_weight_table(path: Path) -> WeightTable:
    """Read a CSV file with the categories in its first column and in its header.

    Raises:
        TableError: the file cannot be read, the rows do not match the columns, or a cell is
            not a number.
    """
    table = open_table(path, corner=_CORNER)
    columns = [name.strip() for name in table.columns[1:]]
    names: list[str] = []
    weights: list[list[float]] = []
    for number, cells in enumerate(table.rows(), start=1):
        try:
            # A weight is at most 1, so its comma is a decimal mark.
            weights.append([float(cell.replace(",", ".")) for cell in cells[1:]])
        except ValueError:
            raise TableError(
                f"{path.name}, row {number}: a weight is not a number.",
                hint="Write numbers from 0 to 1, such as 0.5.",
            ) from None
        names.append(cells[0].strip())
    if sorted(names) != sorted(columns):
        raise TableError(
            f"{path.name}: the first column and the header do not name the same categories.",
            hint="Give one row and one column for each category.",
        )
    in_order = [weights[names.index(name)] for name in columns]
    return WeightTable(tuple(columns), np.array(in_order))

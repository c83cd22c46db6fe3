"""Read the decisions that people entered in REDCap, from its export of raw data."""

from __future__ import annotations

from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.exports.redcap import RECORD_ID, REVIEWER, layout
from localensemble.tables.delimited import HeldTable, Table

COLUMNS = ("id", "variable", "decision", "reviewer")


def redcap_answers(table: Table, *, codebook: Codebook) -> HeldTable:
    """Return one row per decision field that is filled in.

    Raises:
        TableError: a field has a code that it does not offer; or no field is filled in.
    """
    fields = [one for one in layout(codebook).variables if one.decision in table.columns]
    rows: list[tuple[str, ...]] = []
    for number, cells in enumerate(table.rows(), start=1):
        row = dict(zip(table.columns, cells, strict=True))
        for field in fields:
            code = row[field.decision].strip().lower()
            if not code:
                continue
            if code not in field.words:
                raise TableError(
                    f'{table.path.name}, row {number}, column "{field.decision}": unknown code; '
                    f"expected one of {', '.join(field.words)}.",
                    hint="Export raw data, not labels, from the project with our data dictionary.",
                )
            word = field.words[code]
            rows.append((row[RECORD_ID], field.variable.name, word, row.get(REVIEWER, "").strip()))
    if not rows:
        raise TableError(
            f"{table.path.name}: no field for a decision is filled in.",
            hint=f"Fill in {', '.join(field.decision for field in fields)}.",
        )
    return HeldTable(table.path, COLUMNS, table.format, tuple(rows))

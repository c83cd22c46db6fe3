"""The verbs about people's decisions: bring them in, and write the finished table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localensemble.api.notebook.given import (
    GivenPath,
    path_given,
    table_given,
    table_given_if_any,
)
from localensemble.api.people.finalize import FinishedTable
from localensemble.api.people.finalize import finalize as finished
from localensemble.api.people.import_decisions import ImportDecisionsOptions, ImportedDecisions
from localensemble.api.people.import_decisions import import_decisions as decisions_imported

if TYPE_CHECKING:
    import pandas as pd


def import_decisions(
    study: GivenPath,
    decisions: pd.DataFrame | GivenPath,
    *,
    items: pd.DataFrame | GivenPath | None = None,
    reviewer: str | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
) -> ImportedDecisions:
    """Record what people decided, and write the study's files again.

    Rows are matched by id. If one does not belong to the study, nothing is recorded. Importing
    a table again changes nothing.

    Args:
        study: a study or its folder.
        decisions: a filled-in worksheet, or rows of ``study.queue()`` or ``escalations.csv`` with
            a column ``decision``.
        items: the table that was labeled; not needed where ratings were imported without texts.
        reviewer: who decided, in rows that do not say it.
        id_column: of the tables; None finds it.
        text_column: of the items; None lets the table decide.

    Returns:
        How many decisions are new, what is still open, the findings and the files written.

    Raises:
        InputError: a row does not belong to the study, or nobody is named who decided.

    Example:
        >>> sheet = study.queue().rename(columns={"item": "id"}).assign(decision="<cannot decide>")
        >>> le.import_decisions(study, sheet, items=texts, reviewer="AB").open
    """
    return decisions_imported(
        path_given(study),
        table_given(decisions, name="decisions"),
        items=table_given_if_any(items, name="items"),
        options=ImportDecisionsOptions(reviewer, id_column, text_column),
    )


def finalize(
    study: GivenPath,
    output: GivenPath,
    *,
    items: pd.DataFrame | GivenPath | None = None,
    allow_open: bool = False,
    id_column: str | None = None,
    text_column: str | None = None,
) -> FinishedTable:
    """Write the finished table: its own columns, and the final label of each variable.

    Args:
        study: a study or its folder.
        output: the file to write; its name ends with .csv, .xlsx or .parquet.
        items: the table that was labeled; not needed where ratings were imported without texts.
        allow_open: write the table although decisions are open; their labels are empty.
        id_column: of the items; None lets the table decide.
        text_column: of the items; None lets the table decide.

    Returns:
        The file, and how many labels have each status.

    Raises:
        InputError: decisions are open; the message names them.

    Example:
        >>> le.finalize(study, "final.csv", items=texts, allow_open=True).statuses
    """
    return finished(
        path_given(study),
        output=path_given(output),
        items=table_given_if_any(items, name="items"),
        allow_open=allow_open,
        id_column=id_column,
        text_column=text_column,
    )

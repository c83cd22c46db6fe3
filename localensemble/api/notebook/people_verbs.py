"""The verbs about people's decisions: ask for them, bring them in, write the finished table."""

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
from localensemble.api.people.worksheet import ExistingLabels, WrittenWorksheet
from localensemble.api.people.worksheet import write_worksheet as worksheet_written

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
    deidentify: GivenPath | None = None,
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
        deidentify: the codebook by which the texts of the decisions were de-identified.

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
        options=ImportDecisionsOptions(
            reviewer,
            id_column,
            text_column,
            None if deidentify is None else path_given(deidentify),
        ),
    )


def write_worksheet(
    study: GivenPath,
    output: GivenPath,
    *,
    items: pd.DataFrame | GivenPath | None = None,
    count: int | None = None,
    reviewer: str | None = None,
    beside_labels: bool = False,
    against: GivenPath | None = None,
    audit_share: float = 0.0,
    seed: int = 0,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: GivenPath | None = None,
) -> WrittenWorksheet:
    """Write a worksheet in which a person decides the open items without this program.

    Args:
        study: a study or its folder.
        output: the file to write; its name ends with .xlsx, .csv or .html.
        items: the table that was labeled; not needed where ratings were imported without texts.
        count: the number of items at most; None writes all.
        reviewer: who decides.
        beside_labels: show the raters' labels. People who see them tend to agree with them.
        against: a table of existing labels. The worksheet then asks only about the items whose
            label in the study differs from it, in random order, and shows neither.
        audit_share: share of the items with the same label in both that it asks about, too, 0 to 1.
        seed: of the random order and the audit.
        id_column: of the items; None lets the table decide.
        text_column: of the items; None lets the table decide.
        deidentify: the codebook that says which identifiers to replace in texts.

    Returns:
        The file, the number of items in it and the number that wait.

    Raises:
        InputError: nothing is left to decide, or the file already exists.

    Example:
        >>> le.write_worksheet(study, "decisions.xlsx", items=texts, count=50).asked
    """
    return worksheet_written(
        path_given(study),
        items=table_given_if_any(items, name="items"),
        output=path_given(output),
        count=count,
        reviewer=reviewer,
        beside_labels=beside_labels,
        existing=ExistingLabels(
            None if against is None else path_given(against), audit_share, seed
        ),
        id_column=id_column,
        text_column=text_column,
        deidentify=None if deidentify is None else path_given(deidentify),
    )


def finalize(
    study: GivenPath,
    output: GivenPath,
    *,
    items: pd.DataFrame | GivenPath | None = None,
    allow_open: bool = False,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: GivenPath | None = None,
) -> FinishedTable:
    """Write the finished table: its own columns, and the final label of each variable.

    Args:
        study: a study or its folder.
        output: the file to write; its name ends with .csv, .xlsx or .parquet.
        items: the table that was labeled; not needed where ratings were imported without texts.
        allow_open: write the table although decisions are open; their labels are empty.
        id_column: of the items; None lets the table decide.
        text_column: of the items; None lets the table decide.
        deidentify: the codebook that says which identifiers to replace in texts and cells.

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
        deidentify=None if deidentify is None else path_given(deidentify),
    )

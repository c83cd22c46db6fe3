"""The verb ``le.export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localensemble.api.export_formats.export_study import ExportFormat, WrittenExport, export_study
from localensemble.api.notebook.given import GivenPath, path_given, table_given_if_any

if TYPE_CHECKING:
    import pandas as pd


def export(
    study: GivenPath,
    *,
    format: ExportFormat,  # noqa: A002
    output: GivenPath,
    items: pd.DataFrame | GivenPath | None = None,
    include_text: bool = False,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: GivenPath | None = None,
) -> WrittenExport:
    """Export final labels, raters' labels and people's decisions to another program.

    Args:
        study: a study or its folder. Its recorded rules decide.
        format: the format; docs/exports.md describes each.
        output: the file to write; what a file of that name held is kept beside it.
        items: the table that was labeled; needed for texts only.
        include_text: also export the texts of the items and the notes of people.
        id_column: of the items; None lets the table decide.
        text_column: of the items; None lets the table decide.
        deidentify: the codebook that says which identifiers to replace in texts.

    Returns:
        The files that were written and how many decisions are open.

    Raises:
        InputError: the table is not the one labeled or not given, or the format cannot hold
            the study.

    Example:
        >>> le.export(study, format="xlsx", output="labels.xlsx").files
    """
    return export_study(
        path_given(study),
        format=format,
        output=path_given(output),
        items=table_given_if_any(items, name="items"),
        include_text=include_text,
        id_column=id_column,
        text_column=text_column,
        deidentify=None if deidentify is None else path_given(deidentify),
    )

"""The items file of a study: its texts, which the study itself does not keep."""

from __future__ import annotations

from pathlib import Path

from localensemble.core.errors import InputError
from localensemble.findings.load import LoadedStudy
from localensemble.tables.item_file import ItemFile


def open_items_of(
    loaded: LoadedStudy, items: Path, *, id_column: str | None, text_column: str | None
) -> ItemFile:
    """Open the table that a study labeled.

    Raises:
        InputError: ids, texts or their order are not those that were labeled.
        TableError: the table cannot be used.
    """
    table = ItemFile.open(items, id_column=id_column, text_column=text_column)
    if table.sha256 != loaded.items_sha256:
        raise InputError(
            f"{items}: this is not the table that was labeled: its ids, texts or their order "
            f"hash to {table.sha256[:12]}, those of the study to {loaded.items_sha256[:12]}.",
            hint="Give the unchanged file, with the same --id-column and --text-column.",
        )
    return table

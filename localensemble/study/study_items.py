"""The items of a study: a table with texts, which the study itself does not keep, or only ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from localensemble.core.errors import InputError, TableError
from localensemble.core.identity import sha256_text
from localensemble.core.items import Item, ItemRow
from localensemble.core.labels import ItemId
from localensemble.study.folder import StudyFolder
from localensemble.study.study import Study
from localensemble.study.withdrawn_items import withdrawn_in
from localensemble.tables.delimited import TableFormat, TableSource, open_table, path_of
from localensemble.tables.item_file import ItemFile

_BLOCK_ITEMS = 4096
_NO_TEXT = sha256_text("")


@dataclass(frozen=True, slots=True)
class IdsOnly:
    """Items of which only the ids are known: the columns of a study's tables."""

    path: Path
    ids: tuple[ItemId, ...] = field(repr=False)
    columns: tuple[str, ...] = ("id",)
    id_column: str | None = "id"
    format: TableFormat = field(default_factory=TableFormat)

    def blocks(self, size: int) -> Iterator[tuple[ItemRow, ...]]:
        """Yield the items in order, ``size`` at a time."""
        for start in range(0, len(self.ids), size):
            yield tuple(
                ItemRow(Item(item_id, "", start + place), (str(item_id),))
                for place, item_id in enumerate(self.ids[start : start + size])
            )


def items_of(
    loaded: Study, items: TableSource | None, *, id_column: str | None, text_column: str | None
) -> ItemFile | IdsOnly:
    """Open the table that a study labeled; without one, the ids of a study that has no texts.

    Raises:
        InputError: the ids, texts or their order differ from those that were labeled, or no
            table is given although the study has texts.
        TableError: the table cannot be used.
    """
    if items is None:
        if has_texts(loaded):
            raise InputError(
                "This needs the texts, which a study does not keep.",
                hint="Give the table that was labeled: --items.",
            )
        ledger = loaded.recorded.reader.path
        ids = tuple(map(ItemId, loaded.recorded.item_ids))
        return IdsOnly(ledger, ids, format=_format_before(StudyFolder(ledger.parent)))
    whole = ItemFile.open(items, id_column=id_column, text_column=text_column)
    table = whole.without(withdrawn_in(whole, loaded.recorded.reader))
    if table.sha256 != loaded.items_sha256:
        raise InputError(
            f"{path_of(items)}: not the table that was labeled: its ids, texts or their order "
            f"hash to {table.sha256[:12]}, but those of the study to {loaded.items_sha256[:12]}.",
            hint="If the file is unchanged, give the same --id-column and --text-column as when it "
            "was labeled.",
        )
    return table


def _format_before(folder: StudyFolder) -> TableFormat:
    """Return the format of the table of labels, which is that of the ratings."""
    try:
        return open_table(folder.labels).format
    except TableError:
        return TableFormat()


def has_texts(loaded: Study) -> bool:
    """Tell whether any item of the study was registered with a text."""
    if loaded.ratings_sha256 is None:
        return True
    labels = loaded.recorded
    return any(
        content != _NO_TEXT
        for start in range(0, labels.item_count, _BLOCK_ITEMS)
        for _, content in labels.reader.item_hashes(
            labels.item_set, start=start, stop=min(start + _BLOCK_ITEMS, labels.item_count)
        )
    )

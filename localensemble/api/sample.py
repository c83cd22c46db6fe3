"""Draw items at random for people to label: the sample that promises rest on."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localensemble.codebook.model import Codebook
from localensemble.consensus.random_draw import random_draw
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.delimited import write_table
from localensemble.tables.item_file import ItemFile

_BLOCK_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class Sample:
    """A worksheet: ``drawn`` of the ``item_count`` items of the study, for a codebook."""

    path: Path
    drawn: int
    item_count: int
    codebook: Codebook


def sample(
    study: Path,
    *,
    items: Path | None,
    count: int,
    seed: int,
    worksheet: Path,
    id_column: str | None = None,
    text_column: str | None = None,
) -> Sample:
    """Draw items at random and write a worksheet for people to label.

    It holds ids, texts (where the table with them is given) and an empty column
    ``gold_VARIABLE`` for each variable, and nothing a rater said. The rows stand in random
    order: who stops early has labeled a random sample.

    Args:
        study: the study folder.
        items: the table that was labeled; the study keeps no texts. For a study that was
            imported without texts it is left out: people find the texts by their ids.
        count: how many items; all of them when there are not so many.
        seed: another seed draws other items; the same draws the same.
        worksheet: the file to write.
        id_column: of the items.
        text_column: of the items.

    Raises:
        InputError: the worksheet is there already, or the table is not the one labeled or not
            given.
        LedgerError: there is no study, or no run of it has finished.
    """
    if worksheet.exists():
        raise InputError(
            f"Cannot write {worksheet}: it exists already, and may hold labels.",
            hint="Choose another name with --output.",
        )
    with Study.open(study) as loaded:
        source = items_of(loaded, items, id_column=id_column, text_column=text_column)
        item_count = loaded.recorded.item_count
    drawn = heapq.nsmallest(
        count,
        (
            (random_draw(item.id, seed=seed, purpose="sample"), item)
            for item in _labeled_items(source, item_count)
        ),
        key=lambda pair: (pair[0], pair[1].position),
    )
    empty = [""] * len(loaded.codebook.variables)
    with_text = isinstance(source, ItemFile)
    write_table(
        worksheet,
        kept=("id", "text") if with_text else ("id",),
        added=[f"gold_{variable.name}" for variable in loaded.codebook.variables],
        rows=(((item.id, item.text) if with_text else (item.id,), empty) for _, item in drawn),
        format=source.format,
    )
    return Sample(worksheet, len(drawn), item_count, loaded.codebook)


def _labeled_items(table: ItemFile | IdsOnly, item_count: int) -> Iterator[Item]:
    for block in table.blocks(_BLOCK_ITEMS):
        for row in block:
            if row.item.position >= item_count:
                return
            yield row.item

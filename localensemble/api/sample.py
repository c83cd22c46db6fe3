"""Write a blind worksheet of a random sample, for people to label.

A worksheet has one row per item. It shows neither the raters' labels nor any other column of the
labeled table, such as gold labels in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.random_draw import random_draw
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.delimited import write_table
from localensemble.tables.item_file import ItemFile

_BLOCK_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class Sample:
    """A worksheet with ``drawn`` of the study's ``item_count`` items, and the codebook."""

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

    The worksheet has the ids, the texts (if ``items`` is given) and an empty column
    ``gold_VARIABLE`` for each variable. Its rows are in random order, so whoever stops early
    has still labeled a random sample.

    Args:
        study: the study folder.
        items: the table that was labeled; the study does not keep the texts. Leave it out for
            a study that was imported without texts: people find the texts by their ids.
        count: how many items to draw; if the study has fewer, all are drawn.
        seed: the same seed draws the same items; another seed draws others.
        worksheet: the file to write.
        id_column: column of ``items`` that identifies an item; None detects it.
        text_column: column of ``items`` that holds the text; None detects it.

    Raises:
        InputError: the worksheet already exists, or the table is missing or is not the one
            that was labeled.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    _refuse_existing(worksheet)
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
    _write(
        worksheet,
        [item for _, item in drawn],
        source=source,
        variables=loaded.codebook.variables,
    )
    return Sample(worksheet, len(drawn), item_count, loaded.codebook)


def _refuse_existing(worksheet: Path) -> None:
    if worksheet.exists():
        raise InputError(
            f"Cannot write {worksheet}: it already exists and may contain labels.",
            hint="Choose another name with --output.",
        )


def _write(
    worksheet: Path,
    items: Sequence[Item],
    *,
    source: ItemFile | IdsOnly,
    variables: Sequence[Variable],
) -> None:
    with_text = isinstance(source, ItemFile)
    empty = [""] * len(variables)
    write_table(
        worksheet,
        kept=("id", "text") if with_text else ("id",),
        added=[f"gold_{variable.name}" for variable in variables],
        rows=(((item.id, item.text) if with_text else (item.id,), empty) for item in items),
        format=source.format,
    )


def _labeled_items(table: ItemFile | IdsOnly, item_count: int) -> Iterator[Item]:
    for block in table.blocks(_BLOCK_ITEMS):
        for row in block:
            if row.item.position >= item_count:
                return
            yield row.item

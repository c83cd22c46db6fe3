"""Write a worksheet in which a person decides the open items without this program.

A worksheet has one row per item that awaits a person, the most doubtful first. It shows neither
the raters' labels, unless asked to, nor any other column of the labeled table, such as gold labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.exports.rows import DecidedStudy, queue_order, variable_row
from localensemble.review.worksheets.asked_items import AskedItem, RaterWord, Worksheet
from localensemble.review.worksheets.delimited_worksheet import write_csv_worksheet
from localensemble.review.worksheets.page_worksheet import write_page_worksheet
from localensemble.review.worksheets.workbook_worksheet import write_workbook_worksheet
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.item_file import ItemFile

_BLOCK_ITEMS = 4096
_WRITERS: Mapping[str, Callable[[Worksheet, Path], None]] = MappingProxyType(
    {
        ".xlsx": write_workbook_worksheet,
        ".csv": write_csv_worksheet,
        ".html": write_page_worksheet,
    }
)


@dataclass(frozen=True, slots=True)
class WrittenWorksheet:
    """A worksheet with ``asked`` of the ``waiting`` items that await a person."""

    path: Path
    asked: int
    waiting: int
    variables: tuple[str, ...]


def write_worksheet(
    study: Path,
    *,
    items: Path | None,
    output: Path,
    count: int | None = None,
    reviewer: str | None = None,
    beside_labels: bool = False,
    id_column: str | None = None,
    text_column: str | None = None,
) -> WrittenWorksheet:
    """Write a worksheet of the items that await a person, the most doubtful first.

    The worksheet is complete in itself: whoever decides needs no other file and no network.

    Args:
        study: the study folder.
        items: the table that was labeled; the study does not keep the texts. Leave it out for
            a study that was imported without texts.
        output: the file to write; its name ends with ``.xlsx``, ``.csv`` or ``.html``.
        count: how many items to write at most; None writes all.
        reviewer: who decides. Without a name, it is asked for when the file is imported.
        beside_labels: whether to show the raters' labels. Whoever sees them agrees with them
            more often, so the usual worksheet is blind.
        id_column: column of ``items`` that identifies an item; None detects it.
        text_column: column of ``items`` that holds the text; None detects it.

    Raises:
        InputError: the file already exists, its name ends otherwise, no item awaits a person,
            or the table is missing or is not the one that was labeled.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    write = _writer(output)
    with Study.open(study) as loaded:
        source = items_of(loaded, items, id_column=id_column, text_column=text_column)
        decided = DecidedStudy.of(loaded, items=source, decisions=loaded.decide())
        waiting = _open_variables(decided)
        if not waiting:
            raise InputError(
                f"Cannot write {output}: no item awaits a person.",
                hint="Nothing is left to decide. To draw a random sample of all items, run "
                "`localensemble sample`.",
            )
        shown = dict(itertools.islice(waiting.items(), count))
        found = {
            item.position: item
            for item in _labeled_items(source, loaded.recorded.item_count)
            if item.position in shown
        }
        worksheet = Worksheet(
            study=study.resolve().name,
            codebook=loaded.codebook,
            items=tuple(
                AskedItem(
                    str(found[position].id),
                    found[position].text if isinstance(source, ItemFile) else None,
                    tuple(decided.decisions[place].variable.name for place in places),
                    _labels(decided, position, places) if beside_labels else {},
                )
                for position, places in shown.items()
            ),
            format=source.format,
            reviewer=reviewer,
            beside_labels=beside_labels,
        )
    write(worksheet, output)
    names = tuple(variable.name for variable in worksheet.variables)
    return WrittenWorksheet(output, len(shown), len(waiting), names)


def _writer(output: Path) -> Callable[[Worksheet, Path], None]:
    if output.exists():
        raise InputError(
            f"Cannot write {output}: it already exists and may contain decisions.",
            hint="Choose another name with --output.",
        )
    found = _WRITERS.get(output.suffix.lower())
    if found is None:
        raise InputError(
            f'Cannot write {output}: the name ends with "{output.suffix}", but a worksheet ends '
            f"with {', '.join(_WRITERS)}.",
            hint="Choose .xlsx for a spreadsheet with lists to choose from, .html for a page that "
            "opens in any browser, or .csv.",
        )
    return found


def _open_variables(decided: DecidedStudy) -> dict[int, list[int]]:
    """Map each item that awaits a person to its open variables, in the order of the queue."""
    order = queue_order(decided.decisions, decided.finals)
    waiting: dict[int, list[int]] = {}
    for position, place in zip(order.items.tolist(), order.variables.tolist(), strict=True):
        waiting.setdefault(position, []).append(place)
    return waiting


def _labels(
    decided: DecidedStudy, position: int, places: list[int]
) -> dict[str, tuple[RaterWord, ...]]:
    rows = (variable_row(decided, place, item=position) for place in places)
    return {
        row.variable: tuple(RaterWord(one.rater, one.word) for one in row.raters) for row in rows
    }


def _labeled_items(table: ItemFile | IdsOnly, item_count: int) -> Iterator[Item]:
    for block in table.blocks(_BLOCK_ITEMS):
        for row in block:
            if row.item.position >= item_count:
                return
            yield row.item

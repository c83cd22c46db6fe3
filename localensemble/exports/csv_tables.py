"""Write the labeled table and the queue of items waiting for a person as CSV.

Input columns keep their order and their text; added columns come after them. The label of an
escalated item is an empty cell until a person decides. Both files are written completely or
not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from localensemble.core.files import reported_writing
from localensemble.core.items import Item
from localensemble.exports.columns import (
    added_id,
    final_cells,
    label_columns,
    queue_columns,
    table_columns,
)
from localensemble.exports.multi_labels import multi_label_lists
from localensemble.exports.rows import (
    DecidedStudy,
    ItemTable,
    QueueRow,
    StudyRow,
    VariableRow,
    queue_rows,
    study_rows,
)
from localensemble.tables.decimal_marks import number_text
from localensemble.tables.delimited import write_table

_Cells = tuple[tuple[str, ...], tuple[str, ...]]


def write_labels(study: DecidedStudy, *, path: Path) -> None:
    """Write the input table with the final label of each variable and its evidence.

    Added columns: ``id`` if the input has no ids; for each variable ``v`` each of `LABEL_PARTS`
    as ``v.part`` (``v.label`` is empty without a final label; ``v.status``
    is one of `FINAL_STATUSES`); and for each rater ``v.rater.NAME`` (its category, or its status in
    angle brackets). Before the yes/no variables of a multi-label variable stands the list of
    its categories that apply.
    """
    items, raters = study.items, study.labels.rater_names
    variables = [decided.variable for decided in study.decisions]
    lists = multi_label_lists(variables)
    columns = table_columns(variables, columns_of=lambda name: label_columns(name, raters))
    write_table(
        path,
        kept=items.columns,
        added=[*added_id(items), *columns],
        rows=(_label_cells(items, row, lists) for row in study_rows(study)),
        format=items.format,
    )


def write_escalations(study: DecidedStudy, *, path: Path) -> None:
    """Write one row per open item and variable, the most doubtful item first.

    Added columns: ``id`` if the input has no ids, `QUEUE_COLUMNS`, and ``rater.NAME`` for
    each rater.
    """
    items = study.items
    with reported_writing(path):
        write_table(
            path,
            kept=items.columns,
            added=[*added_id(items), *queue_columns(study.labels.rater_names)],
            rows=(_queue_cells(items, row) for row in queue_rows(study, folder=path.parent)),
            format=items.format,
        )


def _label_cells(items: ItemTable, row: StudyRow, lists: Mapping[str, str]) -> _Cells:
    mark = items.format.decimal_mark
    cells = [
        cell
        for one in row.variables
        for cell in (
            *final_cells(one, item=row.variables, lists=lists),
            number_text(one.support, mark=mark),
            number_text(one.mean_probability, mark=mark),
            number_text(one.off_codebook_mass, mark=mark),
            *_reasons(one),
            *_rater_cells(one),
        )
    ]
    return row.cells, (*_id_cell(items, row.item), *cells)


def _queue_cells(items: ItemTable, row: QueueRow) -> _Cells:
    one, mark = row.decision, items.format.decimal_mark
    return row.cells, (
        *_id_cell(items, row.item),
        one.variable,
        *_reasons(one),
        number_text(one.doubt, mark=mark),
        number_text(one.support, mark=mark),
        number_text(one.mean_probability, mark=mark),
        number_text(one.off_codebook_mass, mark=mark),
        one.leading_category or "",
        *_rater_cells(one),
    )


def _id_cell(items: ItemTable, item: Item) -> tuple[str, ...]:
    return (str(item.id),) if added_id(items) else ()


def _reasons(row: VariableRow) -> tuple[str, str]:
    return "; ".join(row.reasons), " ".join(row.reason_codes)


def _rater_cells(row: VariableRow) -> Iterator[str]:
    """Yield the reasons of raters without a category, and then one word for each rater."""
    yield "; ".join(f"{one.rater}: {one.reason}" for one in row.raters if one.reason is not None)
    for one in row.raters:
        yield one.word

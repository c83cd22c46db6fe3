"""One rule reads the cells of gold labels, control labels and shots."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.labeling.examples.shots import StatedShots, load_shots
from localensemble.study.control_items import read_control_items
from localensemble.study.gold import read_gold


def codebook(*names: str) -> Codebook:
    categories = [{"name": name, "definition": f"The text is {name}."} for name in names]
    variable = {
        "name": "theme",
        "level": "nominal",
        "question": "What is the text about?",
        "categories": categories,
    }
    return load_codebook({"name": "c", "version": "1", "variables": [variable]})


def table(folder: Path, kind: str, *rows: tuple[object, ...]) -> Path:
    path = folder / f"gold.{kind}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        lines = (",".join(map(str, row)) for row in rows)
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("ids", ["id", "item", "Unit"])
@pytest.mark.parametrize(
    ("categories", "cells", "spelled"),
    [
        (("1", "2"), ("1.0", "2.0"), True),
        (("1", "2"), ("1", "2"), False),
        (("true", "false"), ("TRUE", "False"), True),
        (("well-being", "none"), ("well\u2013being", "none."), True),
    ],
)
def test_gold_control_and_shots_read_the_same_cells(
    tmp_path: Path,
    kind: str,
    ids: str,
    categories: tuple[str, str],
    cells: tuple[str, str],
    spelled: bool,
) -> None:
    held = codebook(*categories)
    rows = [("g1", cells[0], "cold room"), ("g2", cells[1], "good food")]
    path = table(tmp_path, kind, (ids, "gold_theme", "text"), *rows)
    gold = read_gold(path, codebook=held, item_ids=["g1", "g2"], id_column=None)
    assert gold.categories["theme"].tolist() == [0, 1]
    control = read_control_items(path, codebook=held, item_ids=["g1", "g2"])
    assert control.labels == {"theme": {"g1": categories[0], "g2": categories[1]}}
    shots = load_shots(StatedShots(path, 1, 0), held)
    assert shots.ids == {"g1", "g2"}
    for messages in (gold.messages, control.messages, shots.messages):
        assert any(f'as "{categories[0]}"' in message for message in messages) == spelled


@pytest.mark.parametrize("cell", ["01", "3", "1.5", "one"])
def test_a_cell_that_no_category_can_mean_is_refused_with_its_row(
    tmp_path: Path, cell: str
) -> None:
    path = table(tmp_path, "csv", ("item", "theme"), ("g1", "1"), ("g2", cell))
    with pytest.raises(TableError, match='row 2, column "theme": not a category') as refused:
        read_gold(path, codebook=codebook("1", "2"), item_ids=["g1", "g2"], id_column=None)
    assert f'"{cell}"' not in str(refused.value)


def test_stored_booleans_and_numbers_of_a_sheet_are_categories(tmp_path: Path) -> None:
    path = table(tmp_path, "xlsx", ("item", "theme"), (1, True), (2.0, False))
    gold = read_gold(path, codebook=codebook("true", "false"), item_ids=["1", "2"], id_column=None)
    assert gold.categories["theme"].tolist() == [0, 1]


def test_a_column_item_with_texts_or_repeats_does_not_hold_ids(tmp_path: Path) -> None:
    held = codebook("1", "2")
    for cells, found in (
        (("The room was cold", "Good"), "found no column with item ids"),
        (("a", "a"), "the same id appears in rows 1 and 2"),
    ):
        rows = [(cell, "1") for cell in cells]
        path = table(tmp_path, "csv", ("item", "theme"), *rows)
        with pytest.raises(TableError, match=found):
            read_gold(path, codebook=held, item_ids=["a"], id_column=None)

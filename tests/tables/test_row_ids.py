"""Tables about items: the same ids as the items themselves, with or without texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.errors import TableError
from localensemble.tables.item_file import ItemFile
from localensemble.tables.row_ids import KeyedTable


def written(folder: Path, content: str) -> Path:
    path = folder / "gold.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_table_without_texts_is_read_by_id(tmp_path: Path) -> None:
    table = KeyedTable.open(written(tmp_path, "id,theme,mood\nn2,Staff,good\nn1,Food,bad\n"))
    assert table.columns == ("id", "theme", "mood")
    assert table.messages == ('Using column "id" for the item ids.',)
    assert [(row.id, row.number, row.values) for row in table.rows()] == [
        ("n2", 1, ("n2", "Staff", "good")),
        ("n1", 2, ("n1", "Food", "bad")),
    ]


@pytest.mark.parametrize("content", ["id,text\nb,x\na,y\n", "site,text\nA,x\nB,y\n"])
def test_ids_are_those_of_the_items_of_the_same_file(content: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    items = [row.item.id for block in ItemFile.open(path).blocks(5) for row in block]
    assert [row.id for row in KeyedTable.open(path).rows()] == items


def test_a_row_does_not_show_its_cells(tmp_path: Path) -> None:
    (row,) = KeyedTable.open(written(tmp_path, "id,note\n1,a rash\n")).rows()
    assert "rash" not in repr(row)


@pytest.mark.parametrize(
    ("content", "id_column", "found"),
    [
        ("id,theme\na,x\na,y\n", None, "the same id .* in rows 1 and 2"),
        ("id,theme\na,x\nb,y\na ,z\n", None, "rows 1 and 3 have ids that look the same"),
        ("id,theme\na,x\n\u00a0a,y\n", None, "rows 1 and 2 have ids that look the same"),
        ("id,theme\nM\u00fcller,x\nMu\u0308ller,y\n", None, "rows 1 and 2 have ids that look"),
        ("id,theme\n,x\nb,y\n", None, "the id is blank in row 1"),
        ("id,theme\na,x\n", "key", 'there is no column "key" for the id'),
    ],
)
def test_ids_that_cannot_be_used_are_refused(
    content: str, id_column: str | None, found: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=found) as caught:
        KeyedTable.open(written(tmp_path, content), id_column=id_column)
    assert caught.value.exit_code == 2
    assert caught.value.hint

"""The items of a study come from the table that was labeled, or are ids alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import localensemble.study.study_items as items_module
from localensemble.core.errors import InputError
from localensemble.core.items import Item, ItemRow
from localensemble.core.labels import ItemId
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.delimited import TableFormat
from localensemble.tables.item_file import ItemFile
from tests.studies import study_files
from tests.study.ratings import read, record, wide, write_rows


def opened(study: Study, items: Path | None) -> ItemFile | IdsOnly:
    return items_of(study, items, id_column=None, text_column=None)


def test_ids_alone_are_a_table_of_one_column(tmp_path: Path) -> None:
    items = IdsOnly(tmp_path, tuple(map(ItemId, "abcde")))
    blocks = list(items.blocks(2))
    assert [len(block) for block in blocks] == [2, 2, 1]
    assert blocks[1][1] == ItemRow(Item(ItemId("d"), "", 3), ("d",))
    assert (items.columns, items.id_column) == (("id",), "id")
    assert "abcde" not in repr(items)
    assert list(IdsOnly(tmp_path, ()).blocks(2)) == []


def test_a_study_of_ratings_without_texts_needs_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items_module, "_BLOCK_ITEMS", 2)
    with Study.open(record(wide(tmp_path, "xx", "xy", "yy"), tmp_path / "s").path) as study:
        found = opened(study, None)
        assert isinstance(found, IdsOnly)
        assert found.ids == ("1", "2", "3")


def test_tables_of_ratings_without_texts_keep_the_format_of_the_ratings(tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text("\ufeffid;a;b\n1;x;x\n2;x;y\n", encoding="utf-8")
    german = TableFormat(";", byte_order_mark=True, decimal_mark=",")
    rated = read(table, raters=("a", "b"))
    assert rated.items.format == german
    folder = record(rated.labels, tmp_path / "s")
    with Study.open(folder.path) as study:
        assert opened(study, None).format == TableFormat()
        folder.labels.write_text("\ufeffid;a.support\n1;0,5\n2;1\n", encoding="utf-8")
        assert opened(study, None).format == german


def test_a_study_with_texts_asks_for_the_table_that_was_labeled(
    tmp_path: Path, of_models: Path
) -> None:
    files = study_files(tmp_path, ["first", "second"])
    table = write_rows(tmp_path / "t.csv", [("id", "a", "b"), ("i-0", "x", "y"), ("i-1", "x", "x")])
    ratings = read(table, raters=("a", "b"), items=files.items).labels
    with Study.open(record(ratings, tmp_path / "rated").path) as rated:
        assert isinstance(opened(rated, files.items), ItemFile)
        with Study.open(of_models) as labeled:
            for study in (rated, labeled):
                with pytest.raises(InputError) as refused:
                    opened(study, None)
                assert "--items" in refused.value.hint


def test_another_table_than_the_labeled_one_is_refused_with_both_hashes(
    tmp_path: Path, of_models: Path
) -> None:
    other = study_files(tmp_path, ["comment 0", "another"]).items
    with Study.open(of_models) as study:
        with pytest.raises(InputError, match=study.items_sha256[:12]) as refused:
            opened(study, other)
        assert ItemFile.open(other).sha256[:12] in str(refused.value)
        same = opened(study, of_models.parent / "items.csv")
    assert isinstance(same, ItemFile)
    assert same.item_count == 90

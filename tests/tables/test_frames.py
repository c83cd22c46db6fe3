"""Frames as tables: what a DataFrame says, read as its CSV file would be."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.core.errors import TableError
from localensemble.tables.delimited import open_table
from localensemble.tables.frames import table_of_frame
from localensemble.tables.item_file import ItemFile
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import read_ratings


def column(values: Any) -> list[str]:
    return [cells[0] for cells in table_of_frame(pd.DataFrame({"a": values})).rows()]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 2, 3], ["1", "2", "3"]),
        ([1.0, 2.5, float("nan")], ["1", "2.5", ""]),
        (pd.array([1, None, 3], dtype="Int64"), ["1", "", "3"]),
        (pd.array([1.0, None, 1.5], dtype="Float64"), ["1", "", "1.5"]),
        (np.array([0.1, 1.0], dtype="float32"), ["0.1", "1"]),
        (pd.array([True, None, False], dtype="boolean"), ["True", "", "False"]),
        (pd.array(["x", None], dtype="string"), ["x", ""]),
        ([None, pd.NA, pd.NaT, float("nan"), "x"], ["", "", "", "", "x"]),
        ([1, 1.0, "1", np.int8(1), np.float32(1)], ["1"] * 5),
        (pd.Categorical(["low", None, "high"], ["low", "high"]), ["low", "", "high"]),
        (pd.Categorical([2, 1, None]), ["2", "1", ""]),
        (pd.to_datetime(["2024-01-02", None]), ["2024-01-02T00:00:00", ""]),
        ([10**20, 2**60], ["100000000000000000000", "1152921504606846976"]),
    ],
)
def test_a_cell_says_what_a_person_would_type(values: Any, texts: list[str]) -> None:
    assert column(values) == texts


def test_a_text_of_an_enum_is_its_value() -> None:
    class Topic(str, enum.Enum):  # noqa: UP042
        STAFF = "staff"

    assert column([Topic.STAFF]) == ["staff"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [(b"secret", "bytes"), (["secret"], "list"), ({"secret": 1}, "dict"), (object(), "object")],
)
def test_a_cell_that_is_no_single_value_is_refused_by_row_and_never_shown(
    value: object, kind: str
) -> None:
    frame = pd.DataFrame({"id": ["1", "2"], "label": pd.Series(["x", value], dtype=object)})
    with pytest.raises(TableError, match=f'"label", row 2.*type {kind}') as refused:
        table_of_frame(frame)
    assert "secret" not in str(refused.value)


def test_half_a_character_is_refused_by_row_and_never_shown() -> None:
    with pytest.raises(TableError, match=r'"a", row 2.*half a character') as refused:
        column(pd.Series(["whole", "secret \ud800"], dtype=object))
    assert "secret" not in str(refused.value)


def test_a_number_of_too_many_digits_is_refused_by_row() -> None:
    with pytest.raises(TableError, match=r'"a", row 2.*too many digits'):
        column(pd.Series([1, 10**5000], dtype=object))


def test_columns_of_several_levels_are_refused_with_what_to_do() -> None:
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    with pytest.raises(TableError, match="2 levels") as refused:
        table_of_frame(frame)
    assert "join" in refused.value.hint


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "columns 1 and 2"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([2], name="a")), "columns 1 and 2"),
        (pd.DataFrame({"1": ["x"], 1: ["y"]}), "columns 1 and 2"),
        (pd.DataFrame({"": [1]}), "column 1 of the header has no name"),
        (pd.DataFrame([[1, 2]], columns=[None, "b"]), "column 1 of the header has no name"),
        (pd.DataFrame([[1, 2]], columns=["a", pd.Timestamp(0)]), "column 2 .* type Timestamp"),
        (pd.DataFrame({"a": []}), "no rows below"),
        (pd.DataFrame(), "no rows below"),
    ],
    ids=["repeated", "index", "number", "blank", "nan", "date", "rows", "columns"],
)
def test_a_header_that_cannot_be_used_is_refused(frame: pd.DataFrame, found: str) -> None:
    with pytest.raises(TableError, match=found):
        table_of_frame(frame)


def test_a_named_index_is_a_column_even_when_its_values_repeat() -> None:
    frame = pd.DataFrame({"label": ["x", "y"]}, index=pd.Index(["i-1", "i-1"], name="item"))
    table = table_of_frame(frame)
    assert table.columns == ("item", "label")
    assert list(table.rows()) == [("i-1", "x"), ("i-1", "y")]


def test_an_index_of_texts_gives_the_ids_where_no_column_does() -> None:
    table = table_of_frame(pd.DataFrame({"text": ["x", "y"]}, index=["i-1", "i-2"]))
    assert table.columns == ("id", "text")
    with_ids = pd.DataFrame({"id": ["1", "2"], "text": ["x", "y"]}, index=["same", "same"])
    assert table_of_frame(with_ids).columns == ("id", "text")


def test_an_index_that_repeats_cannot_give_the_ids() -> None:
    with pytest.raises(TableError, match=r"rows 1 and 3 .* share an index value"):
        table_of_frame(pd.DataFrame({"text": list("xyz")}, index=["a", "b", "a"]))


def test_an_unnamed_index_of_numbers_is_only_a_count() -> None:
    table = table_of_frame(pd.DataFrame({"text": ["x", "y"]}, index=[7, 7]))
    assert table.columns == ("text",)


def test_levels_of_an_index_are_columns_when_they_have_names() -> None:
    index = pd.MultiIndex.from_tuples([("i-1", "ann"), ("i-1", "bob")], names=["item", "rater"])
    frame = pd.DataFrame({"label": ["x", "y"]}, index=index)
    assert table_of_frame(frame).columns == ("item", "rater", "label")
    with pytest.raises(TableError, match="has no name"):
        table_of_frame(frame.rename_axis([None, "rater"]))


def test_reading_a_frame_changes_nothing_in_it() -> None:
    frame = pd.DataFrame({"a": [1.0, None], "b": pd.Categorical(["x", None])}, index=["p", "q"])
    before = frame.copy(deep=True)
    table_of_frame(frame)
    pd.testing.assert_frame_equal(frame, before)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
COLUMNS = st.one_of(
    st.lists(st.one_of(CELLS, st.none()), min_size=3, max_size=3).map(
        lambda cells: pd.array(cells, dtype="string")
    ),
    st.lists(st.one_of(CELLS, st.none(), st.just(float("nan"))), min_size=3, max_size=3).map(
        lambda cells: pd.Series(cells, dtype=object)
    ),
    st.lists(st.one_of(st.integers(-9, 9), st.none()), min_size=3, max_size=3).map(
        lambda cells: pd.array(cells, dtype="Int64")
    ),
    st.lists(st.one_of(st.booleans(), st.none()), min_size=3, max_size=3).map(
        lambda cells: pd.array(cells, dtype="boolean")
    ),
    st.lists(st.sampled_from(["low", "high", None]), min_size=3, max_size=3).map(
        lambda cells: pd.Categorical(cells, ["low", "high"], ordered=True)
    ),
)


@given(columns=st.lists(COLUMNS, min_size=1, max_size=4))
def test_a_frame_says_what_its_csv_file_says(
    tmp_path_factory: pytest.TempPathFactory, columns: list[Any]
) -> None:
    frame = pd.DataFrame({"key": [1, 2, 3]} | {f"c{n}": one for n, one in enumerate(columns)})
    path = tmp_path_factory.mktemp("csv") / "frame.csv"
    frame.to_csv(path, index=False, encoding="utf-8", quoting=1)
    table = table_of_frame(frame)
    assert table.columns == open_table(path, delimiter=",").columns
    assert list(table.rows()) == list(open_table(path, delimiter=",").rows())


def test_items_of_a_frame_are_those_of_its_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "text": ["first", "second"], "ward": [1, 2]})
    frame.to_csv(tmp_path / "items.csv", index=False)
    read = ItemFile.open(table_of_frame(frame))
    file = ItemFile.open(tmp_path / "items.csv")
    assert (read.sha256, read.columns, read.item_count) == (file.sha256, file.columns, 2)
    assert [*read.blocks(1)] == [*file.blocks(1)]


def test_integer_and_float_codes_are_one_category() -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "ann": [1, 2, 2], "bob": [1.0, None, 1.5]})
    (labels,) = read_ratings(
        table_of_frame(frame), named=NamedColumns(raters=("ann", "bob"))
    ).variables
    assert set(labels.words) == {"1", "2", "1.5"}

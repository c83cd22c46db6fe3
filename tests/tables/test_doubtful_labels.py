"""Labels turned into dates and header rows among the items are refused with their rows."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pytest

from localensemble.core.errors import TableError
from localensemble.tables.doubts.doubtful_labels import refuse_doubtful_labels
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import VariableRatings, read_ratings


def labels_of(folder: Path, *rows: str, header: str = "id,ann,ben") -> VariableRatings:
    path = folder / "labels.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    named = header.split(",")
    raters = () if "rater" in named else tuple(named[1:])
    return read_ratings(path, named=NamedColumns(raters=raters)).variables[0]


def numbered(*labels: str, start: int = 1) -> list[str]:
    return [f"{start + n},{one}" for n, one in enumerate(labels)]


@pytest.mark.parametrize(
    "date",
    [
        "2-Jan",
        "2-mrt",
        "Dec-1",
        "2026/02/03",
        "01:02:00",
        "02-Feb",
        "Jan-02",
        "3. Mrz",
        "02. Jan",
        "03/02/2026",
        "3.2.2026",
        "2026-02-03",
        "2026-02-01T00:00:00",
        "1-Mai-26",
        "2/1/26",
        "46054",
        "01 Jan 2026",
        "2-Sept.",
    ],
)
def test_labels_that_are_dates_are_refused_with_their_rows(tmp_path: Path, date: str) -> None:
    labels = labels_of(tmp_path, *numbered(f"1-2,{date}", "3-4,3-4", f"{date},1-2", "3-4,3-4"))
    with pytest.raises(TableError, match=r"is a date in rows 1, 3") as refused:
        refuse_doubtful_labels(labels, where="labels.csv")
    assert "--categories" in str(refused.value.hint)


def test_dates_of_a_workbook_are_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["item", "ann", "ben"])
    for n in range(6):
        sheet.append([n, "1-2", "1-2" if n % 2 else datetime.datetime(2026, 2, 1)])
    book.save(tmp_path / "t.xlsx")
    labels = read_ratings(tmp_path / "t.xlsx", named=NamedColumns()).variables[0]
    with pytest.raises(TableError, match="rows 1, 3, 5"):
        refuse_doubtful_labels(labels, where="t.xlsx")


@pytest.mark.parametrize(
    "label",
    [
        "1-2",
        "3/4",
        "10-12",
        "may",
        "may-be",
        "Set 1",
        "Mar 1",
        "1.5",
        "2026",
        "12-months",
        "jan",
        "1-2-3",
        "2.1.10",
        "1/2",
    ],
)
def test_ordinary_labels_are_not_taken_for_dates(tmp_path: Path, label: str) -> None:
    labels = labels_of(tmp_path, *numbered(f"{label},x", f"x,{label}", "x,x", "x,x"))
    refuse_doubtful_labels(labels, where="labels.csv")


ROWS = numbered("a,a", "a,b", "b,b", "b,a", "a,a", start=10)


@pytest.mark.parametrize(
    "first",
    [
        "x1,How urgent?,How urgent?",
        "9,Coder Ann,Coder Ben",
        "Item,Urgency,Urgency",
        "9,Label of ann:,Label of ben:",
    ],
)
def test_a_second_header_row_is_asked_about(tmp_path: Path, first: str) -> None:
    with pytest.raises(TableError, match="row 1 may belong to the header") as refused:
        refuse_doubtful_labels(labels_of(tmp_path, first, *ROWS), where="labels.csv")
    assert "--categories" in str(refused.value.hint)


def test_different_labels_that_occur_only_in_the_first_row_are_asked_about(tmp_path: Path) -> None:
    labels = labels_of(tmp_path, "9,x,y", *ROWS, *numbered("a,a", "b,b", "a,a", start=20))
    with pytest.raises(TableError, match="row 1 may belong"):
        refuse_doubtful_labels(labels, where="labels.csv")


def test_one_label_that_only_the_first_row_has_is_asked_about(tmp_path: Path) -> None:
    labels = labels_of(tmp_path, "9,Pain,Pain", *ROWS, *numbered("a,a", "b,b", "a,a", start=20))
    with pytest.raises(TableError, match="row 1 may belong"):
        refuse_doubtful_labels(labels, where="labels.csv")


def test_a_second_header_row_of_a_long_table_is_asked_about(tmp_path: Path) -> None:
    rows = [f"{n},{rater},{'xy'[n % 2]}" for n in range(6) for rater in ("ann", "ben")]
    labels = labels_of(tmp_path, "Item,Rater,Label", *rows, header="id,rater,label")
    with pytest.raises(TableError, match="row 1 may belong"):
        refuse_doubtful_labels(labels, where="labels.csv")


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("9,c,c", ROWS),
        ("9,x,a", ROWS),
        ("9,,", ROWS),
        ("first,a,a", ROWS),
        ("9,x,y", ROWS),
        ("Item,Label?,Label?", ROWS[:2]),
        ("9,q?,r?", numbered("a,b", "c,d", "e,f", "g,h", "i,j", start=10)),
        ("a1,c,c", [f"b{row}" for row in ROWS]),
    ],
)
def test_an_ordinary_first_row_is_not_doubted(tmp_path: Path, first: str, rows: list[str]) -> None:
    refuse_doubtful_labels(labels_of(tmp_path, first, *rows), where="labels.csv")

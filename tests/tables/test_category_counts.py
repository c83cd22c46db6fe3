"""Counts of raters per category are asked about, and read when that is what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localensemble.core.errors import TableError
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import Ratings, read_ratings

COUNTS = "id,neg,neu,pos\n1,0,0,3\n2,0,1,2\n3,3,0,0\n4,1,1,1\n"
TOTALS = "id,yes,no,n\n1,5,0,5\n2,2,2,4\n3,0,3,3\n4,1,4,5\n"
BLANKLESS = "case,a,b,text\nx,2.0,0,one\ny,1,1,two\nz,0,2,three\nw,0,2,four\n"


def read(folder: Path, text: str, **named: Any) -> Ratings:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return read_ratings(path, named=NamedColumns(**named))


@pytest.mark.parametrize(
    ("text", "sums"), [(COUNTS, "3 in every row"), (TOTALS, 'column "n"'), (BLANKLESS, "2 in")]
)
def test_columns_that_count_are_asked_about(tmp_path: Path, text: str, sums: str) -> None:
    with pytest.raises(TableError, match=f"seem to count .*{sums}") as refused:
        read(tmp_path, text)
    assert "--layout counts" in str(refused.value.hint)
    assert "--raters" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("text", "words", "labels"),
    [
        (COUNTS, ("neg", "neu", "pos"), [3, 3, 3, 3]),
        (TOTALS, ("yes", "no"), [5, 4, 3, 5]),
        (BLANKLESS, ("a", "b"), [2, 2, 2, 2]),
        ("id,a,b,never\n1,1,0,0\n2,0,2,0\n", ("a", "b", "never"), [1, 2]),
    ],
)
def test_counts_become_the_labels_of_nameless_raters(
    tmp_path: Path, text: str, words: tuple[str, ...], labels: list[int]
) -> None:
    table = read(tmp_path, text, layout="counts")
    (variable,) = table.variables
    assert sorted(variable.words) == sorted(words)
    (matrix,) = variable.matrices(words, name_of={})
    assert matrix.mask.sum(axis=1).tolist() == labels
    assert len(matrix.raters) == max(labels)
    assert "everything by rater" in " ".join(table.messages)


def test_the_columns_of_the_categories_can_be_named(tmp_path: Path) -> None:
    table = read(tmp_path, TOTALS, layout="counts", raters=("no", "yes"))
    assert sorted(table.variables[0].words) == ["no", "yes"]


@pytest.mark.parametrize("whole", [1, 100])
def test_shares_are_refused(tmp_path: Path, whole: int) -> None:
    rows = [(0.2, 0.8), (0.333, 0.667), (1, 0), (0.5, 0.5)]
    text = "id,no,yes\n" + "".join(
        f"{n},{a * whole:.4g},{b * whole:.4g}\n" for n, (a, b) in enumerate(rows)
    )
    with pytest.raises(TableError, match=f"share of each category; they add up to {whole} "):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "id,ann,ben\n1,0.5,0.5\n2,0.5,1\n3,1,0.5\n4,1,1\n",
        "id,ann,ben\n1,1,2\n2,2,2\n3,3,3\n4,1,1\n",
        "id,ann,ben,cy\n1,0,1,1\n2,1,0,1\n3,1,1,0\n4,0,1,1\n",
        "id,ann,ben\n1,2,2\n2,2,2\n3,2,2\n4,2,2\n",
        "id,ann,ben\n1,1,2\n2,2,1\n3,1,2\n",
        "id,ann,ben\n1,1,2\n2,2,1\n3,1,2\n4,2,\n",
        "id,ann,ben\n1,1,1.5\n2,1.5,1\n3,1,1.5\n4,1.5,1\n",
    ],
)
def test_ratings_in_numbers_are_not_taken_for_counts(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).columns.layout == "wide"


@pytest.mark.parametrize(
    ("text", "named", "found"),
    [
        ("id,a,b\n1,1,x\n", {}, "row 1: a cell is not a whole number"),
        ("id,a,b\n1,1,1\n2,900,900\n", {}, "row 2: the counts add up to 1,800"),
        ("id,a,b,w\n1,1,1,x\n", {"group": "w"}, "groups and gold labels are not read"),
        ("id,a,b\n1,1,1\n1,2,2\n", {}, "the same item appears in rows 1 and 2"),
        ("id,a,b\n1,1,1\n", {"rater": "a"}, "one option asks for the wide layout"),
    ],
)
def test_what_cannot_be_counts_is_refused(
    tmp_path: Path, text: str, named: dict[str, Any], found: str
) -> None:
    with pytest.raises(TableError, match=found):
        read(tmp_path, text, layout="counts", **named)


PIVOT = "Row Labels,low,high,Grand Total\nt1,,5,5\nt2,2,3,5\nt3,5,,5\nt4,1,4,5\n"
RATERS = "id,low,mid,high,Total raters\n1,1,1,1,3\n2,0,1,2,3\n3,3,0,0,3\n4,0,2,1,3\n"


@pytest.mark.parametrize(
    ("text", "words"), [(PIVOT, ("low", "high")), (RATERS, ("low", "mid", "high"))]
)
def test_totals_are_found_by_their_numbers_and_blanks_count_none(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(TableError, match="seem to count"):
        read(tmp_path, text)
    assert {*read(tmp_path, text, layout="counts").variables[0].words} == {*words}


@pytest.mark.parametrize("last", ["Gesamt,8,12,20\n", "all texts,8,12,20\n"])
def test_a_row_that_adds_up_the_counts_is_refused(tmp_path: Path, last: str) -> None:
    with pytest.raises(TableError, match="row 5: the last row is the sum"):
        read(tmp_path, PIVOT + last, layout="counts")
    with pytest.raises(TableError, match="seem to count"):
        read(tmp_path, PIVOT + last)


@pytest.mark.parametrize(
    "text",
    [
        "id;a;b\n1;0,6;0,4\n2;1,0;0,0\n3;0,2;0,8\n4;0,6;0,4\n",
        "id,a,b\n1,60%,40%\n2,100%,0%\n3,20 %,80 %\n4,60%,40%\n",
    ],
)
def test_shares_with_a_decimal_comma_or_a_percent_sign_are_refused(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(TableError, match="share of each category"):
        read(tmp_path, text)

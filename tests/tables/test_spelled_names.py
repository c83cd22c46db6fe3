"""A rater in several spellings is one rater; items are never joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.errors import TableError
from localensemble.tables.doubts.spelled_names import alike_items
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import Ratings, read_ratings


def table(folder: Path, content: str) -> Ratings:
    path = folder / "t.csv"
    path.write_text(content, encoding="utf-8")
    return read_ratings(path, named=NamedColumns())


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("ANN ", "ann", "Ann"), '"ANN", "Ann" and "ann" count as one rater, "ANN"'),
        (("Dr. Li", "Dr.\u00a0Li", "dr. li"), "U+00A0"),
        (("rater-1", "rater\u20131", "Rater_1"), "U+2013"),
    ],
)
def test_one_rater_in_several_spellings_is_joined_and_said(
    tmp_path: Path, names: tuple[str, ...], code: str
) -> None:
    rows = "".join(f"{n},{name},y\n{n},Ben,n\n" for n, name in enumerate(names))
    found = table(tmp_path, f"item,rater,label\n{rows}")
    (group,) = found.variables[0].groups
    if names[0] == "rater-1":
        # An underscore and a dash are told apart.
        assert len(group.raters) == 3
    else:
        assert group.raters == (names[0].strip(), "Ben")
        assert group.rater_places.tolist() == [0, 1] * 3
    assert code in " ".join(found.messages)


def test_two_spellings_on_one_item_are_refused_with_their_names(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r'rows 1 and 2.*"Ann" and "ann" count as one'):
        table(tmp_path, "item,rater,label\n1,Ann,y\n1,ann,n\n2,Ann,y\n3,ann,y\n4,ann,n\n5,Ann,n\n")


def test_spellings_that_label_the_same_items_are_two_raters_and_it_is_said(
    tmp_path: Path,
) -> None:
    rows = "".join(f"{n},Cy,y\n{n},cy,n\n" for n in range(4))
    found = table(tmp_path, f"item,rater,label\n{rows}9,cy,y\n")
    assert found.variables[0].groups[0].raters == ("Cy", "cy")
    assert '"Cy" and "cy" are named alike; they count as 2 raters' in found.messages[-1]


def test_columns_named_alike_are_two_raters_and_it_is_said(tmp_path: Path) -> None:
    found = table(tmp_path, "item,Ann,ann\n1,y,n\n2,n,n\n")
    assert found.variables[0].groups[0].raters == ("Ann", "ann")
    assert '"Ann" and "ann" are named alike; they count as 2 raters' in found.messages[-1]


def test_items_that_look_the_same_are_refused_with_their_rows(tmp_path: Path) -> None:
    with pytest.raises(TableError, match='column "item": the items in rows 1 and 3 look the same'):
        table(tmp_path, "item,rater,label\nR-1,Ann,y\nR-2,Ann,n\nR\u20131,Ben,n\n")
    found = table(tmp_path, "item,rater,label\nR\u20131,Ann,y\nR\u20132,Ann,n\n")
    assert len(found.variables[0].groups[0].items) == 2


def test_ids_that_differ_only_in_letter_case_are_counted(tmp_path: Path) -> None:
    found = table(tmp_path, "item,rater,label\na1,Ann,y\nA1,Ben,n\nb,Ben,n\n")
    assert found.messages[-1].startswith("1 item id differs from another only in letter case")


def test_ids_that_a_spreadsheet_made_decimal_are_refused() -> None:
    assert alike_items(["1", "2", "1.0"]) == ("1", "1.0")
    assert alike_items(["1.0", "2.0", "10", "1.00"]) is None

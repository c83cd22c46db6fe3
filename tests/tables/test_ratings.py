"""Tables of labels, wide and long: what is guessed is said, what is not safe is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localensemble.core.errors import TableError
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import Ratings, read_ratings

LONG = "item,rater,label\ni1,ann,yes\ni1,bob,no\ni2,ann,yes\ni2,bob,yes\ni3,ann,\n"
WIDE = "id,ann,bob\ni1,yes,no\ni2,yes,yes\ni3,,\n"


def read(folder: Path, text: str, *, gaps: tuple[str, ...] = (), **named: Any) -> Ratings:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    columns = NamedColumns(**named)
    return read_ratings(path, named=columns, gaps=gaps)


def rows_of(table: Ratings, *categories: str) -> list[list[int]]:
    (variable,) = table.variables
    (matrix,) = variable.matrices(categories, name_of={})
    rows: list[list[int]] = matrix.indices.tolist()
    return rows


def test_long_and_wide_tables_give_the_same_matrix(tmp_path: Path) -> None:
    long, wide = read(tmp_path, LONG), read(tmp_path, WIDE)
    assert rows_of(long, "yes", "no") == rows_of(wide, "yes", "no") == [[0, 1], [0, 0], [-1, -1]]
    for table in (long, wide):
        (group,) = table.variables[0].groups
        assert group.items == ("i1", "i2", "i3")
        assert group.raters == ("ann", "bob")


def test_every_guess_is_reported(tmp_path: Path) -> None:
    assert read(tmp_path, LONG).messages == (
        "Reading the table as long: one row for each label.",
        'Using column "rater" for the raters.',
        'Using column "label" for the labels.',
        'Using column "item" for the items.',
    )
    assert read(tmp_path, "id,text,ann,bob\ni1,a,yes,no\ni2,b,yes,yes\n").messages == (
        "Reading the table as wide: one row for each item, one column for each rater.",
        'Using column "id" for the items.',
        'Using columns "ann", "bob" for the raters; if one is something else, name the raters '
        "with `--raters`.",
        'Left out column "text": the name suggests a text.',
    )


def test_nothing_is_said_of_what_was_named(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "who,which,what\nann,i1,yes\n",
        layout="long",
        item="which",
        rater="who",
        labels=("what",),
    )
    assert (table.messages, table.variables[0].variable) == ((), "what")


def test_a_wide_table_without_ids_numbers_its_rows(tmp_path: Path) -> None:
    table = read(tmp_path, "ann,bob\nyes,no\nno,yes\n")
    assert table.variables[0].groups[0].items == ("row-1", "row-2")
    assert "Found no column with ids" in " ".join(table.messages)


def test_each_label_column_of_a_long_table_is_a_variable(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "id,rater,theme,tone\ni1,a,x,1\ni1,b,y,1\n",
        labels=("theme", "tone"),
    )
    assert [(one.variable, one.words) for one in table.variables] == [
        ("theme", ("x", "y")),
        ("tone", ("1",)),
    ]


def test_rows_are_told_apart_by_variable_and_by_group(tmp_path: Path) -> None:
    text = "id,rater,label,what,ward\n"
    text += "".join(
        f"i1,{rater},x,{what},{ward}\n"
        for rater in "ab"
        for what in ("theme", "tone")
        for ward in ("north", "south")
    )
    table = read(tmp_path, text, variable="what", group="ward")
    assert [(one.variable, [group.group for group in one.groups]) for one in table.variables] == [
        ("theme", ["north", "south"]),
        ("tone", ["north", "south"]),
    ]


def test_cells_are_compared_without_outer_space_and_in_composed_form(tmp_path: Path) -> None:
    table = read(tmp_path, "item,rater,label\ni1,ann ,caf\u00e9\n i1,bob, cafe\u0301 \n")
    assert table.variables[0].words == ("caf\u00e9",)
    assert table.variables[0].groups[0].raters == ("ann", "bob")
    assert table.variables[0].groups[0].items == ("i1",)


def test_words_named_as_gaps_and_statuses_of_a_study_are_gaps(tmp_path: Path) -> None:
    table = read(tmp_path, "id,ann,bob\ni1,yes,NA\ni2,<abstained>,yes\n", gaps=("NA",))
    assert rows_of(table, "yes") == [[0, -1], [-1, 0]]
    assert "<abstained>" in table.messages[-1]
    assert table.messages[-1].endswith(": 1.")


def test_a_rater_without_any_label_is_still_a_rater(tmp_path: Path) -> None:
    table = read(tmp_path, "id,ann,bob,cy\ni1,yes,,no\ni2,no,,yes\n")
    assert table.variables[0].groups[0].raters == ("ann", "bob", "cy")


@pytest.mark.parametrize(
    ("text", "named", "found"),
    [
        ("id,rater,label\n1,a,x\n1,b,y\n1,a,x\n", {}, "two labels on one item, in rows 1 and 3"),
        ("id,rater,label\n1,a,x\n1,a,\n", {}, "two labels on one item, in rows 1 and 2"),
        ("id,a,b\n1,x,x\n2,x,x\n1,x,x\n", {}, "the same item .* in rows 1 and 3"),
        ("id,rater,label\n,a,x\n2,,y\n ,b,y\n", {}, '"id": the cell is empty in rows 1, 3'),
        ("id,rater,label\n1,,x\n", {}, 'column "rater": the cell is empty in row 1'),
        ("id,rater,label,w\n1,a,x,\n", {"group": "w"}, 'column "w": the cell is empty in row 1'),
        ("id,rater,label\n1,a\n", {}, "row 1 .*has 2 cells"),
        ("id,rater,label\n1,a,x\n", {"rater": "coder"}, 'no column "coder" .`--rater`.'),
        ("id,rater,label\n1,a,x\n", {"labels": ("lable",)}, 'no column "lable" .`--label`.'),
        ("id,rater,label\n1,a,x\n", {"raters": ("b",)}, 'no rater "b" .`--raters`.'),
        ("id,ann,bob\n1,x,x\n", {"raters": ("ann", "bo")}, 'no column "bo" .`--raters`.'),
        ("id,ann,bob\n1,x,x\n", {"without_raters": ("bo",)}, 'no column "bo" .`--without-ra'),
        ("id,rater,label\n1,a,x\n", {"item": "rater"}, '"id", "label" may hold something else'),
        ("id,rater,label\n1,a,x\n", {"group": "label"}, "no column seems to hold the labels"),
        ("id,rater,theme\n1,a,x\n", {}, "no column seems to hold the labels"),
        ("id,rater,label\n1,a,x\n", {"item": "id", "variable": "id"}, '"id" is named for two'),
        (
            "id,rater,label\n1,a,x\n",
            {"raters": ("label",), "rater": "rater"},
            "one option asks for the wide layout",
        ),
        ("x,y\n1,2\n", {"layout": "long"}, "not clear which column holds the rater"),
        ("coder,judge,label,id\n1,2,3,4\n", {}, 'it could be "coder", "judge"'),
        ("id,ann,bob,age\n1,x,y,33\n2,y,x,40\n", {}, 'column "age" may hold something else'),
        ("id,ann,bob,gold\n1,x,y,x\n2,y,x,x\n", {}, 'column "gold" may hold something else'),
        ("id,text\n1,long ago\n", {}, "not clear which columns hold a rater's labels"),
        (
            "id,rater,label,a,b\n1,a,x,1,2\n",
            {"labels": ("a", "b"), "variable": "label"},
            'columns "a", "b" each hold a variable',
        ),
    ],
)
def test_what_cannot_be_read_safely_is_refused_with_its_place(
    tmp_path: Path, text: str, named: dict[str, Any], found: str
) -> None:
    with pytest.raises(TableError, match=found) as refused:
        read(tmp_path, text, **named)
    assert refused.value.hint


def test_a_name_nearly_right_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(TableError) as refused:
        read(tmp_path, LONG, labels=("lable",))
    assert refused.value.hint == 'Did you mean "label"?'


@pytest.mark.parametrize(
    "cell", ["Mrs Winterbottom " * 20, '"Mrs Winterbottom\nwept"', "Mrs Winterbottom \x07"]
)
def test_texts_are_no_labels_and_are_not_repeated(tmp_path: Path, cell: str) -> None:
    with pytest.raises(TableError, match='column "label" cannot hold labels') as refused:
        read(tmp_path, f"id,rater,label\n1,a,{cell}\n")
    assert "Winterbottom" not in str(refused.value)


def test_too_many_different_labels_are_no_labels(tmp_path: Path) -> None:
    rows = "".join(f"{n},a,word {n}\n" for n in range(2001))
    with pytest.raises(TableError, match="more than 2,000 different labels"):
        read(tmp_path, f"id,rater,label\n{rows}")


def test_many_repeated_pairs_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"{n},a,x\n{n},a,y\n" for n in range(9))
    with pytest.raises(TableError, match=r"rows 1 and 2, 3 and 4, .* 9 and 10 \(and 4 more\)"):
        read(tmp_path, f"id,rater,label\n{rows}")


def test_repeated_pairs_are_told_with_their_variable(tmp_path: Path) -> None:
    with pytest.raises(TableError, match='variable "tone": the same rater has two labels'):
        read(tmp_path, "id,rater,label,of\n1,a,x,tone\n1,a,x,tone\n", variable="of")


def test_a_column_that_tells_every_row_apart_is_no_group(tmp_path: Path) -> None:
    rows = "".join(f"i{n},a,x,g{n}\n" for n in range(501))
    with pytest.raises(TableError, match=r'"of".* more than 500 parts'):
        read(tmp_path, f"id,rater,label,of\n{rows}", group="of")


def test_a_crowd_too_large_to_be_a_matrix_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"i{n},r{n},x\n" for n in range(1 << 15)) + "last,last,x\n"
    with pytest.raises(TableError, match="32,769 items by 32,769 raters are too many"):
        read(tmp_path, f"id,rater,label\n{rows}")


def test_a_label_that_is_no_category_is_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"1 label .*categories"):
        rows_of(read(tmp_path, LONG), "yes")


@pytest.mark.parametrize("name", ["flag", "ward"])
def test_a_column_of_0_and_1_beside_raters_is_not_taken_for_one_without_asking(
    name: str, tmp_path: Path
) -> None:
    rows = [f"{n},{n % 5},{(n + n // 7) % 5},{n % 2}" for n in range(60)]
    text = "\n".join([f"id,ann,bob,{name}", *rows]) + "\n"
    with pytest.raises(TableError, match=f'column "{name}" may hold something else') as caught:
        read(tmp_path, text)
    assert "--raters" in (caught.value.hint or "")
    assert rows_of(read(tmp_path, text, raters=("ann", "bob")), *"01234")[1] == [1, 1]


def test_the_hint_names_item_if_the_ids_may_be_the_doubtful_column(tmp_path: Path) -> None:
    rows = "patient,ann,bob\np1,x,y\np2,y,x\np3,x,x\n"
    with pytest.raises(TableError, match='column "patient" may hold something else') as caught:
        read(tmp_path, rows)
    assert "--item" in (caught.value.hint or "")
    with pytest.raises(TableError, match='column "ward" may hold something else') as caught:
        read(tmp_path, rows.replace("bob", "ward"), item="patient")
    assert "--item" not in (caught.value.hint or "")


def test_a_rater_that_does_not_use_every_category_is_still_guessed(tmp_path: Path) -> None:
    rows = [f"{n},{n % 3},{n % 2}" for n in range(60)]
    table = read(tmp_path, "\n".join(["id,ann,bob", *rows]) + "\n")
    assert table.columns.raters == ("ann", "bob")


def gold_of(table: Ratings, *categories: str) -> list[int]:
    (variable,) = table.variables
    (gold,) = variable.gold(categories, name_of={})
    assert gold is not None
    found: list[int] = gold.tolist()
    return found


def test_gold_labels_are_read_beside_the_raters(tmp_path: Path) -> None:
    wide = read(tmp_path, "id,ann,bob,gold\ni1,x,y,x\ni2,y,y,\ni3,x,x,z\n", gold="gold")
    assert wide.variables[0].groups[0].raters == ("ann", "bob")
    assert gold_of(wide, "x", "y", "z") == [0, -1, 2]
    long = read(
        tmp_path,
        "item,rater,label,truth\ni1,a,x,x\ni1,b,y,x\ni2,a,y,\ni2,b,y,y\n",
        gold="truth",
    )
    assert gold_of(long, "x", "y") == [0, 1]
    (none,) = read(tmp_path, LONG).variables[0].gold(("yes", "no"), name_of={})
    assert none is None


def test_two_gold_labels_of_one_item_are_refused(tmp_path: Path) -> None:
    text = "item,rater,label,truth\ni1,a,x,x\ni1,b,y,y\n"
    with pytest.raises(TableError, match='"truth": the same item has two gold labels, in rows 1'):
        read(tmp_path, text, gold="truth")


def test_gold_labels_are_of_one_variable(tmp_path: Path) -> None:
    text = "item,rater,p,q,truth\ni1,a,x,x,x\n"
    with pytest.raises(TableError, match='column "truth" has gold labels'):
        read(tmp_path, text, labels=("p", "q"), gold="truth")


def test_a_gold_label_that_is_no_category_is_named_by_its_row(tmp_path: Path) -> None:
    table = read(tmp_path, "id,ann,bob,gold\ni1,x,y,x\ni2,y,y,q\n", gold="gold")
    assert table.variables[0].rows_with(["q"]) == "row 2"

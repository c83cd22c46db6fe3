"""Columns named by two parts are not taken for raters: checkboxes, and raters by variables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from localensemble.core.errors import InputError, TableError
from localensemble.tables.doubts.column_families import ColumnPattern, find_grid
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import Ratings, read_ratings


def read(folder: Path, text: str, *, variables: tuple[str, ...] = (), **named: Any) -> Ratings:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return read_ratings(path, named=NamedColumns(**named), variables=variables)


def table(columns: list[str], cells: Sequence[str] = "01") -> str:
    lines = [
        f"{n}," + ",".join(cells[(n + place) % len(cells)] for place in range(len(columns)))
        for n in range(12)
    ]
    return "\n".join([",".join(["id", *columns]), *lines]) + "\n"


def found(ratings: Ratings) -> dict[str, tuple[str, ...]]:
    return {one.variable: one.groups[0].raters for one in ratings.variables}


@pytest.mark.parametrize(
    "columns",
    [
        ["theme___1", "theme___2", "theme___3"],
        ["theme/pain", "theme/sleep"],
        ["group_a/theme/pain", "group_a/theme/sleep"],
        ["theme.1", "theme.2", "theme.3"],
        ["theme[SQ001]", "theme[SQ002]"],
        ["Theme (choice=Pain)", "Theme (choice=Sleep)"],
        ["theme$1", "theme$2"],
        ["Codesystem\\Pain", "Codesystem\\Sleep"],
        ["A : Pain", "B : Sleep"],
    ],
)
def test_checkboxes_are_not_raters(tmp_path: Path, columns: list[str]) -> None:
    with pytest.raises(TableError, match="checkboxes") as refused:
        read(tmp_path, table(columns))
    assert "--raters" in str(refused.value.hint)
    assert found(read(tmp_path, table(columns), raters=tuple(columns))) == {
        "labels": tuple(columns)
    }


def test_checkboxes_beside_a_rater_column_are_variables(tmp_path: Path) -> None:
    text = "id,rater,theme___1,theme___2\n1,ann,1,0\n1,ben,1,1\n2,ann,0,0\n2,ben,0,1\n"
    assert found(read(tmp_path, text)) == {"theme___1": ("ann", "ben"), "theme___2": ("ann", "ben")}


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        (["rater.1", "rater.2"], "01"),
        (["Radiologist.1", "Radiologist.2"], "01"),
        (["theme.1", "theme.2"], "xy"),
        (["ann", "ben"], "01"),
        (["Dr. May", "Dr. Gold"], "01"),
        (["A : Pain", "B : Sleep"], "xz"),
        (["coder_1", "coder_2", "coder_3", "coder_4"], "01"),
        (["ann_smith", "ann_jones", "ben_jones"], "xy"),
        (["ann smith", "ben jones", "cy young", "di brown"], "xy"),
        (["qwen2.5-7b", "llama-3.1-8b"], "xy"),
    ],
)
def test_ordinary_raters_are_counted(tmp_path: Path, columns: list[str], cells: str) -> None:
    assert found(read(tmp_path, table(columns, cells))) == {"labels": tuple(columns)}


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        (["theme[1]", "theme[2]"], ["Y", "N"]),
        (["thema[1]", "thema[2]"], ["Ja", "Nein"]),
        (["theme/a", "theme/b"], ["oui", "non"]),
        (["Schmerz", "Schlaf"], ["gew\u00e4hlt", "nicht gew\u00e4hlt"]),
        (["pain", "sleep"], ["Selected", "Not selected"]),
    ],
)
def test_checkboxes_are_known_by_their_words(
    tmp_path: Path, columns: list[str], cells: list[str]
) -> None:
    with pytest.raises(TableError, match="checkboxes"):
        read(tmp_path, table(columns, cells))


@pytest.mark.parametrize(
    ("columns", "pattern"),
    [
        (["ann_pain", "ben_pain", "ann_sleep", "ben_sleep"], "{rater}_{variable}"),
        (["pain_ann", "pain_ben", "sleep_ann", "sleep_ben"], "{variable}_{rater}"),
        (["pain.ann", "pain.ben", "sleep.ann", "sleep.ben"], "{variable}.{rater}"),
        (["Ann: pain", "Ann: sleep", "Ben: pain", "Ben: sleep"], "{rater}:{variable}"),
    ],
)
def test_raters_by_variables_are_asked_about_then_told_apart(
    tmp_path: Path, columns: list[str], pattern: str
) -> None:
    text = table(columns, "xyz")
    with pytest.raises(TableError, match="several variables") as refused:
        read(tmp_path, text)
    assert f"--column-pattern '{pattern}'" in str(refused.value.hint)
    by_pattern = read(tmp_path, text, pattern=pattern)
    by_codebook = read(tmp_path, text, variables=("pain", "sleep"))
    for ratings in (by_pattern, by_codebook):
        assert {one: tuple(map(str.lower, two)) for one, two in found(ratings).items()} == {
            "pain": ("ann", "ben"),
            "sleep": ("ann", "ben"),
        }
        assert pattern in " ".join(ratings.messages)
    assert found(read(tmp_path, text, raters=tuple(columns))) == {"labels": tuple(columns)}


def test_a_capital_letter_divides_names_as_well(tmp_path: Path) -> None:
    text = table(["annPain", "benPain", "annSleep", "benSleep"], "xyz")
    with pytest.raises(TableError, match="several variables") as refused:
        read(tmp_path, text)
    assert "--column-pattern '{rater}{variable}'" in str(refused.value.hint)
    assert found(read(tmp_path, text, pattern="{rater}{variable}")) == {
        "Pain": ("ann", "ben"),
        "Sleep": ("ann", "ben"),
    }


def test_a_rater_who_judges_one_variable_only_counts_there(tmp_path: Path) -> None:
    columns = ["ann_pain", "ben_pain", "cy_pain", "ann_sleep", "ben_sleep"]
    ratings = read(tmp_path, table(columns, "xyz"), pattern="{rater}_{variable}")
    assert found(ratings) == {"pain": ("ann", "ben", "cy"), "sleep": ("ann", "ben")}
    columns = ["pain_ann", "pain_ben", "pain_cy", "sleep_ann", "sleep_ben"]
    ratings = read(tmp_path, table(columns, "xyz"), pattern="{variable}_{rater}")
    assert found(ratings) == {"pain": ("ann", "ben", "cy"), "sleep": ("ann", "ben")}


def test_columns_of_check_marks_are_checkboxes_whatever_they_are_called(tmp_path: Path) -> None:
    text = "id,pain,sleep\n1,Checked,Unchecked\n2,Unchecked,Unchecked\n"
    with pytest.raises(TableError, match="checkboxes"):
        read(tmp_path, text)


def test_other_columns_beside_the_grid_are_left_out_and_named(tmp_path: Path) -> None:
    columns = ["ann_pain", "ben_pain", "ann_sleep", "ben_sleep", "ann_time", "ben_time", "site"]
    ratings = read(tmp_path, table(columns, "xyz"), pattern="{rater}_{variable}")
    assert found(ratings) == {"pain": ("ann", "ben"), "sleep": ("ann", "ben")}
    assert 'Left out columns "ann_time", "ben_time", "site"' in " ".join(ratings.messages)


def test_names_with_the_separator_inside_are_divided_where_the_parts_recur() -> None:
    grid = find_grid(["ann_back_pain", "ben_back_pain", "ann_sleep", "ben_sleep"])
    assert grid is not None
    assert grid.last == ("back_pain", "sleep")
    grid = find_grid(["back_pain_ann", "back_pain_ben", "sleep_ann", "sleep_ben"])
    assert grid is not None
    assert grid.first == ("back_pain", "sleep")


def test_a_pattern_that_fits_no_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="found no columns named"):
        read(tmp_path, table(["ann", "ben"]), pattern="{rater}_{variable}")


@pytest.mark.parametrize("text", ["", "{rater}", "{rater}_{rater}", "a_b"])
def test_a_pattern_names_a_rater_and_a_variable(text: str) -> None:
    with pytest.raises(InputError, match="column pattern"):
        ColumnPattern.parse(text)


@pytest.mark.parametrize(
    "columns",
    [
        ["pain1", "sleep1", "pain2", "sleep2"],
        ["pain", "sleep", "pain.1", "sleep.1"],
        ["pain", "pain_2", "sleep", "sleep_2"],
    ],
)
def test_names_that_recur_with_a_number_are_asked_about(tmp_path: Path, columns: list[str]) -> None:
    with pytest.raises(TableError, match="several rounds") as refused:
        read(tmp_path, table(columns, "xyz"))
    assert "--raters first,second" in str(refused.value.hint)


@pytest.mark.parametrize(
    "columns",
    [
        ["expert1", "expert2", "novice1", "novice2"],
        ["ann", "ann2", "ben"],
        ["R1", "R2", "R3", "R4"],
    ],
)
def test_numbered_raters_are_counted(tmp_path: Path, columns: list[str]) -> None:
    assert found(read(tmp_path, table(columns, "xyz"))) == {"labels": tuple(columns)}

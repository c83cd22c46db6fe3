"""Several labels in one cell are asked about and split on request; ordinary labels are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.errors import InputError, TableError
from localensemble.tables.doubts.joined_labels import find_joined, separate_labels, split_label
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import Ratings, read_ratings


def read(folder: Path, *rows: tuple[str, str]) -> Ratings:
    path = folder / "labels.csv"
    text = "".join(f'{n},"{a}","{b}"\n' for n, (a, b) in enumerate(rows))
    path.write_text(f"id,ann,ben\n{text}", encoding="utf-8")
    return read_ratings(path, named=NamedColumns(raters=("ann", "ben")))


@pytest.mark.parametrize(
    ("words", "separator", "joined"),
    [
        (["pain", "sleep", "pain sleep"], " ", 1),
        (["pain sleep", "sleep mood", "pain mood"], " ", 3),
        (["pain", "fever", "pain|fever", "pain | fever", "fever|cough"], "|", 2),
        (["a;b", "b;c", "a", "c;d"], ";", 2),
        (["1#2", "1", "2#3", "3"], "#", 2),
        (["a, b", "b", "a", "b, a"], ",", 2),
        (["a,b", "b,c", "a,c"], ",", 3),
        (["yes/no", "yes", "no"], "/", 1),
        (["a", '["a", "b"]', "[]"], "json", 2),
        (["a", "['a', 'b']"], "json", 1),
        (["a", "('a', 'b')", "{'a', 'b'}"], "json", 2),
        (["pain", "sleep", "pain and sleep"], " and ", 1),
        (["Schmerz", "Schlaf", "Schlaf und Schmerz"], " und ", 1),
        (["pain", "sleep", "mood", "pain-sleep", "pain-mood"], "-", 2),
        (["pain", "sleep", "mood", "pain \u2022 sleep"], "\u2022", 1),
        (["a", '{"choices":["a","b"]}'], "json", 1),
        (["a", '[{"choices":["a"]}]'], "json", 1),
    ],
)
def test_combinations_of_labels_are_recognized(
    words: list[str], separator: str, joined: int
) -> None:
    found = find_joined(words)
    assert found is not None
    assert (found.separator, len(found.words)) == (separator, joined)


@pytest.mark.parametrize(
    "words",
    [
        ["very good", "good", "bad", "very bad"],
        ["very good", "quite good", "very bad", "quite bad"],
        ["strongly agree", "agree", "neither agree nor disagree", "disagree"],
        ["not sure", "sure", "yes"],
        ["not at all", "a little", "a lot", "quite a lot", "not a lot"],
        ["yes, definitely", "yes, probably", "no, probably", "no, definitely", "yes", "no"],
        ["chest pain", "back pain", "headache"],
        ["side effects", "effects", "wait"],
        ["staff", "staffing", "food & drink"],
        ["1-2", "3-4", "1", "2"],
        ["mild", "moderate", "mild-moderate"],
        ["1", "1.1", "1.2", "2", "2.1"],
        ["A", "A.1", "A.2", "1", "2"],
        ["very_good", "good", "very_bad", "bad"],
        ["[1]", "[unclear", "{x}", "[1, 2"],
        ["n/a", "a"],
        [],
    ],
)
def test_ordinary_categories_are_not_doubted(words: list[str]) -> None:
    assert find_joined(words) is None


def test_declared_categories_are_not_doubted_and_their_combinations_are() -> None:
    words = ["pain", "pain sleep", "sleep"]
    assert find_joined(words, declared=words) is None
    found = find_joined(["pain sleep"], declared=["pain", "sleep"])
    assert found is not None
    assert found.words == ("pain sleep",)


@pytest.mark.parametrize(
    ("cell", "separator", "labels"),
    [
        ("a b  a", " ", ("a", "b")),
        ("a; b;", ";", ("a", "b")),
        ('["a", "b", "a"]', ";", ("a", "b")),
        ("a b", "json", ("a b",)),
        ('{"choices": []}', "json", ()),
        ("{'labels': ['x']}", "json", ("x",)),
        ('[{"task": "T0", "value": "x"}]', "json", ("x",)),
        ('[{"from_name": "s", "value": {"choices": ["x", "y"]}}]', "json", ("x", "y")),
        ('{"other": "x"}', "json", ('{"other": "x"}',)),
    ],
)
def test_a_cell_is_split_into_its_labels(
    cell: str, separator: str, labels: tuple[str, ...]
) -> None:
    assert split_label(cell, separator) == labels


def test_joined_labels_are_asked_about_with_their_rows(tmp_path: Path) -> None:
    table = read(tmp_path, ("a", "a"), ("a b", "b"), ("b", "b a"))
    with pytest.raises(TableError, match=r"2 cells seem to hold several .* in rows 2, 3") as asked:
        separate_labels(table, separator=None)
    assert "--split-labels ' '" in str(asked.value.hint)
    assert "--split-labels no" in str(asked.value.hint)
    assert separate_labels(table, separator="no") is table
    one = read(tmp_path, ("a", "a"), ("['a']", "b"))
    with pytest.raises(TableError, match=r"1 cell seems to hold .* as a list") as asked:
        separate_labels(one, separator=None)
    assert "--split-labels json" in str(asked.value.hint)
    with pytest.raises(InputError, match="split"):
        separate_labels(table, separator="")


def test_each_category_becomes_a_variable_and_gaps_stay_gaps(tmp_path: Path) -> None:
    table = read(tmp_path, ("a", "a b"), ("b", ""), ("b a", "c"))
    separate = separate_labels(table, separator=" ", declared=("d",))
    assert [one.variable for one in separate.variables] == [
        "labels.d",
        "labels.a",
        "labels.b",
        "labels.c",
    ]
    answers = [
        next(one.matrices(("yes", "no"), name_of={})).indices.tolist() for one in separate.variables
    ]
    assert answers == [
        [[1, 1], [1, -1], [1, 1]],
        [[0, 0], [1, -1], [0, 1]],
        [[1, 0], [0, -1], [0, 1]],
        [[1, 1], [1, -1], [1, 0]],
    ]
    assert all(one.answers == ("yes", "no") for one in separate.variables)
    assert "Split" in separate.messages[-1]


def test_gold_labels_are_split_as_well(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,ann,ben,gold\n1,a,a b,a b\n2,b,b,\n", encoding="utf-8")
    table = read_ratings(path, named=NamedColumns(gold="gold"))
    a, b = separate_labels(table, separator=" ").variables
    for one, known in ((a, [0, -1]), (b, [0, -1])):
        (gold,) = one.gold(("yes", "no"), name_of={})
        assert gold is not None
        assert gold.tolist() == known

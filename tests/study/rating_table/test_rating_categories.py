"""Categories are declared or taken from the labels; what is doubtful is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.agreement import AgreementError, Level, LevelError
from localensemble.core.errors import LocalEnsembleError, TableError
from localensemble.study.rating_table.rating_categories import Categories, choose_categories
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import VariableRatings, read_ratings


def labels_of(folder: Path, *words: str) -> VariableRatings:
    path = folder / "labels.csv"
    rows = "".join(f'i{n},ann,"{word}"\n' for n, word in enumerate(words))
    path.write_text(f"item,rater,label\n{rows}", encoding="utf-8")
    return read_ratings(path, named=NamedColumns()).variables[0]


def chosen(
    folder: Path, *words: str, level: Level, declared: tuple[str, ...] | None = None
) -> Categories:
    return choose_categories(
        labels_of(folder, *words), level=level, declared=declared, source="labels.csv"
    )


@pytest.mark.parametrize(
    ("words", "level", "names", "values"),
    [
        (("b", "a", "b"), "nominal", ("a", "b"), None),
        (("10", "9", "-1"), "nominal", ("-1", "9", "10"), None),
        (("10", "9", "-1"), "ordinal", ("-1", "9", "10"), None),
        (("b", "a"), "ordinal", ("a", "b"), None),
        (("10", "9.5", "1e1"), "interval", ("9.5", "10"), (9.5, 10.0)),
        (("0", "00", "-0", "2"), "ratio", ("0", "2"), (0.0, 2.0)),
    ],
)
def test_the_labels_that_occur_are_the_categories_and_it_is_said(
    tmp_path: Path,
    words: tuple[str, ...],
    level: Level,
    names: tuple[str, ...],
    values: tuple[float, ...] | None,
) -> None:
    found = chosen(tmp_path, *words, level=level)
    assert (found.names, found.values) == (names, values)
    assert f"took the {len(names)} labels that occur" in found.messages[0]


def test_numbers_written_in_several_ways_are_one_where_a_label_is_a_number(
    tmp_path: Path,
) -> None:
    found = chosen(tmp_path, "1", "1.0", "2", level="ordinal")
    assert (found.names, found.name_of) == (("1", "2"), {"1.0": "1"})
    assert 'read numbers written in several ways as one: "1.0" as "1".' in found.messages[-1]
    declared = chosen(tmp_path, "1.0", level="interval", declared=("2", "1"))
    assert (declared.names, declared.values) == (("1", "2"), (1.0, 2.0))
    assert declared.name_of == {"1.0": "1"}


def test_declared_categories_keep_their_order_and_need_no_message(tmp_path: Path) -> None:
    found = chosen(tmp_path, "high", level="ordinal", declared=("low", "high "))
    assert found == Categories(("low", "high"), None)


def test_without_any_label_there_is_no_category(tmp_path: Path) -> None:
    assert chosen(tmp_path, "", "", level="nominal") == Categories((), None)
    assert chosen(tmp_path, "", "", level="interval") == Categories((), ())


@pytest.mark.parametrize(
    ("words", "level", "declared", "error", "found"),
    [
        (
            ("yes", "maybe"),
            "nominal",
            ("yes", "no"),
            TableError,
            "not a declared category in row 2",
        ),
        (("1", "1.5"), "nominal", ("1", "2"), TableError, "not a declared category in row 2"),
        (("x",), "nominal", ("x", "x"), AgreementError, '"x" is named twice'),
        (("x",), "nominal", ("x", ""), AgreementError, "one is empty"),
        (("x",), "nominal", (), AgreementError, "one is empty"),
        (("yes", "NA", "NA"), "nominal", None, TableError, '"NA" may be .* in rows 2, 3'),
        (("1", "1.0"), "nominal", None, TableError, '"1", "1.0" are the same number'),
        (("yes", "Yes"), "nominal", None, TableError, "same word except for case"),
        (("a", "b", "c"), "ordinal", None, LevelError, "needs the order of its 3 categories"),
        (("1", "two"), "interval", None, LevelError, "needs numbers as categories"),
        (("1,5", "2"), "interval", None, LevelError, "needs numbers as categories"),
        (("1e999", "2"), "interval", None, LevelError, "too large"),
    ],
)
def test_what_is_doubtful_is_refused(
    tmp_path: Path,
    words: tuple[str, ...],
    level: Level,
    declared: tuple[str, ...] | None,
    error: type[LocalEnsembleError],
    found: str,
) -> None:
    with pytest.raises(error, match=found) as refused:
        chosen(tmp_path, *words, level=level, declared=declared)
    assert refused.value.hint


def test_many_categories_are_not_all_listed(tmp_path: Path) -> None:
    found = chosen(tmp_path, *map(str, range(40)), level="nominal")
    assert '"11" and 28 more' in found.messages[0]

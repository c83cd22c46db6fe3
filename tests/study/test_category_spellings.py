"""Spellings that look alike are one label, and that is said; what is doubtful is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.errors import TableError
from localensemble.study.category_spellings import (
    category_meant,
    joined_spellings,
    spelling_messages,
)
from localensemble.study.rating_table.rating_categories import choose_categories
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import VariableRatings, read_ratings


def two_raters(folder: Path, first: list[str], second: list[str]) -> VariableRatings:
    path = folder / "t.csv"
    rows = "".join(f'{n},"{a}","{b}"\n' for n, (a, b) in enumerate(zip(first, second, strict=True)))
    path.write_text(f"item,a,b\n{rows}", encoding="utf-8")
    return read_ratings(path, named=NamedColumns(raters=("a", "b"))).variables[0]


@pytest.mark.parametrize(
    ("plain", "drawn", "code"),
    [
        ("mild-moderate", "mild\u2013moderate", "U+2013"),
        ("doesn't know", "doesn\u2019t know", "U+2019"),
        ("sehr gut", "sehr\u00a0gut", "U+00A0"),
        ("x-ray", "x\u2011ray", "U+2011"),
        ("so-called", "so\u2212called", "U+2212"),
        ("yes", "yes\u200b", "U+200B"),
        ("A1", "\uff211", "U+FF21"),
        ("very good", "very  good", "two spaces"),
    ],
)
def test_two_drawings_of_one_label_agree_and_the_difference_is_named(
    tmp_path: Path, plain: str, drawn: str, code: str
) -> None:
    labels = two_raters(tmp_path, ["no", plain, "no", plain], ["no", drawn, "no", drawn])
    for declared in (None, ("no", plain)):
        found = choose_categories(labels, level="nominal", declared=declared, source="t.csv")
        assert set(found.names) == {"no", plain}
        assert code in found.messages[-1]
        (matrix,) = labels.matrices(found.names, name_of=found.name_of)
        assert (matrix.indices[:, 0] == matrix.indices[:, 1]).all()


def test_a_codebook_that_declares_both_spellings_keeps_them_apart(tmp_path: Path) -> None:
    labels = two_raters(tmp_path, ["a-b", "a\u2013b"], ["a-b", "a\u2013b"])
    found = choose_categories(labels, level="nominal", declared=("a-b", "a\u2013b"), source="t.csv")
    assert (found.names, found.name_of, found.messages) == (("a-b", "a\u2013b"), {}, ())


@pytest.mark.parametrize("other", ["Yes", "yes.", "yes:", "YES?", "yes_"])
def test_undeclared_labels_that_a_reader_takes_for_one_are_refused(
    tmp_path: Path, other: str
) -> None:
    labels = two_raters(tmp_path, ["yes", "no"], [other, "no"])
    with pytest.raises(TableError, match=f'"yes", "{other[:3]}.* row 1'):
        choose_categories(labels, level="nominal", declared=None, source="t.csv")


def test_a_spelling_that_everyone_uses_stays() -> None:
    assert joined_spellings(("a\u2013b", "no")) == {}
    assert joined_spellings(("a\u2013b", "a\u2014b")) == {"a\u2014b": "a\u2013b"}


def test_a_minus_sign_is_the_minus_of_a_number(tmp_path: Path) -> None:
    labels = two_raters(tmp_path, ["\u22121", "0", "1"], ["\u22121", "1", "0"])
    found = choose_categories(labels, level="interval", declared=None, source="t.csv")
    assert (found.names, found.values) == (("-1", "0", "1"), (-1.0, 0.0, 1.0))


@pytest.mark.parametrize(
    ("word", "categories", "meant"),
    [
        ("yes", ("yes", "Yes"), "yes"),
        ("YES", ("yes", "Yes"), None),
        ("TRUE", ("true", "false"), "true"),
        ("1.0", ("1", "2"), "1"),
        ("1", ("1.0", "2.0"), "1.0"),
        ("1.5", ("1", "2"), None),
        ("01", ("1", "2"), None),
        ("10.0", ("1", "10"), "10"),
        ("no.", ("yes", "no"), "no"),
        ("maybe", ("yes", "no"), None),
    ],
)
def test_a_spelling_means_the_one_category_that_it_can_mean(
    word: str, categories: tuple[str, ...], meant: str | None
) -> None:
    assert category_meant(word, categories) == meant


def test_many_spellings_are_not_all_listed() -> None:
    (message,) = spelling_messages({f"x{n}": "x" for n in range(14)}, where="t.csv")
    assert "and 2 more" in message
    assert spelling_messages({}, where="t.csv") == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["1", "0", "1", "0", "1"], ["Yes", "No", "Yes", "No", "No"]),
        (["m", "f", "m"], ["male", "female", "male"]),
        (["1", "2", "3"], ["low", "middle", "high"]),
    ],
)
def test_raters_without_a_category_in_common_are_named_first(
    tmp_path: Path, first: list[str], second: list[str]
) -> None:
    labels = two_raters(tmp_path, first, second)
    found = choose_categories(labels, level="nominal", declared=None, source="t.csv")
    assert 'raters "a" and "b" have no category in common' in found.messages[0]
    assert f"{len(first)} items" in found.messages[0]


def test_raters_that_disagree_within_the_same_categories_are_not_named(tmp_path: Path) -> None:
    for first, second in ((["y", "n"], ["n", "y"]), (["y", "y"], ["n", "n"])):
        labels = two_raters(tmp_path, first, second)
        found = choose_categories(labels, level="nominal", declared=None, source="t.csv")
        assert not any("in common" in message for message in found.messages)


def test_many_raters_and_many_categories_are_not_compared_or_listed(tmp_path: Path) -> None:
    letters, numbers = list("abcdefg"), list("1234567")
    labels = two_raters(tmp_path, letters, numbers)
    found = choose_categories(labels, level="nominal", declared=None, source="t.csv")
    assert '"e" and 2 more' in found.messages[0]
    path = tmp_path / "crowd.csv"
    names = [f"r{n}" for n in range(101)]
    rows = [",".join([str(n), *(["ab"[n]] * 50), *(["cd"[n]] * 51)]) for n in range(2)]
    path.write_text("\n".join([",".join(["item", *names]), *rows, ""]), encoding="utf-8")
    crowd = read_ratings(path, named=NamedColumns(raters=tuple(names))).variables[0]
    found = choose_categories(crowd, level="nominal", declared=None, source="crowd.csv")
    assert not any("in common" in message for message in found.messages)

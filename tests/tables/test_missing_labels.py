"""Words and numbers that may stand for a missing label are questioned; scales are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.agreement import Level
from localensemble.api.agree import AgreeOptions, agree
from localensemble.core.errors import TableError
from localensemble.tables.doubts.missing_labels import may_be_missing, minus_one_sentence

THREE_RATERS = (
    "item,a,b,c\n1,1,1,1\n2,2,2,99\n3,1,1,-1\n4,2,2,2\n5,3,3,99\n"
    "6,1,2,1\n7,3,3,3\n8,2,99,2\n9,1,1,1\n10,3,3,-1\n"
)


@pytest.mark.parametrize(
    ("words", "doubtful"),
    [
        ("1 2 3 99 -1", "99 -1"),
        ("0 1 99", "99"),
        ("0 1 -9", "-9"),
        ("0 1 8", "8"),
        ("1 2 3 8 9", "8 9"),
        ("1 2 3 7 8 9", "7 8 9"),
        ("1 2 3 4 5 6 7 9", "9"),
        ("1 2 3 4 5 -99", "-99"),
        ("1 2 3 888 999", "888 999"),
        ("1 2 3 97 98 99", "97 98 99"),
        ("1 2 3 99 999", "99 999"),
        ("1 2 -7 -8 -9", "-7 -8 -9"),
        ("0 1 2 3 -1", "-1"),
        ("1 2 3 -1 -2", "-1 -2"),
        ("1.0 2.0 99.0", "99.0"),
        ("18 25 64 -1", "-1"),
        ("18 25 64 999", "999"),
        ("0 12 35 70 100 -9", "-9"),
        ("0 25 50 100 -99", "-99"),
        ("2019 2020 9999", "9999"),
        ("-1 0 1 99", "99"),
        ("yes no 99", "99"),
        ("yes no 9", "9"),
        ("A B -1", "-1"),
        ("yes no \N{EN DASH}", "\N{EN DASH}"),
        ("yes no NA #NV k.A. (blank)", "NA #NV k.A. (blank)"),
        ("None yes no", "None"),
        ("None 1 2", "None"),
    ],
)
def test_what_surveys_use_for_missing_values_is_questioned(words: str, doubtful: str) -> None:
    assert may_be_missing(words.split()) == doubtful.split()


@pytest.mark.parametrize(
    "words",
    [
        "0 1 2 3 4 5 6 7 8 9 10",
        "1 2 3 4 5",
        "1 2 3 4 5 7",
        "1 2 3 4 5 6 7 8 9",
        "1 3 5 7 9",
        "0 1 2 3 4 7 8",
        "0 2 5 9",
        "1 9",
        "7 8 9",
        "0 100",
        "0 50 100",
        "3 12 45 67 88 99",
        "10 20 30 40 99 100",
        "-1 0 1",
        "-2 -1 0 1 2",
        "-1 1",
        "-3 0 3",
        "-5 -4 -3 0 1 4",
        "-3 -1 0 2 3",
        "-3 -2 -1",
        "10 9 -1",
        "A01 B99 99",
        "401 250 999",
        "250.0 401.9 999.9",
        "None Mild Severe",
        "none mild severe",
        "yes no unknown",
        "99",
        "",
    ],
)
def test_scales_and_codes_of_classifications_raise_no_alarm(words: str) -> None:
    assert may_be_missing(words.split()) == []


def test_minus_one_beside_zero_and_one_is_asked_about_but_not_refused() -> None:
    assert "--gap -1" in minus_one_sentence(("1", "0", "-1"))
    assert minus_one_sentence(("1", "0")) == ""


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.883), ("interval", 0.942)])
def test_codes_that_a_gap_answers_give_the_value_without_them(
    tmp_path: Path, level: Level, alpha: float
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(THREE_RATERS, encoding="utf-8")
    with pytest.raises(TableError, match=r'"99", "-1" may be .* rows 2, 3, 5, 8, 10') as refused:
        agree(table, options=AgreeOptions(level=level, resamples=0))
    assert "--gap 99 --gap -1" in str(refused.value.hint)
    found = agree(table, options=AgreeOptions(level=level, resamples=0, gaps=("99", "-1")))
    # irrCAC: AC1 .900; krippendorff: alpha .883 nominal, .942 interval, of the same table.
    assert found.variables[0].agreement.coefficient("AC1").value == pytest.approx(0.900, abs=5e-4)
    value = found.variables[0].agreement.coefficient("Krippendorff alpha").value
    assert value == pytest.approx(alpha, abs=5e-4)


def test_numbers_with_a_decimal_comma_are_doubted_like_others() -> None:
    assert may_be_missing(["1,0", "2,0", "3,0", "-99,0"]) == ["-99,0"]
    assert may_be_missing(["0,5", "1,0", "1,5"]) == []

"""Numbers of ours follow the decimal mark of a table, and no spreadsheet takes them for others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localensemble.tables.decimal_marks import DecimalMark, number_text
from localensemble.tables.delimited import open_table


@pytest.mark.parametrize(
    ("content", "mark"),
    [
        ("id;text;dose\n1;cold soup;0,5\n2;warm soup;12\n", ","),
        ("id;text;dose\n1;cold soup;0.5\n2;warm soup;12\n", "."),
        ('id,text,dose\n1,cold soup,"1.234,5"\n', ","),
        ("id\ttext\tdose\n1\tcold soup\t1,234.5\n", "."),
        ("id;text\n1;cold soup\n", ","),
        ("id,text\n1,cold soup\n", "."),
        ("id|text\n1|cold soup\n", "."),
        # Each of these may be more than a thousand or a number with three decimals.
        ("id;text;dose\n1;cold soup;1.234\n", ","),
        ('id,text,dose\n1,cold soup,"1,234"\n', "."),
        # A date and a version are not numbers, so their columns say nothing.
        ("id;text;seen\n1;cold soup;24.12.2024\n2;warm soup;1.2\n", ","),
        # Chapters are numbered with points wherever decimals have a comma.
        ("id;text;dose\n1.1;cold soup;0,5\n1.2;warm soup;0,75\n", ","),
        ("id;text;dose\n1;-0,5;0,25\n", ","),
    ],
)
def test_the_mark_of_a_table_is_that_of_its_numbers(
    content: str, mark: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    assert open_table(path).format.decimal_mark == mark


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (2 / 3, "0,666667"),
        (0.5, "0,5"),
        (1.0, "1"),
        (0.125, "0,1250"),
        (202.658, "202,6580"),
        (202.65812, "202,65812"),
        (0.00001, "0,00001"),
        (3e-7, "0"),
        (-3e-7, "0"),
        (-1.0, "-1"),
        (100.0, "100"),
    ],
)
def test_numbers_are_written_plainly(value: float | None, text: str) -> None:
    assert number_text(value, mark=",") == text
    assert number_text(value, mark=".") == text.replace(",", ".")


@given(value=st.floats(-400, 400), mark=st.sampled_from((".", ",")))
@example(value=0.875, mark=".")
@example(value=399.9999999, mark=",")
def test_the_other_mark_never_makes_another_number(value: float, mark: DecimalMark) -> None:
    text = number_text(value, mark=mark)
    assert float(text.replace(",", ".")) == pytest.approx(value, abs=6e-7)
    # LibreOffice 7.4 takes the other mark for thousands only if three digits follow it.
    assert not re.search(r"[.,]\d{3}$", text)

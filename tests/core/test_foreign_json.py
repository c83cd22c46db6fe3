"""JSON that anybody may have written is refused in words, with the place and what was found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.core.foreign_json import Fields, ForeignJsonError, read_json

CHECKS: tuple[Callable[[Fields], object], ...] = (
    lambda fields: fields.text("a"),
    lambda fields: fields.sha256("a"),
    lambda fields: fields.count("a"),
    lambda fields: fields.flag("a"),
    lambda fields: fields.one_of("a", ("x", "y")),
    lambda fields: fields.inside("a"),
    lambda fields: fields.inside_or_none("a"),
    lambda fields: fields.each("a"),
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"xx", "not JSON"),
        (b"[" * 100_000, "nests lists or objects too deeply"),
        (b'{"a":' * 100_000, "nests lists or objects too deeply"),
        (b'{"a": 1, "a": 2}', '"a" appears twice'),
        (b'{"a": NaN}', "NaN is not a number in JSON"),
        (b"[" + b"9" * 5000 + b"]", "not JSON"),
        (b'"\xff"', "not JSON"),
    ],
)
def test_a_file_that_is_not_json_is_refused(data: bytes, expected: str) -> None:
    with pytest.raises(ForeignJsonError, match=expected):
        read_json(data)


@pytest.mark.parametrize(
    ("value", "check", "expected"),
    [
        ("x", 2, 'size: expected a whole number of 0 or more, found "x"'),
        (True, 2, "found true"),
        (10**60, 2, "found a number too large"),
        (["a"], 0, "expected text, found a list"),
        ("\x1b[2J", 0, r'without control characters, found "\\x1b'),
        (None, 4, "expected x or y, found null"),
        ("no", 3, 'expected true or false, found "no"'),
        ({}, 7, "expected a list, found an object"),
        (1.5, 5, "expected an object with fields, found 1.5"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_place(
    value: object, check: int, expected: str
) -> None:
    fields = Fields({"a": value})
    with pytest.raises(ForeignJsonError, match=expected.removeprefix("size: ")):
        CHECKS[check](fields)


def test_a_missing_and_an_unknown_field_are_named() -> None:
    outer = Fields({"models": [{"name": "x", "color": "red"}]})
    (inner,) = outer.each("models")
    with pytest.raises(ForeignJsonError, match=r"models\[0\]\.path: the field is missing"):
        inner.text("path")
    with pytest.raises(ForeignJsonError, match=r'models\[0\]: expected only name, found "color"'):
        inner.refuse_others(["name"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(value=json_values, check=st.sampled_from(CHECKS))
def test_every_value_is_returned_or_refused(
    value: object, check: Callable[[Fields], object]
) -> None:
    with contextlib.suppress(ForeignJsonError):
        check(Fields({"a": value}))

"""A text is cut at the places to mark, and no character is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.core.marked_text import marked_parts


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("kind staff", [], [("kind staff", False)]),
        ("kind staff", [(5, 10)], [("kind ", False), ("staff", True)]),
        ("kind staff", [(0, 4), (2, 6)], [("kind s", True), ("taff", False)]),
        ("a\U0001f44db", [(1, 2)], [("a", False), ("\U0001f44d", True), ("b", False)]),
        ("abc", [(2, 9), (-3, 1), (2, 2)], [("a", True), ("b", False), ("c", True)]),
        ("", [(0, 3)], []),
    ],
)
def test_parts_are_marked_where_a_place_has_them(
    text: str, places: list[tuple[int, int]], expected: list[tuple[str, bool]]
) -> None:
    assert [(one.text, one.is_marked) for one in marked_parts(text, places)] == expected


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(-2, 32), st.integers(-2, 32))))
def test_the_parts_together_are_the_text(text: str, places: list[tuple[int, int]]) -> None:
    assert "".join(one.text for one in marked_parts(text, places)) == text


def test_the_repr_of_a_part_has_no_text() -> None:
    assert "secret" not in repr(marked_parts("secret", [(0, 3)]))

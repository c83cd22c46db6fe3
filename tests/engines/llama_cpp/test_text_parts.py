"""A long text is cut into parts that together are the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localensemble.engines.llama_cpp.text_parts import parts_of


def words(text: str) -> int:
    return len(text.split())


def test_a_text_that_fits_is_one_part() -> None:
    assert parts_of(" one two\n", count=words, most=2) == (" one two\n",)


def test_a_long_text_is_cut_between_words() -> None:
    assert parts_of("one two three four five", count=words, most=2) == (
        "one two",
        " three four",
        " five",
    )


def test_a_word_that_is_too_long_by_itself_is_cut_inside() -> None:
    assert parts_of("abcdefgh", count=len, most=3) == ("ab", "cd", "ef", "gh")


@given(st.text(), st.integers(1, 9))
def test_no_character_that_counts_is_lost_and_no_part_is_too_long(text: str, most: int) -> None:
    parts = parts_of(text, count=len, most=most)
    # White space at the end belongs to no word.
    assert "".join(parts).rstrip() == text.rstrip()
    assert all(len(part) <= most for part in parts)

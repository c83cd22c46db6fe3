"""Spans as values: places in code points, words of any script, places of other programs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.core.labels import ItemId
from localensemble.core.spans import Span, SpanMatrix, in_code_points, words_of


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 3), (4, 3)])
def test_an_impossible_span_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="runs from"):
        Span(start, stop, "Disease")


def test_a_matrix_refuses_rows_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="2 cells for 1 rater"):
        SpanMatrix((ItemId("a"),), ("one",), (((), ()),))
    with pytest.raises(ValueError, match="0 rows"):
        SpanMatrix((ItemId("a"),), ("one",), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fieber 39,5°C", ["Fieber", "39", ",", "5", "°", "C"]),
        ("हिन्दी में दर्द", ["हिन्दी", "में", "दर्द"]),
        ("cafe\u0301 😷!", ["cafe\u0301", "😷", "!"]),
        ("می\u200cخواهم dia\u00adbetes", ["می\u200cخواهم", "dia\u00adbetes"]),
        ("", []),
    ],
)
def test_words_keep_marks_and_stand_where_they_are(text: str, words: list[str]) -> None:
    assert [text[word.start : word.stop] for word in words_of(text)] == words


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_words_cover_every_visible_character_once(text: str) -> None:
    covered = [place for word in words_of(text) for place in range(word.start, word.stop)]
    assert covered == [place for place, one in enumerate(text) if not one.isspace()]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.data())
def test_places_in_bytes_and_utf_16_come_back_as_code_points(
    text: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(text)))
    before = text[:place]
    assert in_code_points(text, [len(before.encode())], "bytes") == (place,)
    assert in_code_points(text, [len(before.encode("utf-16-le")) // 2], "utf-16") == (place,)
    assert in_code_points(text, [place], "code-points") == (place,)


def test_a_place_inside_a_character_or_beyond_the_text_has_no_code_point() -> None:
    assert in_code_points("😷x", [1, 2, 9], "utf-16") == (None, 1, None)
    assert in_code_points("é", [1, 2], "bytes") == (None, 1)
    assert in_code_points("é", [2, -1], "code-points") == (None, None)

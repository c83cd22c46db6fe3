"""Promises about quotes: pieces of the text, and written phrases only where the text has them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.strategies.relevancy.phrase_filter import is_in_text, place_of
from localensemble.strategies.relevancy.text_pieces import LONGEST_PIECE, text_pieces
from localensemble.strategies.relevancy.written_topics import (
    QUESTION_AFTER_TEXT,
    WrittenTopic,
    question_before_text,
    read_written_topics,
)


def pieces(text: str) -> list[str]:
    return [text[start:stop] for start, stop in text_pieces(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kind staff, but a long wait.", ["Kind staff", "but a long wait"]),
        ("Fever of 37.5 at 10:30! (Again.)", ["Fever of 37.5 at 10:30", "Again"]),
        ("Zoë’s naïve café – 👩‍⚕️ was späť…", ["Zoë’s naïve café", "👩‍⚕️ was späť"]),
        ("well-run ward - no queue\nclean", ["well-run ward", "no queue", "clean"]),
        ("... ,, !", []),
        ("", []),
    ],
)
def test_pieces_stand_between_punctuation_marks(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_a_long_piece_is_cut_into_parts_of_about_equal_length() -> None:
    words = [f"w{n}" for n in range(LONGEST_PIECE * 2 + 2)]
    found = pieces(" ".join(words))
    assert [len(piece.split()) for piece in found] == [11, 10, 11]
    assert " ".join(found).split() == words


@given(st.text(max_size=200))
def test_pieces_are_in_order_do_not_overlap_and_lose_no_letter(text: str) -> None:
    places = text_pieces(text)
    assert all(start < stop for start, stop in places)
    assert all(a[1] <= b[0] for a, b in pairwise(places))
    kept = "".join(text[start:stop] for start, stop in places)
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@pytest.mark.parametrize(
    ("phrase", "text", "kept"),
    [
        ("rude staff", "The staff was late.", False),
        ("rude late staff", "The staff was late.", True),
        ("waiting times", "We waited a long time.", True),
        ("nobody came", "", False),
        ("!?", "what!?", False),
    ],
)
def test_a_phrase_needs_more_than_half_of_its_words_in_the_text(
    phrase: str, text: str, kept: bool
) -> None:
    assert is_in_text(phrase, text) is kept
    assert (place_of(phrase, text) is not None) is kept


@pytest.mark.parametrize(
    ("phrase", "text", "place"),
    [
        ("LONG wait", "a very long\n wait for it", "long\n wait"),
        ("staff kind", "The food was cold. The staff were so kind to us.", "staff were so kind"),
        ("cold cold tea", "warm soup and cold tea", "cold tea"),
        ("Zoë 👍 nurse", "Danke Zoë 👍 nurse", "Zoë 👍 nurse"),
    ],
)
def test_a_kept_phrase_stands_for_the_stretch_that_has_its_words(
    phrase: str, text: str, place: str
) -> None:
    found = place_of(phrase, text)
    assert found is not None
    assert text[found[0] : found[1]] == place


TOPICS = (("wait", "Time spent waiting."), ("staff", "How staff behaved."))


def test_the_question_numbers_the_topics_in_their_order() -> None:
    assert question_before_text(TOPICS) + "We waited." + QUESTION_AFTER_TEXT == (
        "Question: Does the text mention any of these topics?\n"
        "(1) wait: Time spent waiting.\n"
        "(2) staff: How staff behaved.\n"
        "Answer in this format, one line for each topic:\n"
        "(1) wait: [yes/no], related phrases if any:\n"
        "(2) staff: [yes/no], related phrases if any:\n"
        'Text: "We waited."\n'
        "Answer:"
    )


NO, MISSING = WrittenTopic(False), WrittenTopic(None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            "(1) wait: [yes], related phrases: 'two hours', so long\n(2) staff: [no]",
            [WrittenTopic(True, ("two hours", "so long")), NO],
        ),
        ("(1) wait: no\n(2) staff: yes, very kind", [NO, WrittenTopic(True, ("very kind",))]),
        ("**(1) Wait:** No.\n**(2) Staff:** Yes", [NO, WrittenTopic(True)]),
        ("(1) wait: not mentioned\n(2) staff: [yes/no], related phrases if any:", [NO, NO]),
        ("(1) wait: yes, two hours", [WrittenTopic(True, ("two hours",)), MISSING]),
        (
            "Sure! Here it is.\n1) wait: yes - 10.5 hours!\n2) staff: no\nI hope this helps.",
            [WrittenTopic(True, ("10.5 hours",)), NO],
        ),
        ("I cannot say.", [MISSING, MISSING]),
        ("(1) wait: nobody knows\n(2) staff: yesterday", [MISSING, MISSING]),
    ],
)
def test_written_answers_are_read_and_what_cannot_be_read_is_missing(
    answer: str, expected: list[WrittenTopic]
) -> None:
    assert read_written_topics(answer, [name for name, _ in TOPICS]) == tuple(expected)


def test_the_repr_of_an_answer_has_no_phrases() -> None:
    assert "secret" not in repr(WrittenTopic(True, ("secret",)))

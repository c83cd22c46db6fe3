"""The words for answers without a category."""

from __future__ import annotations

from localensemble.study.people.answer_words import ANSWER_WORDS


def test_no_category_can_have_the_name_of_an_answer() -> None:
    assert set(ANSWER_WORDS.values()) == {"cannot_decide", "codebook_unclear"}
    assert all(word.startswith("<") and word.endswith(">") for word in ANSWER_WORDS)

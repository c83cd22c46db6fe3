"""Words for a missing value are recognized, whole and in any drawing."""

from __future__ import annotations

import pytest

from localensemble.tables.doubts.missing_words import is_missing_word, may_answer_nothing


@pytest.mark.parametrize(
    "word",
    [
        "NA",
        "N/A",
        "#N/A",
        "\u2013",
        "\u2026",
        "(blank)",
        "Keine Angabe",
        "k.A.",
        "null",
        "?",
        "n.d.",
        "skipped",
        "sans r\u00e9ponse",
        "#LEER!",
        "#####",
        "NaT",
        "geen antwoord",
    ],
)
def test_words_for_a_missing_value_are_recognized(word: str) -> None:
    assert is_missing_word(word)
    assert may_answer_nothing(f" {word} ")


@pytest.mark.parametrize(
    "text", ["None", "nil", "unknown?", "No comment", "Keine", "RAS", "wei\u00df nicht"]
)
def test_words_that_may_also_answer_are_only_doubtful(text: str) -> None:
    assert may_answer_nothing(text)
    assert not is_missing_word(text)


@pytest.mark.parametrize(
    "text", ["", "no", "yes", "none of the nurses came", "see above", "Nurse NA was kind", "5"]
)
def test_other_texts_are_answers(text: str) -> None:
    assert not may_answer_nothing(text)

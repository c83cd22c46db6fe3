"""A codebook lists the texts that answer nothing."""

from __future__ import annotations

from typing import Any

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import codebook_from_json
from localensemble.codebook.non_answers import (
    USUAL_NON_ANSWERS,
    NonAnswers,
    unlisted_sentences,
)
from localensemble.core.errors import CodebookError
from localensemble.study.run_record import codebook_content

CONTENT: dict[str, Any] = {
    "name": "small",
    "version": "1",
    "variables": [
        {
            "name": "urgent",
            "level": "binary",
            "question": "Does somebody have to act today?",
            "categories": [
                {"name": "yes", "definition": "Somebody has to act today."},
                {"name": "no", "definition": "It can wait."},
            ],
        }
    ],
}
# Of this codebook in 0.1.0, which had no such setting.
HASH_BEFORE = "abd92337ab6aae657e5f909c2f3cd0e9d5502b9cd26c287c93bdc8ec901557e6"


@pytest.mark.parametrize(
    "text", ["NA", " na\n", "N/A", "-", "\u2013", "\u2212", " \u2014 ", ".", "...", "\u2026"]
)
def test_case_outer_space_and_the_kind_of_dash_do_not_matter(text: str) -> None:
    assert NonAnswers.of(USUAL_NON_ANSWERS).include(text)


@pytest.mark.parametrize("text", ["None", "see above", "NA.", "n", "nana", "5", "--", "no"])
def test_other_texts_are_answers(text: str) -> None:
    assert not NonAnswers.of(USUAL_NON_ANSWERS).include(text)


def test_a_codebook_without_the_key_lists_the_usual_ones() -> None:
    assert load_codebook(CONTENT).no_answer == USUAL_NON_ANSWERS


def test_an_empty_list_turns_it_off_and_a_record_keeps_that() -> None:
    off = load_codebook(CONTENT | {"no_answer": []})
    assert off.no_answer == ()
    assert codebook_from_json(off.as_json()) == load_codebook(off) == off
    assert not NonAnswers.of(off.no_answer).include("NA")


def test_a_record_from_before_the_setting_has_no_non_answers() -> None:
    recorded = load_codebook(CONTENT).as_json()
    del recorded["no_answer"]
    older = codebook_from_json(recorded)
    assert older.no_answer == ()
    assert older.sha256 == HASH_BEFORE


def test_the_list_is_in_the_hash_and_not_in_what_raters_are_shown() -> None:
    usual, other = load_codebook(CONTENT), load_codebook(CONTENT | {"no_answer": ["nil "]})
    assert other.no_answer == ("nil",)
    assert codebook_from_json(other.as_json()).sha256 == other.sha256 != usual.sha256
    assert codebook_content(usual) == codebook_content(other)


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ([" "], r"no_answer\[0\]: the text is empty"),
        ([5], r"no_answer\[0\]: expected text"),
        ("NA", "no_answer: expected a list"),
    ],
)
def test_an_entry_must_be_a_text(listed: object, words: str) -> None:
    with pytest.raises(CodebookError, match=words):
        load_codebook(CONTENT | {"no_answer": listed})


def test_words_that_are_not_listed_are_asked_about() -> None:
    found = {"None": 2, "NA": 3, "(blank)": 1}
    (sentence,) = unlisted_sentences(found, USUAL_NON_ANSWERS)
    assert sentence.startswith("3 texts may answer nothing")
    assert "no_answer" in sentence
    assert '"NA"' not in sentence
    assert unlisted_sentences({"NA": 3}, USUAL_NON_ANSWERS) == ()
    assert unlisted_sentences(found, ("none", "na", "(blank)")) == ()
    # Then every text needs a label, and that was decided.
    assert unlisted_sentences(found, ()) == ()

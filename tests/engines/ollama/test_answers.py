"""Answers are asked for so that they can be told apart, and what is not seen is a bound."""

from __future__ import annotations

import json
import math
import re
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.engines.ollama.answers import (
    AnswerForm,
    TokenProbability,
    answer_form,
    read_scores,
)
from localensemble.engines.protocol import ScoreFailure, Scores

WORDS = frozenset(
    {"Care", "Couldn", "Could", "C", "Staff", "St", "\u0120Staff", "Communication", "yes", "no"}
    | {"negative", "neutral", "ne", "I", "Ideation", "1", "2", "10", "A", "B"}
)


def form(*answers: str, vocabulary: frozenset[str] = WORDS) -> AnswerForm:
    made = answer_form(answers, vocabulary=vocabulary)
    assert isinstance(made, AnswerForm)
    return made


def read(asked: AnswerForm, told: dict[str, float]) -> Scores | ScoreFailure:
    tokens = [TokenProbability(text, math.log(value)) for text, value in told.items()]
    return read_scores(asked, top_tokens=tokens, prompt_tokens=7)


def probabilities(scores: Scores | ScoreFailure) -> list[float]:
    assert isinstance(scores, Scores)
    return [math.exp(value) for value in scores.log_probabilities]


def test_names_that_begin_with_words_of_their_own_are_asked_for_as_they_are() -> None:
    names = ("Care received", "Couldn't be improved", "Staff")
    asked = form(*names)
    # Staff is a token with a space before it, too.
    assert asked == AnswerForm(names, "", ("Care", "Couldn", "Staff"), (1, 1, 2))
    assert asked.schema == {"type": "string", "enum": list(names)}


@pytest.mark.parametrize(
    "answers",
    [
        *[("Staff", "Staff attitude"), ("Staff attitude", "Staff"), ("ab", "a"), ("1", "10")],
        # A first word that is several tokens, or may be; none that begins more than itself.
        *[("Care received", "Outside"), ("Care received", "Staffing"), ("Care", "I do not know")],
        *[
            ("Care", "naïve"),
            ("Care", "Ca\u0308re"),
            ("Care", "Staffé"),
            ("Care", "צוות"),
            ("Care", "👍"),
        ],
        *[("1", "3"), ("A", "I"), ("Care", "no_show"), ("Care", "-")],
    ],
)
def test_names_that_may_not_be_told_apart_get_letters(answers: tuple[str, ...]) -> None:
    asked = form(*answers)
    assert asked.texts == asked.beginnings == ("A", "B")
    assert asked.token_counts == (2, 2)
    assert asked.instruction.endswith(f"\nA: {answers[0]}\nB: {answers[1]}")


@given(names=st.lists(st.sampled_from(sorted(WORDS)), min_size=2, max_size=6, unique=True))
def test_what_is_asked_for_never_begins_another_answer(names: list[str]) -> None:
    """So a shorter name needs no rule: "1" beside "10" is asked for as a letter."""
    for one, other in permutations(form(*names).texts, 2):
        assert not other.startswith(one)


def test_digits_and_letters_are_names_of_their_own() -> None:
    assert form("1", "2") == AnswerForm(("1", "2"), "", ("1", "2"), (1, 1))
    assert form("B", "A") == AnswerForm(("B", "A"), "", ("B", "A"), (1, 1))


def test_without_a_vocabulary_letters_are_asked_for() -> None:
    assert form("yes", "no").texts == ("yes", "no")
    assert form("yes", "no", vocabulary=frozenset()).texts == ("A", "B")


def test_no_letter_begins_a_refusal_or_differs_by_its_size_only() -> None:
    letters = form(*(f"x{n}" for n in range(25))).texts
    assert len(letters) == len({letter.upper() for letter in letters}) == 25
    assert "I" not in letters


@pytest.mark.parametrize("answers", [(), ("a", "a"), ("a", " "), ("a", "")])
def test_answers_that_are_not_distinct_texts_are_refused(answers: tuple[str, ...]) -> None:
    refused = answer_form(answers, vocabulary=WORDS)
    assert isinstance(refused, ScoreFailure)
    assert re.fullmatch("answers: .* not distinct", refused.reason)


def test_more_answers_than_letters_are_refused() -> None:
    refused = answer_form(tuple(f"x{n}" for n in range(26)), vocabulary=WORDS)
    assert refused == ScoreFailure("answers: 26 where at most 25 have letters")


@pytest.mark.parametrize(
    ("reply", "follows"),
    [
        *[('"yes"', True), ("yes", False), ('"maybe"', False), ('["yes"]', False), ("", False)],
        *[('"yes" ', True), ('{"a": 1}', False), ('"yes', False), ("1", False)],
        ("[" * 100_000, False),
    ],
)
def test_a_reply_follows_the_schema_or_does_not(reply: str, follows: bool) -> None:
    assert form("yes", "no").is_answer(reply) is follows


@pytest.mark.parametrize("text", ['Staff "so"', "Staff naïve", f"Staff {'a' * 300}", "Staff צוות"])
def test_a_reply_of_any_answer_fits_into_the_tokens_allowed(text: str) -> None:
    asked = form(text, "Care")
    assert asked.texts == (text, "Care")
    # No token is shorter than a byte; the schema's text is not escaped.
    assert asked.most_tokens > len(json.dumps(text, ensure_ascii=False).encode())


def test_an_answer_gets_what_tokens_with_its_first_word_have() -> None:
    told = {"Care": 0.4, "Care received": 0.1, " Staff": 0.2, "St": 0.1, "x": 0.1}
    scores = read(form("Care received", "Staff"), told)
    assert probabilities(scores) == pytest.approx([0.5, 0.2])
    assert isinstance(scores, Scores)
    assert scores.off_codebook_mass == pytest.approx(0.3)
    assert scores.censored == ()
    assert scores.prompt_tokens == 7


def test_a_refusal_is_not_taken_for_a_category_that_begins_with_its_letter() -> None:
    """Nor is a longer word, or half a letter of another script."""
    asked = form("Ideation", "Care received")
    scores = read(asked, {"I": 0.7, "Carefully": 0.1, "\ufffd": 0.1, "": 0.04, "Care": 0.05})
    assert isinstance(scores, Scores)
    assert scores.censored == (True, False)
    assert scores.off_codebook_mass == pytest.approx(0.95)
    assert probabilities(scores) == pytest.approx([0.01, 0.05])


def test_an_answer_that_is_not_among_those_told_has_a_bound() -> None:
    scores = read(form("Care received", "Staff"), {"Care": 0.9, "x": 0.04, "y": 0.01})
    assert isinstance(scores, Scores)
    assert scores.censored == (False, True)
    # "Staff" begins it with a space and without, each with 0.01 at most.
    assert probabilities(scores) == pytest.approx([0.9, 0.02])
    assert scores.off_codebook_mass == pytest.approx(0.1)


def test_the_tokens_that_could_begin_an_answer_are_counted_in_any_spelling() -> None:
    known = frozenset({"no", "n", "\u0120no", "\u2581no", "nothing", "on", "no show", "yes"})
    assert form("no", "yes", vocabulary=known).token_counts == (3, 1)
    assert form("no show", "yes", vocabulary=known).token_counts == (4, 1)


def test_a_category_that_is_not_told_but_may_be_the_likeliest_is_no_label() -> None:
    told = {f"word{n}": 0.045 for n in range(19)} | {"Care": 0.01}
    refused = read(form("Care received", "Staff"), told)
    assert isinstance(refused, ScoreFailure)
    assert refused.reason.startswith("not_told_apart: ")


def test_a_bound_is_never_more_than_what_is_left() -> None:
    scores = read(form("Care received", "Staff"), {"Care": 0.9, "x": 0.0995})
    assert probabilities(scores)[1] == pytest.approx(0.0005)
    assert 0.0 < probabilities(read(form("yes", "no"), {"yes": 1.0}))[1] < 1e-300


def test_a_letter_is_the_whole_token() -> None:
    asked = form("Staff", "Staff attitude")
    scores = read(asked, {"A": 0.3, "An": 0.5, " B": 0.1, "a": 0.05})
    assert probabilities(scores) == pytest.approx([0.3, 0.1])


def test_no_category_among_those_told_is_no_label() -> None:
    assert read(form("yes", "no"), {"The": 0.9, " ": 0.05}) == ScoreFailure(
        "no_probability: no category is among the 2 most probable tokens"
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.1, 1e9, -0.1])
def test_what_is_no_probability_is_refused(value: float) -> None:
    """Nor are two that together are more than 1."""
    told: list[Any] = [TokenProbability("yes", -0.1), TokenProbability("no", value)]
    refused = ScoreFailure("not_finite: the model returned an invalid number")
    assert read_scores(form("yes", "no"), top_tokens=told, prompt_tokens=1) == refused
    assert read_scores(form("yes", "no"), top_tokens=[], prompt_tokens=1) == refused


def test_a_token_told_twice_counts_once() -> None:
    told = [TokenProbability(text, math.log(0.3)) for text in ("yes", "yes")]
    told.append(TokenProbability("no", math.log(0.35)))
    scores = read_scores(form("yes", "no"), top_tokens=told, prompt_tokens=1)
    assert probabilities(scores) == pytest.approx([0.3, 0.35])

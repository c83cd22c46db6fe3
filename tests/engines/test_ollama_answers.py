"""Answers are asked for so that they can be told apart, and what is not seen is a bound."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from localensemble.engines.ollama_answers import (
    AnswerForm,
    TokenProbability,
    answer_form,
    read_scores,
)
from localensemble.engines.protocol import ScoreFailure, Scores

WORDS = frozenset({"Care", "Could", "C", "Staff", "St", "Communication", "neg", "neutral", "ne"})


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


def test_names_that_begin_apart_are_asked_for_as_they_are() -> None:
    asked = form("Care received", "Couldn't be improved", "Communication")
    # The tokens of WORDS that begin them: Care, C; Could, C; Communication, C.
    assert asked == AnswerForm(
        ("Care received", "Couldn't be improved", "Communication"), "", (2, 2, 2)
    )
    assert asked.schema == {"type": "string", "enum": list(asked.texts)}


@pytest.mark.parametrize(
    "answers",
    [("Staff", "Staff attitude"), ("Staff attitude", "Staff"), ("Other", "Outside"), ("ab", "a")],
)
def test_names_that_begin_alike_get_letters(answers: tuple[str, ...]) -> None:
    asked = form(*answers)
    assert asked.texts == ("A", "B")
    assert asked.token_counts == (2, 2)
    assert asked.instruction.endswith(f"\nA: {answers[0]}\nB: {answers[1]}")


def test_without_a_vocabulary_only_first_letters_tell_names_apart() -> None:
    assert form("yes", "no", vocabulary=frozenset()).texts == ("yes", "no")
    assert form("negative", "neutral", vocabulary=frozenset()).texts == ("A", "B")
    assert form("negative", "neutral").texts == ("negative", "neutral")


@pytest.mark.parametrize("answers", [(), ("a", "a"), ("a", " "), ("a", "")])
def test_answers_that_are_not_distinct_texts_are_refused(answers: tuple[str, ...]) -> None:
    assert answer_form(answers, vocabulary=WORDS) == ScoreFailure(
        "answers: they are not distinct texts"
    )


def test_more_answers_than_letters_are_refused() -> None:
    refused = answer_form(tuple(f"x{n}" for n in range(53)), vocabulary=WORDS)
    assert refused == ScoreFailure("answers: 53 where at most 52 have letters")


@pytest.mark.parametrize(
    ("reply", "follows"),
    [
        *[('"yes"', True), ("yes", False), ('"maybe"', False), ('["yes"]', False), ("", False)],
        *[('"yes" ', True), ('{"a": 1}', False), ('"yes', False), ("1", False)],
    ],
)
def test_a_reply_follows_the_schema_or_does_not(reply: str, follows: bool) -> None:
    assert form("yes", "no").is_answer(reply) is follows


@pytest.mark.parametrize("text", ['say "so"', "naïve", "a" * 300, "צוות"])
def test_a_reply_of_any_answer_fits_into_the_tokens_allowed(text: str) -> None:
    asked = form(text, "-")
    # No token is shorter than a byte; the schema's text is not escaped.
    assert asked.most_tokens > len(json.dumps(text, ensure_ascii=False).encode())


def test_an_answer_gets_what_its_first_tokens_have() -> None:
    scores = read(form("Care received", "Staff"), {"Care": 0.5, " Staff": 0.2, "St": 0.1, "x": 0.1})
    assert probabilities(scores) == pytest.approx([0.5, 0.3])
    assert isinstance(scores, Scores)
    assert scores.off_codebook_mass == pytest.approx(0.2)
    assert scores.censored == ()
    assert scores.prompt_tokens == 7


def test_an_answer_that_is_not_among_those_told_has_a_bound() -> None:
    scores = read(form("Care received", "Staff"), {"Care": 0.9, "x": 0.04, "y": 0.01})
    assert isinstance(scores, Scores)
    assert scores.censored == (False, True)
    # "Staff" and "St" could begin it, each with 0.01 at most.
    assert probabilities(scores) == pytest.approx([0.9, 0.02])
    assert scores.off_codebook_mass == pytest.approx(0.1)


def test_the_tokens_that_could_begin_an_answer_are_counted_in_any_spelling() -> None:
    known = frozenset({"no", "n", "\u0120no", "\u2581n", "nothing", "on"})
    assert form("no", "yes", vocabulary=known).token_counts == (4, 2)
    assert form("no", "yes", vocabulary=frozenset()).token_counts == (4, 6)
    assert form("né", "yes", vocabulary=known).token_counts == (6, 2)


def test_a_category_that_is_not_told_but_may_be_the_likeliest_is_no_label() -> None:
    told = {f"word{n}": 0.045 for n in range(19)} | {"Care": 0.01}
    assert read(form("Care received", "Staff"), told) == ScoreFailure(
        "not_told_apart: a category that is not told may be as probable"
    )


def test_a_bound_is_never_more_than_what_is_left() -> None:
    scores = read(form("Care received", "Staff"), {"Care": 0.9, "x": 0.0995})
    assert probabilities(scores)[1] == pytest.approx(0.0005)
    assert 0.0 < probabilities(read(form("yes", "no"), {"y": 1.0}))[1] < 1e-300


def test_a_token_shared_with_a_category_that_is_not_told_is_in_its_bound() -> None:
    scores = read(form("Care received", "Communication"), {"Care": 0.9, "C": 0.05, "x": 0.04})
    assert probabilities(scores) == pytest.approx([0.9, 0.05 + 0.01])


def test_a_letter_is_the_whole_token() -> None:
    asked = form("Staff", "Staff attitude")
    scores = read(asked, {"A": 0.3, "An": 0.5, " B": 0.1, "a": 0.05})
    assert probabilities(scores) == pytest.approx([0.3, 0.1])


def test_a_token_that_begins_two_names_settles_nothing() -> None:
    asked = form("Care received", "Communication")
    assert read(asked, {"C": 0.5, "Care": 0.3, "Communication": 0.1}) == ScoreFailure(
        "not_told_apart: the most probable token begins several categories"
    )
    scores = read(asked, {"Care": 0.8, "Communication": 0.1, "C": 0.05})
    assert probabilities(scores) == pytest.approx([0.8, 0.1])
    assert isinstance(scores, Scores)
    assert scores.off_codebook_mass == pytest.approx(0.1)


def test_no_category_among_those_told_is_no_label() -> None:
    assert read(form("yes", "no"), {"The": 0.9, " ": 0.05}) == ScoreFailure(
        "no_probability: no category is among the 2 most probable tokens"
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.1])
def test_what_is_no_probability_is_refused(value: float) -> None:
    told: list[Any] = [TokenProbability("y", -0.1), TokenProbability("n", value)]
    refused = ScoreFailure("not_finite: the model gave no number")
    assert read_scores(form("yes", "no"), top_tokens=told, prompt_tokens=1) == refused
    assert read_scores(form("yes", "no"), top_tokens=[], prompt_tokens=1) == refused

"""How Ollama is asked for an answer, and what its most probable tokens say about all answers.

Ollama reports the twenty most probable tokens at each position of a reply, before any constraint
on the reply. The first position shows how the model begins its answer. The probability of
an answer is that of the first tokens that contain its first word.

Where answers cannot be told apart that way ("Staff", "Staff attitude"), or a first word is not
certain to be one token of the model, each answer gets a letter, and the prompt asks for the letter.

An answer with no token among the twenty is *censored*: each token that could begin it is
at most as probable as the least probable one reported, and together they have at most what is
left. That bound is reported in place of the probability, and marked as a bound.
"""

from __future__ import annotations

import json
import math
import re
import string
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from localensemble.core.foreign_json import read_json
from localensemble.engines.protocol import ScoreFailure, Scores

TOP_TOKENS = 20

# Without the letter that begins "I am sorry", and without lower case beside upper case.
_LETTERS = string.ascii_uppercase.replace("I", "")
# A whole word; a word of a single letter begins too many others.
_WORD = re.compile(r"[A-Za-z]{2,}(?![\w\u0080-\U0010ffff])")
_ASKS_FOR_LETTERS = "\n\nWrite the category's letter instead of its name:\n{}"
# How vocabularies write a space that begins a word.
_SPACES = ("\u0120", "\u2581", " ")
# A letter is a token by itself, and one with a space before it.
_SPELLINGS = 2
# The logarithm of zero is not a number.
_SMALLEST = sys.float_info.min
# What rounding may add to the logarithm of a certain token, or to the sum of all.
_MOST = 1e-4


@dataclass(frozen=True, slots=True)
class TokenProbability:
    """One token that could have begun a reply, and the natural log of its probability."""

    text: str
    log_probability: float


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How the answers of one variable are asked for.

    Attributes:
        texts: what the model writes for each answer.
        instruction: what the prompt must add for that; empty if the texts are the answers.
        beginnings: what the first token of each text must at least contain.
        token_counts: the most such tokens there can be, for each text.
    """

    texts: tuple[str, ...]
    instruction: str
    beginnings: tuple[str, ...]
    token_counts: tuple[int, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema that allows only these texts."""
        return {"type": "string", "enum": list(self.texts)}

    @property
    def most_tokens(self) -> int:
        """More tokens than any reply that follows the schema can have."""
        return max(len(json.dumps(text)) for text in self.texts) + 4

    def is_answer(self, reply: str) -> bool:
        """Tell whether a reply follows the schema."""
        try:
            return read_json(reply) in self.texts
        except ValueError:
            return False


def answer_form(
    answers: tuple[str, ...], *, vocabulary: Collection[str]
) -> AnswerForm | ScoreFailure:
    """Choose how to ask for answers: by name if the names begin differently, else by letter.

    Args:
        vocabulary: the model's tokens as its file writes them; empty if unknown, and then
            the prompt asks for letters.
    """
    if not answers or len(set(answers)) < len(answers) or not all(map(str.strip, answers)):
        return ScoreFailure("answers: the texts are not distinct")
    words = tuple(_first_word(answer, vocabulary) for answer in answers)
    if _begin_apart(words, answers):
        counts = (_begin_with(*pair, vocabulary) for pair in zip(answers, words, strict=True))
        return AnswerForm(answers, "", words, tuple(counts))
    if len(answers) > len(_LETTERS):
        return ScoreFailure(f"answers: {len(answers)} where at most {len(_LETTERS)} have letters")
    letters = tuple(_LETTERS[: len(answers)])
    lines = "\n".join(f"{letter}: {name}" for letter, name in zip(letters, answers, strict=True))
    instruction = _ASKS_FOR_LETTERS.format(lines)
    return AnswerForm(letters, instruction, letters, (_SPELLINGS,) * len(letters))


def _begin_apart(words: Sequence[str], answers: Sequence[str]) -> bool:
    return not any(
        not word or other.startswith(word)
        for index, word in enumerate(words)
        for place, other in enumerate(answers)
        if place != index
    )


def _first_word(answer: str, vocabulary: Collection[str]) -> str:
    """Return the word that an answer begins with; empty if it is not certain to be one token.

    A shorter token ("I" of "Ideation") also begins other replies, and in other scripts a
    token may be part of a letter.
    """
    if answer in {*_LETTERS, *string.digits} and answer in vocabulary:
        return answer
    word = _WORD.match(answer)
    if word is None or len(_first_token(answer, vocabulary)) < len(word[0]):
        return ""
    return word[0]


def _first_token(answer: str, vocabulary: Collection[str]) -> str:
    """Return the longest token that begins an answer and needs no space before it."""
    plain = next((at for at, one in enumerate(answer) if not one.isascii()), len(answer))
    for end in range(plain, 0, -1):
        if any(answer[:end].replace(" ", space) in vocabulary for space in _SPACES):
            return answer[:end]
    return ""


def _begin_with(answer: str, word: str, vocabulary: Collection[str]) -> int:
    """Count the tokens that could begin an answer with this word, spaced or not."""
    written = {
        answer[:end].replace(" ", space)
        for end in range(len(word), len(answer) + 1)
        for space in _SPACES
    }
    spaced = {space + one for one in written for space in _SPACES}
    return sum(one in vocabulary for one in written | spaced)


def read_scores(
    form: AnswerForm, *, top_tokens: Sequence[TokenProbability], prompt_tokens: int
) -> Scores | ScoreFailure:
    """Read the answers' probabilities off the most probable first tokens of a reply.

    Returns:
        The scores; a failure if no answer is among the tokens, or the most probable one is
        not certain.
    """
    told: dict[str, float] = {}
    for token in top_tokens:
        if not token.log_probability <= _MOST:
            return ScoreFailure("not_finite: the model returned an invalid number")
        # A token reported twice counts once.
        told[token.text] = max(math.exp(token.log_probability), told.get(token.text, 0.0))
    if not told or math.fsum(told.values()) > 1.0 + _MOST:
        return ScoreFailure("not_finite: the model returned an invalid number")
    known = [
        math.fsum(value for text, value in told.items() if _begins(text, answer, beginning))
        for answer, beginning in zip(form.texts, form.beginnings, strict=True)
    ]
    best = max(known)
    if best <= 0.0:
        return ScoreFailure(
            f"no_probability: no category is among the {len(top_tokens)} most probable tokens"
        )
    left = max(0.0, 1.0 - math.fsum(told.values()))
    least = min(told.values())
    censored = tuple(value <= 0.0 for value in known)
    bounds = [
        min(left, least * count) if hidden else value
        for value, hidden, count in zip(known, censored, form.token_counts, strict=True)
    ]
    if any(hidden and bound >= best for hidden, bound in zip(censored, bounds, strict=True)):
        return ScoreFailure("not_told_apart: an unreported category may be as probable")
    return Scores(
        log_probabilities=tuple(min(0.0, math.log(max(value, _SMALLEST))) for value in bounds),
        off_codebook_mass=min(1.0, max(0.0, 1.0 - math.fsum(known))),
        prompt_tokens=prompt_tokens,
        censored=censored if any(censored) else (),
    )


def _begins(token: str, answer: str, beginning: str) -> bool:
    """Tell whether a first token begins an answer and nothing else.

    "A" is a letter that was asked for; "An" begins something else. Some tokenizers put a
    space before the first word.
    """
    text = token.removeprefix(" ")
    return text.startswith(beginning) and answer.startswith(text)

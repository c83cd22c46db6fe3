"""How one answer is asked of Ollama, and what its most probable tokens say about all answers.

Ollama tells the twenty most probable tokens at each place of a reply, before any constraint on
the reply. The first of these places says how the model sets out to answer. The probability of
an answer is that of the first tokens which begin it and no other answer.

Where answers cannot be told apart by how they begin ("Staff", "Staff attitude"), each gets a
letter, and the prompt asks for the letter.

An answer none of whose tokens is among the twenty is *censored*: each token that could begin it is
at most as probable as the least probable one told, and all of them have at most what is left.
That bound is what is reported, marked as one.
"""

from __future__ import annotations

import json
import math
import string
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from localensemble.engines.protocol import ScoreFailure, Scores

TOP_TOKENS = 20

_LETTERS = string.ascii_uppercase + string.ascii_lowercase
_ASKS_FOR_LETTERS = "\n\nWrite the category's letter instead of its name:\n{}"
# How vocabularies write a space that begins a word.
_SPACES = ("\u0120", "\u2581", " ")
# A letter is a token by itself, and one with a space before it.
_SPELLINGS = 2
# A logarithm of nothing is no number.
_SMALLEST = sys.float_info.min
# What rounding may make of a certain token.
_MOST = 1.0 + 1e-6


@dataclass(frozen=True, slots=True)
class TokenProbability:
    """One token that a reply might have begun with, and the natural log of its probability."""

    text: str
    log_probability: float


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How the answers of one variable are asked for.

    Attributes:
        texts: what the model writes for each answer.
        instruction: what the prompt has to say for that; empty when the texts are the answers.
        token_counts: how many tokens there are at most that could begin each text.
    """

    texts: tuple[str, ...]
    instruction: str
    token_counts: tuple[int, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema that allows these texts and nothing else."""
        return {"type": "string", "enum": list(self.texts)}

    @property
    def most_tokens(self) -> int:
        """More tokens than any reply that follows the schema can have."""
        return max(len(json.dumps(text)) for text in self.texts) + 4

    def is_answer(self, reply: str) -> bool:
        """Say whether a reply follows the schema."""
        try:
            return json.loads(reply) in self.texts
        except ValueError:
            return False


def answer_form(
    answers: tuple[str, ...], *, vocabulary: Collection[str]
) -> AnswerForm | ScoreFailure:
    """Choose how to ask for answers: by their names where these begin apart, else by letters.

    Args:
        vocabulary: the model's tokens as its file writes them; empty when not known, and then
            names begin apart only when their first letters differ.
    """
    if not answers or len(set(answers)) < len(answers) or not all(map(str.strip, answers)):
        return ScoreFailure("answers: they are not distinct texts")
    if _begin_apart(answers, vocabulary):
        return AnswerForm(answers, "", tuple(_begin_with(one, vocabulary) for one in answers))
    if len(answers) > len(_LETTERS):
        return ScoreFailure(f"answers: {len(answers)} where at most {len(_LETTERS)} have letters")
    letters = tuple(_LETTERS[: len(answers)])
    lines = "\n".join(f"{letter}: {name}" for letter, name in zip(letters, answers, strict=True))
    return AnswerForm(letters, _ASKS_FOR_LETTERS.format(lines), (_SPELLINGS,) * len(letters))


def _begin_apart(answers: Sequence[str], vocabulary: Collection[str]) -> bool:
    beginnings = [_first_token(answer, vocabulary) for answer in answers]
    return not any(
        other.startswith(beginning)
        for index, beginning in enumerate(beginnings)
        for place, other in enumerate(answers)
        if place != index
    )


def _begin_with(answer: str, vocabulary: Collection[str]) -> int:
    """Count the tokens that could begin an answer, with a space before it and without."""
    plain = next((at for at, one in enumerate(answer) if not " " <= one <= "~"), len(answer))
    if not vocabulary or plain < len(answer):
        # How the file writes other letters is not looked into: a token for each beginning.
        return _SPELLINGS * len(answer.encode())
    written = {answer[:end].replace(" ", space) for end in range(1, plain + 1) for space in _SPACES}
    spaced = {space + one for one in written for space in _SPACES}
    return sum(one in vocabulary for one in written | spaced) or _SPELLINGS


def _first_token(answer: str, vocabulary: Collection[str]) -> str:
    """Give the longest token that begins an answer; its first character when none is known."""
    plain = next((at for at, one in enumerate(answer) if not " " <= one <= "~"), len(answer))
    for end in range(plain, 1, -1):
        if any(answer[:end].replace(" ", space) in vocabulary for space in _SPACES):
            return answer[:end]
    return answer[:1]


def read_scores(
    form: AnswerForm, *, top_tokens: Sequence[TokenProbability], prompt_tokens: int
) -> Scores | ScoreFailure:
    """Read the answers' probabilities off the most probable first tokens of a reply.

    Returns:
        A failure when no answer, or not which answer, is the most probable.
    """
    seen = [math.exp(token.log_probability) for token in top_tokens]
    if not seen or not all(0.0 <= value <= _MOST for value in seen):
        return ScoreFailure("not_finite: the model gave no number")
    known = [0.0] * len(form.texts)
    shared = [0.0] * len(form.texts)
    for token, probability in zip(top_tokens, seen, strict=True):
        begun = _begun_by(token.text, form)
        for answer in begun:
            (known if len(begun) == 1 else shared)[answer] += probability
    best = max(known)
    if best <= 0.0:
        return ScoreFailure(
            f"no_probability: no category is among the {len(top_tokens)} most probable tokens"
        )
    winner = known.index(best)
    if any(
        shared[answer] > 0.0 and known[answer] + shared[answer] >= best
        for answer in range(len(known))
        if answer != winner
    ):
        return ScoreFailure("not_told_apart: the most probable token begins several categories")
    left = max(0.0, 1.0 - math.fsum(seen))
    censored = tuple(value <= 0.0 for value in known)
    bounds = [
        shared[answer] + min(left, min(seen) * form.token_counts[answer]) if hidden else value
        for answer, (value, hidden) in enumerate(zip(known, censored, strict=True))
    ]
    if any(hidden and bound >= best for hidden, bound in zip(censored, bounds, strict=True)):
        return ScoreFailure("not_told_apart: a category that is not told may be as probable")
    return Scores(
        log_probabilities=tuple(min(0.0, math.log(max(value, _SMALLEST))) for value in bounds),
        off_codebook_mass=min(1.0, max(0.0, 1.0 - math.fsum(known))),
        prompt_tokens=prompt_tokens,
        censored=censored if any(censored) else (),
    )


def _begun_by(token: str, form: AnswerForm) -> list[int]:
    """List the answers that a first token begins.

    A letter has to be the whole token: "A" is an answer, "An" sets out on something else. Some
    tokenizers put a space before the first word.
    """
    text = token.removeprefix(" ")
    if not text:
        return []
    if form.instruction:
        return [index for index, letter in enumerate(form.texts) if letter == text]
    return [index for index, name in enumerate(form.texts) if name.startswith(text)]

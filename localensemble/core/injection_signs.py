"""The signs that a text may be addressed to the model.

The codes are kept in ledgers, in place of the texts: they may not change. New signs come last.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class InjectionSign(StrEnum):
    """One kind of sign; its value is its code."""

    TURN_MARK = "turn_mark"
    INSTRUCTION = "instruction"
    GIVEN_ANSWER = "given_answer"
    IMITATED_PROMPT = "imitated_prompt"
    REPEATED_CATEGORY = "repeated_category"
    UNSEEN_CHARACTERS = "unseen_characters"
    MIXED_ALPHABETS = "mixed_alphabets"
    HIDDEN_TEXT = "hidden_text"

    @property
    def words(self) -> str:
        """Return what the text has, to follow "the text has"."""
        return _WORDS[self]

    @property
    def bit(self) -> int:
        """Return the number whose only bit stands for this sign."""
        return 1 << _PLACES[self]


_WORDS = {
    InjectionSign.TURN_MARK: "marks that separate turns of a chat with a model",
    InjectionSign.INSTRUCTION: "an instruction to a model",
    InjectionSign.GIVEN_ANSWER: (
        'a category beside a word such as "answer" or "label" (or alone as its last line)'
    ),
    InjectionSign.IMITATED_PROMPT: "lines that imitate the codebook or the prompt",
    InjectionSign.REPEATED_CATEGORY: "the name of a category many times in a row",
    InjectionSign.UNSEEN_CHARACTERS: "characters that cannot be seen or that turn letters around",
    InjectionSign.MIXED_ALPHABETS: "words that mix look-alike letters of two alphabets",
    InjectionSign.HIDDEN_TEXT: "an encoded or disguised instruction or answer",
}
_PLACES = {sign: place for place, sign in enumerate(InjectionSign)}


def as_bits(signs: Iterable[InjectionSign]) -> int:
    """Return one number that stands for a set of signs; 0 stands for none."""
    bits = 0
    for sign in signs:
        bits |= sign.bit
    return bits

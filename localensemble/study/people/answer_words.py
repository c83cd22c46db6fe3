"""The words for decisions in tables that people fill in and programs write."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from localensemble.ledger.records import AnswerKind

# In angle brackets, because no category has such a name.
CANNOT_DECIDE = "<cannot decide>"
CODEBOOK_UNCLEAR = "<codebook unclear>"
ANSWER_WORDS: Mapping[str, AnswerKind] = MappingProxyType(
    {CANNOT_DECIDE: "cannot_decide", CODEBOOK_UNCLEAR: "codebook_unclear"}
)
"""What a cell says where a person gave no category -> the kind of answer."""
WORDS_OF_ANSWERS: Mapping[AnswerKind, str] = MappingProxyType(
    {kind: word for word, kind in ANSWER_WORDS.items()}
)

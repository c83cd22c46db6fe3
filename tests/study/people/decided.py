"""A consensus on a few items and what people said about them, to combine."""

from __future__ import annotations

import numpy as np

from localensemble.codebook.model import Category, Variable
from localensemble.ledger.records import (
    AnswerKind,
    DecisionRole,
    DecisionRows,
    ReviewerKey,
    ReviewerRecord,
    Shown,
)
from localensemble.ledger.schema import ANSWER_CODES, ROLE_CODES, SHOWN_CODES
from localensemble.study.decisions import Decisions

VARIABLE = Variable(
    name="theme",
    question="Which?",
    level="nominal",
    categories=tuple(Category(name, f"About {name}.") for name in ("staff", "access", "other")),
)
REVIEWERS = (ReviewerRecord(ReviewerKey(1), "AB"), ReviewerRecord(ReviewerKey(2), "Cleo"))

# item, reviewer, answer, and what else is not usual
Said = tuple[int, int, int | AnswerKind, DecisionRole, Shown]


def said(
    item: int,
    reviewer: int,
    answer: int | AnswerKind,
    *,
    role: DecisionRole = "review",
    shown: Shown = "unknown",
) -> Said:
    return item, reviewer, answer, role, shown


def rows(*decisions: Said) -> DecisionRows:
    """Put decisions into columns, in the order in which they were made."""
    kinds = [one[2] if isinstance(one[2], str) else "category" for one in decisions]
    return DecisionRows(
        position=np.array([one[0] for one in decisions], dtype=np.int64),
        reviewer=np.array([one[1] for one in decisions], dtype=np.int64),
        batch=np.arange(len(decisions), dtype=np.int64) + 50,
        answer=np.array([ANSWER_CODES[kind] for kind in kinds], dtype=np.uint8),
        category=np.array(
            [-1 if isinstance(one[2], str) else one[2] for one in decisions], dtype=np.int16
        ),
        role=np.array([ROLE_CODES[one[3]] for one in decisions], dtype=np.uint8),
        shown=np.array([SHOWN_CODES[one[4]] for one in decisions], dtype=np.uint8),
        seconds=np.full(len(decisions), np.nan),
    )


def consensus(words: str) -> Decisions:
    """Return a decision per letter: a, e and n for accepted, escalated and no answer.

    The consensus of every item but those without an answer is the first category.
    """
    n = len(words)
    none = np.full(n, np.nan)
    no_answer = np.array([word == "n" for word in words])
    return Decisions(
        variable=VARIABLE,
        categories=np.where(no_answer, -1, 0).astype(np.int16),
        support=none,
        mean_probability=none,
        margin=none,
        method_scores=none,
        escalated=np.array([word == "e" for word in words]),
        no_answer=no_answer,
        doubt=np.zeros(n),
        reason_bits=np.zeros(n, dtype=np.uint64),
        reason_codes=(),
        reason_texts=(),
        reason_causes=(),
    )

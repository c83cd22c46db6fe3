"""Where people could not decide, or found the codebook unclear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.findings.people.answer_histories import Histories
from localensemble.ledger.schema import ANSWER_CODES


@dataclass(frozen=True, slots=True)
class CodebookProblem:
    """Answers without a category on items that the raters gave one category.

    ``category`` is the consensus category, or empty for items without a consensus.
    """

    category: str
    cannot_decide: int
    codebook_unclear: int


def codebook_problems(
    histories: Histories, *, consensus: NDArray[np.int16], categories: Sequence[str]
) -> tuple[CodebookProblem, ...]:
    """Count the current answers without a category, by the consensus category of their item.

    Categories without such answers are left out.

    Args:
        histories: the answers of reviewers on one variable.
        consensus: (N,); the consensus categories, -1 without consensus.
        categories: names of the K categories.
    """
    names = [*categories, ""]
    counts = {kind: [0] * len(names) for kind in ("cannot_decide", "codebook_unclear")}
    codes = {ANSWER_CODES["cannot_decide"]: "cannot_decide"} | {
        ANSWER_CODES["codebook_unclear"]: "codebook_unclear"
    }
    for place, answers in histories.items():
        if answers[-1].category is None:
            counts[codes[answers[-1].kind]][int(consensus[place.position])] += 1
    return tuple(
        CodebookProblem(name, *of_name)
        for name, *of_name in zip(
            names, counts["cannot_decide"], counts["codebook_unclear"], strict=True
        )
        if any(of_name)
    )

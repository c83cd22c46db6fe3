"""Signs that a rater is unfit, read from its first labels.

Decides which signs are worth a sentence, and what the sentence advises. A sign proves nothing, so
nothing here leaves a rater out: only a person does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from localensemble.agreement.breakdown import SAME_ANSWER_ITEMS
from localensemble.codebook.model import Codebook
from localensemble.consensus.policies.off_codebook_mass_above import OffCodebookMassAbove
from localensemble.consensus.rules import DecisionRules
from localensemble.core.words import counted, listed
from localensemble.ledger.records import LabelBlock

_USUAL_LIMIT = 0.5
_NEARLY_ALL = 0.9
# On fewer items, "nearly all" means nothing.
_LEAST_ITEMS = 5


@dataclass(frozen=True, slots=True)
class UnfitSign:
    """One sign that a rater is unfit, in words."""

    rater: str
    sentence: str


def unfit_signs(
    rater: str,
    *,
    blocks: Mapping[str, LabelBlock],
    codebook: Codebook,
    rules: DecisionRules,
) -> tuple[UnfitSign, ...]:
    """Look for signs in the first labels of one rater.

    Args:
        rater: the name of the rater.
        blocks: variable -> its labels, of this rater alone.
        codebook: the codebook.
        rules: the rules, for the limit beyond which off-codebook mass escalates an item.
    """
    sentences = (_outside(rater, blocks, rules), _always_alike(rater, blocks, codebook))
    return tuple(UnfitSign(rater, sentence) for sentence in sentences if sentence)


def _outside(rater: str, blocks: Mapping[str, LabelBlock], rules: DecisionRules) -> str:
    limits = [one.limit for one in rules.policies if isinstance(one, OffCodebookMassAbove)]
    limit = min(limits, default=_USUAL_LIMIT)
    found = []
    for variable, block in blocks.items():
        known = block.off_codebook_mass[~np.isnan(block.off_codebook_mass)]
        above = int(np.count_nonzero(known > limit))
        if len(known) >= _LEAST_ITEMS and above >= _NEARLY_ALL * len(known):
            median = float(np.median(known))
            found.append(f"{variable} ({above:,} of {len(known):,}, median {median:.3f})")
    if not found:
        return ""
    escalated = " Each of these items goes to a person." if limits else ""
    return (
        f"{rater} does not answer with the categories: on nearly all of its first items, it puts a "
        f"probability above {limit:g} outside the codebook: {listed(found)}.{escalated} "
        f"Use another model, such as one with a chat template, or {_declare(rater)}"
    )


def _always_alike(rater: str, blocks: Mapping[str, LabelBlock], codebook: Codebook) -> str:
    found = []
    items = 0
    for variable, block in blocks.items():
        given = block.category[block.category >= 0]
        if len(given) >= SAME_ANSWER_ITEMS and len(np.unique(given)) == 1:
            items = max(items, len(given))
            found.append(f'{variable} ("{codebook.variable(variable).answers[int(given[0])]}")')
    if not found:
        return ""
    return (
        f"{rater} gave the same answer to all of its first {counted(items, 'item')} on "
        f"{listed(found)}. Either nearly all texts are alike, or it does not read them. Compare it "
        f"with a few gold labels; if it is wrong, {_declare(rater)}"
    )


def _declare(rater: str) -> str:
    return f"declare it unfit: `localensemble consensus STUDY --unfit {rater} --items FILE`."

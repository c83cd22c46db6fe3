"""Signs that a rater is unfit, read from its first labels.

Decides which signs are worth a sentence, and what the sentence advises. A sign proves nothing, so
nothing here leaves a rater out: only a person does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    readout_chosen: bool = False,
) -> tuple[UnfitSign, ...]:
    """Look for signs in the first labels of one rater.

    Args:
        rater: the name of the rater.
        blocks: variable -> its labels, of this rater alone.
        codebook: the codebook.
        rules: the rules, for the limit beyond which off-codebook mass escalates an item.
        readout_chosen: whether the program chose how the rater is asked, so that no other readout
            is worth a try.
    """
    sentences = (
        _outside(rater, blocks, rules, readout_chosen),
        _always_alike(rater, blocks, codebook),
    )
    return tuple(UnfitSign(rater, sentence) for sentence in sentences if sentence)


@dataclass(frozen=True, slots=True)
class OutsideCodebook:
    """How much of a rater's probability goes to answers that the codebook does not have.

    Attributes:
        items: items on which the mass is known.
        above: those on which it exceeds the limit.
        median: its median; None without items.
    """

    items: int
    above: int
    median: float | None

    @property
    def nearly_always(self) -> bool:
        """Whether the mass exceeds the limit on nearly all of at least a few items."""
        return self.items >= _LEAST_ITEMS and self.above >= _NEARLY_ALL * self.items


def outside_codebook(masses: NDArray[np.float64], *, limit: float) -> OutsideCodebook:
    """Count on how many items the off-codebook mass, NaN where unknown, exceeds a limit."""
    known = masses[~np.isnan(masses)]
    median = float(np.median(known)) if len(known) else None
    return OutsideCodebook(len(known), int(np.count_nonzero(known > limit)), median)


def off_codebook_limit(rules: DecisionRules) -> float:
    """Return the off-codebook mass beyond which the rules escalate, or else the usual limit."""
    return min(_limits(rules), default=_USUAL_LIMIT)


def _limits(rules: DecisionRules) -> list[float]:
    return [one.limit for one in rules.policies if isinstance(one, OffCodebookMassAbove)]


def _outside(
    rater: str, blocks: Mapping[str, LabelBlock], rules: DecisionRules, readout_chosen: bool
) -> str:
    limit = off_codebook_limit(rules)
    found = []
    for variable, block in blocks.items():
        mass = outside_codebook(block.off_codebook_mass[:, 0], limit=limit)
        if mass.nearly_always:
            found.append(f"{variable} ({mass.above:,} of {mass.items:,}, median {mass.median:.3f})")
    if not found:
        return ""
    escalated = " The items above this limit go to a person." if _limits(rules) else ""
    advice = (
        "Use"
        if readout_chosen
        else "Let the program choose how it is asked (`readout: auto` in the ensemble file), use"
    )
    return (
        f"{rater} does not answer with the categories: on nearly all of its first items, it puts "
        f"a probability above {limit:g} outside the codebook: {listed(found)}.{escalated} "
        f"{advice} another model, or {_declare(rater)}"
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

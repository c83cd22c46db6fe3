"""Chain: each rater keeps the items that it is surest of, and passes the others on.

Farr et al. (2024), arXiv:2410.13006. The raters go from cheap to expensive. With m raters, each
keeps about 1/m of the items, so that an item is labeled by (m + 1) / 2 raters on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.consensus.methods.chain import Chain as ChainConsensus
from localensemble.consensus.rules import DecisionRules
from localensemble.consensus.setting_fields import WholeNumber
from localensemble.core.errors import EnsembleError
from localensemble.core.random_draw import random_draws
from localensemble.core.words import listed
from localensemble.strategies.protocol import AskingStrategy, BoolArray, EarlierLabels

Route = Literal["confidence", "random"]


@dataclass(frozen=True, slots=True)
class Chain(AskingStrategy):
    """Ask the first rater about all items, and each further one about those passed on to it.

    Of n items that reach a rater with k raters from it to the end, it keeps the floor(n / k) with
    the largest gap between its two largest log probabilities, and all items whose gap equals the
    smallest of these. An item that it gave no label is passed on.

    Attributes:
        route: ``confidence`` keeps the surest items; ``random`` keeps as many drawn at random, as
            a control that shows what the confidence is worth.
        seed: another seed draws other items for the control.
    """

    route: Route = "confidence"
    seed: WholeNumber = 0
    name: ClassVar[str] = "chain"

    def check(
        self, *, raters: Sequence[str], variables: Sequence[Variable], rules: DecisionRules
    ) -> tuple[str, ...]:
        """Refuse rules that need the labels of every rater, and other consensus methods."""
        if rules.method.name != ChainConsensus.name or rules.pools:
            method = "pooled" if rules.pools else rules.method.name
            raise EnsembleError(
                f'The strategy "{self.name}" does not work with the consensus method "{method}": '
                "most items are labeled by one or two raters.",
                hint="Write `consensus: {method: chain}`, or remove the strategy.",
            )
        if len(rules.fit(list(raters))) < 2:
            raise EnsembleError(
                f'The strategy "{self.name}" needs at least two raters that count.',
                hint="Add a rater, or remove the strategy.",
            )
        for policy in rules.policies:
            if "agreement" in policy.needs:
                raise EnsembleError(
                    f'The strategy "{self.name}" does not work with the escalation policy '
                    f"{policy.name}: only items of which a rater was unsure have several labels.",
                    hint="Remove the policy or the strategy.",
                )
        required = [one.name for one in variables if one.required_agreement is not None]
        if required:
            raise EnsembleError(
                f'The strategy "{self.name}" cannot measure the agreement that the codebook '
                f"requires on {listed(required)}: only items of which a rater was unsure have "
                "several labels.",
                hint="Remove `required_agreement` from the codebook, or remove the strategy.",
            )
        return ()

    def asked(self, rater: int, earlier: EarlierLabels) -> BoolArray:
        """Return the items that reach a rater; none if it is declared unfit."""
        left = np.ones(earlier.item_count, dtype=np.bool_)
        fit = [name not in earlier.rules.unfit for name in earlier.raters]
        if not fit[rater]:
            return np.zeros_like(left)
        for column in np.flatnonzero(fit[:rater]).tolist():
            confidence = self._confidence(column, earlier)
            confidence[~left] = np.nan
            keeps = int(np.count_nonzero(left)) // sum(fit[column:])
            left &= ~surest(confidence, keeps=keeps)
        return left

    def _confidence(self, column: int, earlier: EarlierLabels) -> NDArray[np.float64]:
        """Return what a rater chooses its items by, (N,); NaN without a label."""
        gaps = earlier.gaps[:, column].copy()
        if self.route == "random":
            drawn = random_draws(earlier.item_ids, seed=self.seed, purpose="chain")
            return np.where(np.isnan(gaps), np.nan, drawn)
        return gaps


def surest(confidence: NDArray[np.float64], *, keeps: int) -> BoolArray:
    """Mark the items with the largest confidence, and all that equal the smallest of them.

    Args:
        confidence: (N,); NaN for an item that cannot be kept.
        keeps: how many items to keep at least, if there are as many.
    """
    known = np.sort(confidence[~np.isnan(confidence)])[::-1]
    if not keeps or not len(known):
        return np.zeros(len(confidence), dtype=np.bool_)
    kept: BoolArray = confidence >= known[min(keeps, len(known)) - 1]
    return kept

"""Early stop: an item whose consensus can no longer change is not sent to the remaining raters.

Lossless: the final label and its status equal those of a run in which every rater is asked about
everything. So it refuses rules under which a label that was never made could have changed them.
A share of the items, drawn by their ids, is still labeled by all, so that agreement can be
estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from localensemble.codebook.model import Variable
from localensemble.consensus.rules import DecisionRules
from localensemble.consensus.setting_fields import Share, WholeNumber
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.random_draw import labeled_by_all
from localensemble.core.words import listed
from localensemble.strategies.protocol import AskingStrategy, BoolArray, EarlierLabels

Exactly = Annotated[bool, Field(strict=True, description="true or false")]


@dataclass(frozen=True, slots=True)
class EarlyStop(AskingStrategy):
    """Ask the raters in turn, and stop on each item when its consensus is certain.

    Attributes:
        audit: the share of the items, from 0 to 1, that every rater labels whatever the others
            say. Only these show how far the raters agree.
        seed: another seed draws other items for the audit.
        exact: compute a label together with the items that a full run computes it with, so that
            it has the same digits. Without this, a run is faster, and a label of two almost
            equal categories can differ from that of a full run.
    """

    audit: Share = 0.1
    seed: WholeNumber = 0
    exact: Exactly = True
    name: ClassVar[str] = "early_stop"

    @property
    def computes_whole_blocks(self) -> bool:
        """Whether a label has the digits of a full run."""
        return self.exact

    def check(
        self, *, raters: Sequence[str], variables: Sequence[Variable], rules: DecisionRules
    ) -> tuple[str, ...]:
        """Refuse rules under which a label that was never made could change a final label."""
        if rules.pools or not rules.method.is_certain_early:
            method = "pooled" if rules.pools else rules.method.name
            raise EnsembleError(
                f'The strategy "{self.name}" does not work with the consensus method "{method}": '
                "it cannot tell when a consensus is certain before every rater has labeled.",
                hint="Choose the method majority, unanimous or median, or remove the strategy.",
            )
        looking = [policy.name for policy in rules.policies if policy.looks_at_every_rater]
        looking += ["score_below (of a certificate)"] if rules.certificates else []
        if looking:
            kept = [policy.name for policy in rules.policies if not policy.looks_at_every_rater]
            raise EnsembleError(
                f'The strategy "{self.name}" does not work with the escalation '
                f"{'policy' if len(looking) == 1 else 'policies'} {listed(looking)}: a rater that "
                "was not asked could have escalated the item.",
                hint="State the policies without "
                f"{'it' if len(looking) == 1 else 'them'}: `escalation: "
                f"[{', '.join(f'{{policy: {name}}}' for name in kept)}]`, or remove the strategy.",
            )
        everyone = [one.name for one in variables if _needs_everyone(one)]
        if not everyone:
            return ()
        return (
            f"Every rater is asked about every item on {listed(everyone)}: the codebook requires "
            "agreement or reviews some categories whenever one rater chooses them.",
        )

    def asked(self, rater: int, earlier: EarlierLabels) -> BoolArray:
        """Return the items whose consensus is open, and those drawn for the audit."""
        if _needs_everyone(earlier.variable):
            return np.ones(earlier.item_count, dtype=np.bool_)
        unfit = earlier.rules.unfit
        counting = [column for column in range(rater) if earlier.raters[column] not in unfit]
        labels = LabelMatrix(
            earlier.categories[:, counting],
            earlier.variable.answers,
            tuple(earlier.raters[column] for column in counting),
        )
        coming = tuple(name for name in earlier.raters[rater:] if name not in unfit)
        certain = earlier.rules.method.certain(labels, coming=coming)
        return ~certain | self.audited(earlier.item_ids)

    def audited(self, item_ids: Sequence[str]) -> BoolArray:
        """Return which items every rater labels, whatever the others say: (N,)."""
        return labeled_by_all(item_ids, share=self.audit, seed=self.seed)


def _needs_everyone(variable: Variable) -> bool:
    """Tell whether the codebook looks at the labels of every rater on a variable."""
    return variable.required_agreement is not None or any(
        category.always_review is not None for category in variable.categories
    )

"""The escalation policies by the names an ensemble file uses: one small class each.

Here are the policies a first ensemble file needs and the list of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.doubt import (
    Disagreement,
    EntropyAbove,
    MarginBelow,
    ScoreBelow,
)
from localensemble.consensus.policies.escalation import (
    SEVERITY_SAFETY,
    STAGE_EVIDENCE,
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
    undecided_reasons,
)
from localensemble.consensus.policies.scores import chosen_share, probabilities_for
from localensemble.consensus.policies.whole_study import (
    AgreementBelow,
    Budget,
    ControlMissed,
    RandomAudit,
)
from localensemble.consensus.protocol import Settings
from localensemble.consensus.registry import (
    build_named,
    check_count,
    check_mapping,
    check_share,
    describe_settings,
    suggestion,
)
from localensemble.consensus.shares import mean_distribution
from localensemble.core.errors import EnsembleError


@dataclass(frozen=True, slots=True)
class NoConsensus:
    """Escalate items without a consensus. Always applied, named or not."""

    name: ClassVar[str] = "no_consensus"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    @property
    def settings(self) -> Settings:
        """None; the rule has nothing to set."""
        return ()

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Give one reason each for no label, a tie, and a rule not met."""
        return undecided_reasons(evidence.consensus)


@dataclass(frozen=True, slots=True)
class SupportBelow:
    """Escalate items whose consensus too few of the assigned labels chose.

    Attributes:
        limit: share in [0, 1]; support strictly below it escalates.
    """

    limit: float
    name: ClassVar[str] = "support_below"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_share(self.limit, owner=self.name, setting="limit")

    @property
    def settings(self) -> Settings:
        """The limit."""
        return describe_settings({"limit": self.limit})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the support with the limit."""
        # 2 of 3 must not fall below a limit written as 0.6666666667.
        low = evidence.consensus.support < self.limit - 1e-9
        return (Reason(f"support below {self.limit:g}", low),)


@dataclass(frozen=True, slots=True)
class MeanProbabilityBelow:
    """Escalate items to whose consensus the raters give too little probability.

    The mean runs over the raters that gave probabilities; where none did, the item is
    escalated.

    Attributes:
        limit: probability in [0, 1]; a mean strictly below it escalates.
    """

    limit: float
    name: ClassVar[str] = "mean_probability_below"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_share(self.limit, owner=self.name, setting="limit")

    @property
    def settings(self) -> Settings:
        """The limit."""
        return describe_settings({"limit": self.limit})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the mean probability of the consensus category with the limit."""
        means = mean_distribution(
            evidence.labels, probabilities=probabilities_for(evidence, owner=self.name)
        )
        # Written so that NaN (no rater gave probabilities) escalates.
        low = evidence.consensus.decided & ~(chosen_share(means, evidence=evidence) >= self.limit)
        return (Reason(f"mean probability below {self.limit:g}, or not known", low),)


@dataclass(frozen=True, slots=True)
class OffCodebookMassAbove:
    """Escalate items on which a rater wanted to say something that is no category.

    Attributes:
        limit: probability in [0, 1]; any rater strictly above it escalates.
    """

    limit: float
    name: ClassVar[str] = "off_codebook_mass_above"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_share(self.limit, owner=self.name, setting="limit")

    @property
    def settings(self) -> Settings:
        """The limit."""
        return describe_settings({"limit": self.limit})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare every rater's off-codebook mass with the limit."""
        if evidence.off_codebook_mass is None:
            raise EnsembleError(
                f'The escalation policy "{self.name}" needs off-codebook mass; '
                "these labels carry none.",
                hint="Remove the policy: only model raters that are scored report the mass.",
            )
        # NaN (not known) compares as not above.
        above = np.any(evidence.off_codebook_mass > self.limit, axis=1)
        return (Reason(f"a rater put more than {self.limit:g} outside the codebook", above),)


@dataclass(frozen=True, slots=True)
class MissingRaters:
    """Escalate items that some raters did not label, for whatever reason.

    Attributes:
        allowed: raters that may lack an assigned label.
    """

    allowed: int = 0
    name: ClassVar[str] = "missing_raters"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_count(self.allowed, owner=self.name, setting="allowed", least=0)

    @property
    def settings(self) -> Settings:
        """The number of raters that may be missing."""
        return describe_settings({"allowed": self.allowed})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Count the raters without an assigned label."""
        missing = len(evidence.labels.raters) - np.count_nonzero(evidence.labels.mask, axis=1)
        text = (
            "a rater gave no label"
            if self.allowed == 0
            else f"more than {self.allowed} raters gave no label"
        )
        return (Reason(text, missing > self.allowed),)


@dataclass(frozen=True, slots=True)
class AlwaysReview:
    """Escalate items that may belong to a category a person must always see.

    One rater choosing it is enough, whatever the others say; so is one rater giving it
    more probability than its bound.

    Attributes:
        categories: category name to a probability bound in [0, 1], or None for no bound.
    """

    categories: Mapping[str, float | None]
    name: ClassVar[str] = "always_review"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_mapping(
            self.categories, owner=self.name, setting="categories", example="suicidal intent: 0.05"
        )
        for category, bound in self.categories.items():
            if bound is not None:
                check_share(bound, owner=self.name, setting=f'the bound of "{category}"')

    @property
    def settings(self) -> Settings:
        """The categories and their bounds."""
        return describe_settings({"categories": dict(self.categories)})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Look for each category among the raters' labels and probabilities."""
        found: list[Reason] = []
        for category, bound in self.categories.items():
            if category not in evidence.labels.categories:
                raise EnsembleError(
                    f'The escalation policy "{self.name}" names the category "{category}", '
                    "which the variable does not have.",
                    hint=suggestion(category, known=evidence.labels.categories),
                )
            k = evidence.labels.categories.index(category)
            # A method that weighs may name a category that no rater chose.
            chosen = np.any(evidence.labels.indices == k, axis=1) | (
                evidence.consensus.categories == k
            )
            found.append(Reason(f'always review: "{category}" was chosen', chosen, SEVERITY_SAFETY))
            if bound is not None:
                found.append(self._probable(evidence, k=k, category=category, bound=bound))
        return tuple(found)

    def _probable(self, evidence: Evidence, *, k: int, category: str, bound: float) -> Reason:
        # Human ratings carry no probabilities; choosing the category still escalates. A calibration
        # can add items, but takes none away: what a rater itself said is reason enough.
        probable = np.zeros(evidence.labels.item_count, dtype=np.bool_)
        for given in (evidence.probabilities, evidence.own_probabilities):
            if given is not None:
                probable |= np.any(given[:, :, k] > bound, axis=1)
        text = f'always review: "{category}" got a probability above {bound:g}'
        return Reason(text, probable, SEVERITY_SAFETY)


_POLICIES: Mapping[str, Callable[..., EscalationPolicy]] = {
    NoConsensus.name: NoConsensus,
    SupportBelow.name: SupportBelow,
    MeanProbabilityBelow.name: MeanProbabilityBelow,
    OffCodebookMassAbove.name: OffCodebookMassAbove,
    MissingRaters.name: MissingRaters,
    AlwaysReview.name: AlwaysReview,
    Disagreement.name: Disagreement,
    EntropyAbove.name: EntropyAbove,
    MarginBelow.name: MarginBelow,
    ScoreBelow.name: ScoreBelow,
    AgreementBelow.name: AgreementBelow,
    ControlMissed.name: ControlMissed,
    Budget.name: Budget,
    RandomAudit.name: RandomAudit,
}
POLICY_NAMES: tuple[str, ...] = tuple(_POLICIES)


def policy_named(name: str, *, settings: Mapping[str, object] | None = None) -> EscalationPolicy:
    """Build the escalation policy of an ensemble file.

    Raises:
        EnsembleError: the name or a setting is unknown, or a setting is out of range.
    """
    return build_named("escalation policy", name=name, settings=settings, known=_POLICIES)

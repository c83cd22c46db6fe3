"""The escalation policies by their names in ensemble files.

A new policy is a file beside this one and an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping

from localensemble.consensus.policies.agreement_below import AgreementBelow
from localensemble.consensus.policies.always_review import AlwaysReview
from localensemble.consensus.policies.budget import Budget
from localensemble.consensus.policies.control_missed import ControlMissed
from localensemble.consensus.policies.disagreement import Disagreement
from localensemble.consensus.policies.entropy_above import EntropyAbove
from localensemble.consensus.policies.escalation import EscalationPolicy
from localensemble.consensus.policies.margin_below import MarginBelow
from localensemble.consensus.policies.mean_probability_below import MeanProbabilityBelow
from localensemble.consensus.policies.missing_raters import MissingRaters
from localensemble.consensus.policies.no_consensus import NoConsensus
from localensemble.consensus.policies.off_codebook_mass_above import OffCodebookMassAbove
from localensemble.consensus.policies.random_audit import RandomAudit
from localensemble.consensus.policies.score_below import ScoreBelow
from localensemble.consensus.policies.support_below import SupportBelow
from localensemble.consensus.policies.suspected_injection import SuspectedInjection
from localensemble.consensus.registry import build_named
from localensemble.core.errors import EnsembleError

_POLICIES: tuple[type[EscalationPolicy], ...] = (
    NoConsensus,
    SupportBelow,
    MeanProbabilityBelow,
    OffCodebookMassAbove,
    MissingRaters,
    AlwaysReview,
    Disagreement,
    EntropyAbove,
    MarginBelow,
    ScoreBelow,
    AgreementBelow,
    ControlMissed,
    SuspectedInjection,
    Budget,
    RandomAudit,
)
_BY_NAME = {policy.name: policy for policy in _POLICIES}
POLICY_NAMES: tuple[str, ...] = tuple(_BY_NAME)
# The names in 0.1.0, and what they are now.
EARLIER_NAMES = {"golden_disagreement": "control_missed"}


def policy_named(name: str, *, settings: Mapping[str, object] | None = None) -> EscalationPolicy:
    """Build the escalation policy of an ensemble file.

    Raises:
        EnsembleError: the name or a setting is unknown, or a setting is out of range.
    """
    if name in EARLIER_NAMES:
        # The nearest known name is another policy.
        raise EnsembleError(
            f'Unknown escalation policy "{name}"; it is now called "{EARLIER_NAMES[name]}".',
            hint=f"Write {EARLIER_NAMES[name]}. Its table of items is now given with --control.",
        )
    return build_named("escalation policy", name=name, settings=settings, known=_BY_NAME)

"""The rules by which a study decides: one consensus method and the escalation policies.

Made from names and settings, as an ensemble file or a run's record holds them, so that
decisions can be derived again without the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localensemble.consensus.escalation import EscalationPolicy
from localensemble.consensus.methods import method_named
from localensemble.consensus.policies import policy_named
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.core.identity import JsonValue

# What an ensemble file that names no policy gets: a rater without a label, or one that
# would rather have said something else, is reason enough to ask a person.
_DEFAULT_POLICIES = (
    {"policy": "missing_raters", "allowed": 0},
    {"policy": "off_codebook_mass_above", "limit": 0.5},
)


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """A consensus method and the policies that send items to a person.

    ``content`` is what they were made from: ``{"consensus": {"method": ..., settings},
    "escalation": [{"policy": ..., settings}, ...]}``.
    """

    method: ConsensusMethod
    policies: tuple[EscalationPolicy, ...]
    content: JsonValue


def decision_rules(
    consensus: Mapping[str, Any], escalation: list[Mapping[str, Any]]
) -> DecisionRules:
    """Make rules from names and settings; without policies the default ones apply.

    Raises:
        EnsembleError: an unknown method, policy or setting, with a suggestion.
    """
    chosen = [dict(policy) for policy in escalation or _DEFAULT_POLICIES]
    return DecisionRules(
        method=method_named(
            consensus["method"],
            settings={name: value for name, value in consensus.items() if name != "method"},
        ),
        policies=tuple(
            policy_named(
                policy["policy"],
                settings={name: value for name, value in policy.items() if name != "policy"},
            )
            for policy in chosen
        ),
        content={"consensus": dict(consensus), "escalation": chosen},
    )

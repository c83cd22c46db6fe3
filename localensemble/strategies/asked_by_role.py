"""Roles: labelers are asked about everything, the others about what the labelers leave or propose.

An adjudicator labels the items on which the labelers disagree, in the same words as they. A
verifier is asked about each proposed category whether it is right, and can only confirm it or leave
the item to a person.
Source: Lu et al. (2025), AutoAnnotator, arXiv 2506.16393, for the adjudicator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.consensus.methods.roles import Proposals, Roles, proposals
from localensemble.consensus.protocol import NO_CONSENSUS, CategoryArray
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.words import listed
from localensemble.strategies.protocol import AskingStrategy, BoolArray, EarlierLabels

# Each role sees what those before it made.
_TURNS = ("labeler", "adjudicator", "verifier")


@dataclass(frozen=True, slots=True)
class AskedByRole(AskingStrategy):
    """Ask each rater what its role in the consensus method ``roles`` calls for."""

    name: ClassVar[str] = "roles"

    def check(
        self, *, raters: Sequence[str], variables: Sequence[Variable], rules: DecisionRules
    ) -> tuple[str, ...]:
        """Refuse another consensus method, and raters that do not stand in the order of turns."""
        if rules.pools or not isinstance(rules.method, Roles):
            method = "pooled" if rules.pools else rules.method.name
            raise EnsembleError(
                f'The raters have roles, but the consensus method is "{method}", which does not '
                "distinguish them.",
                hint="Remove `consensus` from the ensemble file or state `method: roles`. If the "
                "study was decided again with another method, decide it with "
                "`localensemble consensus STUDY -e FILE --items FILE` first.",
            )
        fit = [name for name in raters if name not in rules.unfit]
        roles = [role_of(name, rules) for name in fit]
        turns = [_TURNS.index(role) for role in roles]
        if turns != sorted(turns):
            raise EnsembleError(
                "The raters of the ensemble file take turns in their order, and a rater stands "
                f"before one whose labels it needs: found {listed(roles)}.",
                hint="List the labelers first, then the adjudicators, then the verifiers.",
            )
        least = 2 if "adjudicator" in roles else 1
        if roles.count("labeler") < least:
            raise EnsembleError(
                f"Fit labelers in the ensemble: {roles.count('labeler')}; expected at least "
                f"{least}.",
                hint="Add labelers, or remove the `role` of another rater. An adjudicator settles "
                "what two labelers disagree on.",
            )
        return ()

    def asked(self, rater: int, earlier: EarlierLabels) -> BoolArray:
        """Return everything for a labeler, what is disputed for an adjudicator, else proposals."""
        role = role_of(earlier.raters[rater], earlier.rules)
        if role == "labeler":
            return np.ones(earlier.item_count, dtype=np.bool_)
        if role == "adjudicator":
            return _proposals(earlier).disputed
        return np.not_equal(proposed_categories(earlier), NO_CONSENSUS)


def proposed_categories(earlier: EarlierLabels) -> CategoryArray:
    """Return the category that a verifier is asked about: int16 (N,), -1 without one."""
    return _proposals(earlier).categories


def role_of(rater: str, rules: DecisionRules) -> str:
    """Return the role of a rater; every rater is a labeler under another consensus method."""
    return (
        rules.method.roles.get(rater, "labeler") if isinstance(rules.method, Roles) else "labeler"
    )


def _proposals(earlier: EarlierLabels) -> Proposals:
    method, unfit = earlier.rules.method, earlier.rules.unfit
    columns = [
        column
        for column in range(earlier.categories.shape[1])
        if earlier.raters[column] not in unfit
    ]
    labels = LabelMatrix(
        earlier.categories[:, columns],
        earlier.variable.answers,
        tuple(earlier.raters[column] for column in columns),
    )
    roles = method.roles if isinstance(method, Roles) else {}
    accept = method.accept if isinstance(method, Roles) else "unanimous"
    return proposals(labels, roles=roles, accept=accept)

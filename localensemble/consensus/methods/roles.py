"""Roles: labelers propose, adjudicators settle what they disagree on, verifiers confirm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from localensemble.consensus.methods.majority import Majority
from localensemble.consensus.methods.unanimous import Unanimous
from localensemble.consensus.protocol import (
    NO_CONSENSUS,
    BoolArray,
    CategoryArray,
    Consensus,
    ConsensusMethod,
    FloatArray,
)
from localensemble.consensus.shares import lead, support_of
from localensemble.core.label_matrix import LabelMatrix

Role = Literal["labeler", "adjudicator", "verifier"]
AcceptRule = Literal["unanimous", "majority"]

StatedRole = Annotated[
    str, Field(pattern="^(labeler|adjudicator|verifier)$", description="a role of a rater")
]


def agreed_categories(labels: LabelMatrix, *, accept: AcceptRule) -> CategoryArray:
    """Return the category on which the raters of an item agree: int16 (N,), -1 without one.

    Gaps count as in the methods ``unanimous`` and ``majority``: the labels that there are decide.
    """
    method = Unanimous() if accept == "unanimous" else Majority()
    return method.derive(labels).categories


@dataclass(frozen=True, slots=True, eq=False)
class Proposals:
    """What raters with roles make of N items, before any verifier is asked.

    Attributes:
        agreed: int16 (N,); the category on which the labelers agree, -1 without one.
        categories: int16 (N,); that category, or the one that the adjudicators give.
    """

    agreed: CategoryArray
    categories: CategoryArray

    @property
    def disputed(self) -> BoolArray:
        """The items that adjudicators are asked about: bool (N,)."""
        return np.equal(self.agreed, NO_CONSENSUS)


def proposals(labels: LabelMatrix, *, roles: Mapping[str, str], accept: AcceptRule) -> Proposals:
    """Return the labelers' category of each item, or the adjudicators' where they disagree.

    With several adjudicators, more than half of their labels must name the category.

    Args:
        labels: the labels of all raters, or of those asked so far.
        roles: rater -> role; a rater without one is a labeler.
        accept: when the labelers agree.
    """
    agreed = agreed_categories(_with_role(labels, roles, "labeler"), accept=accept)
    settled = agreed_categories(_with_role(labels, roles, "adjudicator"), accept="majority")
    return Proposals(agreed, np.where(agreed == NO_CONSENSUS, settled, agreed))


@dataclass(frozen=True, slots=True)
class Roles(ConsensusMethod):
    """The category that labelers or adjudicators propose, unless a verifier does not confirm it.

    Attributes:
        roles: rater -> ``labeler``, ``adjudicator`` or ``verifier``; a rater without a role is a
            labeler. Raters that are not in the label matrix are allowed.
        accept: ``unanimous`` if all labelers must agree, ``majority`` if more than half must.
    """

    roles: Mapping[str, StatedRole]
    accept: AcceptRule = "unanimous"
    name: ClassVar[str] = "roles"
    citation: ClassVar[str] = (
        "Lu Y, et al. (2025). AutoAnnotator. arXiv 2506.16393 (labels on which small models "
        "disagree are reviewed by a stronger one)."
    )

    @property
    def clause(self) -> str:
        """The category that is proposed, and who confirms it."""
        held = set(self.roles.values())
        rule = "all labelers" if self.accept == "unanimous" else "more than half of the labelers"
        settled = ", or else the adjudicators' category" if "adjudicator" in held else ""
        confirmed = (
            ", if every verifier that is not declared unfit confirms it"
            if "verifier" in held
            else ""
        )
        return f"the category on which {rule} agree{settled}{confirmed}"

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus; the score is the support. Probabilities are not used.

        A verifier that gave no label has not confirmed the category.
        """
        proposed = proposals(labels, roles=self.roles, accept=self.accept).categories
        verifiers = _with_role(labels, self.roles, "verifier")
        confirmed = np.all(verifiers.indices == proposed[:, None], axis=1)
        categories = np.where(confirmed, proposed, NO_CONSENSUS).astype(np.int16)
        found = lead(labels)
        support = support_of(labels, categories=categories)
        return Consensus(
            method=self.name,
            settings=self.settings,
            categories=categories,
            support=support,
            scores=support.copy(),
            tie=np.asarray(found.tie & (proposed == NO_CONSENSUS)),
            labels_used=found.labels_used,
            majority=found.majority,
        )


def _with_role(labels: LabelMatrix, roles: Mapping[str, str], role: Role) -> LabelMatrix:
    chosen: Sequence[int] = [
        place for place, name in enumerate(labels.raters) if roles.get(name, "labeler") == role
    ]
    raters = tuple(labels.raters[place] for place in chosen)
    return LabelMatrix(labels.indices[:, chosen], labels.categories, raters)

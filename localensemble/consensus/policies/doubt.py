"""Policies that doubt a consensus: raters differ, or are not sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from localensemble.consensus.policies.escalation import STAGE_EVIDENCE, Escalation, Evidence, Reason
from localensemble.consensus.policies.scores import (
    ScoreName,
    acceptance_scores,
    check_score_name,
    distribution_of,
)
from localensemble.consensus.protocol import FloatArray, Settings
from localensemble.consensus.registry import check_share, describe_settings, suggestion
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP

Distribution = Literal["probabilities", "labels"]


@dataclass(frozen=True, slots=True)
class ScoreBelow:
    """Escalate items whose score misses a threshold, usually a certified one.

    Attributes:
        limit: scores strictly below it escalate, and so does a score that is not known.
            None accepts nothing: no threshold could be certified.
        by: which score (see ``acceptance_scores``).
    """

    limit: float | None
    by: ScoreName = "mean_probability"
    name: ClassVar[str] = "score_below"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_score_name(self.by, owner=self.name)
        if self.limit is not None and (
            isinstance(self.limit, bool)
            or not isinstance(self.limit, int | float)
            or not np.isfinite(self.limit)
        ):
            raise EnsembleError(
                f'"{self.name}" cannot take limit = {self.limit!r}; expected a number or null.',
                hint="Copy the threshold of a certificate.",
            )

    @property
    def settings(self) -> Settings:
        """The threshold and the score it is on."""
        return describe_settings({"limit": self.limit, "by": self.by})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the score with the threshold."""
        name = self.by.replace("_", " ")
        if self.limit is None:
            everything = np.ones(evidence.labels.item_count, dtype=np.bool_)
            return (Reason(f"no threshold on {name} is certified", everything),)
        scores = acceptance_scores(evidence, by=self.by)
        # Written so that NaN escalates.
        low = evidence.consensus.decided & ~(scores >= self.limit)
        return (Reason(f"{name} below {self.limit:g}, or not known", low),)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Escalate items on which raters name different categories.

    Attributes:
        between: two raters whose difference matters; None for any two raters. An item one
            of the two did not label is not a disagreement.
    """

    between: Sequence[str] | None = None
    name: ClassVar[str] = "disagreement"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        if self.between is not None and (
            isinstance(self.between, str) or len(set(self.between)) != 2
        ):
            raise EnsembleError(
                f'"{self.name}" cannot take between = {self.between!r}; expected two raters.',
                hint="Write `between: [rater-a, rater-b]`, or leave it out for any two raters.",
            )

    @property
    def settings(self) -> Settings:
        """The two raters, or null."""
        return describe_settings({"between": None if self.between is None else [*self.between]})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the labels.

        Raises:
            EnsembleError: ``between`` names a rater that is not there.
        """
        raters = evidence.labels.raters
        if self.between is None:
            columns = list(range(len(raters)))
            text = "raters disagree"
        else:
            for rater in self.between:
                if rater not in raters:
                    raise EnsembleError(
                        f'The escalation policy "{self.name}" names "{rater}", '
                        "which is no rater of this run.",
                        hint=suggestion(rater, known=raters),
                    )
            columns = [raters.index(rater) for rater in self.between]
            text = f'raters "{self.between[0]}" and "{self.between[1]}" disagree'
        part = evidence.labels.indices[:, columns]
        highest = part.max(axis=1, initial=GAP)
        lowest = np.where(part == GAP, np.int16(np.iinfo(np.int16).max), part).min(
            axis=1, initial=np.iinfo(np.int16).max
        )
        return (Reason(text, (highest != GAP) & (lowest < highest)),)


@dataclass(frozen=True, slots=True)
class EntropyAbove:
    """Escalate items whose distribution over the categories is too even.

    The entropy is divided by ln K: 0 is certainty, 1 is all categories alike.

    Attributes:
        limit: from 0 to 1; entropy strictly above it escalates, and so does an unknown one.
        of: the mean of the raters' ``probabilities``, or the shares of their ``labels``.
    """

    limit: float
    of: Distribution = "probabilities"
    name: ClassVar[str] = "entropy_above"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_share(self.limit, owner=self.name, setting="limit")
        _check_distribution(self.of, owner=self.name)

    @property
    def settings(self) -> Settings:
        """The limit and the distribution."""
        return describe_settings({"limit": self.limit, "of": self.of})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the entropy with the limit."""
        entropy = normalized_entropy(distribution_of(evidence, of=self.of, owner=self.name))
        above = evidence.consensus.decided & ~(entropy <= self.limit)
        return (Reason(f"entropy of the {self.of} above {self.limit:g}, or not known", above),)


@dataclass(frozen=True, slots=True)
class MarginBelow:
    """Escalate items whose two best categories are too close.

    Attributes:
        limit: from 0 to 1; a difference strictly below it escalates, and so does an
            unknown one.
        of: the mean of the raters' ``probabilities``, or the shares of their ``labels``.
    """

    limit: float
    of: Distribution = "probabilities"
    name: ClassVar[str] = "margin_below"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_share(self.limit, owner=self.name, setting="limit")
        _check_distribution(self.of, owner=self.name)

    @property
    def settings(self) -> Settings:
        """The limit and the distribution."""
        return describe_settings({"limit": self.limit, "of": self.of})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the margin with the limit."""
        shares = distribution_of(evidence, of=self.of, owner=self.name)
        if shares.shape[1] < 2:
            margin = np.where(np.isnan(shares).all(axis=1), np.nan, 1.0)
        else:
            best = np.partition(shares, -2, axis=1)[:, -2:]
            margin = best[:, 1] - best[:, 0]
        # Shares such as 2/3 - 1/3 must not fall below a limit written as 0.3333333333.
        low = evidence.consensus.decided & ~(margin >= self.limit - 1e-9)
        return (Reason(f"margin of the {self.of} below {self.limit:g}, or not known", low),)


def normalized_entropy(shares: FloatArray) -> FloatArray:
    """Entropy of each row divided by ln K, in [0, 1]; NaN for rows of NaN, 0 when K is 1."""
    category_count = shares.shape[1]
    if category_count < 2:
        return np.zeros(len(shares)) if category_count else np.full(len(shares), np.nan)
    # p ln p is 0 at p = 0; sorting makes the sum independent of the order of categories.
    held = np.where(shares == 0, 1.0, shares)
    terms = np.sort(-shares * np.log(held), axis=1)
    return np.asarray(np.clip(terms.sum(axis=1) / np.log(category_count), 0.0, 1.0))


def _check_distribution(of: str, *, owner: str) -> None:
    if of not in get_args(Distribution):
        raise EnsembleError(
            f'"{owner}" cannot take of = {of!r}.',
            hint=suggestion(str(of), known=get_args(Distribution)),
        )

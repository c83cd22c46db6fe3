"""Rank candidate models by a pilot: by accuracy on gold labels, then by size.

Only models on this machine are ranked. A model that was trained for other categories than those of
a variable, or for several at once, is refused there and keeps its row.
Source: Lu et al. (2025), AutoAnnotator, arXiv 2506.16393; the ranking is our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from localensemble.catalog.located_models import LocatedModel
from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import InputError
from localensemble.core.words import counted, listed
from localensemble.engines.registry import engine_kind
from localensemble.labeling.ensemble import Ensemble, RaterPlan
from localensemble.piloting.pilot_findings import PilotFindings, VariablePilot
from localensemble.strategies.model_choice import ListedModel, RankedModel, rank_models

__all__ = ["Candidate", "ModelRanking", "candidates_of", "rank_candidates", "without_strangers"]


@dataclass(frozen=True, slots=True)
class ModelRanking:
    """The candidates for one variable, the best first and the refused ones last."""

    variable: str
    models: tuple[RankedModel, ...]

    @property
    def sentence(self) -> str:
        """Whether the gold labels tell the first model from the others; empty without others."""
        ranked = [(one.model, one.interval) for one in self.models if one.interval is not None]
        if len(ranked) < 2:
            return ""
        (first, interval), *others = ranked
        near = [model.name for model, its in others if its.high >= interval.low]
        labels = counted(first.items, "gold label")
        if near:
            return (
                f"{self.variable}: {labels} do not tell {first.name} from {listed(near)}: their "
                "95% intervals overlap."
            )
        return (
            f"{self.variable}: {first.name} is ahead of every other model on {labels}: no other "
            "95% interval reaches its own."
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that a pilot compares.

    Attributes:
        name: the rater's name.
        size: bytes of its file; None if unknown.
        trained_for: variable -> the categories it was trained for; None if it takes any.
    """

    name: str
    size: int | None
    trained_for: Mapping[str, Sequence[str]] | None

    def listed_for(self, variable: Variable, *, right: int, items: int) -> ListedModel:
        """Return it as a row of the manifest of one variable."""
        categories, several = variable.answers, False
        if self.trained_for is not None:
            categories = tuple(self.trained_for.get(variable.name, ()))
            parts = any(name.startswith(f"{variable.name}.") for name in self.trained_for)
            several = not categories and parts
        return ListedModel(self.name, categories, several, self.size, right, items)

    def knows(self, variable: Variable) -> bool:
        """Tell whether its categories are those of a variable."""
        if self.trained_for is None:
            return True
        return sorted(self.trained_for.get(variable.name, ())) == sorted(variable.answers)


def candidates_of(ensemble: Ensemble, models: Sequence[LocatedModel]) -> tuple[Candidate, ...]:
    """Return the raters of an ensemble as candidates."""
    return tuple(
        Candidate(rater.name, _size(located), _trained_for(rater, located))
        for rater, located in zip(ensemble.raters, models, strict=True)
    )


def without_strangers(
    ensemble: Ensemble,
    models: Sequence[LocatedModel],
    *,
    candidates: Sequence[Candidate],
    codebook: Codebook,
) -> tuple[Ensemble, list[LocatedModel]]:
    """Leave out candidates that know no variable; they are refused without being asked.

    Raises:
        InputError: none would be left.
    """
    strangers = {one.name for one in candidates if not any(map(one.knows, codebook.variables))}
    if not strangers:
        return ensemble, list(models)
    kept = [
        (rater, located)
        for rater, located in zip(ensemble.raters, models, strict=True)
        if rater.name not in strangers
    ]
    if not kept:
        raise InputError(
            "Cannot rank models: each was trained for other variables or categories than those of "
            "the codebook.",
            hint="Add a model that takes any codebook, or train one: `localensemble probe`.",
        )
    unfit = [name for name in ensemble.rules.unfit if name not in strangers]
    left = replace(
        ensemble,
        raters=tuple(rater for rater, _ in kept),
        rules=ensemble.rules.with_unfit(unfit),
    )
    return left, [located for _, located in kept]


def rank_candidates(
    candidates: Sequence[Candidate], *, found: PilotFindings, codebook: Codebook
) -> tuple[ModelRanking, ...]:
    """Rank the candidates on every variable with gold labels.

    An item that a model gave no label counts as not right.
    """
    rankings = []
    for one in found.variables:
        if not one.priors.gold_items:
            continue
        variable = codebook.variable(one.variable)
        right = _right(one)
        models = [
            candidate.listed_for(
                variable,
                right=right.get(candidate.name, 0),
                items=one.priors.gold_items if candidate.name in right else 0,
            )
            for candidate in candidates
        ]
        rankings.append(
            ModelRanking(one.variable, rank_models(models, categories=variable.answers))
        )
    return tuple(rankings)


def _right(variable: VariablePilot) -> Mapping[str, int]:
    return {one.rater: 0 if one.accuracy is None else one.accuracy.right for one in variable.raters}


def _trained_for(rater: RaterPlan, located: LocatedModel) -> Mapping[str, Sequence[str]] | None:
    kind = engine_kind(rater.engine)
    return kind.training(located.path).categories if kind.is_trained_here else None


def _size(located: LocatedModel) -> int | None:
    try:
        return located.path.stat().st_size
    except OSError:  # The engine has its models elsewhere.
        return None

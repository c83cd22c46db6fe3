"""Choose models for an ensemble from a local manifest, by their accuracy in a pilot.

No hub is searched: the manifest lists models that are here. A model is refused if its categories
are not exactly those wanted, or if it may give several at once.
Source: Lu et al. (2025), AutoAnnotator, arXiv 2506.16393; the scoring is our own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.core.words import listed

Refusal = Literal["other_categories", "several_at_once", "not_piloted"]
COLUMNS = ("rank", "model", "right", "items", "accuracy", "low", "high", "size", "refused")


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of a manifest.

    Attributes:
        name: its name.
        categories: the categories that it gives.
        gives_several: whether it may give several categories at once.
        size: its size in bytes, or its number of parameters: the same for all of a manifest. None
            if unknown; then it comes after others of equal accuracy.
        right: how many items of the pilot it labeled as people did.
        items: how many items of the pilot it was asked about.
    """

    name: str
    categories: tuple[str, ...]
    gives_several: bool
    size: int | None
    right: int
    items: int


@dataclass(frozen=True, slots=True)
class RankedModel:
    """A model and its place.

    Attributes:
        model: the model.
        rank: 1 for the best; None if it is refused.
        interval: the exact 95% interval of its accuracy; None if it is refused.
        refused: why it is refused; None if it is not.
        reason: the same in words; empty if it is not.
    """

    model: ListedModel
    rank: int | None
    interval: Interval | None
    refused: Refusal | None
    reason: str

    @property
    def accuracy(self) -> float | None:
        """The share of the pilot's items that it labeled as people did; None if refused."""
        return None if self.refused else self.model.right / self.model.items

    @property
    def row(self) -> tuple[str, ...]:
        """Its row of a table with the columns `COLUMNS`."""
        one, interval = self.model, self.interval
        numbers = ("", "", "")
        if interval is not None and self.accuracy is not None:
            numbers = (f"{self.accuracy:.3f}", f"{interval.low:.3f}", f"{interval.high:.3f}")
        rank = "" if self.rank is None else str(self.rank)
        counts = (str(one.right), str(one.items))
        return (
            rank,
            one.name,
            *counts,
            *numbers,
            "" if one.size is None else str(one.size),
            self.reason,
        )


def rank_models(
    models: Sequence[ListedModel], *, categories: Collection[str]
) -> tuple[RankedModel, ...]:
    """Rank models by pilot accuracy, then the smaller first, then by name; refused ones last.

    The order of the manifest does not matter.

    Args:
        models: the models of the manifest.
        categories: the categories of the variable; their order does not matter.
    """
    fit, refused = [], []
    for one in sorted(models, key=lambda one: one.name):
        refusal = _refusal(one, frozenset(categories))
        if refusal is None:
            fit.append(one)
        else:
            refused.append(RankedModel(one, None, None, *refusal))
    # As fractions, because equal accuracies can differ as floating-point numbers.
    fit.sort(key=lambda one: (-Fraction(one.right, one.items), one.size is None, one.size or 0))
    ranked = (
        RankedModel(one, rank, exact_interval(one.right, items=one.items), None, "")
        for rank, one in enumerate(fit, start=1)
    )
    return (*ranked, *refused)


def _refusal(model: ListedModel, categories: frozenset[str]) -> tuple[Refusal, str] | None:
    """Return why a model cannot label the variable, as a code and in words; None if it can."""
    if model.gives_several:
        return "several_at_once", "gives several categories at once"
    lacking = sorted(categories.difference(model.categories))
    extra = sorted(set(model.categories) - categories)
    parts = [f"lacks {listed(lacking)}"] if lacking else []
    parts += [f"also gives {listed(extra)}"] if extra else []
    if parts:
        return "other_categories", ", ".join(parts)
    if not model.items:
        return "not_piloted", "labeled no item of the pilot"
    return None

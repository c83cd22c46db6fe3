"""The consensus methods by the names an ensemble file uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localensemble.consensus.methods.dawid_skene import DawidSkene, OneCoinDawidSkene
from localensemble.consensus.methods.mace import Mace
from localensemble.consensus.methods.majority import Majority
from localensemble.consensus.methods.mean_probability import MeanProbability
from localensemble.consensus.methods.median import Median
from localensemble.consensus.methods.unanimous import Unanimous
from localensemble.consensus.methods.weighted import Weighted
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.registry import build_named

_METHODS: Mapping[str, Callable[..., ConsensusMethod]] = {
    Majority.name: Majority,
    Unanimous.name: Unanimous,
    Weighted.name: Weighted,
    MeanProbability.name: MeanProbability,
    Median.name: Median,
    OneCoinDawidSkene.name: OneCoinDawidSkene,
    DawidSkene.name: DawidSkene,
    Mace.name: Mace,
}
METHOD_NAMES: tuple[str, ...] = tuple(_METHODS)


def method_named(name: str, *, settings: Mapping[str, object] | None = None) -> ConsensusMethod:
    """Build the consensus method of an ensemble file.

    Raises:
        EnsembleError: the name or a setting is unknown, or a setting is out of range.
    """
    return build_named("consensus method", name=name, settings=settings, known=_METHODS)

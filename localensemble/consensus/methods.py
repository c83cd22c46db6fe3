"""The consensus methods by the names an ensemble file uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localensemble.consensus.dawid_skene import DawidSkene, OneCoinDawidSkene
from localensemble.consensus.mace import Mace
from localensemble.consensus.majority import Majority
from localensemble.consensus.mean_probability import MeanProbability
from localensemble.consensus.median import Median
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.registry import build_named
from localensemble.consensus.unanimous import Unanimous
from localensemble.consensus.weighted import Weighted

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

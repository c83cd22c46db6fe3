"""The consensus methods by their names in ensemble files.

A new method is a file beside this one and an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping

from localensemble.consensus.methods.chain import Chain
from localensemble.consensus.methods.dawid_skene import DawidSkene, OneCoinDawidSkene
from localensemble.consensus.methods.mace import Mace
from localensemble.consensus.methods.majority import Majority
from localensemble.consensus.methods.mean_probability import MeanProbability
from localensemble.consensus.methods.median import Median
from localensemble.consensus.methods.roles import Roles
from localensemble.consensus.methods.unanimous import Unanimous
from localensemble.consensus.methods.weighted import Weighted
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.registry import build_named, required_settings

_METHODS: tuple[type[ConsensusMethod], ...] = (
    Majority,
    Unanimous,
    Weighted,
    MeanProbability,
    Median,
    OneCoinDawidSkene,
    DawidSkene,
    Mace,
    Roles,
    Chain,
)
_BY_NAME = {method.name: method for method in _METHODS}
METHOD_NAMES: tuple[str, ...] = tuple(_BY_NAME)


def method_named(name: str, *, settings: Mapping[str, object] | None = None) -> ConsensusMethod:
    """Build the consensus method of an ensemble file.

    Raises:
        EnsembleError: the name or a setting is unknown, or a setting is out of range.
    """
    return build_named("consensus method", name=name, settings=settings, known=_BY_NAME)


def methods_without_settings() -> tuple[ConsensusMethod, ...]:
    """Build every method that needs no settings."""
    return tuple(method() for method in _METHODS if not required_settings(method))

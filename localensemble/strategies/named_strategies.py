"""The strategies by their names in ensemble files.

A new strategy is a file beside this one and an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping

from localensemble.consensus.registry import build_named
from localensemble.strategies.asked_by_role import AskedByRole
from localensemble.strategies.asked_in_chain import Chain
from localensemble.strategies.early_stop import EarlyStop
from localensemble.strategies.protocol import AskingStrategy

_STRATEGIES: tuple[type[AskingStrategy], ...] = (Chain, EarlyStop, AskedByRole)
_BY_NAME = {strategy.name: strategy for strategy in _STRATEGIES}
STRATEGY_NAMES: tuple[str, ...] = tuple(_BY_NAME)


def strategy_named(name: str, *, settings: Mapping[str, object] | None = None) -> AskingStrategy:
    """Build the strategy of an ensemble file.

    Raises:
        EnsembleError: the name or a setting is unknown, or a setting is out of range.
    """
    return build_named("strategy", name=name, settings=settings, known=_BY_NAME)

"""The categories that the verifiers of a study were asked about, derived from its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.roles import Roles, proposals
from localensemble.consensus.rules import recorded_rules
from localensemble.core.label_matrix import LabelMatrix
from localensemble.study.study import Study


def recorded_proposals(study: Study) -> Mapping[str, NDArray[np.int16]]:
    """Return the proposed category of each item, for each variable by its name.

    Returns:
        Variable, by name -> int16 (N,), -1 where nothing was proposed; empty if the raters had no
        roles when they labeled.
    """
    strategy = study.run.settings.strategy
    rules = None if strategy is None else recorded_rules(cast(Mapping[str, Any], strategy.rules))
    if rules is None or not isinstance(rules.method, Roles):
        return {}
    found = {}
    for variable in study.codebook.variables:
        labels = study.labeled.matrix(variable)
        fit = [place for place, name in enumerate(labels.raters) if name not in rules.unfit]
        counted = LabelMatrix(
            labels.indices[:, fit], labels.categories, tuple(labels.raters[one] for one in fit)
        )
        method = rules.method
        proposed = proposals(counted, roles=method.roles, accept=method.accept)
        found[variable.name] = proposed.categories
    return found

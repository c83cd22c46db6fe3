"""Turn the priors that gold labels recommend into calibrations that `label` can apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localensemble.consensus.probabilities.calibrated_raters import (
    CalibratedRater,
    CalibratedRaters,
)
from localensemble.consensus.probabilities.rater_calibration import ContextualPrior
from localensemble.core.identity import sha256_item, sha256_text
from localensemble.core.items import Item
from localensemble.core.label_matrix import GAP
from localensemble.piloting.asked_rater import CONTENT_FREE_TEXTS, AskedRater
from localensemble.piloting.pilot_findings import PilotFindings
from localensemble.piloting.variable_answers import CategoryArray


def recommended_calibrations(
    found: PilotFindings,
    *,
    raters: Sequence[AskedRater],
    items: Sequence[Item],
    gold: Mapping[str, CategoryArray],
    date: str,
) -> tuple[CalibratedRaters, ...]:
    """Return the calibration of each variable for which the held-out gold labels show a gain.

    Args:
        found: what the pilot found.
        raters: what the raters said, with the identities that the calibrations are bound to.
        items: the N items of the pilot.
        gold: variable -> (N,) gold categories of the items, -1 for none; they chose, so they are
            recorded as used.
        date: ISO date.
    """
    calibrations = []
    for variable in found.variables:
        choice = variable.priors.choice
        if choice is None or not choice.recommended:
            continue
        priors = {
            one.rater: one.prior
            for one in variable.priors.raters
            if one.prior is not None and one.rater in choice.raters
        }
        count = len(variable.categories)
        # Dividing by an even prior changes nothing.
        even = (1 / count,) * count
        calibrations.append(
            CalibratedRaters(
                variable=variable.variable,
                method="contextual_prior",
                raters=tuple(
                    CalibratedRater(
                        rater.name,
                        rater.identity.sha256,
                        rater.identity.model_sha256,
                        ContextualPrior(priors.get(rater.name, even)),
                    )
                    for rater in raters
                ),
                source_items=len(CONTENT_FREE_TEXTS),
                used_items=tuple(
                    sha256_item(item.id, content_sha256=sha256_text(item.text))
                    for item, known in zip(items, gold[variable.variable], strict=True)
                    if known != GAP
                ),
                date=date,
            )
        )
    return tuple(calibrations)

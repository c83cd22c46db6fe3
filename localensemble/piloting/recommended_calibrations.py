"""Turn the priors that gold labels recommend into calibrations that `label` can apply."""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.consensus.probabilities.calibrated_raters import (
    CalibratedRater,
    CalibratedRaters,
)
from localensemble.consensus.probabilities.rater_calibration import ContextualPrior
from localensemble.piloting.asked_rater import CONTENT_FREE_TEXTS, AskedRater
from localensemble.piloting.pilot_findings import PilotFindings


def recommended_calibrations(
    found: PilotFindings, *, raters: Sequence[AskedRater], date: str
) -> tuple[CalibratedRaters, ...]:
    """Return the calibration of each variable for which the held-out gold labels show a gain.

    Args:
        found: what the pilot found.
        raters: what the raters said, with the identities that the calibrations are bound to.
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
                used_items=(),
                date=date,
            )
        )
    return tuple(calibrations)

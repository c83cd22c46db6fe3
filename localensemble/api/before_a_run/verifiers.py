"""Leave verifiers out of what asks the questions of the codebook: they answer another question."""

from __future__ import annotations

from dataclasses import replace

from localensemble.core.errors import EnsembleError
from localensemble.core.words import listed
from localensemble.labeling.ensemble import Ensemble


def verifier_names(ensemble: Ensemble) -> tuple[str, ...]:
    """Return the names of the verifiers of an ensemble."""
    return tuple(rater.name for rater in ensemble.raters if rater.role == "verifier")


def without_verifiers(ensemble: Ensemble) -> tuple[Ensemble, tuple[str, ...]]:
    """Leave out verifiers, and return a message that names them.

    Raises:
        EnsembleError: there is no other rater.
    """
    names = verifier_names(ensemble)
    if not names:
        return ensemble, ()
    left = tuple(rater for rater in ensemble.raters if rater.name not in names)
    if not left:
        raise EnsembleError(
            "Every rater of the ensemble is a verifier; expected at least one labeler.",
            hint="Remove the `role` of one of them: a verifier only confirms what others propose.",
        )
    rules = ensemble.rules
    rules = rules.with_unfit([name for name in rules.unfit if name not in names])
    return replace(ensemble, raters=left, rules=rules), (
        f"Not asked: {listed(names)}. A verifier only confirms what others propose (`label`).",
    )

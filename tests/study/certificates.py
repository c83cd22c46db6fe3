"""Certificates and calibrations as `certify` and `calibrate` make them."""

from __future__ import annotations

from collections.abc import Mapping

from localensemble.consensus.certificates.certificate import Certificate, ScoreShift
from localensemble.consensus.certificates.threshold import Candidate, CertifiedThreshold
from localensemble.consensus.probabilities.calibrated_raters import (
    CalibratedRater,
    CalibratedRaters,
)
from localensemble.consensus.probabilities.rater_calibration import Temperature
from localensemble.study.binding import binding, identities
from localensemble.study.study import Study


def certificate(
    hashes: Mapping[str, str], *, variable: str = "topic", threshold: float = 0.7
) -> Certificate:
    """Certify a threshold on the support, bound to these hashes."""
    chosen = Candidate(threshold, 60, 1, 0.0123, 0.0789, "passed")
    return Certificate(
        variable=variable,
        by="support",
        consensus_method="majority",
        consensus_settings=(),
        certified=CertifiedThreshold("fixed_sequence", 0.1, 0.1, 22, 80, chosen, (chosen,), None),
        pool_items=90,
        pool_accepted=66,
        shift=ScoreShift(0.1, 0.9, ""),
        hashes=tuple(sorted(hashes.items())),
        date="2026-11-27",
    )


def certificate_of(study: Study, *, variable: str = "topic") -> Certificate:
    """Certify a threshold on one variable of a study, under its rules."""
    asked = study.codebook.variable(variable)
    bound = binding(
        study.recorded, rules=study.rules, variable=asked, items_sha256=study.items_sha256
    )
    return certificate(bound, variable=variable)


def calibration(raters: Mapping[str, str], *, variable: str = "topic") -> CalibratedRaters:
    """Calibrate raters, by name and identity, by a temperature of 2."""
    return CalibratedRaters(
        variable=variable,
        method="temperature",
        raters=tuple(
            CalibratedRater(name, sha256, f"model of {name}", Temperature(2.0, 40))
            for name, sha256 in raters.items()
        ),
        source_items=40,
        used_items=(),
        date="2026-11-27",
    )


def calibration_of(study: Study, *, variable: str = "topic") -> CalibratedRaters:
    """Calibrate the raters of a study."""
    held = identities(study.recorded)
    return calibration({name: one.sha256 for name, one in held.items()}, variable=variable)

"""Certificates, calibrations and pools as `certify`, `calibrate` and `consensus` make them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from localensemble.consensus.bound_raters import BoundRater
from localensemble.consensus.certificates.bounds import binomial_p, upper_bound
from localensemble.consensus.certificates.certificate import Certificate, ScoreShift
from localensemble.consensus.certificates.threshold import Candidate, CertifiedThreshold
from localensemble.consensus.pooling.best_rater import BestRater
from localensemble.consensus.pooling.fitted_pool import CrossValidated, FittedPool
from localensemble.consensus.pooling.gold_pool import GoldPool
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
    p_value = float(binomial_p(np.array([1]), items=np.array([60]), alpha=0.1)[0])
    upper = upper_bound(1, items=60, delta=0.1)
    chosen = Candidate(threshold, 60, 1, None, p_value, upper, "passed")
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


def pool(
    raters: Mapping[str, str],
    *,
    variable: str = "topic",
    categories: tuple[str, ...] = ("food", "other", "staff"),
) -> GoldPool:
    """Follow the second rater in name order, by name and identity."""
    names = tuple(sorted(raters))
    rule = BestRater((1, *(place for place in range(len(names)) if place != 1)))
    results = (CrossValidated("best_rater", 50, 60),)
    return GoldPool(
        variable=variable,
        pool=FittedPool(names, categories, rule, results, 0, 0),
        raters=tuple(BoundRater(name, raters[name], f"model of {name}") for name in names),
        used_items=(),
        date="2026-11-27",
    )


def pool_of_study(study: Study) -> GoldPool:
    """Follow the second rater of a study on its topic."""
    held = identities(study.recorded)
    return pool({name: one.sha256 for name, one in held.items()})

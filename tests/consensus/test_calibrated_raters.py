"""The calibration of all raters on one variable: what it is bound to, how it is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from localensemble.consensus.probabilities.calibrated_raters import (
    CalibratedRater,
    CalibratedRaters,
    RaterCalibrationMethod,
)
from localensemble.consensus.probabilities.rater_calibration import (
    ContextualPrior,
    Isotonic,
    RaterCalibration,
    Temperature,
)
from localensemble.core.errors import InputError

IDENTITIES = {"first": "a" * 64, "second": "b" * 64}
CALIBRATIONS: dict[RaterCalibrationMethod, RaterCalibration] = {
    "temperature": Temperature(1.5, 200),
    "isotonic": Isotonic((((0.0, 0.1), (1.0, 0.9)), ((0.0, 0.0), (1.0, 1.0))), 200),
    "contextual_prior": ContextualPrior((0.25, 0.75)),
}


def calibrated(method: RaterCalibrationMethod = "temperature") -> CalibratedRaters:
    """Both raters calibrated alike."""
    return CalibratedRaters(
        variable="theme",
        method=method,
        raters=tuple(
            CalibratedRater(name, identity, "c" * 64, CALIBRATIONS[method])
            for name, identity in IDENTITIES.items()
        ),
        source_items=200,
        used_items=("d" * 64,),
        date="2025-03-01",
    )


def test_it_applies_to_the_raters_it_was_made_for() -> None:
    calibrated().check(IDENTITIES)


@pytest.mark.parametrize(
    ("identities", "named"),
    [
        ({"first": "a" * 64}, "second"),
        ({**IDENTITIES, "second": "e" * 64}, "second"),
        ({**IDENTITIES, "third": "e" * 64}, "third"),
    ],
    ids=["gone", "changed", "new"],
)
def test_other_raters_are_refused_by_name(identities: dict[str, str], named: str) -> None:
    with pytest.raises(InputError, match=rf"2025-03-01: {named}\."):
        calibrated().check(identities)


def test_columns_follow_the_order_that_is_asked_for() -> None:
    assert calibrated().columns(["third", "second"]) == (None, CALIBRATIONS["temperature"])


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_it_survives_json(method: RaterCalibrationMethod) -> None:
    text = json.dumps(calibrated(method).as_values(), allow_nan=False)
    assert CalibratedRaters.from_values(json.loads(text)) == calibrated(method)


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"method": "none"},
        {"raters": [{"name": "first"}]},
        {"source_items": "many"},
        {"used_items": None},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_damaged_one_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="missing or malformed"):
        CalibratedRaters.from_values(calibrated().as_values() | damage)


def test_its_sentence_says_what_it_rests_on() -> None:
    assert "200 gold labels" in calibrated("isotonic").sentence()
    prior = calibrated("contextual_prior")
    unaided = replace(prior, used_items=()).sentence()
    assert "200 content-free items" in unaided
    assert "without gold labels" in unaided
    assert "200 content-free items, chosen by 1 gold label" in prior.sentence()

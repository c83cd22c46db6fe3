"""The rules of a study: made from names, made again from their record."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from localensemble.consensus.probabilities.calibrated_raters import (
    CalibratedRater,
    CalibratedRaters,
)
from localensemble.consensus.probabilities.rater_calibration import Temperature
from localensemble.consensus.rules import DecisionRules, decision_rules, recorded_rules
from localensemble.core.errors import EnsembleError
from tests.consensus.test_certificate import issued

MAJORITY = {"method": "majority"}
CALIBRATION = CalibratedRaters(
    variable="sentiment",
    method="temperature",
    raters=(CalibratedRater("first", "a" * 64, "b" * 64, Temperature(2.0, 100)),),
    source_items=100,
    used_items=("c" * 64,),
    date="2025-03-01",
)


def as_recorded(rules: DecisionRules) -> Mapping[str, object]:
    """The content as it comes back from a record."""
    content: Mapping[str, object] = json.loads(json.dumps(rules.content))
    return content


def test_rules_without_policies_named_ask_a_person_where_a_rater_gave_no_category() -> None:
    names = {policy.name for policy in decision_rules(MAJORITY, None).policies}
    assert names == {"missing_raters", "off_codebook_mass_above", "suspected_injection"}
    assert decision_rules(MAJORITY, []).policies == ()


def test_rules_are_made_again_from_their_record() -> None:
    rules = (
        decision_rules(
            {"method": "weighted", "accuracies": {"first": 0.9, "second": 0.8}},
            [{"policy": "support_below", "limit": 0.7}],
        )
        .with_certificates([issued()])
        .with_calibrations([CALIBRATION])
    )
    again = recorded_rules(as_recorded(rules))
    assert again.content == rules.content
    assert again.method.settings == rules.method.settings
    assert again.certificates == rules.certificates
    assert again.calibrations == rules.calibrations


def test_a_certified_threshold_is_a_policy_of_its_variable_alone() -> None:
    rules = decision_rules(MAJORITY, []).with_certificates([issued()])
    (threshold,) = rules.policies_for("sentiment")
    assert dict(threshold.settings)["limit"] == "0.8"
    assert rules.policies_for("theme") == ()


def test_certificates_and_calibrations_that_are_dropped_leave_no_trace() -> None:
    plain = decision_rules(MAJORITY, [])
    bound = plain.with_certificates([issued()]).with_calibrations([CALIBRATION])
    assert bound.with_certificates([]).with_calibrations([]) == plain


def test_one_variable_has_one_certificate_and_one_calibration() -> None:
    rules = decision_rules(MAJORITY, [])
    with pytest.raises(EnsembleError, match="sentiment"):
        rules.with_certificates([issued(), issued()])
    with pytest.raises(EnsembleError, match="sentiment"):
        rules.with_calibrations([CALIBRATION, CALIBRATION])


def test_a_budget_and_a_certificate_are_refused_together() -> None:
    rules = decision_rules(MAJORITY, [{"policy": "budget", "items": 10}])
    with pytest.raises(EnsembleError, match="budget"):
        rules.with_certificates([issued()])
    assert rules.with_certificates([]).certificates == ()

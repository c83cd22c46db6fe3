"""Settings are the fields of a class, and their annotations the ranges."""

from __future__ import annotations

import json

import pytest

from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.core.errors import EnsembleError
from tests.consensus.test_stored_rules import METHODS, POLICIES


@pytest.mark.parametrize("name", [*METHODS, *POLICIES])
def test_every_setting_says_what_was_expected_of_it(name: str) -> None:
    build = method_named if name in METHODS else policy_named
    written, stored = {**METHODS, **POLICIES}[name]
    for setting in json.loads(stored):
        with pytest.raises(
            EnsembleError, match=f'"{name}" cannot take {setting}.*expected '
        ) as raised:
            build(name, settings={**written, setting: object()})
        assert raised.value.exit_code == 2


def test_a_value_is_checked_and_not_converted() -> None:
    policy = policy_named("support_below", settings={"limit": 1})
    assert policy.settings == (("limit", "1"),)
    with pytest.raises(EnsembleError, match="expected a number from 0 to 1"):
        policy_named("support_below", settings={"limit": "1"})


def test_the_earlier_name_of_a_policy_leads_to_the_present_one() -> None:
    with pytest.raises(EnsembleError, match='now called "control_missed"') as refused:
        policy_named("golden_disagreement")
    assert "disagreement" not in (refused.value.hint or "")

"""What a ledger and a certificate store of the rules: any other text breaks a certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from localensemble.consensus.methods.named_methods import METHOD_NAMES, method_named
from localensemble.consensus.policies.named_policies import POLICY_NAMES, policy_named
from localensemble.consensus.rules import decision_rules, recorded_rules
from localensemble.core.identity import canonical_json

Given = Mapping[str, object]

_FIT = '"iterations":"500","repeats":"{}"'
# Name -> (settings as written, settings as stored).
METHODS: Mapping[str, tuple[Given, str]] = {
    "majority": ({}, '{"minimum_share":"null"}'),
    "unanimous": ({}, "{}"),
    "weighted": ({"accuracies": {"b": 1, "a": 0.8}}, '{"accuracies":"{\\"a\\":0.8,\\"b\\":1}"}'),
    "mean_probability": ({}, '{"pooling":"\\"linear\\""}'),
    "median": ({}, "{}"),
    "one_coin_dawid_skene": ({}, f'{{{_FIT},"smoothing":"0.01","tolerance":"1e-06"}}'),
    "dawid_skene": ({"smoothing": 0}, f'{{{_FIT},"smoothing":"0","tolerance":"1e-06"}}'),
    "chain": ({}, "{}"),
    "roles": (
        {"roles": {"b": "verifier", "a": "adjudicator"}},
        '{"accept":"\\"unanimous\\"","roles":"{\\"a\\":\\"adjudicator\\",\\"b\\":\\"verifier\\"}"}',
    ),
    "mace": ({}, f'{{{_FIT},"tolerance":"1e-06"}}'),
}
POLICIES: Mapping[str, tuple[Given, str]] = {
    "no_consensus": ({}, "{}"),
    "support_below": ({"limit": 1}, '{"limit":"1"}'),
    "mean_probability_below": ({"limit": 0.5}, '{"limit":"0.5"}'),
    "off_codebook_mass_above": ({"limit": 0.5}, '{"limit":"0.5"}'),
    "missing_raters": ({}, '{"allowed":"0"}'),
    "always_review": (
        {"categories": {"b": None, "a": 0.2}},
        '{"categories":"{\\"a\\":0.2,\\"b\\":null}"}',
    ),
    "disagreement": ({}, '{"between":"null"}'),
    "entropy_above": ({"limit": 0.5}, '{"limit":"0.5","of":"\\"probabilities\\""}'),
    "margin_below": ({"limit": 0.5}, '{"limit":"0.5","of":"\\"probabilities\\""}'),
    "score_below": ({"limit": None}, '{"by":"\\"mean_probability\\"","limit":"null"}'),
    "agreement_below": ({"required": 0.7}, '{"required":"0.7"}'),
    "control_missed": ({}, "{}"),
    "suspected_injection": ({}, "{}"),
    "budget": ({"items": 20}, '{"items":"20"}'),
    "random_audit": ({"share": 0.1}, '{"seed":"0","share":"0.1"}'),
}


def test_every_method_and_policy_is_pinned() -> None:
    assert set(METHODS) == set(METHOD_NAMES)
    assert set(POLICIES) == set(POLICY_NAMES)


@pytest.mark.parametrize("name", METHODS)
def test_the_settings_of_a_method_are_stored_to_the_byte(name: str) -> None:
    written, stored = METHODS[name]
    assert canonical_json(dict(method_named(name, settings=written).settings)) == stored


@pytest.mark.parametrize("name", POLICIES)
def test_the_settings_of_a_policy_are_stored_to_the_byte(name: str) -> None:
    written, stored = POLICIES[name]
    assert canonical_json(dict(policy_named(name, settings=written).settings)) == stored


def test_a_pair_of_raters_is_stored_as_a_list() -> None:
    for between in (["b", "a"], ("b", "a")):
        policy = policy_named("disagreement", settings={"between": between})
        assert policy.settings == (("between", '["b","a"]'),)


def test_rules_are_stored_as_they_were_written() -> None:
    rules = decision_rules({"method": "majority", "minimum_share": 1}, None)
    assert canonical_json(rules.content) == (
        '{"consensus":{"method":"majority","minimum_share":1},'
        '"escalation":[{"allowed":0,"policy":"missing_raters"},'
        '{"limit":0.5,"policy":"off_codebook_mass_above"},'
        '{"policy":"suspected_injection"}]}'
    )
    for name, (written, _) in POLICIES.items():
        policy = {"policy": name, **written}
        rules = decision_rules({"method": "unanimous"}, [policy])
        assert canonical_json(rules.content) == canonical_json(
            {"consensus": {"method": "unanimous"}, "escalation": [policy]}
        )
        again = recorded_rules(json.loads(canonical_json(rules.content)))
        assert canonical_json(again.content) == canonical_json(rules.content)

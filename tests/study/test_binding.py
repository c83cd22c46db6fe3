"""A certificate is bound to what decides its items, and to nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localensemble.codebook.model import AlwaysReview, Category, Variable
from localensemble.consensus.rules import decision_rules
from localensemble.study.binding import binding, bound_items, rules_sha256
from localensemble.study.rating_table.recorded_ratings import AlignedRatings
from localensemble.study.study import Study
from tests.study.certificates import calibration, certificate
from tests.study.ratings import record, wide

TOPIC = Variable("topic", "nominal", "", (Category("a", ""), Category("b", "")))


def hashed(
    escalation: list[Mapping[str, Any]] | None = None, method: str = "majority", **settings: Any
) -> str:
    return rules_sha256(
        decision_rules({"method": method, **settings}, escalation or []), variable=TOPIC
    )


def bound(study: Study) -> Mapping[str, str]:
    return binding(
        study.recorded,
        rules=study.rules,
        variable=study.codebook.variables[0],
        items_sha256=study.items_sha256,
    )


def test_labels_of_models_are_bound_to_raters_models_prompt_codebook_and_rules(
    of_models: Path,
) -> None:
    with Study.open(of_models) as study:
        found = bound(study)
    assert sorted(found) == [
        *("codebook", "decision rules"),
        *("model of first", "model of second", "model of third"),
        "prompt template",
        *("rater first", "rater second", "rater third"),
        "variable",
    ]


def test_ratings_are_bound_by_the_hash_of_their_table(tmp_path: Path) -> None:
    labels: AlignedRatings = wide(tmp_path, "xx", "xy")
    with Study.open(record(labels, tmp_path / "study").path) as study:
        found = bound(study)
    assert sorted(found) == ["codebook", "decision rules", "label table", "variable"]
    assert found["label table"] == labels.sha256


def test_raters_under_several_conditions_are_bound_to_all_of_them(tmp_path: Path) -> None:
    folder = record(wide(tmp_path, "xx", "yy"), tmp_path / "study")
    corrected = wide(tmp_path, "xx", "xy")
    record(corrected, folder.path)
    with Study.open(folder.path) as study:
        first = study.recorded.reader.raters()[0].key
        _, second = study.recorded.rater_keys
        mixed = replace(study, recorded=replace(study.recorded, rater_keys=(first, second)))
        found = bound(mixed)
    assert found["label table"] not in ("", corrected.sha256)
    assert len(found["label table"]) == 64


def test_the_item_set_is_bound_where_a_method_learns_from_all_items() -> None:
    majority = decision_rules({"method": "majority"}, [])
    learning = decision_rules({"method": "dawid_skene"}, [])
    assert bound_items(majority.method, items_sha256="0", item_count=3) == {}
    (first,), (second,), (third,) = (
        bound_items(learning.method, items_sha256=items, item_count=count).values()
        for items, count in (("0", 3), ("0", 2), ("1", 3))
    )
    assert len({first, second, third}) == 3


def test_an_audit_and_the_order_of_policies_decide_nothing() -> None:
    limit = {"policy": "support_below", "limit": 0.7}
    missing = {"policy": "missing_raters", "allowed": 0}
    audit = {"policy": "random_audit", "share": 0.3}
    assert hashed([limit, missing]) == hashed([missing, audit, limit])


def test_whatever_decides_changes_the_hash_of_the_rules() -> None:
    found = [
        hashed(),
        hashed(method="unanimous"),
        hashed([{"policy": "support_below", "limit": 0.7}]),
        hashed([{"policy": "support_below", "limit": 0.6}]),
        hashed(method="dawid_skene"),
        hashed(method="dawid_skene", smoothing=0.5),
    ]
    assert len(set(found)) == len(found)


def test_a_renamed_policy_is_hashed_as_0_1_0_hashed_it() -> None:
    # What 0.1.0 computed for the policy golden_disagreement, in certificates that must stay valid.
    older = "7ab0eea340847d40af241fd65d6a9202b8269666d871e6c1096d902471cf2eac"
    assert hashed([{"policy": "control_missed"}]) == older


def test_safety_categories_count_and_so_do_calibrations_of_the_variable_alone() -> None:
    rules = decision_rules({"method": "majority"}, [])
    first, second = TOPIC.categories
    plain = rules_sha256(rules, variable=TOPIC)
    reviewed = [
        replace(TOPIC, categories=(replace(first, always_review=AlwaysReview(above)), second))
        for above in (None, 0.2)
    ]
    assert len({plain, *(rules_sha256(rules, variable=one) for one in reviewed)}) == 3
    of_topic = rules.with_calibrations([calibration({"ann": "0" * 64})])
    of_other = rules.with_calibrations([calibration({"ann": "0" * 64}, variable="mood")])
    assert rules_sha256(of_topic, variable=TOPIC) != plain
    assert rules_sha256(of_other, variable=TOPIC) == plain


def test_a_certificate_is_no_part_of_the_rules_it_is_bound_to() -> None:
    rules = decision_rules({"method": "majority"}, [])
    assert rules_sha256(rules.with_certificates([certificate({})]), variable=TOPIC) == rules_sha256(
        rules, variable=TOPIC
    )


@pytest.mark.parametrize("method", ["majority", "unanimous", "mean_probability", "median"])
def test_methods_that_decide_each_item_by_itself_bind_no_item_set(method: str) -> None:
    rules = decision_rules({"method": method}, [])
    assert bound_items(rules.method, items_sha256="0", item_count=3) == {}

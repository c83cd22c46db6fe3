"""A certificate is read as it was written, and refused for everything it does not name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localensemble.codebook.model import AlwaysReview, Codebook
from localensemble.consensus.probabilities.calibrated_raters import CalibratedRaters
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.errors import InputError
from localensemble.study.binding import identities
from localensemble.study.certificate_files import (
    LabelingConditions,
    certified_raters,
    lost_between,
    read_certificates,
    refuse_what_does_not_hold,
    write_certificate,
)
from localensemble.study.study import Study
from tests.study.certificates import (
    calibration,
    calibration_of,
    certificate,
    certificate_of,
    pool,
    pool_of_study,
)
from tests.study.conftest import ITEMS

MAJORITY = decision_rules({"method": "majority"}, [])
RATERS = ("first", "second", "third")


@pytest.fixture
def study(of_models: Path) -> Any:
    with Study.open(of_models) as opened:
        yield opened


def conditions_of(study: Study, **others: Any) -> LabelingConditions:
    """The conditions under which the study was labeled, of models without a file."""
    prompts = {one.prompt_template_sha256 for one in identities(study.recorded).values()}
    same: dict[str, Any] = {
        "codebook": study.codebook,
        "prompt_sha256": prompts.pop(),
        "models": dict.fromkeys(RATERS, ""),
        "items_sha256": study.items_sha256,
        "item_count": ITEMS,
    }
    return LabelingConditions(**same | others)


def with_topic(codebook: Codebook, **changed: Any) -> Codebook:
    topic, *others = codebook.variables
    return replace(codebook, variables=(replace(topic, **changed), *others))


def test_a_certificate_is_read_as_it_was_written(tmp_path: Path, study: Study) -> None:
    written = [certificate_of(study), certificate_of(study, variable="urgent")]
    paths = [tmp_path / f"certificate-{one.variable}.json" for one in written]
    for one, path in zip(written, paths, strict=True):
        write_certificate(one, path=path)
    assert read_certificates(paths, codebook=study.codebook) == tuple(written)
    assert read_certificates((), codebook=study.codebook) == ()


@pytest.mark.parametrize(
    ("content", "found"),
    [("", "JSON"), ("[]", "certificate"), ("{}", "certificate"), ('{"version": 1}', "certificate")],
)
def test_a_file_that_is_no_certificate_is_refused(
    tmp_path: Path, study: Study, content: str, found: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=found) as refused:
        read_certificates([path], codebook=study.codebook)
    assert (refused.value.exit_code, bool(refused.value.hint)) == (2, True)


def test_a_certificate_that_is_not_there_or_of_another_variable_is_refused(
    tmp_path: Path, study: Study
) -> None:
    path = tmp_path / "certificate.json"
    with pytest.raises(InputError, match=r"certificate\.json") as refused:
        read_certificates([path], codebook=study.codebook)
    assert "--certificate" in refused.value.hint
    write_certificate(certificate({}, variable="mood"), path=path)
    with pytest.raises(InputError, match='"mood"') as refused:
        read_certificates([path], codebook=study.codebook)
    assert "topic, urgent" in refused.value.hint


def test_a_certificate_holds_for_other_items_of_the_same_raters(study: Study) -> None:
    held = certificate_of(study)
    conditions_of(study).refuse_others(held, rules=study.rules)
    conditions_of(study, items_sha256="0" * 64, item_count=7).refuse_others(held, rules=study.rules)


def conditions_with(study: Study, what: str) -> tuple[LabelingConditions, DecisionRules]:
    topic = study.codebook.variable("topic")
    first, *others = topic.categories
    rules = study.rules
    changed: Mapping[str, Any] = {
        "prompt template": {"prompt_sha256": "0" * 64},
        "codebook": {"codebook": with_topic(study.codebook, question="Another one?")},
        "always review": {
            "codebook": with_topic(
                study.codebook,
                categories=(replace(first, always_review=AlwaysReview(0.2)), *others),
            )
        },
        "rater fourth": {"models": dict.fromkeys((*RATERS, "fourth"), "")},
        "model of second": {"models": {"first": "", "second": "1" * 64, "third": ""}},
        "rater third": {"models": {"first": "", "second": ""}},
    }
    if what == "method":
        rules = decision_rules({"method": "unanimous"}, None)
    if what == "policy":
        rules = decision_rules({"method": "majority"}, [{"policy": "budget", "items": 9}])
    return conditions_of(study, **changed.get(what, {})), rules


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("prompt template", "prompt template"),
        ("codebook", "codebook"),
        ("always review", "decision rules"),
        ("method", "decision rules"),
        ("policy", "decision rules"),
        ("rater fourth", "model of fourth, rater fourth"),
        ("rater third", "model of third, rater third"),
        ("model of second", "model of second"),
    ],
)
def test_a_certificate_is_refused_for_anything_else(study: Study, what: str, named: str) -> None:
    held = certificate_of(study)
    conditions, rules = conditions_with(study, what)
    with pytest.raises(InputError, match=named) as refused:
        conditions.refuse_others(held, rules=rules)
    assert refused.value.exit_code == 2


def test_a_method_that_learns_from_all_items_is_certified_for_these_items_only(
    study: Study,
) -> None:
    learning = decision_rules({"method": "dawid_skene"}, [])
    held = certificate_of(study.with_rules(learning))
    conditions_of(study).refuse_others(held, rules=learning)
    for others in ({"items_sha256": "0" * 64}, {"item_count": ITEMS - 1}):
        with pytest.raises(InputError, match="item set"):
            conditions_of(study, **others).refuse_others(held, rules=learning)


@pytest.mark.parametrize(
    ("models", "named"),
    [
        ({"first": "", "second": "model of second", "third": ""}, None),
        ({"first": "", "second": "1" * 64, "third": ""}, "second"),
        ({"first": "", "second": "", "fourth": ""}, "fourth, third"),
    ],
)
def test_a_calibration_is_refused_for_other_raters_or_models(
    study: Study, models: dict[str, str], named: str | None
) -> None:
    held = calibration_of(study)
    conditions = conditions_of(study, models=models)
    if named is None:
        conditions.refuse_other_raters(held)
        return
    with pytest.raises(InputError, match=named):
        conditions.refuse_other_raters(held)


def test_what_does_not_hold_any_more_is_let_go_by_a_person_only(study: Study) -> None:
    certified = study.rules.with_certificates([certificate_of(study)])
    calibrated = study.rules.with_calibrations([calibration_of(study)])
    pooled = study.rules.with_pools([pool_of_study(study)])
    for rules in (certified, calibrated, pooled):
        refuse_what_does_not_hold(rules, conditions=conditions_of(study))
    other = conditions_of(study, models=dict.fromkeys(("first", "second", "x"), ""))
    for rules, option in (
        (certified, "--drop-certificates"),
        (calibrated, "--drop-calibrations"),
        (pooled, "--method majority"),
    ):
        with pytest.raises(InputError, match="third") as refused:
            refuse_what_does_not_hold(rules, conditions=other)
        assert option in refused.value.hint
    gone = conditions_of(study, codebook=with_topic(study.codebook, name="subject"))
    with pytest.raises(InputError, match='"topic"') as refused:
        refuse_what_does_not_hold(certified, conditions=gone)
    assert "--drop-certificates" in refused.value.hint


def test_what_others_take_the_place_of_is_named_with_the_option_that_keeps_it() -> None:
    topic, urgent = certificate({}), certificate({}, variable="urgent")
    both = MAJORITY.with_certificates([topic, urgent])
    one = MAJORITY.with_certificates([topic])
    (lost,) = lost_between(both, one)
    assert '"urgent"' in lost
    assert "--certificate" in lost
    assert lost_between(one, both) == ()
    # Letting go of all is asked for by name.
    assert lost_between(both, MAJORITY) == ()
    (lost,) = lost_between(
        MAJORITY.with_calibrations([calibration({}), calibration({}, variable="urgent")]),
        MAJORITY.with_calibrations([calibration({}, variable="urgent")]),
    )
    assert '"topic"' in lost
    assert "--calibration" in lost


def test_a_pool_that_goes_and_a_calibration_that_it_replaces_are_named() -> None:
    pooled = MAJORITY.with_pools([pool({})])
    (lost,) = lost_between(pooled, MAJORITY)
    assert '"topic"' in lost
    assert "--gold" in lost
    calibrated = MAJORITY.with_calibrations([calibration({}), calibration({}, variable="urgent")])
    (lost,) = lost_between(calibrated, calibrated.with_pools([pool({})]))
    assert 'calibration for "topic"' in lost
    assert lost_between(pooled, pooled) == ()


def test_certified_raters_are_known_by_name() -> None:
    held: CalibratedRaters = calibration({"ann": "a" * 64})
    hashes = {"rater bo": "b" * 64, "model of bo": "c" * 64, "codebook": "d" * 64}
    rules = MAJORITY.with_calibrations([held]).with_certificates([certificate(hashes)])
    assert certified_raters(rules) == {"ann": "a" * 64, "bo": "b" * 64}
    pooled = MAJORITY.with_pools([pool({"cy": "e" * 64})])
    assert certified_raters(pooled) == {"cy": "e" * 64}
    assert certified_raters(MAJORITY) == {}

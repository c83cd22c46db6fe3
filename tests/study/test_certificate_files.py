"""A certificate is read as it was written, and refused for everything it does not name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from localensemble.codebook.model import AlwaysReview, Codebook
from localensemble.consensus.certificates.certificate import Certificate
from localensemble.consensus.probabilities.calibrated_raters import CalibratedRaters
from localensemble.consensus.rules import DecisionRules, decision_rules, recorded_rules
from localensemble.core.errors import InputError
from localensemble.core.identity import JsonValue
from localensemble.ledger.verify import verify
from localensemble.study.binding import identities
from localensemble.study.certificate_files import (
    LabelingConditions,
    certified_raters,
    lost_between,
    read_certificates,
    refuse_what_does_not_hold,
)
from localensemble.study.folder import StudyFolder
from localensemble.study.given_files import GivenFiles, write_made_file
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
def folder(of_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(of_models, tmp_path / "study"))


@pytest.fixture
def study(folder: Path) -> Any:
    with Study.open(folder) as opened:
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


def written(one: Certificate, path: Path, folder: Path) -> Path:
    """Write a certificate as `certify` does, on record in the ledger of a study."""
    write_made_file(one.as_values(), kind="certificate", path=path, folder=StudyFolder(folder))
    return path


def read(
    paths: Sequence[Path], study: Study, *, foreign: bool = False
) -> tuple[tuple[Certificate, ...], tuple[str, ...]]:
    files = GivenFiles.of(study.labeled.reader, foreign_stated=foreign)
    return read_certificates(paths, codebook=study.codebook, files=files)


def with_topic(codebook: Codebook, **changed: Any) -> Codebook:
    topic, *others = codebook.variables
    return replace(codebook, variables=(replace(topic, **changed), *others))


def test_a_certificate_is_read_as_it_was_written(
    tmp_path: Path, study: Study, folder: Path
) -> None:
    made = [certificate_of(study), certificate_of(study, variable="urgent")]
    paths = [written(one, tmp_path / f"{one.variable}.json", folder) for one in made]
    # Made twice, it is on record once.
    written(made[0], paths[0], folder)
    assert read(paths, study) == (tuple(made), ())
    assert read((), study) == ((), ())
    assert verify(folder / "study.sqlite").counts["made_file"] == 2


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "JSON"),
        ("[]", "certificate"),
        ("{}", "certificate"),
        ('{"version": 1}', "certificate"),
        ("[" * 100_000, "JSON"),
        ('{"a":' * 100_000, "JSON"),
        ('{"version": NaN}', "JSON"),
        ('{"version": 1e999}', "JSON"),
        ("\xff\xfe", "certificate"),
    ],
)
def test_a_file_that_is_no_certificate_is_refused(
    tmp_path: Path, study: Study, content: str, found: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=found) as refused:
        read([path], study, foreign=True)
    assert (refused.value.exit_code, bool(refused.value.hint)) == (2, True)


def test_a_certificate_that_is_not_there_or_of_another_variable_is_refused(
    tmp_path: Path, study: Study, folder: Path
) -> None:
    path = tmp_path / "certificate.json"
    with pytest.raises(InputError, match=r"certificate\.json") as refused:
        read([path], study)
    assert "--certificate" in refused.value.hint
    written(certificate({}, variable="mood"), path, folder)
    with pytest.raises(InputError, match='"mood"') as refused:
        read([path], study)
    assert "topic, urgent" in refused.value.hint


def test_a_certificate_without_a_record_is_refused_unless_stated_and_then_named(
    tmp_path: Path, study: Study
) -> None:
    path = tmp_path / "elsewhere.json"
    made = certificate_of(study)
    path.write_text(json.dumps(made.as_values()), encoding="utf-8")
    with pytest.raises(InputError, match="no record") as refused:
        read([path], study)
    assert "--foreign-files" in refused.value.hint
    assert read([path], study, foreign=True) == ((made,), ("topic",))
    foreign = study.rules.with_certificates([made], foreign=("topic",))
    (caution,) = [one for one in study.with_rules(foreign).cautions if "foreign" in one]
    assert "certificate for topic" in caution
    assert recorded_rules(cast(Any, foreign.content)) == foreign
    assert foreign.with_certificates(()).foreign_certificates == ()


def test_a_certificate_that_already_decides_the_study_needs_no_record(
    tmp_path: Path, study: Study
) -> None:
    path = tmp_path / "older.json"
    made = certificate_of(study)
    path.write_text(json.dumps(made.as_values()), encoding="utf-8")
    for foreign, known in (((), True), (("topic",), False)):
        rules = study.rules.with_certificates([made], foreign=foreign)
        run = replace(study.run.settings, rules=rules).as_json()
        files = GivenFiles.of(cast(Any, RunsOnly(run)), foreign_stated=True)
        (_, named) = read_certificates([path], codebook=study.codebook, files=files)
        assert (named == ()) == known


@dataclass
class RunsOnly:
    """A ledger with one run and no record of files."""

    settings: JsonValue

    def runs(self) -> tuple[Any, ...]:
        return (self,)

    def made_files(self, kind: str) -> frozenset[str]:
        return frozenset()


def test_a_foreign_certificate_must_say_what_raters_were_asked(
    tmp_path: Path, study: Study
) -> None:
    made = certificate_of(study)
    bare = replace(made, hashes=tuple(one for one in made.hashes if one[0] != "variable"))
    path = tmp_path / "older.json"
    path.write_text(json.dumps(bare.as_values()), encoding="utf-8")
    with pytest.raises(InputError, match="what raters were asked"):
        read([path], study, foreign=True)
    # A study that was decided by such a certificate goes on.
    conditions_of(study).refuse_others(bare, rules=study.rules)


def test_a_study_folder_that_does_not_exist_has_made_no_file(tmp_path: Path) -> None:
    files = GivenFiles.of_folder(StudyFolder(tmp_path / "new"), foreign_stated=False)
    assert set(files.known.values()) == {frozenset()}


def edited(values: dict[str, Any], *path: str | int, to: object) -> dict[str, Any]:
    """Return the values with one entry changed."""
    copy = json.loads(json.dumps(values))
    place = copy
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return cast(dict[str, Any], copy)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("certified", "alpha"), 0.01),
        (("certified", "alpha"), 1.5),
        (("certified", "delta"), 0.001),
        (("certified", "delta"), 0.0),
        (("certified", "delta"), None),
        (("certified", "least_accepted"), 3),
        (("certified", "calibration_items"), 59),
        (("certified", "chosen"), None),
        (("certified", "chosen", "threshold"), 0.1),
        (("certified", "chosen", "errors"), 0),
        (("certified", "candidates", 0, "threshold"), 0.1),
        (("certified", "candidates", 0, "errors"), 0),
        (("certified", "candidates", 0, "accepted"), 70),
        (("certified", "candidates", 0, "upper"), 0.01),
        (("certified", "candidates", 0, "upper"), None),
        (("certified", "candidates", 0, "outcome"), "failed"),
        (("certified", "candidates", 0, "p_value"), 0.0001),
        (("certified", "candidates"), []),
        (("certified", "items_needed"), 30),
        (("pool_items",), 70),
        (("pool_accepted",), 9),
        (("pool_accepted",), 900),
        (("shift", "p_value"), 0.001),
        (("shift", "warning"), "none"),
    ],
)
def test_an_edited_certificate_is_refused_even_if_it_is_stated_to_be_foreign(
    tmp_path: Path, study: Study, path: tuple[str | int, ...], to: object
) -> None:
    file = tmp_path / "edited.json"
    values = edited(certificate_of(study).as_values(), *path, to=to)
    file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(InputError, match="no record"):
        read([file], study)
    with pytest.raises(InputError, match="was changed after it was made") as refused:
        read([file], study, foreign=True)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("entry", ["variable", "date", "by", "hashes"])
def test_what_cannot_be_derived_again_is_found_by_the_record(
    tmp_path: Path, study: Study, folder: Path, entry: str
) -> None:
    file = written(certificate_of(study), tmp_path / "certificate.json", folder)
    values = json.loads(file.read_text(encoding="utf-8"))
    others = {"variable": "urgent", "date": "2026-11-28", "by": "margin", "hashes": []}
    file.write_text(json.dumps(values | {entry: others[entry]}), encoding="utf-8")
    with pytest.raises(InputError, match="no record"):
        read([file], study)
    if entry == "variable":
        # Stated to be foreign, it still names what raters were asked for another variable.
        ((certificate_, *_), _) = read([file], study, foreign=True)
        with pytest.raises(InputError, match=r"changed since.* variable"):
            conditions_of(study).refuse_others(certificate_, rules=study.rules)
        with pytest.raises(InputError, match=r"changed since.* variable"):
            study.with_rules(study.rules.with_certificates([certificate_])).decide()


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

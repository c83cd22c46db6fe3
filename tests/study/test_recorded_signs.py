"""What a run found in its texts is decided by again without them, or said to be missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.consensus.rules import decision_rules
from localensemble.core.identity import sha256_text
from localensemble.ledger.ledger import Ledger
from localensemble.study.labels_without_signs import AskedAgain
from localensemble.study.recorded_signs import injection_cautions
from localensemble.study.study import Study
from tests.study.ratings import record, wide

MAJORITY = {"method": "majority"}
SUSPECTED = decision_rules(MAJORITY, [{"policy": "suspected_injection"}])
VARIABLES = ("topic", "urgent")
NOTHING = decision_rules(MAJORITY, [])


@pytest.fixture
def study(of_models: Path) -> Iterator[Study]:
    """A study whose texts are "comment 0", "comment 1" and so on, without signs."""
    with Study.open(of_models) as opened:
        yield opened


def escalated_for_it(study: Study) -> list[int]:
    decided = study.decide()[0]
    return [n for n in range(len(study.items)) if "suspected_injection" in decided.codes(n)]


def test_a_recorded_sign_escalates_its_item_and_no_other(study: Study) -> None:
    marked = study.with_suspected_texts({sha256_text("comment 2"): ("turn_mark",)})
    assert escalated_for_it(marked.with_rules(SUSPECTED)) == [2]
    assert escalated_for_it(marked.with_rules(NOTHING)) == []


def test_a_label_that_changed_without_the_signs_is_known_by_rater_and_variable(
    of_models: Path, tmp_path: Path
) -> None:
    shutil.copytree(of_models, folder := tmp_path / "study")
    marked = {sha256_text(f"comment {place}"): ("turn_mark",) for place in (1, 2, 3)}
    with Ledger.open(folder / "study.sqlite", create=False) as ledger:
        before = Study.load(ledger.reader)
        labels = before.labeled
        first, topic = labels.rater_keys[0], labels.variable_keys["topic"]
        kept = AskedAgain(labels.item_set)
        assert kept.as_json() == {}
        kept.add(first, asked=[1, 2], changed={topic: [2]})
        kept.add(first, asked=[3], changed={labels.variable_keys["urgent"]: []})
        summary = {**before.run.summary.as_json(), **kept.as_json()}
        settings = replace(before.run.settings, suspected_texts=marked, rules=SUSPECTED)
        run = ledger.start_run(settings.as_json())
        ledger.finish_run(run, status="finished", summary=summary)
    with Study.open(folder) as study:
        topics, urgent = (study.labeled.changed_block(one, start=1, stop=4) for one in VARIABLES)
        assert topics.tolist() == [[False] * 3, [True, False, False], [False] * 3]
        assert not urgent.any()
        decided = study.decide()
        assert decided[0].codes(2) == ("suspected_injection", "label_depends_on_sign")
        assert decided[1].codes(2) == ("suspected_injection",)
        assert "first" in decided[0].reasons(2)[1]
        assert not any("first" in one for one in decided[0].reasons_without_raters(2))
        fit = study.with_rules(SUSPECTED.with_unfit(["first"]))
        assert fit.decide()[0].codes(2) == ("suspected_injection",)


def test_texts_without_signs_escalate_nothing_and_need_no_caution(study: Study) -> None:
    for texts in ({}, {sha256_text("of no item"): ("turn_mark",)}):
        looked = study.with_suspected_texts(texts).with_rules(SUSPECTED)
        assert escalated_for_it(looked) == []
        assert not any("suspected_injection" in one for one in looked.cautions)


@pytest.mark.parametrize(("texts", "said"), [(1, "1 text shows"), (2, "2 texts show")])
def test_signs_that_no_policy_escalates_are_reported(study: Study, texts: int, said: str) -> None:
    held = {sha256_text(f"comment {number}"): ("instruction",) for number in range(texts)}
    (caution,) = injection_cautions(study.with_suspected_texts(held).run.settings, NOTHING)
    assert said in caution
    assert "suspected_injection" in caution


def test_a_study_of_a_version_that_did_not_look_is_told_how_to(study: Study) -> None:
    settings = replace(study.run.settings, suspected_texts=None)
    (caution,) = injection_cautions(settings, SUSPECTED)
    assert "suspected_injection was not applied" in caution
    assert "--items" in caution


def test_ratings_without_a_look_at_the_texts_say_that_the_policy_was_not_applied(
    tmp_path: Path,
) -> None:
    folder = record(wide(tmp_path, "xxx", "yyy"), tmp_path / "study", rules=SUSPECTED)
    with Study.open(folder.path) as rated:
        assert escalated_for_it(rated) == []
        (caution,) = (one for one in rated.cautions if "suspected_injection" in one)
        assert "made elsewhere" in caution

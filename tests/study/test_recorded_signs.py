"""What a run found in its texts is decided by again without them, or said to be missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.consensus.rules import decision_rules
from localensemble.core.identity import sha256_text
from localensemble.study.recorded_signs import injection_cautions
from localensemble.study.study import Study
from tests.study.ratings import record, wide

MAJORITY = {"method": "majority"}
SUSPECTED = decision_rules(MAJORITY, [{"policy": "suspected_injection"}])
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

"""What raters with roles proposed is derived from the labels, whatever rules decide now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.consensus.rules import decision_rules
from localensemble.study.recorded_proposals import recorded_proposals, roles_when_labeled
from localensemble.study.run_record import RunSummary
from localensemble.study.study import Study
from tests.studies import SCRIPTED, study_files

pytestmark = pytest.mark.slow  # labels a small study

WITH_ROLES = """\
raters:
  - {model: first, engine: scripted}
  - {model: second, engine: scripted}
  - {model: third, name: judge, engine: scripted, role: adjudicator}
  - {model: fourth, name: checker, engine: scripted, role: verifier}
"""


def labeled(folder: Path, ensemble: str) -> Path:
    files = study_files(folder, [f"comment {n}" for n in range(40)], ensemble=ensemble)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files.study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labeled(tmp_path_factory.mktemp("roles"), WITH_ROLES)


@pytest.fixture
def study(folder: Path) -> Iterator[Study]:
    with Study.open(folder) as opened:
        yield opened


def test_a_proposal_is_what_the_labelers_share_or_else_the_adjudicator_says(study: Study) -> None:
    labels = study.labeled.matrix(study.codebook.variables[0]).indices
    found = recorded_proposals(study)["topic"]
    differ = labels[:, 0] != labels[:, 1]
    assert 0 < differ.sum() < 40
    np.testing.assert_array_equal(found.disputed, differ)
    np.testing.assert_array_equal(found.categories, np.where(differ, labels[:, 2], labels[:, 0]))


def test_other_rules_that_decide_now_do_not_change_what_was_proposed(study: Study) -> None:
    before = recorded_proposals(study)["topic"].categories
    again = study.with_rules(decision_rules({"method": "majority"}, []))
    np.testing.assert_array_equal(recorded_proposals(again)["topic"].categories, before)
    assert roles_when_labeled(again) == {"judge": "adjudicator", "checker": "verifier"}


def test_agreement_is_measured_among_the_labelers_on_all_items(study: Study) -> None:
    compared = study.recorded.compared_matrix(study.codebook.variables[0])
    assert compared.raters == ("first", "second")
    assert compared.item_count == 40
    assert any("among the labelers" in caution for caution in study.cautions)


def test_a_study_without_roles_has_no_proposals(tmp_path: Path) -> None:
    with Study.open(labeled(tmp_path, SCRIPTED)) as plain:
        assert recorded_proposals(plain) == {}
        assert roles_when_labeled(plain) == {}


def test_the_keys_of_what_verifiers_were_asked_are_kept(study: Study) -> None:
    summary = study.run.summary
    assert sorted(summary.verified) == [
        *("topic: food", "topic: other", "topic: staff", "urgent: no", "urgent: yes"),
    ]
    assert RunSummary.from_json(summary.as_json()) == summary

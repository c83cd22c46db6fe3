"""The findings of people's decisions, from a ledger to findings.json and the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.api.report import write_report
from localensemble.findings.people.people_findings import PeopleFindings, people_findings
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import DecisionRole, NewDecision, Shown
from localensemble.study.folder import StudyFolder
from localensemble.study.study import Study
from tests.report.page import check_page
from tests.studies import study_files

pytestmark = pytest.mark.slow  # labels a study and writes its report


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = study_files(tmp_path_factory.mktemp("labeled"), [f"comment {n}" for n in range(60)])
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
    )
    return files.study


@pytest.fixture
def study(labeled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(labeled, tmp_path / "study"))


def record(
    study: Path,
    categories: Mapping[int, int | None],
    *,
    by: str,
    role: DecisionRole = "review",
    shown: Shown = "item",
    note: str | None = None,
) -> None:
    """Record categories of the variable "topic" by position; None is "codebook unclear"."""
    with Study.open(study) as opened:
        variable = opened.recorded.variable_keys["topic"]
        item_set = opened.recorded.item_set
    with Ledger.open(StudyFolder.of(study).ledger, create=False) as ledger:
        ledger.append_decisions(
            [
                NewDecision(
                    position=position,
                    variable=variable,
                    kind="codebook_unclear" if category is None else "category",
                    category=category,
                    role=role,
                    shown=shown,
                    decided_at="2026-03-01T09:30:00+00:00",
                    seconds=4.0 + position,
                    note=note,
                )
                for position, category in categories.items()
            ],
            reviewer=ledger.register_reviewer(by),
            item_set=item_set,
            origin="page",
        )


def found(study: Path) -> tuple[PeopleFindings, ...]:
    with Study.open(study) as opened:
        return people_findings(opened, decisions=opened.decide())


def consensus(study: Path) -> list[int]:
    with Study.open(study) as opened:
        return [int(one) for one in opened.decide()[0].categories]


def test_a_study_that_nobody_reviewed_has_no_findings_of_people(study: Path) -> None:
    assert found(study) == ()
    record(study, {0: 1}, by="gold.csv", role="known")
    assert found(study) == ()


def test_reviewers_are_counted_apart_and_control_items_are_not_their_work(study: Path) -> None:
    record(study, dict.fromkeys(range(6), 0), by="Anne")
    record(study, {4: 1, 5: None}, by="Ben")
    record(study, {20: 1, 21: 1}, by="Ben", role="control")

    (topic,) = found(study)

    assert [
        (one.reviewer, one.answers, one.codebook_unclear, one.median_seconds)
        for one in topic.reviewers
    ] == [("Anne", 6, 0, 6.5), ("Ben", 2, 1, 8.5)]
    assert topic.double_coding.conflicts == 2
    assert topic.models.items == 4


def test_whoever_only_adjudicates_is_among_the_reviewers(study: Path) -> None:
    record(study, {0: 0, 1: 1}, by="Anne")
    record(study, {0: 1, 1: 0}, by="Ben")
    record(study, {0: 1, 1: 1}, by="Carl", role="adjudication")
    record(study, {2: 1}, by="Ben", role="adjudication")

    (topic,) = found(study)

    counts = [(one.reviewer, one.answers, one.adjudications) for one in topic.reviewers]
    assert counts == [("Anne", 2, 0), ("Ben", 2, 1), ("Carl", 0, 2)]


def test_control_answers_are_compared_with_the_known_categories(study: Path) -> None:
    known = dict.fromkeys(range(30, 50), 1)
    record(study, known, by="gold.csv", role="known")
    record(study, {**known, 48: 0, 49: None}, by="Anne", role="control")
    record(study, {30: 1}, by="Ben", role="control")
    # Corrected after the reveal: the first answer counts.
    record(study, {48: 1}, by="Anne", role="control", shown="labels")

    (topic,) = found(study)
    anne, ben = topic.control

    assert (anne.reviewer, anne.items, anne.correct, anne.without_category) == ("Anne", 19, 18, 1)
    # Of 19, all must be right: .8 ** 19 = .0144, and 19 * .2 * .8 ** 18 more are .0829.
    assert (anne.pass_mark, anne.outcome) == (19, "failed")
    assert (ben.items, ben.outcome) == (1, "too few")
    # All control items have one category, so always giving it is as good as reading.
    assert anne.attention is None


def test_existing_labels_are_compared_with_the_accepted_consensus(study: Path) -> None:
    with Study.open(study) as opened:
        accepted = np.flatnonzero(opened.decide()[0].accepted)[:10].tolist()
    agreed = consensus(study)
    existing = {position: agreed[position] for position in accepted}
    for position in accepted[:4]:
        existing[position] = (agreed[position] + 1) % 3
    record(study, existing, by="earlier.csv", role="existing")
    assert found(study)[0].existing is not None

    record(study, {position: agreed[position] for position in accepted[:3]}, by="Anne")
    record(study, {accepted[3]: existing[accepted[3]]}, by="Anne")
    (topic,) = found(study)

    assert topic.existing is not None
    assert (topic.existing.before, topic.existing.after) == (0.6, 0.9)
    assert (topic.existing.study_right, topic.existing.existing_right) == (3, 1)


def test_the_report_and_the_findings_show_people_but_never_their_notes(study: Path) -> None:
    agreed = consensus(study)
    record(study, dict.fromkeys(range(8), 0), by="Anne", note="Mrs Secret called")
    record(study, dict.fromkeys(range(8), 0), by="Ben")
    record(study, {0: 0, 1: None}, by="Anne", shown="labels", note="Mrs Secret called")
    record(study, {40: 1, 41: 0}, by="gold.csv", role="known")
    record(study, {40: 1}, by="Anne", role="control")
    record(study, {position: agreed[position] for position in (50, 51)}, by="old", role="existing")
    write_report(study)

    text = (study / "report.html").read_text(encoding="utf-8")
    assert "answers not given blind" in text
    page = check_page(text)
    findings = (study / "findings.json").read_text(encoding="utf-8")
    review = json.loads(findings)["review"]

    assert "Secret" not in text + findings
    assert [one["variable"] for one in review] == ["topic"]
    assert review[0]["models"]["items"] == 7
    for words in (
        "People's decisions on topic",
        "not the accuracy on all items",
        "Agreement between people on topic",
        "Control items: topic",
        "Existing labels of topic",
        "Problems with the codebook: topic",
    ):
        assert words in page.text


def test_a_study_without_people_has_no_section_about_them(study: Path) -> None:
    write_report(study)

    assert "People's decisions" not in (study / "report.html").read_text(encoding="utf-8")
    findings = json.loads((study / "findings.json").read_text(encoding="utf-8"))
    assert findings["review"] == []

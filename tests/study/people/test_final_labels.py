"""Promises about final labels: a person's label before the consensus, and nothing made up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import NewDecision
from localensemble.study.folder import StudyFolder
from localensemble.study.people.final_labels import FINAL_STATUSES, FinalLabels, final_labels
from localensemble.study.study import Study
from tests.study.people.decided import Said, consensus, rows, said


def combined(words: str, *decisions: Said) -> FinalLabels:
    return final_labels(consensus(words), rows(*decisions))


def statuses(found: FinalLabels) -> list[str]:
    return [FINAL_STATUSES[code] for code in found.status]


def test_while_nobody_has_decided_the_consensus_stands() -> None:
    found = combined("aen")
    assert statuses(found) == ["accepted", "escalated", "no_answer"]
    assert found.categories.tolist() == [0, -1, -1]
    assert found.open.tolist() == [False, True, False]
    assert not found.by_person.any()
    assert not found.reviewed.any()


@pytest.mark.parametrize(
    ("decisions", "status", "category", "is_open"),
    [
        # One person, and the newest answer of that person.
        ([said(0, 1, 2)], "adjudicated", 2, False),
        ([said(0, 1, 2), said(0, 1, 1)], "adjudicated", 1, False),
        ([said(0, 1, "cannot_decide")], "unresolved", -1, False),
        ([said(0, 1, "codebook_unclear"), said(0, 1, 1)], "adjudicated", 1, False),
        # Undone means no answer: an older one does not come back.
        ([said(0, 1, 2), said(0, 1, "undone")], "escalated", -1, True),
        ([said(0, 1, 2), said(0, 1, 1), said(0, 1, "undone")], "escalated", -1, True),
        ([said(0, 1, 2), said(0, 1, "undone"), said(0, 1, 0)], "adjudicated", 0, False),
        # Two people.
        ([said(0, 1, 2), said(0, 2, 2)], "adjudicated", 2, False),
        ([said(0, 1, 2), said(0, 2, 1)], "unresolved", -1, True),
        ([said(0, 1, 2), said(0, 2, "cannot_decide")], "unresolved", -1, True),
        ([said(0, 1, "codebook_unclear"), said(0, 2, "cannot_decide")], "unresolved", -1, True),
        ([said(0, 1, "cannot_decide"), said(0, 2, "cannot_decide")], "unresolved", -1, False),
        ([said(0, 1, 2), said(0, 2, 1), said(0, 1, 1)], "adjudicated", 1, False),
        ([said(0, 1, 2), said(0, 2, 1), said(0, 2, "undone")], "adjudicated", 2, False),
        # An adjudication settles them, the newest one counts, and it can be undone.
        (
            [said(0, 1, 2), said(0, 2, 1), said(0, 3, 0, role="adjudication")],
            "adjudicated",
            0,
            False,
        ),
        (
            [said(0, 3, 0, role="adjudication"), said(0, 1, 2), said(0, 2, 1)],
            "adjudicated",
            0,
            False,
        ),
        (
            [said(0, 4, 1, role="adjudication"), said(0, 3, 0, role="adjudication")],
            "adjudicated",
            0,
            False,
        ),
        (
            [said(0, 3, 0, role="adjudication"), said(0, 2, 1, role="adjudication")],
            "adjudicated",
            1,
            False,
        ),
        (
            [said(0, 1, 2), said(0, 2, 1), said(0, 3, "cannot_decide", role="adjudication")],
            "unresolved",
            -1,
            False,
        ),
        (
            [
                *(said(0, 1, 2), said(0, 2, 1), said(0, 3, 0, role="adjudication")),
                said(0, 3, "undone", role="adjudication"),
            ],
            "unresolved",
            -1,
            True,
        ),
        # A person who adjudicates has not taken back their own review.
        ([said(0, 1, 2), said(0, 1, "undone", role="adjudication")], "adjudicated", 2, False),
    ],
)
def test_what_people_said_last_decides(
    decisions: list[Said], status: str, category: int, is_open: bool
) -> None:
    found = combined("ea", *decisions)
    assert statuses(found) == [status, "accepted"]
    assert found.categories[0] == category
    assert bool(found.open[0]) is is_open
    assert bool(found.by_person[0]) is (status == "adjudicated")


def test_a_person_can_decide_items_that_the_consensus_had_settled() -> None:
    found = combined("aan", said(0, 1, 2), said(1, 1, 0), said(2, 1, 1))
    assert statuses(found) == ["adjudicated"] * 3
    assert found.categories.tolist() == [2, 0, 1]
    assert found.overruled.tolist() == [True, False, False]
    assert found.reviewed.all()
    assert found.count("adjudicated") == 3
    assert found.count("accepted") == 0


def test_decisions_on_items_beyond_the_labeled_ones_count_nothing() -> None:
    found = combined("a", said(5, 1, 2), said(5, 1, 2, role="adjudication"))
    assert statuses(found) == ["accepted"]


def test_a_study_reads_what_people_decided_from_its_ledger(of_models: Path, tmp_path: Path) -> None:
    folder = StudyFolder.of(Path(shutil.copytree(of_models, tmp_path / "study")))
    with Study.open(folder.path) as study:
        before = study.final_labels(study.decide())
        item_set = study.recorded.item_set
        topic = study.recorded.variable_keys["topic"]
    assert not any(one.by_person.any() for one in before)
    with Ledger.open(folder.ledger, create=False) as ledger:
        ledger.append_decisions(
            [
                NewDecision(
                    position=7,
                    variable=topic,
                    kind="category",
                    category=1,
                    decided_at="2026-03-01T09:30:00+00:00",
                )
            ],
            reviewer=ledger.register_reviewer("AB"),
            item_set=item_set,
            origin="page",
        )
    with Study.open(folder.path) as study:
        after = {one.variable.name: one for one in study.final_labels(study.decide())}
    assert after["topic"].by_person.nonzero()[0].tolist() == [7]
    assert after["topic"].categories[7] == 1
    assert [one.variable.name for one in before] == [*after]

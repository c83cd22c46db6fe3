"""Promises about people's answers side by side: the current ones."""

from __future__ import annotations

import numpy as np

from localensemble.ledger.records import (
    AnswerKind,
    DecisionRole,
    PersonDecision,
    ReviewerKey,
    VariableKey,
)
from localensemble.study.people.current_decisions import current_of, people_matrix
from tests.study.people.decided import REVIEWERS, VARIABLE, Said, rows, said


def answers(*decisions: Said) -> dict[str, list[int]]:
    found = people_matrix(rows(*decisions), variable=VARIABLE, reviewers=REVIEWERS, item_count=3)
    assert found.categories == VARIABLE.answers
    return dict(zip(found.raters, np.asarray(found.indices).T.tolist(), strict=True))


def test_each_person_who_answered_has_a_column_with_current_answers() -> None:
    found = answers(
        said(0, 1, 2),
        said(2, 2, 1),
        said(0, 1, 0),
        said(1, 1, "cannot_decide"),
        said(1, 2, 1),
        said(1, 2, "undone"),
        said(2, 1, 2, role="adjudication"),
        said(9, 1, 2),
    )
    assert found == {"AB": [0, -1, -1], "Cleo": [-1, -1, 1]}


def test_without_answers_there_are_no_columns() -> None:
    assert answers() == {}
    assert answers(said(0, 1, "codebook_unclear")) == {}


def test_with_what_people_wrote_the_same_decisions_count() -> None:
    def decision(batch: int, kind: AnswerKind, *, role: DecisionRole = "review") -> PersonDecision:
        return PersonDecision(
            position=3,
            variable=VariableKey(1),
            kind=kind,
            category=0 if kind == "category" else None,
            role=role,
            decided_at="2026-03-01T09:00:00+00:00",
            note=f"note {batch}",
            batch=batch,
            reviewer=ReviewerKey(7),
            origin="page",
        )

    first, settled = decision(1, "codebook_unclear"), decision(3, "category", role="adjudication")
    second, undone = decision(2, "category"), decision(4, "undone")
    assert current_of([first, second, settled], role="review") == {(3, 7): second}
    assert current_of([first, settled], role="adjudication") == {(3, 7): settled}
    assert current_of([first, second, undone], role="review") == {}

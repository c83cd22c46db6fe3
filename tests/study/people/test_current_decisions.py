"""Promises about people's answers side by side: the current ones."""

from __future__ import annotations

import numpy as np

from localensemble.study.people.current_decisions import people_matrix
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

"""What each person currently says about an item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from localensemble.study.people.current_answers import CurrentAnswers, PersonAnswer
from tests.study.people.decided import REVIEWERS, VARIABLE, rows, said


def test_the_newest_answer_of_each_person_counts_and_an_undone_one_does_not() -> None:
    answers = CurrentAnswers(
        rows(
            said(0, 1, 0),
            said(0, 1, 1),
            said(0, 2, "cannot_decide"),
            said(2, 2, 2),
            said(2, 2, "undone"),
            said(0, 2, 2, role="adjudication"),
        ),
        variable=VARIABLE,
        reviewers=REVIEWERS,
    )
    assert answers.of_item(0) == (
        PersonAnswer("AB", "review", "access", "access", None),
        PersonAnswer("Cleo", "review", "<cannot decide>", None, None),
        PersonAnswer("Cleo", "adjudication", "other", "other", None),
    )
    assert answers.of_item(1) == answers.of_item(2) == ()
    assert answers.reviewers == ("AB", "Cleo")


def test_the_seconds_are_kept_where_they_are_known() -> None:
    timed = replace(rows(said(0, 2, 0)), seconds=np.array([4.5]))
    answers = CurrentAnswers(timed, variable=VARIABLE, reviewers=REVIEWERS)
    assert [one.seconds for one in answers.of_item(0)] == [4.5]
    assert answers.reviewers == ("Cleo",)

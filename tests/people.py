"""People who decide in a study, for tests of what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import AnswerKind, DecisionRole, NewDecision
from localensemble.study.folder import StudyFolder
from localensemble.study.study import Study

DECIDED_AT = "2026-03-01T09:30:00+00:00"


def decide(
    study: Path,
    answers: Mapping[int, str],
    *,
    variable: str,
    reviewer: str = "AB",
    role: DecisionRole = "review",
) -> None:
    """Record a person's answers by position: a category, or the kind of answer without one."""
    with Study.open(study) as opened:
        names = opened.codebook.variable(variable).answers
        key = opened.recorded.variable_keys[variable]
        item_set = opened.recorded.item_set
    kinds: dict[str, AnswerKind] = {
        "cannot_decide": "cannot_decide",
        "codebook_unclear": "codebook_unclear",
        "undone": "undone",
    }
    with Ledger.open(StudyFolder.of(study).ledger, create=False) as ledger:
        ledger.append_decisions(
            [
                NewDecision(
                    position=position,
                    variable=key,
                    kind=kinds.get(answer, "category"),
                    category=None if answer in kinds else names.index(answer),
                    role=role,
                    decided_at=DECIDED_AT,
                )
                for position, answer in answers.items()
            ],
            reviewer=ledger.register_reviewer(reviewer),
            item_set=item_set,
            origin="page",
        )

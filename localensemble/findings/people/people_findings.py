"""Everything that people's decisions on a study show, one value for each variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.label_matrix import GAP
from localensemble.core.words import counted
from localensemble.findings.people.anchoring import Anchoring, anchoring
from localensemble.findings.people.answer_histories import Histories, answer_histories
from localensemble.findings.people.codebook_problems import CodebookProblem, codebook_problems
from localensemble.findings.people.control_test import (
    ControlTest,
    control_test,
    rate_of_guessing,
)
from localensemble.findings.people.double_coding import DoubleCoding, double_coding
from localensemble.findings.people.existing_comparison import (
    ExistingComparison,
    existing_comparison,
)
from localensemble.findings.people.people_and_models import PeopleAndModels, people_and_models
from localensemble.ledger.records import DecisionRows, ReferenceRole
from localensemble.ledger.schema import ANSWER_CODES
from localensemble.study.decisions import Decisions
from localensemble.study.people.final_labels import FinalLabels
from localensemble.study.people.reference_labels import reference_categories
from localensemble.study.study import Study

CategoryArray = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class ReviewerFindings:
    """The current answers of one reviewer on one variable; control items are apart.

    ``median_seconds`` is over first answers whose time is known; None if there are none.
    ``adjudications`` counts the items that the person settled between others.
    """

    reviewer: str
    answers: int
    cannot_decide: int
    codebook_unclear: int
    median_seconds: float | None
    adjudications: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PeopleFindings:
    """What people's decisions on one variable show.

    Attributes:
        variable: name of the variable.
        reviewers: the people who answered or adjudicated, in the order of registration.
        double_coding: agreement of reviewers on items that several answered.
        models: how often raters and the consensus gave the person's category.
        anchoring: how answers changed when the labels were revealed.
        problems: answers without a category, by consensus category.
        control: the test of each reviewer who answered control items.
        existing: the comparison with existing labels; None if none were given.
    """

    variable: str
    reviewers: tuple[ReviewerFindings, ...]
    double_coding: DoubleCoding
    models: PeopleAndModels
    anchoring: Anchoring
    problems: tuple[CodebookProblem, ...]
    control: tuple[ControlTest, ...]
    existing: ExistingComparison | None

    def sentences(self) -> tuple[str, ...]:
        """Return in words what a short summary says."""
        problems = sum(one.codebook_unclear for one in self.problems)
        undecided = sum(one.cannot_decide for one in self.problems)
        found = [self.models.sentence()] if self.reviewers else []
        if self.double_coding.items or self.double_coding.conflicts:
            found.append(self.double_coding.sentence())
        if self.anchoring.pairs:
            found.append(self.anchoring.sentence())
        if problems or undecided:
            found.append(
                f'Reviewers answered "cannot decide" {counted(undecided, "time")} and "codebook '
                f'unclear" {counted(problems, "time")}.'
            )
        found.extend(one.sentence() for one in self.control)
        if self.existing is not None:
            found.append(self.existing.sentence())
        return tuple(found)


def people_findings(loaded: Study, *, decisions: Sequence[Decisions]) -> tuple[PeopleFindings, ...]:
    """Gather what people's decisions show; variables without any decision are left out.

    Args:
        loaded: the study.
        decisions: the decisions of its consensus.
    """
    labels = loaded.recorded
    names = {int(one.key): one.name for one in labels.reader.reviewers()}
    if not names:
        return ()
    roles: tuple[ReferenceRole, ...] = ("known", "existing")
    references = {role: reference_categories(labels, role=role) for role in roles}
    found = []
    for decided, final in zip(decisions, loaded.final_labels(decisions), strict=True):
        key = labels.variable_keys[decided.variable.name]
        rows = labels.reader.person_decisions(labels.item_set, key)
        given = {role: of_role[decided.variable.name] for role, of_role in references.items()}
        if len(rows) or (given["existing"] != GAP).any():
            found.append(_of_variable(loaded, decided, final, rows, given, names))
    return tuple(found)


def _of_variable(
    loaded: Study,
    decided: Decisions,
    final: FinalLabels,
    rows: DecisionRows,
    given: Mapping[ReferenceRole, CategoryArray],
    names: Mapping[int, str],
) -> PeopleFindings:
    variable = decided.variable
    item_count = len(decided.categories)
    histories = answer_histories(rows, item_count=item_count)
    adjudications = answer_histories(rows, item_count=item_count, role="adjudication")
    people = np.where(final.by_person, final.categories, np.int16(GAP))
    existing = given["existing"]
    return PeopleFindings(
        variable=variable.name,
        reviewers=_reviewers(histories, adjudications, names),
        double_coding=double_coding(
            histories,
            adjudications=adjudications,
            variable=variable,
            names=names,
            item_count=item_count,
        ),
        models=people_and_models(
            loaded.recorded.matrix(variable),
            consensus=decided.categories,
            escalated=decided.escalated,
            people=people,
        ),
        anchoring=anchoring(histories, consensus=decided.categories),
        problems=codebook_problems(
            histories, consensus=decided.categories, categories=variable.answers
        ),
        control=_control_tests(
            answer_histories(rows, item_count=item_count, role="control"),
            known=given["known"],
            names=names,
            category_count=len(variable.answers),
        ),
        existing=existing_comparison(
            existing, study=decided.final, people=people, categories=variable.answers
        )
        if (existing != GAP).any()
        else None,
    )


def _reviewers(
    histories: Histories, adjudications: Histories, names: Mapping[int, str]
) -> tuple[ReviewerFindings, ...]:
    found = []
    for key, name in names.items():
        own = [answers for place, answers in histories.items() if place.reviewer == key]
        settled = sum(place.reviewer == key for place in adjudications)
        if not own and not settled:
            continue
        kinds = [answers[-1].kind for answers in own]
        seconds = [answers[0].seconds for answers in own if not np.isnan(answers[0].seconds)]
        found.append(
            ReviewerFindings(
                name,
                len(own),
                kinds.count(ANSWER_CODES["cannot_decide"]),
                kinds.count(ANSWER_CODES["codebook_unclear"]),
                float(np.median(seconds)) if seconds else None,
                settled,
            )
        )
    return tuple(found)


def _control_tests(
    histories: Histories,
    *,
    known: CategoryArray,
    names: Mapping[int, str],
    category_count: int,
) -> tuple[ControlTest, ...]:
    """Test each reviewer by first answers: after the reveal, the others' labels help."""
    guess_rate = rate_of_guessing(
        tuple(np.bincount(known[known != GAP], minlength=category_count).tolist())
    )
    found = []
    for key, name in names.items():
        first = [
            (answers[0].category, int(known[place.position]))
            for place, answers in histories.items()
            if place.reviewer == key and known[place.position] != GAP
        ]
        if not first:
            continue
        answered = [(given, right) for given, right in first if given is not None]
        found.append(
            control_test(
                name,
                items=len(answered),
                correct=sum(given == right for given, right in answered),
                without_category=len(first) - len(answered),
                guess_rate=guess_rate,
            )
        )
    return tuple(found)

"""What the page of one item shows.

Decides what a blind page may know: nothing that comes from a rater, not even why the item waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from string import ascii_uppercase

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.core.items import Item
from localensemble.core.marked_text import TextPart, marked_parts
from localensemble.findings.topics.quoted_passages import Quoted, quoted_passages
from localensemble.ledger.records import PersonDecision
from localensemble.review.page.answer_forms import field_name, given_value
from localensemble.review.page.answer_keys import answer_keys, command_keys
from localensemble.review.page.desk import Desk, Progress
from localensemble.review.page.review_session import Page, ReviewSession, answer_words
from localensemble.review.plan.reviewer_letters import letters
from localensemble.study.study_labels import STATES, label_states, state_word


@dataclass(frozen=True, slots=True)
class ShownCategory:
    """A category that can be chosen, and its key; the key is empty if it has none."""

    value: int
    name: str
    definition: str
    key: str


@dataclass(frozen=True, slots=True)
class ShownLabel:
    """The label of one rater.

    Attributes:
        rater: a letter, so that no name suggests whom to believe.
        word: the category, or the status in angle brackets.
        category: its position; -1 without a category.
        probability: the rater's own, 0 to 1; None if unknown.
        quotes: what it quoted from the item; confidential.
    """

    rater: str
    word: str
    category: int
    probability: float | None
    quotes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """What the raters said about one item and variable: only after the answer, if blind.

    Attributes:
        labels: one per rater.
        consensus: the consensus; None without one.
        support: share of the labels that chose it, 0 to 1; None without one.
        reasons: why a person must decide.
    """

    labels: tuple[ShownLabel, ...]
    consensus: str | None
    support: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """The answer of a reviewer to an item on which reviewers differ, without the name."""

    letter: str
    word: str
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """One variable of an item.

    Attributes:
        field: name of the form field.
        name: the variable's name; without that of its group in a group.
        answered: the reviewer's answer in words; empty if there is none.
        chosen: position of the answered category; -1 without one.
        given: the reviewer's answer as the form has it; empty if there is none.
        evidence: None on a blind page.
        people: the differing answers of reviewers, for the person who settles them.
    """

    field: str
    name: str
    variable: Variable
    categories: tuple[ShownCategory, ...]
    answered: str = ""
    chosen: int = -1
    given: str = ""
    evidence: ShownEvidence | None = None
    people: tuple[ShownAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """Questions under one heading: the yes/no variables of a multi-label variable, or just one."""

    name: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class ItemView:
    """Everything that the page of an item shows; the text is confidential.

    Attributes:
        page: ``item`` asks; ``labels`` comes after the answer and shows the raters' labels.
        place: place in the queue, from 1; None for an item outside of it.
        keys: the key of each command.
        single: True with one question, which needs no other button than its answer.
        by_row: True if each question has its own row of keys.
        seen: True if the reviewer has seen the raters' labels of this item.
        kind: what the raters are called.
        parts: the text, with what raters quoted marked; never marked on a blind page.
    """

    page: Page
    position: int
    item_id: str
    place: int | None
    progress: Progress
    groups: tuple[QuestionGroup, ...]
    keys: Mapping[str, str]
    single: bool
    by_row: bool
    previous: int | None
    next: int | None
    flagged: bool
    seen: bool
    kind: str
    parts: tuple[TextPart, ...] = field(repr=False)
    note: str = field(default="", repr=False)

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, in codebook order."""
        return tuple(question for group in self.groups for question in group.questions)


def item_view(
    session: ReviewSession, desk: Desk, position: int, *, page: Page, suffix: str
) -> ItemView:
    """Open an item for a reviewer and collect what its page shows.

    Args:
        suffix: the end of the names of the form fields.
    """
    answers = session.answers(desk, position)
    seen = session.has_seen_labels(desk, position)
    item = session.open(desk, position, page)
    shows_labels = session.task.shows_labels and (page == "labels" or not session.blind)
    quoted = quoted_passages(session.study.recorded, position) if shows_labels else {}
    asked = session.asked(desk, position)
    rows = answer_keys(tuple(len(session.variables[place].categories) for place in asked))
    questions = tuple(
        _question(
            session,
            place,
            row,
            answers.get(place),
            field_name(place, suffix),
            evidence=_evidence(session, item, place, quoted) if shows_labels else None,
            people=_answers_of_reviewers(session, position, place, item.id),
        )
        for place, row in zip(asked, rows, strict=True)
    )
    return ItemView(
        page=page,
        position=position,
        item_id=item.id,
        place=desk.place(position),
        progress=desk.progress(),
        groups=_grouped(questions),
        keys=command_keys(rows),
        single=len(asked) == 1,
        by_row=len({row[0] for row in rows}) == len(rows),
        previous=desk.neighbor(position, -1),
        next=desk.neighbor(position, 1),
        flagged=position in desk.flagged,
        seen=seen and page == "item",
        kind=_kind(session),
        parts=marked_parts(
            item.text,
            (
                (one.start, one.stop)
                for place in asked
                for passages in quoted.get(session.variables[place].name, ())
                for one in passages
            ),
        ),
        note=next((one.note for one in answers.values() if one.note), ""),
    )


def _question(
    session: ReviewSession,
    place: int,
    row: tuple[str, ...],
    current: PersonDecision | None,
    name: str,
    *,
    evidence: ShownEvidence | None,
    people: tuple[ShownAnswer, ...],
) -> Question:
    variable = session.variables[place]
    return Question(
        field=name,
        name=variable.name,
        variable=variable,
        categories=tuple(
            ShownCategory(value, one.name, one.definition, key)
            for value, (one, key) in enumerate(zip(variable.categories, row, strict=True))
        ),
        answered="" if current is None else answer_words(variable, current),
        chosen=-1 if current is None or current.category is None else current.category,
        given="" if current is None else given_value(current),
        evidence=evidence,
        people=people,
    )


def _grouped(questions: tuple[Question, ...]) -> tuple[QuestionGroup, ...]:
    """Put the yes/no variables of a multi-label variable under one heading."""
    groups: list[QuestionGroup] = []
    for question in questions:
        stem, dot, part = question.name.partition(".")
        if not dot or len(question.categories) != 2:
            groups.append(QuestionGroup("", (question,)))
            continue
        named = replace(question, name=part)
        if groups and groups[-1].name == stem:
            groups[-1] = QuestionGroup(stem, (*groups[-1].questions, named))
        else:
            groups.append(QuestionGroup(stem, (named,)))
    return tuple(groups)


def _evidence(session: ReviewSession, item: Item, place: int, quoted: Quoted) -> ShownEvidence:
    position = item.position
    decided = session.waiting.decisions[place]
    labels = session.study.recorded
    block = labels.block(decided.variable.name, start=position, stop=position + 1)
    names = (*decided.variable.answers, None)
    states = label_states(block)[0].tolist()
    passages = quoted.get(decided.variable.name) or ((),) * len(states)
    shown = []
    for column, (state, category) in enumerate(
        zip(states, block.category[0].tolist(), strict=True)
    ):
        status = STATES[state]
        word = names[category] or state_word(status, gap=labels.gap)
        probability = float(block.confidence[0, column])
        shown.append(
            ShownLabel(
                _letter(column),
                word,
                category,
                None if math.isnan(probability) else probability,
                tuple(item.text[one.start : one.stop] for one in passages[column]),
            )
        )
    support = float(decided.support[position])
    return ShownEvidence(
        labels=tuple(shown),
        consensus=names[int(decided.categories[position])],
        support=None if np.isnan(support) else support,
        reasons=decided.reasons_without_raters(position),
    )


def _answers_of_reviewers(
    session: ReviewSession, position: int, place: int, item_id: str
) -> tuple[ShownAnswer, ...]:
    if session.task.role != "adjudication":
        return ()
    answers = session.answers_of_reviewers(position, place)
    dealt = letters(item_id, [*answers], seed=session.plan.seed)
    variable = session.variables[place]
    shown = (
        ShownAnswer(dealt[key], answer_words(variable, one), one.note or "")
        for key, one in answers.items()
    )
    return tuple(sorted(shown, key=lambda one: one.letter))


def _letter(place: int) -> str:
    """Return A to Z, then AA and so on."""
    rest, letter = divmod(place, len(ascii_uppercase))
    return (_letter(rest - 1) if rest else "") + ascii_uppercase[letter]


def _kind(session: ReviewSession) -> str:
    """Return what the raters of a study are called: who made imported ratings is not known."""
    return "Model" if session.study.ratings_sha256 is None else "Rater"

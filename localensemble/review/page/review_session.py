"""A review in progress: who is here, what each of them reads, and what goes into the ledger.

An answer is in the ledger before the next item is shown. So nothing is lost if the program is
stopped, and a review goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.core.items import Item
from localensemble.ledger.encode_decisions import decided_now
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import (
    AnswerKind,
    DecisionRole,
    DecisionRows,
    NewDecision,
    PersonDecision,
    ReviewerKey,
    ReviewerRecord,
    Shown,
    VariableKey,
)
from localensemble.review.page.desk import FEWEST_SECONDS, Desk, RecentItem, Step
from localensemble.review.page.kept_texts import KeptTexts
from localensemble.review.page.read_items import barred_items, read_items, reading_list
from localensemble.review.page.review_task import ReviewTask
from localensemble.review.page.waiting_items import Queue, QueueFilter
from localensemble.review.plan.item_queue import Positions, finished, people_needed
from localensemble.review.plan.reading_list import ReadingList
from localensemble.review.plan.review_plan import ReviewPlan
from localensemble.study.people.current_decisions import current_of
from localensemble.study.people.final_labels import final_labels
from localensemble.study.study import Study

Page = Literal["item", "labels"]

# How many of a reviewer's newest batches are looked at when a review goes on: enough for the last
# ten items, and for the time that the last 20 took.
_REMEMBERED = 50

ANSWER_WORDS: Mapping[AnswerKind, str] = {
    "cannot_decide": "cannot decide",
    "codebook_unclear": "codebook unclear",
    "undone": "undone",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one question; ``category`` is None unless it is a category."""

    kind: AnswerKind
    category: int | None = None


@dataclass(frozen=True, slots=True)
class GivenAnswers:
    """What a reviewer sent for one item.

    Attributes:
        answers: index of the variable -> the answer; not every variable need be answered.
        confidence: 1 to 3; None if not given.
        error_type: the kind of mistake the raters made; None if not given.
        note: what the reviewer wrote; None if the form has no note.
    """

    answers: Mapping[int, Answer]
    confidence: int | None = None
    error_type: str | None = None
    note: str | None = field(default=None, repr=False)


class ReviewSession:
    """A review of one study; several reviewers can take part, each with an own browser."""

    def __init__(
        self,
        study: Study,
        *,
        ledger: Ledger,
        texts: KeptTexts,
        task: ReviewTask,
        title: str,
        wanted: QueueFilter,
        plan: ReviewPlan,
        blind: bool = True,
        reviewer: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a review.

        Args:
            study: the study, read from ``ledger``.
            ledger: where answers are recorded.
            texts: the texts of the study's items.
            task: what reviewers are asked for.
            title: name of the study.
            wanted: the filter at the start.
            plan: how many people answer each item.
            blind: show the raters' labels only after the answer.
            reviewer: name of the first person; None asks for it.
            clock: measures how long answers take, in seconds.

        Raises:
            InputError: the filter names an unknown variable or reason.
            LedgerError: the name cannot be recorded.
        """
        self.study = study
        self.texts = texts
        self.task = task
        self.waiting = task.waiting
        self.title = title
        self.blind = blind
        self.variables: tuple[Variable, ...] = study.codebook.variables
        self._ledger = ledger
        self.plan = plan
        self._wanted = wanted
        self._clock = clock
        self._needed = people_needed(study.items, plan)
        if task.role == "adjudication":
            self._needed = np.ones_like(self._needed)
        self.waiting.queue(wanted)
        self.has_recorded = False
        self._first: ReviewerKey | None = None
        if reviewer is not None:
            self._first = ledger.register_reviewer(reviewer)
        self._desks: dict[ReviewerKey, Desk] = {}
        self._visitors: dict[object, ReviewerKey] = {}

    # Who is here

    def desk_of(self, visitor: object) -> Desk | None:
        """Return the desk of a browser; None if its reviewer has not given a name."""
        key = self._visitors.get(visitor)
        if key is None and self._first is not None:
            # The name on the command line is that of the person who opens the first browser.
            key, self._first = self._first, None
            self._visitors[visitor] = key
        return None if key is None else self._desk(key)

    def welcome(self, visitor: object, name: str) -> Desk:
        """Give a desk to the reviewer of a browser.

        Raises:
            LedgerError: the name cannot be recorded.
        """
        key = self._ledger.register_reviewer(name)
        self._visitors[visitor] = key
        return self._desk(key)

    def choose(self, desk: Desk, wanted: QueueFilter) -> None:
        """Change what a reviewer reads.

        Raises:
            InputError: the filter names an unknown variable or reason.
        """
        rows = self.decision_rows()
        queue = self._queue(wanted, desk.barred)
        desk.sort(wanted, queue)
        done = finished(queue.asked, rows, role=self.task.role)
        desk.people, desk.mine = done.people, done.by(desk.reviewer.key)
        self._plan_control(desk)

    # Where a reviewer is

    def next_item(self, desk: Desk, *, after: int | None = None) -> int | None:
        """Return the next item to read; None if nothing is left."""
        others = (one.present for one in self._desks.values() if one is not desk)
        taken = frozenset(position for position in others if position is not None)
        following = desk.next_item(after, taken=taken)
        return None if following is None else self._mixed(desk, np.array([following]))[0]

    def coming(self, desk: Desk, count: int) -> tuple[int, ...]:
        """Return the next items that a reviewer reads, at most so many."""
        return self._mixed(desk, desk.left()[:count])[:count]

    def may_read(self, desk: Desk, position: int) -> bool:
        """Tell whether an item waits for this reviewer, or has been shown as a control item."""
        if position in desk.control:
            return True
        return bool(self.waiting.asked[position].any()) and position not in desk.barred

    def open(self, desk: Desk, position: int, page: Page) -> Item:
        """Return an item that is shown to a reviewer, and take the time."""
        desk.present = position
        desk.opened.setdefault((position, page), self._clock())
        if self.task.shows_labels and (page == "labels" or not self.blind):
            desk.seen.add(position)
        return self.texts.item(position)

    def asked(self, desk: Desk, position: int) -> tuple[int, ...]:
        """Return the indices of the variables that an item asks a reviewer."""
        if position in desk.control:
            return desk.control[position]
        asked = desk.queue.asked[position]
        if not asked.any():  # found by a search, outside of the filter
            asked = self.waiting.asked[position]
        return tuple(np.flatnonzero(asked).tolist())

    def answers(self, desk: Desk, position: int) -> dict[int, PersonDecision]:
        """Return the current answers of a reviewer to what an item asks, by variable."""
        found = {}
        for variable in self.asked(desk, position):
            current = self._current(position, variable).get(desk.reviewer.key)
            if current is not None:
                found[variable] = current
        return found

    def is_answered(self, desk: Desk, position: int) -> bool:
        """Tell whether a reviewer has answered everything that an item asks."""
        return len(self.answers(desk, position)) == len(self.asked(desk, position))

    def has_seen_labels(self, desk: Desk, position: int) -> bool:
        """Tell whether a reviewer has seen the raters' labels, also before a restart."""
        if position in desk.seen:
            return True
        own = (
            one
            for variable in self.asked(desk, position)
            for one in self._decisions(position, variable)
            if one.reviewer == desk.reviewer.key
        )
        return any(one.shown in ("labels", "answers") for one in own)

    # What goes into the ledger

    def record(self, desk: Desk, position: int, given: GivenAnswers, *, page: Page) -> None:
        """Record answers; on the page with the labels also that the other answers stay.

        What says nothing new is not recorded.
        """
        before = self.answers(desk, position)
        shown = self._shown(desk, position)
        new: dict[int, NewDecision] = {}
        for variable in self.asked(desk, position):
            current = before.get(variable)
            answer = given.answers.get(variable)
            if answer is None and current is not None and page == "labels":
                answer = Answer(current.kind, current.category)
            if answer is None:
                continue
            decision = self._decision(position, variable, answer, given, shown)
            if current is not None and page == "labels":
                decision = replace(
                    decision,
                    confidence=decision.confidence or current.confidence,
                    error_type=decision.error_type or current.error_type,
                    note=current.note if given.note is None else decision.note,
                )
            if current is None or _says_more(decision, current):
                new[variable] = decision
        spent = self._clock() - desk.opened.pop((position, page), self._clock())
        if not new:
            return
        timed = [replace(one, seconds=round(spent / len(new), 3)) for one in new.values()]
        self._append(desk, position, timed)
        desk.mark_read(position, answered=self.is_answered(desk, position))
        desk.steps.append(Step(position, {variable: before.get(variable) for variable in new}))
        if page == "item":
            desk.seconds.append(spent)
        fast = _fast(spent) if page == "item" else desk.was_fast(position)
        desk.remember(self._recent_item(desk, position, fast=fast))

    def undo(self, desk: Desk) -> int | None:
        """Undo the last step of a reviewer, and return its item; None if nothing is left."""
        if not desk.steps:
            return None
        step = desk.steps.pop()
        desk.later.pop(step.position, None)
        shown = self._shown(desk, step.position)
        now = decided_now()
        back = [
            self._decision(step.position, variable, Answer("undone"), GivenAnswers({}), shown)
            if before is None
            else replace(_as_new(before), decided_at=now, seconds=None)
            for variable, before in step.before.items()
        ]
        if back:
            self._append(desk, step.position, back)
            desk.mark_read(step.position, answered=self.is_answered(desk, step.position))
            desk.forget(step.position)
        for page in ("item", "labels"):
            desk.opened.pop((step.position, page), None)
        return step.position

    def put_aside(self, desk: Desk, position: int) -> None:
        """Leave an item for later."""
        desk.later[position] = None
        desk.opened.pop((position, "item"), None)
        desk.steps.append(Step(position))

    def _decision(
        self, position: int, variable: int, answer: Answer, given: GivenAnswers, shown: Shown
    ) -> NewDecision:
        return NewDecision(
            position=position,
            variable=self._key(variable),
            kind=answer.kind,
            category=answer.category,
            role=self.task.role_at(position),
            shown=shown,
            decided_at=decided_now(),
            confidence=given.confidence,
            error_type=given.error_type,
            note=given.note or None,
        )

    def _append(self, desk: Desk, position: int, decisions: Sequence[NewDecision]) -> None:
        self._ledger.append_decisions(
            decisions,
            reviewer=desk.reviewer.key,
            item_set=self.study.recorded.item_set,
            origin=self.plan.origin,
        )
        self.has_recorded = True
        for one in self._desks.values():
            self._count_again(one, position)

    def _count_again(self, desk: Desk, position: int) -> None:
        answered = [
            frozenset(self._current(position, variable))
            for variable in np.flatnonzero(desk.queue.asked[position]).tolist()
        ]
        done = frozenset.intersection(*answered) if answered else frozenset()
        desk.people[position] = len(done)
        desk.mine[position] = desk.reviewer.key in done

    def _shown(self, desk: Desk, position: int) -> Shown:
        if self.task.role == "adjudication":
            return "answers"
        return "labels" if self.has_seen_labels(desk, position) else "item"

    # What the ledger has

    def _desk(self, key: ReviewerKey) -> Desk:
        if key not in self._desks:
            names = {one.key: one for one in self._ledger.reader.reviewers()}
            self._desks[key] = self._new_desk(names[key])
        return self._desks[key]

    def _new_desk(self, reviewer: ReviewerRecord) -> Desk:
        rows = self.decision_rows()
        barred = barred_items(self.task, rows, reviewer=reviewer.key)
        queue = self._queue(self._wanted, barred)
        done = finished(queue.asked, rows, role=self.task.role)
        desk = Desk(reviewer, self._wanted, queue, self._needed, done.people, done.by(reviewer.key))
        desk.barred = barred
        if self.task.known is not None:
            before = read_items(rows, reviewer=reviewer.key, item_count=len(self.texts))
            desk.control.update(before.control)
            for position in before.order:
                if self.may_read(desk, position):
                    desk.mark_read(position, answered=self.is_answered(desk, position))
        self._plan_control(desk)
        own = [one.reviewer == reviewer.key for one in rows]
        batches = np.concatenate([one.batch[mask] for one, mask in zip(rows, own, strict=True)])
        items = np.concatenate([one.position[mask] for one, mask in zip(rows, own, strict=True)])
        seconds = np.concatenate([one.seconds[mask] for one, mask in zip(rows, own, strict=True)])
        fast: dict[int, bool] = {}
        for batch in np.unique(batches)[-_REMEMBERED:].tolist():
            position = int(items[batches == batch][0])
            if not self.may_read(desk, position):
                continue  # an answer of another task
            spent = float(seconds[batches == batch].sum())
            if position not in fast and np.isfinite(spent):
                # Later answers to the same item only keep or change the first one.
                fast[position] = _fast(spent)
                desk.seconds.append(spent)
            if self.is_answered(desk, position):
                item = self._recent_item(desk, position, fast=fast.get(position, False))
                desk.remember(item)
        return desk

    def _recent_item(self, desk: Desk, position: int, *, fast: bool) -> RecentItem:
        words = [
            answer_words(self.variables[variable], decision)
            for variable, decision in self.answers(desk, position).items()
        ]
        return RecentItem(position, self.texts.item(position).id, ", ".join(words), fast)

    def answers_of_reviewers(
        self, position: int, variable: int
    ) -> dict[ReviewerKey, PersonDecision]:
        """Return the current answers that an adjudicator settles, by reviewer."""
        return self._current(position, variable, role="review")

    def _current(
        self, position: int, variable: int, *, role: DecisionRole | None = None
    ) -> dict[ReviewerKey, PersonDecision]:
        """Return the current answer of each person about one item and variable."""
        wanted = role or self.task.role_at(position)
        current = current_of(self._decisions(position, variable), role=wanted)
        return {reviewer: one for (_, reviewer), one in current.items()}

    def _decisions(self, position: int, variable: int) -> tuple[PersonDecision, ...]:
        return self._ledger.reader.decisions_of_item(
            self.study.recorded.item_set, self._key(variable), position
        )

    def _queue(self, wanted: QueueFilter, barred: frozenset[int]) -> Queue:
        """Return the items that a filter leaves, without those that a reviewer may not settle."""
        queue = self.waiting.queue(wanted)
        open_to = ~np.isin(queue.positions, [*barred])
        return replace(queue, positions=queue.positions[open_to]) if barred else queue

    def _reading_list(self, desk: Desk, positions: Positions) -> ReadingList:
        return reading_list(
            desk, positions, task=self.task, item_ids=self.study.items, plan=self.plan
        )

    def _mixed(self, desk: Desk, positions: Positions) -> tuple[int, ...]:
        """Mix control items into what a reviewer reads next, and note what each asks."""
        mixed = self._reading_list(desk, positions)
        for position, before in zip(
            mixed.positions[mixed.control].tolist(),
            mixed.shapes[mixed.control].tolist(),
            strict=True,
        ):
            asked = tuple(np.flatnonzero(desk.queue.asked[before]).tolist())
            desk.show_control(position, before=before, variables=asked)
        return tuple(mixed.positions.tolist())

    def _plan_control(self, desk: Desk) -> None:
        """Count the control items that a reviewer will have read in the end."""
        answered = len(desk.control.keys() & desk.read.keys())
        desk.planned_control = answered + int(self._reading_list(desk, desk.left()).control.sum())

    def decision_rows(self) -> list[DecisionRows]:
        """Return what people decided on each variable."""
        labels = self.study.recorded
        return [
            self._ledger.reader.person_decisions(labels.item_set, self._key(variable))
            for variable in range(len(self.variables))
        ]

    def unclear(self, variable: int) -> tuple[PersonDecision, ...]:
        """Return the answers that call the codebook unclear on a variable, with their notes."""
        found = self._ledger.reader.decision_notes(
            self.study.recorded.item_set, self._key(variable)
        )
        current = current_of(found, role="review")
        return tuple(one for one in current.values() if one.kind == "codebook_unclear")

    def differing(self) -> int:
        """Count the items on which reviewers differ and that nobody has settled."""
        pairs = zip(self.waiting.decisions, self.decision_rows(), strict=True)
        differs = [final_labels(decided, rows).differs for decided, rows in pairs]
        return int(np.count_nonzero(np.logical_or.reduce(differs)))

    def _key(self, variable: int) -> VariableKey:
        return self.study.recorded.variable_keys[self.variables[variable].name]


def answer_words(variable: Variable, decision: NewDecision) -> str:
    """Return an answer in words."""
    if decision.category is not None:
        return variable.answers[decision.category]
    return ANSWER_WORDS[decision.kind]


def _says_more(decision: NewDecision, current: PersonDecision) -> bool:
    """Tell whether a decision differs from the one that counts, in more than its time."""
    timed = replace(decision, decided_at=current.decided_at, seconds=current.seconds)
    return timed != _as_new(current)


def _as_new(decision: PersonDecision) -> NewDecision:
    return NewDecision(
        position=decision.position,
        variable=decision.variable,
        kind=decision.kind,
        category=decision.category,
        role=decision.role,
        shown=decision.shown,
        decided_at=decision.decided_at,
        seconds=decision.seconds,
        confidence=decision.confidence,
        error_type=decision.error_type,
        note=decision.note,
        category_order=decision.category_order,
    )


def _fast(seconds: float) -> bool:
    return seconds < FEWEST_SECONDS

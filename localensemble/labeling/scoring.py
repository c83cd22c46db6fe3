"""From an item and a variable to a label: send prompts, read scores, make labels.

Decides what a score means. Never invents a label: an empty text, a non-answer, a failure
and an exact tie between categories are statuses with a reason, not categories.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.listed_orders import CategoryOrder, category_orders
from localensemble.codebook.model import Variable
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import EngineCrashedError, EngineError
from localensemble.core.items import Item
from localensemble.core.labels import EMPTY_TEXT, NO_ANSWER, Label, LabelStatus
from localensemble.core.prompts import Layout, Prompt
from localensemble.engines.protocol import Engine, ScoreFailure, Scores, score_wanted
from localensemble.labeling.category_orders import (
    average,
    depends_on_order,
    in_all_orders,
    most_probable_by_order,
)
from localensemble.prompting.template import PromptTemplate

# If more items in a row than this fail, the model or the machine is at fault, not the items.
_CRASHES_IN_A_ROW = 3

NO_NON_ANSWERS = NonAnswers()

Result = Scores | ScoreFailure
# An item, as its place in the block, and the index of a variable.
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Questions:
    """What every item of a run is asked, and in which prompt; non-answers are asked nothing.

    ``orders`` is the most category orders in which a variable is asked. ``proposed_by`` is a hash
    of what makes the proposals that a verifier is asked about; empty for other raters.
    ``deidentified`` is the hash of what is replaced in the texts; empty if nothing is.
    """

    variables: tuple[Variable, ...]
    template: PromptTemplate
    layout: Layout
    non_answers: NonAnswers = NO_NON_ANSWERS
    orders: int = 1
    proposed_by: str = ""
    deidentified: str = ""

    @property
    def asked(self) -> tuple[Variable, ...]:
        """What an item is asked: every variable, once for each order of its categories."""
        return in_all_orders(self.variables, at_most=self.orders)


@dataclass(frozen=True, slots=True)
class LabeledCells:
    """Labels of a block that came together.

    Attributes:
        start: place in the block of the first item that was scored together with them.
        stop: place behind the last.
        labels: variable name -> place in the block -> label.
        begun: what is computed for labels that lack some category orders, counted in labels.
    """

    start: int
    stop: int
    labels: Mapping[str, Mapping[int, Label]]
    begun: float = 0.0


def label_block(
    engine: Engine, items: Sequence[Item], *, questions: Questions
) -> Mapping[str, tuple[Label, ...]]:
    """Label a block of items with one rater: variable name -> one label per item.

    Raises:
        EngineError: the engine fails on every item.
    """
    columns: dict[str, dict[int, Label]] = {variable.name: {} for variable in questions.variables}

    def keep(cells: LabeledCells) -> None:
        for name, labels in cells.labels.items():
            columns[name].update(labels)

    label_missing(engine, items, questions=questions, on_labels=keep)
    return {
        name: tuple(labels[place] for place in range(len(items)))
        for name, labels in columns.items()
    }


def label_missing(
    engine: Engine,
    items: Sequence[Item],
    *,
    questions: Questions,
    missing: Mapping[str, NDArray[np.bool_]] | None = None,
    packed: Mapping[str, NDArray[np.bool_]] | None = None,
    on_labels: Callable[[LabeledCells], None],
) -> None:
    """Label what is missing of a block, and report labels as soon as they are there.

    Args:
        items: the whole block: the digits of a label depend on which items are scored together.
        missing: variable name -> for each item, whether its label is missing; None: all are.
        packed: variable name -> the items that are scored together; None: the whole block is.
        on_labels: gets every missing label once, and now and then no label but how much is
            begun. What it raises ends the call.

    Raises:
        EngineError: the engine fails on every item.
    """
    cells = {
        (place, index)
        for index, variable in enumerate(questions.variables)
        for place in range(len(items))
        if missing is None or missing[variable.name][place]
    }

    def report(start: int, stop: int, labels: Mapping[Cell, Label], begun: float) -> None:
        columns: dict[str, dict[int, Label]] = {}
        for (place, index), label in labels.items():
            columns.setdefault(questions.variables[index].name, {})[place] = label
        on_labels(LabeledCells(start, stop, columns, begun))

    unasked = {
        place: label
        for place, item in enumerate(items)
        if (label := label_without_asking(item.text, questions.non_answers)) is not None
    }
    known = {cell: unasked[cell[0]] for cell in cells if cell[0] in unasked}
    if known:
        report(0, len(items), known, 0.0)
    asked = {place: item for place, item in enumerate(items) if place not in unasked}
    together = {
        (place, index)
        for index, variable in enumerate(questions.variables)
        for place in asked
        if packed is None or packed[variable.name][place]
    }
    prepared = {place: asked[place] for place, _ in sorted(together)}
    questions.template.prepare(item.text for item in prepared.values())
    _Scorer(engine, asked, together, questions, report).score(0, len(items), cells - known.keys())


def is_asked(item: Item, non_answers: NonAnswers) -> bool:
    """Tell whether a model is asked about an item: not if it is blank or a non-answer."""
    return label_without_asking(item.text, non_answers) is None


def label_without_asking(text: str, non_answers: NonAnswers) -> Label | None:
    """Return the label of a text that no model is asked about; None if one is."""
    if not _can_be_read(text):
        return Label(LabelStatus.FAILED, reason=f"{EMPTY_TEXT}: there is nothing to label")
    if non_answers.include(text):
        return Label(LabelStatus.FAILED, reason=f"{NO_ANSWER}: the codebook lists the text")
    return None


def _can_be_read(text: str) -> bool:
    """Tell whether a text is visible; a model would label blanks and control characters."""
    return any(one.isprintable() and not one.isspace() for one in text)


def _label_over(results: Sequence[Result], orders: Sequence[CategoryOrder]) -> Label:
    """Turn the scores of one item, one for each category order, into one label."""
    label = label_from(average(results, orders=orders))
    return replace(
        label,
        depends_on_order=depends_on_order(results, orders=orders),
        by_order=most_probable_by_order(results, orders=orders),
    )


def label_from(result: Result) -> Label:
    """Turn one score into one label.

    The probabilities are the joint answer probabilities, normalized over the categories;
    a bound counts as the probability, so that no other category gains from it.
    The most probable category is assigned; if two are exactly equally probable, none is.
    """
    if isinstance(result, ScoreFailure):
        status = LabelStatus.UNPARSABLE if result.unparsable else LabelStatus.FAILED
        return Label(status, reason=result.reason)
    logs = np.array(result.log_probabilities, dtype=np.float64)
    best = float(logs.max())
    if not np.isfinite(best):
        return Label(LabelStatus.FAILED, reason="no_probability: no category is possible")
    weights = np.exp(logs - best)
    probabilities = tuple(float(p) for p in weights / weights.sum())
    winners = np.flatnonzero(logs == best)
    if len(winners) > 1:
        return Label(
            LabelStatus.FAILED,
            probabilities=probabilities,
            off_codebook_mass=result.off_codebook_mass,
            reason="equal_probability: several categories are equally probable",
        )
    return Label(
        LabelStatus.ASSIGNED,
        category=int(winners[0]),
        probabilities=probabilities,
        off_codebook_mass=result.off_codebook_mass,
    )


class _Scorer:
    """Score a block; if the engine's process dies, find the item that kills it.

    Args:
        items: the items to ask about, by their places in the block.
        together: the cells that are scored together.
        report: called with the places from ``start`` to ``stop`` whose items are scored
            together, labels, and how many labels' work is begun.
    """

    def __init__(
        self,
        engine: Engine,
        items: Mapping[int, Item],
        together: Collection[Cell],
        questions: Questions,
        report: Callable[[int, int, Mapping[Cell, Label], float], None],
    ) -> None:
        self._engine = engine
        self._items = items
        self._together = together
        self._questions = questions
        self._asked = questions.asked
        self._answers = tuple(map(questions.template.answers, self._asked))
        self._orders = tuple(
            category_orders(one, at_most=questions.orders) for one in questions.variables
        )
        self._report = report
        self._crashes_in_a_row = 0

    def score(self, start: int, stop: int, missing: Collection[Cell]) -> None:
        """Score what is missing of the items at these places, which are packed together."""
        left = {cell for cell in missing if start <= cell[0] < stop}
        crashes = 0
        error: EngineCrashedError | None = None
        while left and crashes < 2:
            count = len(left)
            try:
                self._call(start, stop, left)
            except EngineCrashedError as crashed:
                # A kill from outside happens once. Scoring the same block again packs the same
                # batches, so a run that survives it equals an undisturbed one.
                error = crashed
                crashes = crashes + 1 if len(left) == count else 1
        if not left or error is None:
            return
        places = [place for place in self._items if start <= place < stop]
        if len(places) > 1:
            middle = places[len(places) // 2]
            self.score(start, middle, left)
            self.score(middle, stop, left)
        else:
            self._give_up(start, stop, left, error)

    def _call(self, start: int, stop: int, left: set[Cell]) -> None:
        """Score the cells that are left; each is taken out when it is reported.

        A cell is asked once for each category order, and reported when all of them are there.
        """
        places = [place for place in self._items if start <= place < stop]
        of_order = [index for index, orders in enumerate(self._orders) for _ in orders]
        packed = [
            (place, order)
            for place in places
            for order, index in enumerate(of_order)
            if (place, index) in self._together
        ]
        prompts = [self._prompt(self._asked[order], self._items[place]) for place, order in packed]
        answers = [self._answers[order] for _, order in packed]
        cells = [(place, of_order[order]) for place, order in packed]
        numbers: dict[Cell, list[int]] = {}
        for number, cell in enumerate(cells):
            numbers.setdefault(cell, []).append(number)
        scored: dict[int, Result] = {}

        def keep(results: Mapping[int, Result]) -> None:
            scored.update(results)
            labels = {
                cell: _label_over([scored[one] for one in numbers[cell]], self._orders[cell[1]])
                for cell in dict.fromkeys(cells[number] for number in results)
                if scored.keys() >= set(numbers[cell])
            }
            begun = sum(
                1 / len(numbers[cells[number]])
                for number in scored
                if cells[number] in left and cells[number] not in labels
            )
            self._report(start, stop, labels, begun)
            left.difference_update(labels)

        wanted = [number for number, cell in enumerate(cells) if cell in left]
        score_wanted(self._engine, prompts, answers, wanted, on_scored=keep)
        self._crashes_in_a_row = 0

    def _prompt(self, variable: Variable, item: Item) -> Prompt:
        return self._questions.template.render(variable, item.text, layout=self._questions.layout)

    def _give_up(
        self, start: int, stop: int, left: Collection[Cell], error: EngineCrashedError
    ) -> None:
        self._crashes_in_a_row += 1
        if self._crashes_in_a_row > _CRASHES_IN_A_ROW:
            raise EngineError(
                f"The model's process died on {self._crashes_in_a_row} items in a row; "
                f"the last time: {error.message}",
                hint="Check free memory, then run again. Labels so far are kept.",
            ) from error
        # Recorded like any label, so that the item is not tried again and stops every run.
        failure = ScoreFailure("engine_crashed: the model's process died twice on this item")
        self._report(start, stop, dict.fromkeys(left, label_from(failure)), 0.0)

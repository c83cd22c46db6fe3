"""From an item and a variable to a label: send prompts, read scores, make labels.

Decides what a score means. Never invents a label: an empty text, a non-answer, a failure
and an exact tie between categories are statuses with a reason, not categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import EngineCrashedError, EngineError
from localensemble.core.items import Item
from localensemble.core.labels import EMPTY_TEXT, NO_ANSWER, Label, LabelStatus
from localensemble.core.prompts import Layout, Prompt
from localensemble.engines.protocol import Engine, ScoreFailure, Scores
from localensemble.prompting.template import PromptTemplate

# If more items in a row than this fail, the model or the machine is at fault, not the items.
_CRASHES_IN_A_ROW = 3

NO_NON_ANSWERS = NonAnswers()

Result = Scores | ScoreFailure


@dataclass(frozen=True, slots=True)
class Questions:
    """What every item of a run is asked, and in which prompt; non-answers are asked nothing."""

    variables: tuple[Variable, ...]
    template: PromptTemplate
    layout: Layout
    non_answers: NonAnswers = NO_NON_ANSWERS


def label_block(
    engine: Engine, items: Sequence[Item], *, questions: Questions
) -> Mapping[str, tuple[Label, ...]]:
    """Label a block of items with one rater: variable name -> one label per item.

    Raises:
        EngineError: the engine fails on every item.
    """
    unasked = [_unasked(item.text, questions.non_answers) for item in items]
    asked = [item for item, label in zip(items, unasked, strict=True) if label is None]
    scored = iter(_Scorer(engine, questions).score(asked))
    columns: dict[str, list[Label]] = {variable.name: [] for variable in questions.variables}
    for without in unasked:
        results = next(scored) if without is None else ()
        for index, variable in enumerate(questions.variables):
            columns[variable.name].append(without or label_from(results[index]))
    return {name: tuple(labels) for name, labels in columns.items()}


def is_asked(item: Item, non_answers: NonAnswers) -> bool:
    """Tell whether a model is asked about an item: not if it is blank or a non-answer."""
    return _unasked(item.text, non_answers) is None


def _unasked(text: str, non_answers: NonAnswers) -> Label | None:
    """Return the label of a text that no model is asked about; None if one is."""
    if not _can_be_read(text):
        return Label(LabelStatus.FAILED, reason=f"{EMPTY_TEXT}: there is nothing to label")
    if non_answers.include(text):
        return Label(LabelStatus.FAILED, reason=f"{NO_ANSWER}: the codebook lists the text")
    return None


def _can_be_read(text: str) -> bool:
    """Tell whether a text is visible; a model would label blanks and control characters."""
    return any(one.isprintable() and not one.isspace() for one in text)


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
    """Score a block; if the engine's process dies, find the item that kills it."""

    def __init__(self, engine: Engine, questions: Questions) -> None:
        self._engine = engine
        self._questions = questions
        self._answers = tuple(map(questions.template.answers, questions.variables))
        self._crashes_in_a_row = 0

    def score(self, items: Sequence[Item]) -> list[tuple[Result, ...]]:
        """Score every item on every variable: a tuple of one result per variable."""
        if not items:
            return []
        try:
            return self._call(items)
        except EngineCrashedError:
            # A kill from outside happens once. Scoring the same block again packs the same
            # batches, so a run that survives it equals an undisturbed one.
            pass
        try:
            return self._call(items)
        except EngineCrashedError as error:
            if len(items) > 1:
                middle = len(items) // 2
                return self.score(items[:middle]) + self.score(items[middle:])
            return [self._gave_up(error)]

    def _call(self, items: Sequence[Item]) -> list[tuple[Result, ...]]:
        prompts = [
            self._prompt(variable, item) for item in items for variable in self._questions.variables
        ]
        results = self._engine.score(prompts, self._answers * len(items))
        self._crashes_in_a_row = 0
        width = len(self._answers)
        return [results[start : start + width] for start in range(0, len(results), width)]

    def _prompt(self, variable: Variable, item: Item) -> Prompt:
        return self._questions.template.render(variable, item.text, layout=self._questions.layout)

    def _gave_up(self, error: EngineCrashedError) -> tuple[Result, ...]:
        self._crashes_in_a_row += 1
        if self._crashes_in_a_row > _CRASHES_IN_A_ROW:
            raise EngineError(
                f"The model's process died on {self._crashes_in_a_row} items in a row; "
                f"the last time: {error.message}",
                hint="Check free memory, then run again. Labels so far are kept.",
            ) from error
        # Recorded like any label, so that the item is not tried again and stops every run.
        failure = ScoreFailure("engine_crashed: the model's process died twice on this item")
        return (failure,) * len(self._answers)

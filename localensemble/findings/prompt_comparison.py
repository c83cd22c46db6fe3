"""Compare prompt templates: what raters answer to the same items under each of them.

Decides what may be concluded. Without gold labels, nothing shows which template is right more
often. An item without a category counts as wrong, because a template that makes a rater fail on
hard items would look better otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.labels import Label, is_without_answer
from localensemble.core.words import counted
from localensemble.findings.evaluation import CategoryArray, PairedComparison, compare_accuracy

_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Share:
    """A share of items, with its exact (Clopper-Pearson) 95% interval."""

    count: int
    items: int
    value: float
    interval_low: float
    interval_high: float


@dataclass(frozen=True, slots=True)
class PromptResult:
    """What one rater answers on one variable under one template.

    Attributes:
        rater: the rater.
        variable: the variable.
        template: the template.
        items: items that it was asked about.
        without_category: items to which it gave no category.
        median_off_codebook_mass: None if no label has one.
        same_as_first: items that have the category that they have under the first template, of
            those with a category under both. None for the first template, or if no item has both.
        accuracy: how often it is right; None without gold labels.
        against_first: exact McNemar test against the first template. None for the first, and
            without gold labels.
    """

    rater: str
    variable: str
    template: str
    items: int
    without_category: int
    median_off_codebook_mass: float | None
    same_as_first: Share | None = None
    accuracy: Share | None = None
    against_first: PairedComparison | None = None


@dataclass(frozen=True, slots=True)
class PromptBaseline:
    """How often the most frequent gold category of a variable alone would be right."""

    variable: str
    category: str
    accuracy: Share


@dataclass(frozen=True, slots=True)
class PromptComparison:
    """What the raters answer under each template.

    Attributes:
        templates: the templates, the first of which the others are compared with.
        items: number of items labeled.
        results: one for each rater, variable and template.
        baselines: one for each variable with gold labels.
        messages: what was detected, and what you should know.
    """

    templates: tuple[str, ...]
    items: int
    results: tuple[PromptResult, ...]
    baselines: tuple[PromptBaseline, ...]
    messages: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """State what may be concluded."""
        if not self.baselines:
            return (
                "Without gold labels, nothing here shows which prompt is right more often. A "
                "lower off-codebook mass only shows that the raters keep to the categories.",
            )
        tested = [
            (one, one.against_first, one.against_first.p_value.value)
            for one in self.results
            if one.against_first is not None and one.against_first.p_value.value is not None
        ]
        adjusted = holm([p for _, _, p in tested])
        found = tuple(
            _difference(one, test, self.templates[0], p, len(tested))
            for (one, test, _), p in zip(tested, adjusted, strict=True)
            if p <= _LEVEL
        )
        nothing = (
            "No prompt is shown to be right more or less often than the first "
            f"({self.templates[0]}): every difference may be due to chance.",
        )
        return (
            *(found or nothing),
            *_above_nowhere(self),
            "Choosing a prompt by these gold labels uses them up: the accuracy shown here for the "
            "chosen one is then likely too high. Use other gold labels for the final figure.",
        )


def compare_prompts(
    labels: Mapping[tuple[str, str], Mapping[str, Sequence[Label]]],
    *,
    variables: Sequence[Variable],
    gold: Mapping[str, CategoryArray],
    messages: tuple[str, ...] = (),
) -> PromptComparison:
    """Compare the labels that raters gave to the same items under several templates.

    Args:
        labels: (rater, template) -> variable -> one label per item.
        variables: the variables that were asked.
        gold: variable -> gold category of each item, -1 without one; may lack variables.
        messages: what was detected, and what you should know.
    """
    raters = tuple(dict.fromkeys(rater for rater, _ in labels))
    templates = tuple(dict.fromkeys(template for _, template in labels))
    # A non-answer is nothing that a model could get right, under whichever template.
    asked = {
        name: np.array([not is_without_answer(one.reason) for one in column], dtype=np.bool_)
        for name, column in labels[raters[0], templates[0]].items()
    }
    known = {
        name: np.where(asked[name], found, -1).astype(np.int16)
        for name, found in gold.items()
        if (asked[name] & (found >= 0)).any()
    }
    results = [
        _result(labels, rater, variable, template, templates[0], known.get(variable.name))
        for variable in variables
        for rater in raters
        for template in templates
    ]
    baselines = (
        _baseline(variable, known[variable.name])
        for variable in variables
        if variable.name in known
    )
    items = max(map(len, asked.values()))
    return PromptComparison(templates, items, tuple(results), tuple(baselines), messages)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number.

    Source: Holm (1979), a simple sequentially rejective multiple test procedure.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _result(
    labels: Mapping[tuple[str, str], Mapping[str, Sequence[Label]]],
    rater: str,
    variable: Variable,
    template: str,
    first: str,
    gold: CategoryArray | None,
) -> PromptResult:
    given = labels[rater, template][variable.name]
    found = _categories(given)
    asked = np.array([not is_without_answer(label.reason) for label in given], dtype=np.bool_)
    masses = [one.off_codebook_mass for one in given if one.off_codebook_mass is not None]
    before = _categories(labels[rater, first][variable.name])
    both = (found >= 0) & (before >= 0)
    accuracy = against = None
    if gold is not None:
        has_gold = gold >= 0
        accuracy = _share(np.count_nonzero(has_gold & (found == gold)), has_gold.sum())
        if template != first:
            against = compare_accuracy(_wrong(before), second=_wrong(found), gold=gold)
    return PromptResult(
        rater,
        variable.name,
        template,
        items=int(asked.sum()),
        without_category=int(np.count_nonzero(asked & (found < 0))),
        median_off_codebook_mass=float(np.median(masses)) if masses else None,
        same_as_first=None
        if template == first or not both.any()
        else _share(np.count_nonzero(both & (found == before)), both.sum()),
        accuracy=accuracy,
        against_first=against,
    )


def _categories(labels: Sequence[Label]) -> CategoryArray:
    return np.array(
        [-1 if label.category is None else label.category for label in labels], dtype=np.int16
    )


def _wrong(found: CategoryArray) -> CategoryArray:
    """Replace a missing category by one that no variable has, so that it counts as wrong."""
    return np.where(found < 0, np.iinfo(np.int16).max, found).astype(np.int16)


def _share(count: int | np.integer, items: int | np.integer) -> Share:
    interval = exact_interval(int(count), items=int(items))
    return Share(int(count), int(items), int(count) / int(items), interval.low, interval.high)


def _baseline(variable: Variable, gold: CategoryArray) -> PromptBaseline:
    counts = np.bincount(gold[gold >= 0], minlength=len(variable.answers))
    most = int(counts.argmax())
    return PromptBaseline(variable.name, variable.answers[most], _share(counts[most], counts.sum()))


def _difference(
    result: PromptResult, test: PairedComparison, first: str, p: float, tests: int
) -> str:
    more = "more" if test.only_second > test.only_first else "less"
    adjusted = f", adjusted for {counted(tests, 'test')}" if tests > 1 else ""
    return (
        f"{result.rater} is right {more} often on {result.variable} with {result.template} than "
        f"with {first} (exact McNemar test, p = {p:.2g}{adjusted})."
    )


def _above_nowhere(found: PromptComparison) -> tuple[str, ...]:
    """Report the variables on which no rater beats the most frequent category."""
    sentences = []
    for baseline in found.baselines:
        reached = [
            one.accuracy.value
            for one in found.results
            if one.variable == baseline.variable and one.accuracy is not None
        ]
        if max(reached) <= baseline.accuracy.value:
            sentences.append(
                f'On {baseline.variable}, always answering "{baseline.category}" would be right at '
                "least as often as every rater under every prompt."
            )
    return tuple(sentences)

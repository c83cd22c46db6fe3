"""What raters say about one text, as a notebook holds it: a DataFrame, a short page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localensemble.api.ask import Asked, AskedVariable, AskOptions
from localensemble.api.ask import ask as asked
from localensemble.api.notebook import fragments
from localensemble.api.notebook.given import (
    GivenCodebook,
    GivenPath,
    GivenRaters,
    codebook_given,
    ensemble_given,
    table_given_if_any,
)
from localensemble.core.estimates import number
from localensemble.core.options import fitting

if TYPE_CHECKING:
    import pandas as pd

_OFF_CODEBOOK = "(off-codebook mass)"


@dataclass(frozen=True, slots=True, eq=False)
class AskedText:
    """What every rater says about one text; the text itself is not kept.

    A notebook shows a table of probabilities and the consensus for each variable.

    Attributes:
        asked: all the numbers, as frozen values.
    """

    asked: Asked

    @property
    def messages(self) -> tuple[str, ...]:
        """What was detected, and what you should know, in sentences."""
        return self.asked.messages

    @property
    def sentences(self) -> tuple[str, ...]:
        """The consensus on each variable, and whether it would be accepted."""
        return tuple(f"{one.variable.name}: {one.consensus_line}" for one in self.asked.variables)

    def table(self) -> pd.DataFrame:
        """Return one row for each variable, rater and category, the most probable first.

        Returns:
            ``variable``, ``rater``, ``category``, ``status``, ``reason`` string; ``probability``
            float64, summing to 1 over the categories of a rater; ``off_codebook_mass`` float64.
            A rater that could not be asked has one row, with its reason and without a category.
        """
        import pandas as pd

        rows = [
            (
                variable.variable.name,
                rater.name,
                category,
                probability,
                rater.label.off_codebook_mass,
                str(rater.label.status),
                rater.label.reason,
            )
            for variable in self.asked.variables
            for rater in variable.raters
            for category, probability in rater.ranked(variable.variable) or ((None, None),)
        ]
        dtypes = {
            "variable": "string",
            "rater": "string",
            "category": "string",
            "probability": "float64",
            "off_codebook_mass": "float64",
            "status": "string",
            "reason": "string",
        }
        return pd.DataFrame(rows, columns=list(dtypes), dtype=object).astype(dtypes)

    def own_words(self) -> pd.DataFrame:
        """Return what each model writes when it is not bound to the categories.

        Returns:
            ``variable``, ``rater``, ``own_words`` string; missing if not asked for, or if the
            rater cannot write. It may repeat the text.
        """
        import pandas as pd

        rows = [
            (variable.variable.name, rater.name, rater.own_words)
            for variable in self.asked.variables
            for rater in variable.raters
        ]
        return pd.DataFrame(rows, columns=["variable", "rater", "own_words"], dtype="string")

    def __repr__(self) -> str:
        return "\n".join((self._title, *self.sentences))

    def _repr_html_(self) -> str:
        parts = [fragments.heading(self._title)]
        for one in self.asked.variables:
            raters = [rater.name for rater in one.raters]
            parts.append(fragments.table((one.variable.name, *raters), _rows(one)))
            parts.append(fragments.paragraphs((*one.unlabeled_sentences, one.consensus_line)))
        return "".join((*parts, fragments.notes(self.messages)))

    @property
    def _title(self) -> str:
        item = self.asked.item_id
        return "One text" if item is None else f"Item {item}"


def _rows(one: AskedVariable) -> list[tuple[str, ...]]:
    given = [dict(rater.ranked(one.variable)) for rater in one.raters]
    masses = [rater.label.off_codebook_mass for rater in one.raters]
    return [
        *(
            (category, *(_cell(found.get(category)) for found in given))
            for category in one.ranked_categories
        ),
        (_OFF_CODEBOOK, *map(_cell, masses)),
    ]


def _cell(value: float | None) -> str:
    return "" if value is None else number(value)


def ask(
    text: str | None = None,
    *,
    codebook: GivenCodebook,
    raters: GivenRaters | None = None,
    ensemble: Mapping[str, Any] | GivenPath | None = None,
    demo_models: bool = False,
    items: pd.DataFrame | GivenPath | None = None,
    item_id: str | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
    own_words: bool = False,
    threads: int | None = None,
) -> AskedText:
    """Show what every rater says about one text; record and write nothing.

    Prompts are evaluated one at a time, so the probabilities are those that ``label`` records
    with ``strict=True``.

    Args:
        text: the text; None takes an item of ``items``.
        codebook: as in ``label``.
        raters: as in ``label``.
        ensemble: as in ``label``.
        demo_models: as in ``label``.
        items: a DataFrame or the path of a table that holds the text.
        item_id: the id of the item in ``items``.
        id_column: of ``items``; None guesses it by name.
        text_column: of ``items``; None guesses it by name, then by length.
        own_words: also let each model write what it would say, up to 40 tokens; it may repeat
            the text.
        threads: processor threads per model; None takes all cores.

    Returns:
        The distribution of each rater, and the consensus under the ensemble's rules.

    Raises:
        InputError: the codebook, ensemble or table cannot be used, or there is no such item.
        EngineError: a model cannot be loaded, or fails.

    Undefined when: a rater gives no category; its status and reason say why.

    Example:
        >>> le.ask("The soup was cold.", codebook=codebook).table()
    """
    options = AskOptions(
        ensemble=ensemble_given(raters, ensemble),
        demo_models=demo_models,
        items=table_given_if_any(items, name="items"),
        item_id=item_id,
        id_column=id_column,
        text_column=text_column,
        own_words=own_words,
        threads=threads,
    )
    return AskedText(asked(text, codebook=codebook_given(codebook), options=fitting(options)))

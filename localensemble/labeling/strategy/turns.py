"""Which items of a run each rater is asked about: all of them, or those that a strategy names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.consensus.rules import DecisionRules
from localensemble.consensus.shares import log_probability_gaps
from localensemble.core.foreign_json import read_json
from localensemble.labeling.packing import Masks
from localensemble.labeling.scoring import is_asked
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import MISSING, ItemSetKey, RaterKey, VariableKey
from localensemble.strategies.asked_by_role import proposed_categories
from localensemble.strategies.protocol import AskingStrategy, EarlierLabels
from localensemble.study.strategy.recorded_strategy import RecordedStrategy
from localensemble.tables.item_file import ItemFile

_ITEMS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """What a strategy needs to know of a run.

    Attributes:
        strategy: the strategy.
        codebook: the codebook.
        rules: the rules that decide the study.
        raters: the names of all raters, in the order of their turns.
        item_set: the key of the items.
        variables: the key of each variable, by name.
        answering: bool (N,); whether a text answers something, so that a model is asked about it.
    """

    strategy: AskingStrategy
    codebook: Codebook
    rules: DecisionRules
    raters: tuple[str, ...]
    item_set: ItemSetKey
    variables: Mapping[str, VariableKey]
    answering: NDArray[np.bool_]

    def asked(self, reader: LedgerReader, *, before: Sequence[RaterKey]) -> Masks:
        """Return which items the next rater is asked about, for each variable: (N,).

        Items that answer nothing are among them: their labels say so, and cost nothing.

        Args:
            reader: the ledger, with all labels of the raters before.
            before: the raters that had their turn.
        """
        masks = {}
        for earlier in self._earlier(reader, before):
            mask = ~self.answering
            mask[self.answering] = self.strategy.asked(len(before), earlier)
            masks[self.variables[earlier.variable.name]] = mask
        return masks

    def proposed(
        self, reader: LedgerReader, *, before: Sequence[RaterKey]
    ) -> Mapping[str, NDArray[np.int16]]:
        """Return the categories that the next rater, a verifier, is asked about.

        Returns:
            Variable, by name -> int16 (N,), -1 where there is nothing to verify.
        """
        found = {}
        for earlier in self._earlier(reader, before):
            categories = np.full(len(self.answering), -1, dtype=np.int16)
            categories[self.answering] = proposed_categories(earlier)
            found[earlier.variable.name] = categories
        return found

    def _earlier(self, reader: LedgerReader, before: Sequence[RaterKey]) -> Iterator[EarlierLabels]:
        places = np.flatnonzero(self.answering)
        ids = reader.item_ids(self.item_set, start=0, stop=len(self.answering))
        item_ids = tuple(str(ids[place]) for place in places.tolist())
        for variable in self.codebook.variables:
            asked, categories, gaps = self._labels(reader, self.variables[variable.name], before)
            yield EarlierLabels(
                variable=variable,
                rules=self.rules,
                raters=self.raters,
                item_ids=item_ids,
                asked=asked[places],
                categories=categories[places],
                gaps=gaps[places],
            )

    def left_out(self, reader: LedgerReader, raters: Sequence[RaterKey]) -> dict[str, list[int]]:
        """Count for each variable, by name, the items that each rater has no label of."""
        return {
            name: [
                reader.label_counts(
                    self.item_set, variable=key, rater=rater, stop=len(self.answering)
                ).missing
                for rater in raters
            ]
            for name, key in self.variables.items()
        }

    def _labels(
        self, reader: LedgerReader, variable: VariableKey, raters: Sequence[RaterKey]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int16], NDArray[np.float64]]:
        shape = (len(self.answering), len(raters))
        asked = np.zeros(shape, dtype=np.bool_)
        categories = np.full(shape, -1, dtype=np.int16)
        gaps = np.full(shape, np.nan)
        for start in range(0, shape[0], _ITEMS_AT_ONCE):
            stop = min(start + _ITEMS_AT_ONCE, shape[0])
            block = reader.label_block(
                self.item_set,
                variable=variable,
                raters=raters,
                start=start,
                stop=stop,
                probabilities=True,
            )
            asked[start:stop] = block.status != MISSING
            categories[start:stop] = block.category
            if block.probabilities is not None:
                gaps[start:stop] = log_probability_gaps(block.probabilities)
        gaps[categories < 0] = np.nan
        return asked, categories, gaps


def answering_items(items: ItemFile, *, non_answers: NonAnswers, total: int) -> NDArray[np.bool_]:
    """Tell of each of the first items whether a model is asked about it at all: (N,)."""
    rows = (row.item for block in items.blocks(_ITEMS_AT_ONCE) for row in block)
    found = (is_asked(item, non_answers) for item in islice(rows, total))
    return np.fromiter(found, np.bool_, total)


def recorded_strategy(
    chosen: AskingStrategy | None, rules: DecisionRules
) -> RecordedStrategy | None:
    """Return what a run record keeps of a strategy; None without one."""
    if chosen is None:
        return None
    settings = {name: read_json(text) for name, text in chosen.settings}
    return RecordedStrategy(chosen.name, settings, rules.content)

"""Which labels changed when the sentences with signs of prompt injection were left out.

A run asks its raters again about suspected texts, and keeps in its summary which labels changed:
as positions in an item set, so that the ledger forgets a withdrawn item here, too. A run that is
killed loses what it kept, and the next one asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from localensemble.core.identity import JsonValue
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import ItemSetKey, RaterKey, VariableKey

_ASKED = "asked_without_signs"
_POSITIONS = 4096

RaterVariable = tuple[RaterKey, VariableKey]


@dataclass(frozen=True, slots=True)
class LabelsWithoutSigns:
    """What all runs of a ledger found when they asked again.

    Attributes:
        asked: rater -> sha256 of the texts that it was asked about again.
        changed: rater and variable -> sha256 of the texts whose label changed.
    """

    asked: Mapping[RaterKey, frozenset[str]]
    changed: Mapping[RaterVariable, frozenset[str]]


class AskedAgain:
    """What the raters of one run said when they were asked again."""

    def __init__(self, item_set: ItemSetKey) -> None:
        self._item_set = item_set
        self._asked: dict[RaterKey, list[int]] = {}
        self._changed: dict[RaterVariable, list[int]] = {}

    def add(
        self,
        rater: RaterKey,
        *,
        asked: Sequence[int],
        changed: Mapping[VariableKey, Sequence[int]],
    ) -> None:
        """Keep the positions of texts that a rater was asked about again, and of those changed."""
        self._asked.setdefault(rater, []).extend(asked)
        for variable, positions in changed.items():
            self._changed.setdefault((rater, variable), []).extend(positions)

    def as_json(self) -> dict[str, JsonValue]:
        """Return it as a run's summary keeps it; empty if nobody was asked again."""
        kept: list[JsonValue] = [
            {
                "rater": rater,
                "item_set": self._item_set,
                "asked": [*asked],
                "changed": [
                    {"variable": variable, "items": [*positions]}
                    for (of, variable), positions in self._changed.items()
                    if of == rater and positions
                ],
            }
            for rater, asked in self._asked.items()
            if asked
        ]
        return {_ASKED: kept} if kept else {}


def labels_without_signs(reader: LedgerReader) -> LabelsWithoutSigns:
    """Collect what all runs of a ledger, finished or not, found when they asked again."""
    asked: dict[RaterKey, set[str]] = {}
    changed: dict[RaterVariable, set[str]] = {}
    for run in reader.runs():
        for kept in cast(Mapping[str, Any], run.summary or {}).get(_ASKED, ()):
            rater, item_set = RaterKey(kept["rater"]), ItemSetKey(kept["item_set"])
            hashes = _hashes(reader, item_set, kept["asked"])
            asked.setdefault(rater, set()).update(hashes.values())
            for one in kept["changed"]:
                key = (rater, VariableKey(one["variable"]))
                changed.setdefault(key, set()).update(hashes[place] for place in one["items"])
    return LabelsWithoutSigns(
        {rater: frozenset(texts) for rater, texts in asked.items()},
        {key: frozenset(texts) for key, texts in changed.items()},
    )


def _hashes(
    reader: LedgerReader, item_set: ItemSetKey, positions: Iterable[int]
) -> Mapping[int, str]:
    """Return position -> sha256 of the text there; reads each stretch of the item set once."""
    stretches: dict[int, list[int]] = {}
    for position in positions:
        stretches.setdefault(position // _POSITIONS, []).append(position)
    found = {}
    for number, within in stretches.items():
        start = number * _POSITIONS
        hashes = reader.item_hashes(item_set, start=start, stop=start + _POSITIONS)
        found.update({position: hashes[position - start][1] for position in within})
    return found

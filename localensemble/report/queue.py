"""Collect the most doubtful items with their texts, for a report that may show texts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from localensemble.core.items import ItemRow
from localensemble.exports.rows import DecidedStudy, queue_order, variable_row
from localensemble.study.study_labels import BLOCK_ITEMS

MOST_QUEUED = 200
"""Number of items whose texts a report shows; not every browser opens a page of thousands."""


@dataclass(frozen=True, slots=True)
class OpenVariable:
    """A variable of an item that a person must decide, with each rater's label."""

    name: str
    reasons: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """An escalated item with its text and its open variables; ``text`` is confidential."""

    item_id: str
    variables: tuple[OpenVariable, ...]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ItemQueue:
    """The most doubtful escalated items, and the number of all escalated items."""

    shown: tuple[QueuedItem, ...]
    total: int


def item_queue(study: DecidedStudy, *, most: int = MOST_QUEUED) -> ItemQueue:
    """Collect the most doubtful escalated items with their full texts."""
    order = queue_order(study.decisions, study.finals)
    open_variables: dict[int, list[int]] = {}
    for item, place in zip(order.items.tolist(), order.variables.tolist(), strict=True):
        open_variables.setdefault(item, []).append(place)
    chosen = dict(itertools.islice(open_variables.items(), most))
    rows = _rows(study, set(chosen))
    shown = tuple(
        QueuedItem(
            item_id=str(rows[item].item.id),
            variables=tuple(_open_variable(study, item, place) for place in places),
            text=rows[item].item.text,
        )
        for item, places in chosen.items()
    )
    return ItemQueue(shown, len(open_variables))


def _open_variable(study: DecidedStudy, item: int, place: int) -> OpenVariable:
    decision = variable_row(study, place, item=item)
    return OpenVariable(
        decision.variable,
        decision.reasons,
        tuple((one.rater, one.word) for one in decision.raters),
    )


def _rows(study: DecidedStudy, wanted: set[int]) -> dict[int, ItemRow]:
    return {
        row.item.position: row
        for block in study.items.blocks(BLOCK_ITEMS)
        for row in block
        if row.item.position in wanted
    }

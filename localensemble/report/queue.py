"""Collect the most doubtful items with their texts, for a report that may show texts."""

from __future__ import annotations

from dataclasses import dataclass, field

from localensemble.core.items import ItemRow
from localensemble.exports.rows import DecidedStudy, queue_order, variable_row
from localensemble.study.study_labels import BLOCK_ITEMS

MOST_QUEUED = 200
"""Number of items whose texts a report shows; not every browser opens a page of thousands."""


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """An escalated item with its text and each rater's label; ``text`` is confidential."""

    item_id: str
    variable: str
    reasons: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ItemQueue:
    """The most doubtful escalated items, and the number of all escalated items."""

    shown: tuple[QueuedItem, ...]
    total: int


def item_queue(study: DecidedStudy, *, most: int = MOST_QUEUED) -> ItemQueue:
    """Collect the most doubtful escalated items with their full texts."""
    order = queue_order(study.decisions)
    chosen = list(zip(order.items[:most].tolist(), order.variables[:most].tolist(), strict=True))
    rows = _rows(study, {item for item, _ in chosen})
    shown = []
    for item, place in chosen:
        decision = variable_row(study.labels, study.decisions[place], item=item)
        shown.append(
            QueuedItem(
                item_id=str(rows[item].item.id),
                variable=decision.variable,
                reasons=decision.reasons,
                labels=tuple((one.rater, one.word) for one in decision.raters),
                text=rows[item].item.text,
            )
        )
    return ItemQueue(tuple(shown), len(order.items))


def _rows(study: DecidedStudy, wanted: set[int]) -> dict[int, ItemRow]:
    return {
        row.item.position: row
        for block in study.items.blocks(BLOCK_ITEMS)
        for row in block
        if row.item.position in wanted
    }

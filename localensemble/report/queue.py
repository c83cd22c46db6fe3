"""The most doubtful items with their texts, for a report that is told to show texts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from localensemble.core.items import ItemRow
from localensemble.report.tables import StudyTables
from localensemble.study.study_labels import BLOCK_ITEMS

MOST_QUEUED = 200
"""Items whose texts a report shows; a page of thousands would not open everywhere."""


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """An escalated item: its text and what each rater said; ``text`` is confidential."""

    item_id: str
    variable: str
    reasons: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ItemQueue:
    """The most doubtful escalated items, and how many there are in all."""

    shown: tuple[QueuedItem, ...]
    total: int


def item_queue(study: StudyTables, *, most: int = MOST_QUEUED) -> ItemQueue:
    """Gather the most doubtful escalated items, with their texts uncut."""
    waiting = [
        (-float(decided.doubt[item]), int(item), place)
        for place, decided in enumerate(study.decisions)
        for item in np.flatnonzero(decided.escalated)
    ]
    chosen = sorted(waiting)[:most]
    wanted = {item for _, item, _ in chosen}
    rows = _rows(study, wanted)
    shown = []
    for _, item, place in chosen:
        decided = study.decisions[place]
        said = study.labels.given_labels(decided.variable, start=item, stop=item + 1).words[0]
        shown.append(
            QueuedItem(
                item_id=str(rows[item].item.id),
                variable=decided.variable.name,
                reasons=decided.reasons(item),
                labels=tuple(zip(study.labels.rater_names, said, strict=True)),
                text=rows[item].item.text,
            )
        )
    return ItemQueue(tuple(shown), len(waiting))


def _rows(study: StudyTables, wanted: set[int]) -> dict[int, ItemRow]:
    return {
        row.item.position: row
        for block in study.items.blocks(BLOCK_ITEMS)
        for row in block
        if row.item.position in wanted
    }

"""Collect the most doubtful items with their texts, for a report that may show texts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from localensemble.core.items import Item, ItemRow
from localensemble.core.marked_text import TextPart, marked_parts
from localensemble.exports.rows import DecidedStudy, queue_order, variable_row
from localensemble.findings.topics.quoted_passages import Quoted, quoted_passages
from localensemble.study.study_labels import BLOCK_ITEMS

MOST_QUEUED = 200
"""Number of items whose texts a report shows; not every browser opens a page of thousands."""


@dataclass(frozen=True, slots=True)
class OpenVariable:
    """A variable of an item that a person must decide, with each rater's label and quotes."""

    name: str
    reasons: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    quotes: tuple[tuple[str, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """An escalated item with its open variables and its text, which is confidential.

    ``parts`` are the text, marked where a rater quoted it.
    """

    item_id: str
    variables: tuple[OpenVariable, ...]
    parts: tuple[TextPart, ...] = field(repr=False)


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
    shown = tuple(_queued(study, rows[item].item, places) for item, places in chosen.items())
    return ItemQueue(shown, len(open_variables))


def _queued(study: DecidedStudy, item: Item, places: Sequence[int]) -> QueuedItem:
    quoted = quoted_passages(study.labels, item.position)
    variables = tuple(_open_variable(study, item, place, quoted) for place in places)
    marked = (
        (one.start, one.stop)
        for variable in variables
        for passages in quoted.get(variable.name, ())
        for one in passages
    )
    return QueuedItem(str(item.id), variables, marked_parts(item.text, marked))


def _open_variable(study: DecidedStudy, item: Item, place: int, quoted: Quoted) -> OpenVariable:
    decision = variable_row(study, place, item=item.position)
    passages = quoted.get(decision.variable) or ((),) * len(decision.raters)
    return OpenVariable(
        decision.variable,
        decision.reasons,
        tuple((one.rater, one.word) for one in decision.raters),
        tuple(tuple(item.text[one.start : one.stop] for one in column) for column in passages),
    )


def _rows(study: DecidedStudy, wanted: set[int]) -> dict[int, ItemRow]:
    return {
        row.item.position: row
        for block in study.items.blocks(BLOCK_ITEMS)
        for row in block
        if row.item.position in wanted
    }

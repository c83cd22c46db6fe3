"""How long a rater takes per item, measured on a few items before the run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.items import Item
from localensemble.core.prompts import Layout
from localensemble.engines.protocol import Engine
from localensemble.labeling.category_orders import in_all_orders
from localensemble.labeling.layout import layout_for
from localensemble.labeling.scoring import NO_NON_ANSWERS, Questions, is_asked, label_block
from localensemble.prompting.template import PromptTemplate
from localensemble.tables.item_file import ItemFile

_ROWS = 1_024


@dataclass(frozen=True, slots=True)
class Speed:
    """The measured speed of a rater.

    Attributes:
        layout: layout of the prompts it was given.
        items: number of items it was measured on.
        seconds_an_item: mean seconds per item, for all variables together.
        peak_memory_bytes: the most memory its process held; 0 if unknown.
    """

    layout: Layout
    items: int
    seconds_an_item: float
    peak_memory_bytes: int


def spread_items(
    table: ItemFile, *, count: int, non_answers: NonAnswers = NO_NON_ANSWERS
) -> tuple[Item, ...]:
    """Take ``count`` items at equal distances, so that a sorted table does not mislead.

    Takes only items that a model is asked about: no blank texts, and none of the non-answers.
    There are fewer if the table has not as many.
    """
    asked = sum(1 for _ in _asked(table, non_answers))
    step = max(1, asked // count)
    return tuple(islice(_asked(table, non_answers), 0, step * count, step))


def _asked(table: ItemFile, non_answers: NonAnswers) -> Iterator[Item]:
    rows = (row.item for block in table.blocks(_ROWS) for row in block)
    return (item for item in rows if is_asked(item, non_answers))


def measure_speed(
    engine: Engine,
    table: ItemFile,
    *,
    items: tuple[Item, ...],
    codebook: Codebook,
    template: PromptTemplate,
    layout: Layout | None,
    orders: int = 1,
) -> Speed:
    """Label a few items and keep only the time.

    The first item is labeled twice, because what is computed once per run would weigh too much.
    """
    asked = in_all_orders(codebook.variables, at_most=orders)
    chosen = layout_for(engine, table, variables=asked, template=template, layout=layout)
    questions = Questions(codebook.variables, template, chosen, orders=orders)
    label_block(engine, items[:1], questions=questions)
    started = time.perf_counter()
    label_block(engine, items, questions=questions)
    seconds = time.perf_counter() - started
    return Speed(
        layout=chosen,
        items=len(items),
        seconds_an_item=seconds / len(items),
        peak_memory_bytes=engine.usage().peak_memory_bytes,
    )

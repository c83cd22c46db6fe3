"""Choose a prompt layout by token counts, when the ensemble file says ``auto``.

Codebook first spends an item's tokens once per variable; item first spends them once, but
spends the codebook text of every variable once per item.
"""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.codebook.model import Variable
from localensemble.core.items import Item
from localensemble.core.prompts import Layout
from localensemble.engines.protocol import Engine
from localensemble.prompting.template import PromptTemplate
from localensemble.tables.item_file import ItemFile

# Always the same first items, so that a run with a limit or a resumed run chooses alike.
_ITEMS_THAT_CHOOSE = 256


def layout_for(
    engine: Engine,
    items: ItemFile,
    *,
    variables: Sequence[Variable],
    template: PromptTemplate,
    layout: Layout | None,
) -> Layout:
    """Return the stated layout, or choose one from the first items of the file.

    A variable that is asked in several category orders counts once for each.
    """
    if layout is not None:
        return layout
    first = [row.item for row in next(items.blocks(_ITEMS_THAT_CHOOSE))]
    return choose_layout(engine, first, variables=variables, template=template)


def choose_layout(
    engine: Engine,
    items: Sequence[Item],
    *,
    variables: Sequence[Variable],
    template: PromptTemplate,
) -> Layout:
    """Choose the layout with which the model computes fewer tokens on these items."""
    if len(variables) == 1 or not items:
        return "codebook_first"
    item_tokens = sum(engine.count_tokens([item.text for item in items])) / len(items)
    per_item: dict[Layout, float] = {}
    for layout in ("codebook_first", "item_first"):
        after = sum(
            sum(engine.count_tokens(_after_the_item(template, variable, layout)))
            for variable in variables
        )
        repeats = len(variables) if layout == "codebook_first" else 1
        per_item[layout] = repeats * item_tokens + after
    if per_item["item_first"] < per_item["codebook_first"]:
        return "item_first"
    return "codebook_first"


def _after_the_item(template: PromptTemplate, variable: Variable, layout: Layout) -> list[str]:
    messages = template.render(variable, "", layout=layout).messages
    segments = [segment for message in messages for segment in message.segments]
    place = next(i for i, segment in enumerate(segments) if segment.origin == "item")
    return [segment.text for segment in segments[place + 1 :]]

"""Choose the readout of a rater by how much of its probability falls outside the codebook.

Needs no gold: it tells whether a rater answers the question at all, not whether it is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import EngineCrashedError
from localensemble.core.items import Item
from localensemble.core.prompts import Layout, Readout
from localensemble.engines.protocol import Engine, Scores
from localensemble.labeling.layout import choose_layout
from localensemble.labeling.scoring import Questions, is_asked
from localensemble.labeling.speed import spread_items
from localensemble.prompting.template import PromptTemplate
from localensemble.study.chosen_readout import ReadoutChoice, ReadoutMeasure
from localensemble.tables.item_file import ItemFile

ITEMS_THAT_CHOOSE = 32
# The readout `name` is kept unless another leaves less than this outside the codebook.
_CLOSE = 0.05


def items_that_choose(table: ItemFile, codebook: Codebook) -> tuple[Item, ...]:
    """Return the items of a table that a readout is chosen on; none if no model is asked."""
    non_answers = NonAnswers.of(codebook.no_answer)
    return spread_items(table, count=ITEMS_THAT_CHOOSE, non_answers=non_answers)


def choose_readout(
    engine: Engine,
    items: Sequence[Item],
    *,
    rater: str,
    codebook: Codebook,
    template: PromptTemplate,
    layout: Layout | None,
    readouts: Sequence[Readout],
    model_sha256: str = "",
) -> ReadoutChoice:
    """Measure readouts on a few items and choose the one with the least off-codebook mass.

    ``name`` is chosen if its median is within .05 of the least.

    Args:
        layout: None lets token counts on these items choose for each readout.
        readouts: those to choose from, at least one.
        model_sha256: kept with the choice.

    Raises:
        InputError: the template has no texts for one of the readouts.
    """
    measures = tuple(
        _measured(engine, items, codebook, template.reading(readout), layout)
        for readout in readouts
    )
    best = min(measures, key=lambda one: one.off_codebook_mass)
    named = next((one for one in measures if one.readout == "name"), best)
    if named.off_codebook_mass <= best.off_codebook_mass + _CLOSE:
        best = named
    return ReadoutChoice(
        rater=rater,
        readout=best.readout,
        items=len(items),
        measures=measures,
        model_sha256=model_sha256,
        template_sha256=template.content_sha256,
    )


def rater_template(
    engine: Engine,
    items: Sequence[Item],
    *,
    rater: str,
    codebook: Codebook,
    template: PromptTemplate,
    layout: Layout | None,
    readouts: Sequence[Readout],
) -> PromptTemplate:
    """Return the template of a rater outside a study.

    Args:
        items: those to choose a readout on, if there are several.
        readouts: none if the ensemble file states none, several if it says ``auto``.
    """
    if len(readouts) > 1:
        choice = choose_readout(
            engine,
            items,
            rater=rater,
            codebook=codebook,
            template=template,
            layout=layout,
            readouts=readouts,
        )
        return template.reading(choice.readout)
    return template.reading(readouts[0]) if readouts else template


def measure_readout(
    engine: Engine, items: Sequence[Item], *, questions: Questions
) -> ReadoutMeasure:
    """Ask about some items and report how much falls outside the codebook.

    Args:
        questions: their template has the readout; one that states none is read by name.
    """
    template = questions.template
    answers = [template.answers(variable) for variable in questions.variables]
    found: list[Scores] = []
    asked = [item for item in items if is_asked(item, questions.non_answers)]
    template.prepare(item.text for item in asked)
    for item in asked:
        prompts = [
            template.render(variable, item.text, layout=questions.layout)
            for variable in questions.variables
        ]
        try:
            results = engine.score(prompts, answers)
        except EngineCrashedError:
            # Labeling finds out whether this item or the machine is at fault.
            continue
        found.extend(result for result in results if isinstance(result, Scores))
    masses = [result.off_codebook_mass for result in found]
    inside = sum(1.0 - mass for mass in masses)
    others = sum(result.other_spellings for result in found)
    return ReadoutMeasure(
        readout=template.readout or "name",
        off_codebook_mass=float(np.median(masses)) if masses else 1.0,
        other_spellings=min(1.0, others / inside) if inside > 0 else 0.0,
        scored=len(found),
    )


def _measured(
    engine: Engine,
    items: Sequence[Item],
    codebook: Codebook,
    template: PromptTemplate,
    layout: Layout | None,
) -> ReadoutMeasure:
    variables = codebook.variables
    chosen = layout or choose_layout(engine, items, variables=variables, template=template)
    questions = Questions(variables, template, chosen, NonAnswers.of(codebook.no_answer))
    return measure_readout(engine, items, questions=questions)

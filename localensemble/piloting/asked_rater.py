"""Ask one rater everything that a pilot needs to know, with its model loaded once.

The items are asked about in the order of the codebook and again with the categories in reverse
order; then come a few texts without content. Nothing is recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook, Variable
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.labels import ItemId, Label, RaterName
from localensemble.core.prompts import Layout, Readout
from localensemble.core.raters import RaterIdentity
from localensemble.engines.protocol import Engine
from localensemble.labeling.category_orders import in_all_orders
from localensemble.labeling.codebook_room import refuse_long_codebook
from localensemble.labeling.layout import layout_for
from localensemble.labeling.rater_identity import rater_identity
from localensemble.labeling.readout_choice import choose_readout, items_that_choose
from localensemble.labeling.scoring import NO_NON_ANSWERS, Questions, label_block
from localensemble.prompting.template import PromptTemplate
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.unfit_signs import outside_codebook
from localensemble.tables.item_file import ItemFile

# Texts that say nothing about any variable, as in Zhao et al. (2021), arXiv 2102.09690.
CONTENT_FREE_TEXTS = ("N/A", "...", "[text]")

# Few enough to show progress with a slow model.
_ITEMS_AT_ONCE = 16
# Each readout evaluates every prompt by itself.
_ITEMS_A_READOUT = 16

Labels = Mapping[str, tuple[Label, ...]]


@dataclass(frozen=True, slots=True)
class AskedRater:
    """What one rater said.

    Attributes:
        name: the name of the rater.
        identity: the identity under which `label` would record its labels.
        labels: variable -> its labels on the items of the pilot.
        turned: the same with the categories shown in reverse order; a label's category and
            probabilities are in the order of the codebook all the same.
        content_free: variable -> its labels on texts without content.
        seconds_an_item: mean seconds per item, for all variables together.
        chosen_readout: the readout chosen for it, if the ensemble file leaves the choice.
        other_readouts: a comparison of the readouts, if it states none and answers outside the
            codebook.
    """

    name: RaterName
    identity: RaterIdentity
    labels: Labels
    turned: Labels
    content_free: Labels
    seconds_an_item: float
    chosen_readout: ReadoutChoice | None = None
    other_readouts: ReadoutChoice | None = None


@dataclass(frozen=True, slots=True)
class Readouts:
    """How a rater can be asked.

    Attributes:
        stated: the readout that it states; none if it states none, several if it leaves the
            choice.
        offered: those that its engine offers.
    """

    stated: tuple[Readout, ...] = ()
    offered: tuple[Readout, ...] = ("name",)


def ask_rater(
    engine: Engine,
    *,
    name: RaterName,
    items: Sequence[Item],
    table: ItemFile,
    codebook: Codebook,
    template: PromptTemplate,
    layout: Layout | None,
    limit: float,
    orders: int = 1,
    readouts: Readouts = Readouts(),
    on_progress: Callable[[float], None] = lambda items_done: None,
) -> AskedRater:
    """Ask a rater about the items, in both orders of the categories, and about content-free texts.

    Args:
        engine: the loaded model; the caller closes it.
        name: the name of the rater.
        items: the items of the pilot.
        table: the whole table; its first items decide on the layout, as in `label`.
        codebook: the codebook.
        template: the prompt template.
        layout: None if each rater chooses.
        orders: the most category orders that each label is an average over, as in `label`.
        limit: the off-codebook mass beyond which an item counts as answered outside.
        readouts: how the rater can be asked.
        on_progress: called now and then with the number of items done; one that was asked about
            in one order only counts half.

    Raises:
        InputError: the rater's context cannot hold the codebook.
        EngineError: the engine fails on every item.
    """
    variables = codebook.variables
    choice = None
    if len(readouts.stated) > 1:
        choice = choose_readout(
            engine,
            items_that_choose(table, codebook),
            rater=name,
            codebook=codebook,
            template=template,
            layout=layout,
            readouts=readouts.stated,
        )
        template = template.reading(choice.readout)
    elif readouts.stated:
        template = template.reading(readouts.stated[0])
    refuse_long_codebook(engine, rater=name, variables=variables, template=template, layout=layout)
    asked = in_all_orders(variables, at_most=orders)
    layout = layout_for(engine, table, variables=asked, template=template, layout=layout)
    non_answers = NonAnswers.of(codebook.no_answer)
    questions = Questions(
        variables, template, layout, non_answers, orders, deidentified=table.shown_sha256
    )
    # The first item is labeled twice: what is computed once per run would weigh too much.
    label_block(engine, items[:1], questions=questions)
    labels, seconds = _labels(engine, items, questions, lambda done: on_progress(done / 2))
    turned = replace(questions, variables=tuple(map(_turned, variables)))
    half = len(items)
    found, _ = _labels(engine, items, turned, lambda done: on_progress((half + done) / 2))
    nothing = [
        Item(ItemId(f"content-free-{place}"), text, place)
        for place, text in enumerate(CONTENT_FREE_TEXTS)
    ]
    other = None
    if not readouts.stated and _is_outside(labels, limit):
        other = _other_readouts(engine, name, items, codebook, template, layout, readouts.offered)
    without_content = replace(questions, non_answers=NO_NON_ANSWERS)
    return AskedRater(
        name=name,
        identity=rater_identity(engine, questions),
        labels=labels,
        turned={of: tuple(map(_turned_back, given)) for of, given in found.items()},
        content_free=label_block(engine, nothing, questions=without_content),
        seconds_an_item=seconds / max(len(items), 1),
        chosen_readout=choice,
        other_readouts=other,
    )


def _labels(
    engine: Engine, items: Sequence[Item], questions: Questions, on_done: Callable[[int], None]
) -> tuple[Labels, float]:
    """Label the items a few at a time; return the labels, and how many seconds they took."""
    found: dict[str, tuple[Label, ...]] = {one.name: () for one in questions.variables}
    started = time.perf_counter()
    for start in range(0, len(items), _ITEMS_AT_ONCE):
        few = items[start : start + _ITEMS_AT_ONCE]
        for variable, labels in label_block(engine, few, questions=questions).items():
            found[variable] += labels
        on_done(start + len(few))
    return found, time.perf_counter() - started


def _is_outside(labels: Labels, limit: float) -> bool:
    """Tell whether a rater answers outside the codebook on nearly all items of a variable."""
    return any(
        outside_codebook(off_codebook_masses(given), limit=limit).nearly_always
        for given in labels.values()
    )


def _other_readouts(
    engine: Engine,
    name: RaterName,
    items: Sequence[Item],
    codebook: Codebook,
    template: PromptTemplate,
    layout: Layout,
    offered: Sequence[Readout],
) -> ReadoutChoice | None:
    """Compare the readouts that the engine offers on a few of the items."""
    if len(offered) < 2:
        return None
    few = items[:: max(1, len(items) // _ITEMS_A_READOUT)]
    try:
        return choose_readout(
            engine,
            few,
            rater=name,
            codebook=codebook,
            template=template,
            layout=layout,
            readouts=offered,
        )
    except InputError:  # A template of the user's own need not have texts for every readout.
        return None


def off_codebook_masses(labels: Sequence[Label]) -> NDArray[np.float64]:
    """Return the off-codebook mass of each label, NaN where unknown."""
    unknown = np.nan
    masses = [one.off_codebook_mass for one in labels]
    return np.array([unknown if one is None else one for one in masses], dtype=np.float64)


def _turned(variable: Variable) -> Variable:
    return replace(variable, categories=variable.categories[::-1])


def _turned_back(label: Label) -> Label:
    if label.probabilities is None:
        return label
    last = len(label.probabilities) - 1
    category = None if label.category is None else last - label.category
    return replace(label, category=category, probabilities=label.probabilities[::-1])

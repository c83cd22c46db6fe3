"""Settle the readout of every rater before a run: what a study chose once is not chosen again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from localensemble.core.items import Item
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.readout_choice import choose_readout, items_that_choose
from localensemble.ledger.read import LedgerReader
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.run_record import recorded_readouts


def settle_readouts(
    plan: LabelingPlan,
    *,
    reader: LedgerReader,
    on_choice: Callable[[ReadoutChoice], None] = lambda choice: None,
) -> LabelingPlan:
    """Choose a readout for each rater that leaves the choice to the program.

    A choice that the ledger has holds for the same model and prompt template: another readout
    would make another rater, and its labels would be made again.

    Args:
        plan: the plan of the run.
        reader: the ledger of the study.
        on_choice: called with each choice, new or recorded.

    Raises:
        EngineError: a model cannot be loaded or fails.
        InputError: the prompt template has no texts for a readout.
    """
    recorded = recorded_readouts(reader)
    items: tuple[Item, ...] = ()
    if any(len(named.readouts) > 1 for named in plan.engines):
        items = items_that_choose(plan.items, plan.codebook)
    engines: list[NamedEngine] = []
    choices: list[ReadoutChoice] = []
    for named in plan.engines:
        settled = named
        if len(named.readouts) > 1:
            choice = recorded.get(named.name)
            asked = named.model_sha256, plan.template.content_sha256
            if choice is None or not choice.holds_for(*asked):
                choice = _choose(named, plan, items) if items else None
            # Without an item to ask about there is nothing to choose by, or to record.
            if choice is not None:
                on_choice(choice)
                choices.append(choice)
            settled = replace(named, readouts=(choice.readout if choice else named.readouts[0],))
        engines.append(settled)
    return replace(plan, engines=tuple(engines), chosen_readouts=tuple(choices))


def _choose(named: NamedEngine, plan: LabelingPlan, items: Sequence[Item]) -> ReadoutChoice:
    engine = named.load()
    try:
        return choose_readout(
            engine,
            items,
            rater=named.name,
            codebook=plan.shown,
            template=plan.template,
            layout=plan.layout,
            readouts=named.readouts,
            model_sha256=named.model_sha256,
        )
    finally:
        engine.close()

"""Estimate the memory and time of a run in advance, and advise what to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localensemble.api.before_a_run.default_ensemble import choose_ensemble
from localensemble.api.before_a_run.verifiers import verifier_names
from localensemble.api.deidentified.rater_texts import load_for_raters
from localensemble.api.label import LabelOptions
from localensemble.api.prepared_raters import (
    PreparedRater,
    RaterNeed,
    RaterOptions,
    advice,
    gibibytes,
    locate_rater,
    prepare_raters,
)
from localensemble.api.prompt.prompt_for_raters import prompt_for_raters
from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers, unlisted_sentences
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.labels import RaterName
from localensemble.core.words import counted, listed
from localensemble.labeling.codebook_room import refuse_long_codebook
from localensemble.labeling.ensemble import Ensemble
from localensemble.labeling.loaded_prompt import LoadedPrompt
from localensemble.labeling.readout_choice import rater_template
from localensemble.labeling.speed import Speed, measure_speed, spread_items
from localensemble.tables.item_file import ItemFile

__all__ = ["RaterEstimate", "RunEstimate", "advice", "estimate", "gibibytes"]

_ITEMS_MEASURED = 8


@dataclass(frozen=True, slots=True)
class RaterEstimate:
    """The memory and time that one rater needs.

    Attributes:
        name: the rater.
        need: its memory.
        speed: its speed; None if its model was not loaded, because it does not fit or verifies.
        speed_if_shared: its speed if all texts got the same shots; None if they do, or if the
            model was not loaded.
        verifies: whether it only confirms what others propose; then its memory alone is known.
    """

    name: RaterName
    need: RaterNeed
    speed: Speed | None
    speed_if_shared: Speed | None = None
    verifies: bool = False


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """The memory and time that a whole run needs; its raters work one after another."""

    item_count: int
    raters: tuple[RaterEstimate, ...]
    messages: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether every rater's model fits in memory, as far as is known."""
        return all(rater.need.fits for rater in self.raters)

    @property
    def seconds(self) -> float | None:
        """Seconds to label all items, without verifiers; None if a rater could not be measured."""
        total = 0.0
        for rater in self.raters:
            if rater.verifies:
                continue
            if rater.speed is None:
                return None
            total += rater.speed.seconds_an_item * self.item_count
        return total


def estimate(
    items: Path,
    *,
    codebook: Path,
    options: LabelOptions | None = None,
    on_rater: Callable[[RaterName], None] = lambda name: None,
) -> RunEstimate:
    """Estimate each rater's memory, and its time from labeling a few items; keep no labels.

    A model that does not fit is not loaded.

    Args:
        items: the table of items.
        codebook: the codebook file.
        options: options of the run.
        on_rater: called with the name of each rater before it is measured.

    Raises:
        InputError: a file cannot be used, or the codebook alone exceeds a rater's context.
        EngineError: a model cannot be loaded.
    """
    options = options or LabelOptions()
    texts, questions = load_for_raters(codebook)
    chosen = choose_ensemble(options, codebook=questions)
    ensemble = chosen.ensemble
    models = [locate_rater(rater, folder=ensemble.folder) for rater in ensemble.raters]
    table = texts.table(
        ItemFile.open(items, id_column=options.id_column, text_column=options.text_column)
    )
    prompt = prompt_for_raters(ensemble, questions, table, texts=texts, threads=options.threads)
    raters = prepare_raters(
        ensemble,
        models,
        codebook=prompt.codebook,
        template=prompt.template,
        options=RaterOptions(options.mode, options.threads),
    )
    few = _few_items(table, questions)
    # Once for all raters, so it is no part of what a rater takes.
    prompt.template.prepare(item.text for item in few)
    found = []
    verifiers = verifier_names(ensemble)
    for rater in raters:
        if rater.name in verifiers:
            found.append(RaterEstimate(rater.name, rater.need, None, verifies=True))
        elif rater.need.fits:
            on_rater(rater.name)
            found.append(_measured(rater, few, table, prompt, ensemble))
        else:
            found.append(RaterEstimate(rater.name, rater.need, None))
    placements = tuple(rater.message for rater in raters if rater.message)
    count = min(table.item_count, options.limit or table.item_count)
    unlisted = unlisted_sentences(table.doubtful_texts, prompt.codebook.no_answer)
    messages = (
        *chosen.messages,
        *table.messages,
        *unlisted,
        *placements,
        *prompt.messages,
        *_not_every_item(ensemble, verifiers),
    )
    return RunEstimate(count, tuple(found), messages)


def _not_every_item(ensemble: Ensemble, verifiers: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the times do not show, if raters are not asked about every item."""
    found = []
    if verifiers:
        found.append(
            f"Time not measured: {listed(verifiers)}. How long a verifier takes depends on how "
            "many categories the others propose."
        )
    if ensemble.strategy is not None:
        found.append(
            "The times are those of labeling every item. With the strategy "
            f"{ensemble.strategy.name}, some raters are asked about fewer."
        )
    return tuple(found)


def _measured(
    rater: PreparedRater,
    few: tuple[Item, ...],
    table: ItemFile,
    prompt: LoadedPrompt,
    ensemble: Ensemble,
) -> RaterEstimate:
    """Load a rater and measure it, a second time as if all texts got the same shots."""
    layout, shown = ensemble.layout, prompt.codebook
    shared = prompt.shots.as_if_shared(shown, few[0].text)
    engine = rater.engine.load()
    try:
        own = rater_template(
            engine,
            few,
            rater=rater.name,
            codebook=shown,
            template=prompt.template,
            layout=layout,
            readouts=rater.readouts,
        )
        refuse_long_codebook(
            engine, rater=rater.name, variables=shown.variables, template=own, layout=layout
        )
        speeds = [
            measure_speed(
                engine,
                table,
                items=few,
                codebook=codebook,
                template=template,
                layout=layout,
                orders=ensemble.orders,
            )
            for codebook, template in ((shown, own), (shared, own.with_shots(None)))
            if codebook is not None
        ]
    finally:
        engine.close()
    own_speed, *others = speeds
    return RaterEstimate(rater.name, rater.need, own_speed, others[0] if others else None)


def _few_items(table: ItemFile, codebook: Codebook) -> tuple[Item, ...]:
    """Take a few of the items that a model would be asked about.

    Raises:
        InputError: there are none.
    """
    non_answers = NonAnswers.of(codebook.no_answer)
    few = spread_items(table, count=_ITEMS_MEASURED, non_answers=non_answers)
    if not few:
        raise InputError(
            f"{table.path.name}: no model would be asked about any of its "
            f"{counted(table.item_count, 'item')}: all texts are blank or answer nothing.",
            hint="Check the text column, or `no_answer` in the codebook.",
        )
    return few

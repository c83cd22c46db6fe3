"""Label a random sample of a study's items again with its raters; write nothing.

Items are packed with those they were packed with, because that decides the digits (decision 0013).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import numpy as np
from numpy.typing import NDArray

from localensemble.api.deidentified.rater_texts import RaterTexts
from localensemble.api.replay.compared_labels import (
    DifferentLabel,
    Replay,
    ReplayedRater,
    ReplayVerdict,
    Tally,
)
from localensemble.api.replay.known_changes import (
    changed_conditions,
    changed_machine,
    changed_program,
)
from localensemble.api.replay.recorded_raters import RecordedRater, recorded_raters
from localensemble.api.shared_options import RecordedEnsembleFile
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.labels import Label, RaterName
from localensemble.core.options import Option
from localensemble.core.random_draw import random_draw
from localensemble.core.words import counted
from localensemble.engines.protocol import Engine
from localensemble.labeling.kept_labels import labels_of
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.placed_items import PlacedItems
from localensemble.labeling.rater_identity import rater_identity
from localensemble.labeling.scoring import LabeledCells, label_missing
from localensemble.labeling.verification import Answers
from localensemble.ledger.read_blocks import AppendedBlock
from localensemble.ledger.records import BlockPlace, RaterKey, RunKey
from localensemble.strategies.named_strategies import strategy_named
from localensemble.study.folder import StudyFolder
from localensemble.study.run_record import RunSettings
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

__all__ = [
    "DifferentLabel",
    "Replay",
    "ReplayOptions",
    "ReplayVerdict",
    "ReplayedRater",
    "replay_study",
]

USUAL_SAMPLE = 50
USUAL_TOLERANCE = 0.001


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Options of `replay_study`; every option has a default.

    Attributes:
        sample: how many items to draw; if there are fewer, all are drawn.
        seed: the same seed draws the same items.
        tolerance: the largest difference of a probability that counts as nothing.
        ensemble: the ensemble file of the study; None finds the models by their hashes.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        deidentify: the codebook by which the texts were de-identified; None if they were not.
        threads: processor threads per model; None uses all cores.
    """

    sample: Annotated[int, Option("How many items to label again.", least=1)] = USUAL_SAMPLE
    seed: Annotated[int, Option("Another seed draws other items.")] = 1
    tolerance: Annotated[
        float, Option("The largest difference of a probability that is within tolerance.", least=0)
    ] = USUAL_TOLERANCE
    ensemble: RecordedEnsembleFile = None
    id_column: IdColumn = None
    text_column: TextColumn = None
    deidentify: Annotated[
        Path | None,
        Option(
            "The codebook with the patterns by which the texts were de-identified.",
            "--deidentify",
            metavar="CODEBOOK",
        ),
    ] = None
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


def replay_study(
    study: Path,
    *,
    items: TableSource,
    options: ReplayOptions = ReplayOptions(),
    on_rater: Callable[[RaterName], None] = lambda name: None,
) -> Replay:
    """Label a random sample of items again with every rater, and compare; write nothing.

    Args:
        study: the study folder.
        items: the table that was labeled.
        options: how many items, and how to find the raters.
        on_rater: called with the name of each rater before its model loads.

    Raises:
        InputError: the table is not the one labeled, or a rater cannot be made again.
        EngineError: a model cannot be loaded, or fails.
        LedgerError: there is no finished run, or the ledger was changed.
    """
    with Study.open(study) as loaded:
        # A table is given, so these are not only ids.
        table = cast(
            ItemFile,
            items_of(loaded, items, id_column=options.id_column, text_column=options.text_column),
        )
        texts = _rater_texts(loaded, options.deidentify)
        table = texts.table(table)
        raters = recorded_raters(
            loaded,
            items=table,
            texts=texts,
            ensemble=options.ensemble,
            threads=options.threads,
        )
        positions = _drawn(loaded.items, options)
        runs = {
            run.key: RunSettings.from_json(run.settings) for run in loaded.recorded.reader.runs()
        }
        machine = changed_machine(StudyFolder(study))
        replayed = []
        for key, rater in zip(loaded.labeled.rater_keys, raters, strict=True):
            on_rater(rater.prepared.name)
            again = _Again(loaded, table, key, rater, runs, machine, options.tolerance)
            replayed.append(again.compare(positions))
        count = loaded.labeled.item_count
        return Replay(len(positions), count, options.tolerance, tuple(replayed))


def _rater_texts(loaded: Study, by: Path | None) -> RaterTexts:
    """Return how the raters of a study were shown the texts."""
    recorded = loaded.run.settings.deidentified
    if recorded is not None and by is None:
        raise InputError(
            "The raters of this study were shown de-identified texts, and a study keeps only the "
            "hashes of patterns.",
            hint="Give the codebook that it was labeled with: --deidentify codebook.yaml.",
        )
    if recorded is None and by is not None:
        raise InputError(
            "The raters of this study were shown the texts as they are.",
            hint="Leave out --deidentify.",
        )
    return RaterTexts() if by is None else RaterTexts.of(load_codebook(by))


def _drawn(ids: Sequence[str], options: ReplayOptions) -> tuple[int, ...]:
    """Return the positions of the drawn items, in order."""
    draws = (
        (random_draw(one, seed=options.seed, purpose="replay"), position)
        for position, one in enumerate(ids)
    )
    return tuple(sorted(place for _, place in heapq.nsmallest(options.sample, draws)))


# A label, by its position in the item set and its variable.
_Cell = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Again:
    """Label again with one rater."""

    loaded: Study
    table: ItemFile
    key: RaterKey
    rater: RecordedRater
    runs: Mapping[RunKey, RunSettings]
    machine: tuple[str, ...]
    tolerance: float

    def compare(self, positions: Sequence[int]) -> ReplayedRater:
        recorded, blocks = self._recorded(positions)
        packed, apart = self._packings(recorded, blocks)
        name = self.rater.prepared.name
        engine = self.rater.prepared.engine.load()
        try:
            now = rater_identity(engine, self.rater.questions)
            again: dict[_Cell, Label] = {}
            items = PlacedItems(self.table)
            for place in sorted(packed):
                again |= self._labeled(engine, place, items.at(place), packed[place])
        finally:
            engine.close()
        tally = Tally(self.tolerance)
        ids, answers = self.loaded.labeled.item_ids, self._answers
        for cell, label in recorded.items():
            position, variable = cell
            tally.add(ids[position], variable, answers[variable], recorded=label, again=again[cell])
        made_by = [self.runs[run] for run in dict.fromkeys(one.run for one in blocks.values())]
        return ReplayedRater(
            str(name),
            tally.equal,
            tally.within_tolerance,
            tuple(tally.different),
            tally.largest,
            (
                *changed_conditions(self.rater.identity, now),
                *changed_program(made_by, rater=str(name), origin=self.rater.prepared.origin),
                *self.machine,
                *_packed_apart(apart),
            ),
        )

    @property
    def _answers(self) -> Mapping[str, tuple[str, ...]]:
        return {one.name: one.answers for one in self.loaded.codebook.variables}

    def _recorded(
        self, positions: Sequence[int]
    ) -> tuple[Mapping[_Cell, Label], Mapping[_Cell, AppendedBlock]]:
        """Read the recorded labels at these positions, and under which block each is."""
        labels, blocks = {}, {}
        wanted = frozenset(positions)
        studied = self.loaded.labeled
        for start in sorted({one - one % BLOCK_SIZE for one in positions}):
            stop = min(start + BLOCK_SIZE, studied.item_count)
            for name, variable in studied.variable_keys.items():
                read = studied.reader.label_block(
                    studied.item_set,
                    variable=variable,
                    raters=(self.key,),
                    start=start,
                    stop=stop,
                    probabilities=True,
                )
                appended = studied.reader.blocks_of_labels(
                    studied.item_set, rater=self.key, variable=variable, start=start, stop=stop
                )
                for position, label in enumerate(labels_of(read), start):
                    if label is not None and position in wanted:
                        labels[position, name] = label
                        blocks[position, name] = appended[position]
        return labels, blocks

    def _packings(
        self, recorded: Mapping[_Cell, Label], blocks: Mapping[_Cell, AppendedBlock]
    ) -> tuple[Mapping[tuple[int, ...], Sequence[_Cell]], int]:
        """Return which labels to make with which items, and how many of them were made otherwise.

        Items are packed as they were, as far as the record tells and all of them are still there.
        """
        packed: dict[tuple[int, ...], list[_Cell]] = defaultdict(list)
        places: dict[BlockPlace, tuple[int, ...] | None] = {}
        apart = 0
        for cell in recorded:
            block = blocks[cell]
            if block.place not in places:
                places[block.place] = self.loaded.labeled.reader.positions_of(
                    block.place, item_set=self.loaded.labeled.item_set
                )
            together = places[block.place] if block.is_scored else None
            if together is None:
                apart += 1
                start = cell[0] - cell[0] % BLOCK_SIZE
                stop = min(start + BLOCK_SIZE, self.loaded.labeled.item_count)
                together = tuple(range(start, stop))
            packed[together].append(cell)
        return packed, apart

    def _labeled(
        self,
        engine: Engine,
        place: Sequence[int],
        items: Sequence[Item],
        wanted: Sequence[_Cell],
    ) -> Mapping[_Cell, Label]:
        """Make these labels of items that are packed together."""
        row = {position: number for number, position in enumerate(place)}
        missing = {name: np.zeros(len(place), dtype=np.bool_) for name in self._answers}
        for position, name in wanted:
            missing[name][row[position]] = True
        found: dict[_Cell, Label] = {}

        def keep(cells: LabeledCells, answers: Answers | None = None) -> None:
            for name, labels in cells.labels.items():
                found.update(((place[number], name), label) for number, label in labels.items())

        if self.rater.verifier is None:
            questions = self.rater.questions
            label_missing(
                engine,
                items,
                questions=questions,
                missing=missing,
                packed=self._computed_together(place),
                on_labels=keep,
            )
        else:
            self.rater.verifier.verify_missing(
                engine, items, positions=place, missing=missing, on_labels=keep
            )
        return found

    def _computed_together(self, place: Sequence[int]) -> Mapping[str, NDArray[np.bool_]] | None:
        """Mark the labels that were computed together at these positions; None if all were."""
        strategy = self.loaded.run.settings.strategy
        if strategy is None:
            return None
        named = strategy_named(strategy.name, settings=strategy.settings)
        if named.computes_whole_blocks:
            return None
        studied, start = self.loaded.labeled, min(place)
        missing = studied.reader.missing_labels(
            studied.item_set,
            rater=self.key,
            variables=tuple(studied.variable_keys.values()),
            start=start,
            stop=max(place) + 1,
        )
        at = np.array(place) - start
        return {name: ~missing[key][at] for name, key in studied.variable_keys.items()}


def _packed_apart(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    were = "was" if count == 1 else "were"
    return (
        f"{counted(count, 'label')} {were} computed together with other items than now, which "
        "changes digits: items were withdrawn or changed since, or the labels were kept when the "
        "codebook was corrected.",
    )

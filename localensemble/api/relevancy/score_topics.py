"""Ask the raters of a labeled study for passages, score them, and combine the raters by topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import numpy as np
from numpy.typing import NDArray

from localensemble.api.deidentified.rater_texts import RaterTexts
from localensemble.api.replay.recorded_raters import RecordedRater, recorded_raters
from localensemble.api.shared_options import RecordedEnsembleFile
from localensemble.catalog.located_models import locate_model
from localensemble.codebook.model import Variable
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.options import Option, fitting
from localensemble.core.words import listed
from localensemble.engines.registry import engine_kind
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.worker_engines import WorkerEmbedder
from localensemble.findings.topics.topic_findings import (
    TopicFindings,
    scored_topics,
    topic_findings,
    yes_or_no,
)
from localensemble.labeling.passages.ask_raters import Scoring, YesCells, ask_for_passages
from localensemble.labeling.passages.choose_passages import choosing_method
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import AskedForPassages, RaterKey
from localensemble.privacy.egress import guarded_launcher
from localensemble.strategies.relevancy.relevancy_score import cosines_to
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

__all__ = [
    "RelevancyOptions",
    "RelevancyProgress",
    "ScoredTopics",
    "TopicFindings",
    "score_topics",
]

_ROWS = 256


@dataclass(frozen=True, slots=True)
class RelevancyOptions:
    """Options of `score_topics`; every option has a default.

    Attributes:
        embedder: the model that turns passages and descriptions into vectors.
        ensemble: the ensemble file of the study; None finds the models by their hashes.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        threads: processor threads per model; None uses all cores.
    """

    embedder: Annotated[
        str,
        Option(
            "The model that compares quotes with definitions: a catalog name or a GGUF file.",
            metavar="MODEL",
        ),
    ] = ENCODER
    ensemble: RecordedEnsembleFile = None
    id_column: IdColumn = None
    text_column: TextColumn = None
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class RelevancyProgress:
    """How far one rater is: items done of those with something to quote."""

    rater: str
    done: int
    items: int


@dataclass(frozen=True, slots=True)
class ScoredTopics:
    """What was found on each topic, and what the user should know."""

    topics: tuple[TopicFindings, ...]
    messages: tuple[str, ...]


def score_topics(
    study: Path,
    *,
    items: TableSource,
    options: RelevancyOptions = RelevancyOptions(),
    on_progress: Callable[[RelevancyProgress], None] = lambda progress: None,
) -> ScoredTopics:
    """Record the passages behind every yes of a study, and combine the raters by topic.

    A topic is a variable with the categories yes and no. Run again, it asks only what is left.

    Args:
        study: the study folder.
        items: the table that was labeled.
        options: the embedder, and how to find the raters.
        on_progress: called as items are done.

    Raises:
        InputError: no variable is a topic, the table is not the one labeled, or a rater cannot
            be made again.
        ModelFileError: the embedder or a model is not on this machine.
        EngineError: a model cannot be loaded, or fails.
        LedgerError: there is no finished run, or the ledger was changed.
    """
    options = fitting(options)
    folder = StudyFolder.of(study)
    with Study.open(study) as loaded:
        topics = _topics(loaded.codebook.variables)
        _refuse_deidentified(loaded)
        _refuse_unasked(loaded, topics)
    embedder_file = locate_model(options.embedder, folder=Path())
    with open_ledger(folder, create=False) as ledger:
        loaded = Study.load(ledger.reader)
        table = cast(
            ItemFile,
            items_of(loaded, items, id_column=options.id_column, text_column=options.text_column),
        )
        raters = recorded_raters(
            loaded,
            items=table,
            texts=RaterTexts(),
            ensemble=options.ensemble,
            threads=options.threads,
        )
        quoting = tuple(one for one in raters if _can_quote(one, loaded))
        settings = EngineSettings(
            model_path=embedder_file.path, threads=options.threads, launcher=guarded_launcher()
        )
        method = choosing_method(embedder_sha256=embedder_file.sha256)
        with closing(WorkerEmbedder(settings)) as embedder:
            asking = _Asking(loaded, ledger, table, topics, method, _scoring(embedder, topics))
            for rater in quoting:
                asking.ask(rater, on_progress)
        found = topic_findings(scored_topics(loaded.recorded, loaded.codebook))
        silent = [str(one.prepared.name) for one in raters if one not in quoting]
    return ScoredTopics(found, _messages(silent, loaded))


def _topics(variables: Sequence[Variable]) -> tuple[Variable, ...]:
    topics = tuple(one for one in variables if one.yes is not None)
    if not topics:
        raise InputError(
            "No variable of this study is a topic: a binary variable with the categories yes and "
            f"no. Its variables: {listed([one.name for one in variables])}.",
            hint="Write the topics as one variable with `level: multi_label`; every category "
            "becomes a topic. Then label again.",
        )
    return topics


def _refuse_deidentified(loaded: Study) -> None:
    if loaded.run.settings.deidentified is not None:
        raise InputError(
            "Cannot ask for passages: the raters of this study were shown de-identified texts, so "
            "their quotes have other places in the texts of the table.",
            hint="De-identify the table first (`localensemble export --deidentify`), label it "
            "without `deidentify` in the codebook, and score that study.",
        )


def _refuse_unasked(loaded: Study, topics: Sequence[Variable]) -> None:
    """Refuse raters that labeled what others had left to them: their yes and no are no sample."""
    strategy = loaded.recorded.strategy
    if strategy is None:
        return
    apart = len(strategy.compared_raters(loaded.raters)) < len(loaded.raters)
    if apart or any(any(loaded.recorded.left_out(one.name)) for one in topics):
        raise InputError(
            f"Cannot combine the raters on topics: the strategy {strategy.name} did not ask every "
            "rater about every item, so scores and agreement would rest on selected items.",
            hint="Remove `strategy` and roles from the ensemble file, and label into another "
            "folder.",
        )


def _can_quote(rater: RecordedRater, loaded: Study) -> bool:
    return (
        str(rater.prepared.name) in loaded.raters
        and not engine_kind(rater.identity.engine).facts.without_prompt
    )


def _messages(silent: Sequence[str], loaded: Study) -> tuple[str, ...]:
    left_out = [name for name in silent if name in loaded.raters]
    if not left_out:
        return ()
    return (
        f"{listed(left_out)} cannot quote and counts in no topic: its engine shows the model the "
        "text without a question.",
    )


def _scoring(embedder: WorkerEmbedder, topics: Sequence[Variable]) -> Scoring:
    nothing = embedder.embed_nothing()

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        vectors, _ = embedder.embed([text or " " for text in texts])
        vectors = vectors.copy()
        vectors[[row for row, text in enumerate(texts) if not text]] = nothing
        return vectors

    return Scoring(
        embed,
        {
            topic.name: cosines_to(topic.yes.definition, [""], embedder=embed)[0]
            for topic in topics
            if topic.yes is not None
        },
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """Ask raters for what is missing of their passages."""

    loaded: Study
    ledger: Ledger
    table: ItemFile
    topics: tuple[Variable, ...]
    method: str
    scoring: Scoring

    def ask(self, rater: RecordedRater, on_progress: Callable[[RelevancyProgress], None]) -> None:
        name = str(rater.prepared.name)
        labels = self.loaded.recorded
        key = labels.rater_keys[labels.rater_names.index(name)]
        cells = self._cells(key, labels.rater_names.index(name))
        wanted = cells.positions
        if not len(wanted):
            return
        done = 0

        def count(items: int) -> None:
            nonlocal done
            done += items
            on_progress(RelevancyProgress(name, done, len(wanted)))

        on_progress(RelevancyProgress(name, 0, len(wanted)))
        with closing(rater.prepared.engine.load()) as engine:
            ask_for_passages(
                engine,
                self._items(frozenset(wanted.tolist())),
                topics=self.topics,
                cells=cells,
                ledger=self.ledger,
                scoring=self.scoring,
                on_items=count,
            )

    def _cells(self, key: RaterKey, column: int) -> YesCells:
        labels = self.loaded.recorded
        asked = {
            topic.name: AskedForPassages(
                key, labels.variable_keys[topic.name], labels.item_set, self.method
            )
            for topic in self.topics
        }
        is_yes = {topic.name: yes_or_no(labels, topic)[:, column] == 1 for topic in self.topics}
        missing = {}
        for name, mask in is_yes.items():
            known = self.ledger.reader.passages(asked[name], stop=labels.item_count)
            missing[name] = mask.copy()
            missing[name][list(known)] = False
        return YesCells(asked, is_yes, missing)

    def _items(self, wanted: frozenset[int]) -> Iterator[Item]:
        for rows in self.table.blocks(_ROWS):
            for row in rows:
                if row.item.position in wanted:
                    yield row.item

"""Train a probe from gold labels, to be a rater like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from localensemble.api.deidentified.rater_texts import load_for_raters
from localensemble.catalog.located_models import locate_model
from localensemble.codebook.checked import CodebookSource
from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text, sha256_words
from localensemble.core.options import Option
from localensemble.core.words import counted
from localensemble.engines.settings import EngineSettings
from localensemble.engines.worker.worker_engines import WorkerEmbedder
from localensemble.labeling.scoring import is_asked
from localensemble.privacy.egress import guarded_launcher
from localensemble.probes.probe import Probe, VariableProbe
from localensemble.probes.text_vector import mean_vector
from localensemble.probes.training import (
    LEAST_PER_CATEGORY,
    GoldTexts,
    assign_folds,
    refuse_few,
    train_variable,
    training_settings,
)
from localensemble.probes.word_features import WordFeatures
from localensemble.study.folder_files.kept_tables import keeping_previous
from localensemble.study.gold import GoldLabels, read_gold, shared_id_column
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

__all__ = ["LEAST_PER_CATEGORY", "ProbeOptions", "TrainedProbe", "TrainedVariable", "train_probe"]

_ROWS = 4096


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """Options of a training; every option has a default.

    Attributes:
        features: ``vectors`` of the encoder all-minilm-l6-v2, or ``words``.
        hold_out: the share of the texts with gold labels that is set aside, in [0, 1): a
            certificate may only use gold labels that no rater was trained on.
        least_per_category: the fewest gold labels of a category.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        threads: processor threads of the encoder; None uses all cores.
    """

    features: Annotated[
        Literal["vectors", "words"],
        Option("What the probe sees of a text: vectors of all-minilm-l6-v2, or its words."),
    ] = "vectors"
    hold_out: Annotated[
        float,
        Option("The share of the gold labels to set aside for certificates.", least=0, most=0.9),
    ] = 0.0
    least_per_category: Annotated[
        int, Option("The fewest gold labels that every category needs.", least=0)
    ] = LEAST_PER_CATEGORY
    id_column: IdColumn = None
    text_column: TextColumn = None
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class TrainedVariable:
    """What is known of a probe for one variable, from gold labels that it had not seen.

    Attributes:
        name: the variable.
        gold: number of gold labels.
        right: how many of them the probe gives to texts that it did not see.
        most_frequent: how many have the most frequent category.
        fewest: the category with the fewest gold labels, and their number.
    """

    name: str
    gold: int
    right: int
    most_frequent: int
    fewest: tuple[str, int]

    @property
    def interval(self) -> tuple[float, float]:
        """The exact 95 % interval of the accuracy, in [0, 1]."""
        found = binomtest(self.right, self.gold).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class TrainedProbe:
    """A trained probe, and what the user should know.

    Attributes:
        path: the file.
        variables: what is known of it, one entry per variable.
        texts: number of different texts that it was trained on.
        held_out: number of texts whose gold labels were set aside.
        messages: what was left out, in sentences.
    """

    path: Path
    variables: tuple[TrainedVariable, ...]
    texts: int
    held_out: int
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """The texts with gold labels, and the index of each one's gold category per variable."""

    texts: tuple[str, ...] = field(repr=False)
    codes: Mapping[str, NDArray[np.int16]]

    def only(self, rows: Sequence[int]) -> _Texts:
        return _Texts(
            tuple(self.texts[row] for row in rows),
            {name: codes[list(rows)] for name, codes in self.codes.items()},
        )


def train_probe(
    items: TableSource,
    *,
    gold: TableSource,
    codebook: CodebookSource,
    output: Path,
    options: ProbeOptions = ProbeOptions(),
) -> TrainedProbe:
    """Train a probe on the items that have gold labels, and write its file.

    Args:
        items: the table of items.
        gold: the table of gold labels; it can be the same.
        codebook: the codebook.
        output: the file to write; what a file of that name held is kept beside it.
        options: the features, the share to set aside, and columns.

    Raises:
        InputError: a table cannot be used, or a category has too few gold labels.
        EngineUnavailableError: scikit-learn or llama-cpp-python is not installed.
        ModelFileError: the encoder has not been pulled.
    """
    texts, questions = load_for_raters(codebook)
    # The probe must know the texts that it was trained on when it is shown them again.
    table = texts.table(
        ItemFile.open(items, id_column=options.id_column, text_column=options.text_column)
    )
    labels = _gold(table, gold, questions)
    given, left_out = _texts(table, labels, questions)
    held_out = _held_out(given, options.hold_out)
    used = given.only(
        [row for row, text in enumerate(given.texts) if sha256_words(text) not in held_out]
    )
    wanted = [_gold_texts(used, name, questions) for name in used.codes]
    refuse_few(wanted, least=options.least_per_category)
    messages = [*table.messages, *labels.messages, *left_out]
    encoder_sha256, words = "", None
    if options.features == "words":
        words = WordFeatures.of(used.texts)
        features = np.array([words.row(text) for text in used.texts])
    else:
        model = locate_model(ENCODER, folder=Path())
        encoder_sha256 = model.sha256
        rows, features = text_vectors(used.texts, model.path, options.threads)
        if len(rows) < len(used.texts):
            unknown = len(used.texts) - len(rows)
            messages.append(
                f"{counted(unknown, 'text')} left out: the encoder knows none of their words."
            )
            used = used.only(rows)
            wanted = [_gold_texts(used, name, questions) for name in used.codes]
            refuse_few(wanted, least=options.least_per_category)
    first = next(iter(used.codes.values()))
    folds = assign_folds(used.texts, first.tolist())
    fold_of = np.array([folds[sha256_words(text)] for text in used.texts], dtype=np.intp)
    trained = {one.variable: train_variable(features, one, fold_of) for one in wanted}
    probe = Probe(
        features=options.features,
        encoder_sha256=encoder_sha256,
        variables=trained,
        folds=folds,
        held_out=held_out,
        words=words,
        settings=training_settings(),
    )
    with keeping_previous(output) as kept:
        probe.write(output)
    return TrainedProbe(
        path=output,
        variables=tuple(_known_of(one, trained[one.variable], features, fold_of) for one in wanted),
        texts=len(folds),
        held_out=len(held_out),
        messages=(*messages, *kept),
    )


def _gold(table: ItemFile, gold: TableSource, codebook: Codebook) -> GoldLabels:
    ids = [row.item.id for block in table.blocks(_ROWS) for row in block]
    named = ",".join(table.id_columns) or None
    return read_gold(
        gold,
        codebook=codebook,
        item_ids=ids,
        id_column=shared_id_column(gold, named),
    )


def _texts(table: ItemFile, gold: GoldLabels, codebook: Codebook) -> tuple[_Texts, tuple[str, ...]]:
    """Read the texts that have a gold label and say something."""
    non_answers = NonAnswers.of(codebook.no_answer)
    texts: list[str] = []
    positions: list[int] = []
    silent = 0
    position = -1
    for block in table.blocks(_ROWS):
        for row in block:
            position += 1
            if not any(codes[position] >= 0 for codes in gold.categories.values()):
                continue
            if not is_asked(row.item, non_answers):
                silent += 1
                continue
            texts.append(row.item.text)
            positions.append(position)
    if not texts:
        raise InputError(
            "Cannot train a probe: no item with a text has a gold label.",
            hint="Check that --gold names the items of this table.",
        )
    left_out: tuple[str, ...] = ()
    if silent:
        left_out = (
            f"{counted(silent, 'item')} with a gold label left out: the text is blank or "
            "a non-answer.",
        )
    codes = {name: one[positions] for name, one in gold.categories.items()}
    return _Texts(tuple(texts), codes), left_out


def _held_out(given: _Texts, share: float) -> frozenset[str]:
    """Choose the texts to set aside by their hashes: as good as random, and always the same."""
    # The order differs from that of the folds.
    texts = set(map(sha256_words, given.texts))
    ordered = sorted(texts, key=lambda hashed: sha256_text(f"held out {hashed}"))
    return frozenset(ordered[: round(share * len(ordered))])


def _gold_texts(used: _Texts, variable: str, codebook: Codebook) -> GoldTexts:
    codes = used.codes[variable]
    rows = np.flatnonzero(codes >= 0)
    return GoldTexts(variable, codebook.variable(variable).answers, rows, codes[rows])


def text_vectors(
    texts: Sequence[str], path: Path, threads: int | None
) -> tuple[list[int], NDArray[np.float64]]:
    """Return the rows of the texts that have a vector, and their vectors."""
    embedder = WorkerEmbedder(
        EngineSettings(model_path=path, threads=threads, launcher=guarded_launcher())
    )
    try:
        parts = embedder.embed_parts(texts)
    finally:
        embedder.close()
    rows = [row for row, one in enumerate(parts) if one is not None]
    known = [one for one in parts if one is not None]
    width = known[0].shape[1] if known else 0
    vectors = np.array([mean_vector(one, width=width) for one in known])
    return rows, vectors


def _known_of(
    gold: GoldTexts, probe: VariableProbe, features: NDArray[np.float64], folds: NDArray[np.intp]
) -> TrainedVariable:
    right = sum(
        int(probe.log_probabilities(features[row], fold=int(folds[row])).argmax()) == int(code)
        for row, code in zip(gold.rows, gold.codes, strict=True)
    )
    counts = gold.counts
    fewest = min(range(len(counts)), key=counts.__getitem__)
    return TrainedVariable(
        name=gold.variable,
        gold=len(gold.codes),
        right=right,
        most_frequent=max(counts),
        fewest=(gold.categories[fewest], counts[fewest]),
    )

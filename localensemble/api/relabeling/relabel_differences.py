"""Compare a study with existing labels, and let other raters label again what differs.

The other raters label into a study of their own, so an interrupted run resumes, and everything
they said is recorded. The compared study is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from localensemble.api.deidentified.rater_texts import load_for_raters
from localensemble.api.label import LabelOptions, Progress, label
from localensemble.codebook.checked import CodebookSource
from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import InputError
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.options import Option, fitting
from localensemble.core.words import listed
from localensemble.findings.people.existing_comparison import existing_comparison
from localensemble.findings.strategy.relabeled_variable import RelabeledVariable
from localensemble.labeling.ensemble import EnsembleSource
from localensemble.strategies.relabeling import AskedAgain, Relabeled, asked_again
from localensemble.strategies.relabeling import relabel as decide
from localensemble.study.binding import identities
from localensemble.study.control_items import control_categories, read_control_items
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.delimited import (
    HeldTable,
    TableFormat,
    TableSource,
    path_of,
    write_table,
)
from localensemble.tables.item_columns import IdColumn, TextColumn
from localensemble.tables.item_file import ItemFile

__all__ = ["RelabelOptions", "Relabeling", "relabel_differences", "write_relabeled"]

_ROWS = 4096
_COLUMNS = ("variable", "existing", "study", "relabel", "majority", "audited")
Categories = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class RelabelOptions:
    """How disagreements are labeled again.

    Attributes:
        audit_share: share of the agreements that is labeled again as well.
        seed: another seed draws other agreements.
        id_column: column that identifies an item; None detects it.
        text_column: column that holds the text; None detects it.
        threads: processor threads per model; None uses all cores.
    """

    audit_share: Annotated[
        float,
        Option(
            "Share of the items with the same label in both to label again, too, drawn at random.",
            metavar="SHARE",
            least=0,
            most=1,
        ),
    ] = 0.0
    seed: Annotated[int, Option("Seed of the random draw.", least=0)] = 0
    id_column: IdColumn = None
    text_column: TextColumn = None
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class RelabeledItem:
    """One item and variable that the other raters were asked about; None: no category.

    Attributes:
        item: the id.
        variable: the name of the variable.
        existing: the existing label.
        study: the label of the study.
        relabel: the majority of the other raters.
        majority: the category with two of these three votes.
        audited: whether the two agree and the audit drew the item.
    """

    item: str
    variable: str
    existing: str
    study: str
    relabel: str | None
    majority: str | None
    audited: bool


@dataclass(frozen=True, slots=True)
class Relabeling:
    """What other raters made of the disagreements between a study and existing labels.

    Attributes:
        variables: one entry for each variable that has existing labels.
        items: one entry for each item and variable that they were asked about.
        raters: the other raters; empty if nothing differs and nothing was drawn.
        folder: the study folder with their labels.
        messages: what was left out or read in another spelling, and what to know.
    """

    variables: tuple[RelabeledVariable, ...]
    items: tuple[RelabeledItem, ...]
    raters: tuple[str, ...]
    folder: Path
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """One variable before the other raters label."""

    variable: Variable
    existing: Categories
    given: Categories
    asked: AskedAgain


def relabel_differences(
    study: Path,
    *,
    against: TableSource,
    items: TableSource,
    codebook: CodebookSource,
    ensemble: EnsembleSource,
    output: Path,
    options: RelabelOptions = RelabelOptions(),
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_message: Callable[[str], None] = lambda message: None,
) -> Relabeling:
    """Let other raters label the items on which a study and existing labels differ.

    After an interruption, run it again: labels that the other study has are not made again.

    Args:
        study: the study folder; it is only read.
        against: existing labels: ids and a column for each variable.
        items: the table that was labeled.
        codebook: the codebook of the study.
        ensemble: the other raters.
        output: the study folder of the other raters.
        options: the audit, and the columns of ``items``.
        on_progress: called with the progress of each rater.
        on_message: called with each sentence that the user should know, before a model loads.

    Raises:
        InputError: a table, the codebook or the ensemble cannot be used, the codebook is not that
            of the study, or ``output`` is the study itself.
        EngineError: a model cannot continue; labels made so far are kept.
    """
    fitting(options)
    if output.resolve() == study.resolve():
        raise InputError(
            f"Cannot label again into {output}: this is the study that is compared.",
            hint="Give another folder with -o; the other raters get a study of their own.",
        )
    with Study.open(study) as loaded:
        _refuse_other_codebook(codebook, loaded)
        ids = tuple(loaded.recorded.item_ids)
        compared, messages = _compared(loaded, against, ids, options)
        known = {one.model_sha256: name for name, one in identities(loaded.labeled).items()}
        table = items_of(
            loaded, items, id_column=options.id_column, text_column=options.text_column
        )
    wanted = np.zeros(len(ids), dtype=np.bool_)
    for one in compared:
        wanted |= one.asked.asked
    for message in messages:
        on_message(message)
    if not wanted.any():
        return _result(compared, {}, ids, output, (), messages)
    label(
        _subset(table, wanted, path=path_of(items)),
        codebook=codebook,
        study=output,
        options=LabelOptions(
            ensemble=ensemble, id_column="id", text_column="text", threads=options.threads
        ),
        on_progress=on_progress,
        on_message=on_message,
    )
    with Study.open(output) as other:
        again = {
            one.variable.name: _aligned(other.recorded.matrix(one.variable), wanted)
            for one in compared
        }
        raters = other.recorded.rater_names
        others = {name: one.model_sha256 for name, one in identities(other.recorded).items()}
    same = _same_models(known, others)
    for message in same:
        on_message(message)
    return _result(compared, again, ids, output, raters, (*messages, *same))


def write_relabeled(found: Relabeling, *, path: Path) -> None:
    """Write one row for each item and variable that was labeled again; no texts."""
    write_table(
        path,
        kept=("id",),
        added=_COLUMNS,
        rows=(
            (
                (one.item,),
                (
                    *(one.variable, one.existing, one.study, one.relabel or ""),
                    *(one.majority or "", "yes" if one.audited else "no"),
                ),
            )
            for one in found.items
        ),
    )


def _refuse_other_codebook(source: CodebookSource, loaded: Study) -> None:
    """Refuse a codebook that asks something else, or shows raters the texts in another way."""
    _, codebook = load_for_raters(source)
    if codebook.sha256 != loaded.codebook.sha256:
        raise InputError(
            f'The codebook is not that of the study: "{codebook.name}" version {codebook.version} '
            f'with hash {codebook.sha256[:12]}, expected "{loaded.codebook.name}" version '
            f"{loaded.codebook.version} with hash {loaded.codebook.sha256[:12]}.",
            hint="Give the codebook with which the study was labeled: -c.",
        )
    _refuse_shown_identifiers(codebook, loaded)


def _refuse_shown_identifiers(codebook: Codebook, loaded: Study) -> None:
    if loaded.run.settings.deidentified is not None and codebook.deidentify is None:
        raise InputError(
            "The study was labeled without identifiers, but the codebook does not say which ones "
            "to replace, so the other raters would see them.",
            hint="Put `deidentify` back into the codebook.",
        )


def _compared(
    loaded: Study, against: TableSource, ids: tuple[str, ...], options: RelabelOptions
) -> tuple[tuple[_Compared, ...], tuple[str, ...]]:
    """Read the existing labels, and find what differs on each variable that has some."""
    read = read_control_items(
        against, codebook=loaded.codebook, item_ids=frozenset(ids), what="existing labels"
    )
    existing = control_categories(read.labels, codebook=loaded.codebook, labels=loaded.recorded)
    found = []
    for decided in loaded.decide():
        labels = existing[decided.variable.name]
        if (labels == GAP).all():
            continue
        given = decided.final.astype(np.int16)
        asked = asked_again(
            labels,
            given=given,
            item_ids=ids,
            audit_share=options.audit_share,
            seed=options.seed,
        )
        found.append(_Compared(decided.variable, labels, given, asked))
    return tuple(found), read.messages


def _subset(table: ItemFile | IdsOnly, wanted: NDArray[np.bool_], *, path: Path) -> HeldTable:
    """Return the items to label again, as a table in memory."""
    rows = tuple(
        (str(row.item.id), row.item.text)
        for block in table.blocks(_ROWS)
        for row in block
        if row.item.position < len(wanted) and wanted[row.item.position]
    )
    return HeldTable(path, ("id", "text"), TableFormat(), values=rows)


def _aligned(labels: LabelMatrix, wanted: NDArray[np.bool_]) -> LabelMatrix:
    """Put the labels of the items that were labeled again in their places among all items."""
    indices = np.full((len(wanted), len(labels.raters)), GAP, dtype=np.int16)
    indices[wanted] = labels.indices
    return LabelMatrix(indices, labels.categories, labels.raters)


def _same_models(known: Mapping[str, str], others: Mapping[str, str]) -> tuple[str, ...]:
    """Warn of raters whose model labeled the study already; it would vote twice."""
    same = [name for name, sha256 in others.items() if sha256 in known]
    if not same:
        return ()
    return (
        f"{listed(same)}: the same model labeled the study, so the third vote repeats the second. "
        "Take other models.",
    )


def _result(
    compared: tuple[_Compared, ...],
    again: Mapping[str, LabelMatrix],
    ids: tuple[str, ...],
    output: Path,
    raters: tuple[str, ...],
    messages: tuple[str, ...],
) -> Relabeling:
    variables: list[RelabeledVariable] = []
    items: list[RelabeledItem] = []
    for one in compared:
        labels = again.get(one.variable.name)
        if labels is None:
            empty = np.full((len(ids), 0), GAP, dtype=np.int16)
            labels = LabelMatrix(empty, one.variable.answers, ())
        found = decide(one.existing, given=one.given, again=labels, asked=one.asked)
        comparison = existing_comparison(
            one.existing,
            study=one.given,
            people=found.relabels,
            categories=one.variable.answers,
        )
        drawn = int(np.count_nonzero(one.asked.audited))
        variables.append(RelabeledVariable(one.variable.name, comparison, drawn))
        items.extend(_items(one, found, ids))
    return Relabeling(tuple(variables), tuple(items), raters, output, messages)


def _items(one: _Compared, found: Relabeled, ids: tuple[str, ...]) -> Iterator[RelabeledItem]:
    names = (*one.variable.answers, None)  # -1, no category, is the last
    for place in np.flatnonzero(one.asked.asked).tolist():
        yield RelabeledItem(
            ids[place],
            one.variable.name,
            str(names[one.existing[place]]),
            str(names[one.given[place]]),
            names[found.relabels[place]],
            names[found.categories[place]],
            bool(one.asked.audited[place]),
        )

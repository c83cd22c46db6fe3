"""Export who said what as three CSV tables in a folder, for any program that computes agreement."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.core.files import reported_writing
from localensemble.core.label_matrix import GAP
from localensemble.exports.exported_study import ExportedStudy
from localensemble.study.people.current_decisions import people_matrix
from localensemble.tables.decimal_marks import number_text
from localensemble.tables.delimited import write_table

PERSON = "person"
ITEM_COLUMNS = ("variable", "label", "status", "origin")
PAIR_COLUMNS = (
    *("variable", "rater", "origin", "other_rater", "other_origin"),
    *("items", "agreed", "observed_agreement"),
)
RAW_COLUMNS = (
    *("variable", "rater", "origin", "status", "label", "probability"),
    *("role", "shown", "decided_at", "seconds", "confidence", "error_type"),
)


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write ``items.csv``, ``pairs.csv`` and ``raw.csv`` into a folder.

    A person's answers in ``items.csv`` and ``pairs.csv`` are the current ones, without
    adjudications; ``raw.csv`` has every decision that was ever recorded.
    """
    with reported_writing(path):
        path.mkdir(exist_ok=True)
    items, pairs, raw = (path / f"{name}.csv" for name in ("items", "pairs", "raw"))
    columns = (
        *ITEM_COLUMNS,
        *(f"rater.{name}" for name in study.raters),
        *(f"person.{name}" for name in study.reviewers),
    )
    write_table(items, kept=("id",), added=columns, rows=_items(study))
    write_table(pairs, kept=(), added=PAIR_COLUMNS, rows=_pairs(study))
    noted = (*RAW_COLUMNS, *(("note",) if study.with_texts else ()))
    write_table(raw, kept=("id",), added=noted, rows=_raw(study))
    return (items, pairs, raw)


def _items(study: ExportedStudy) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    reviewers = study.reviewers
    for item in study.items():
        for row, said in zip(item.variables, item.people, strict=True):
            words = {one.reviewer: one.word for one in said if one.role == "review"}
            yield (
                (item.id,),
                (
                    *(row.variable, row.label or "", row.status, row.origin or ""),
                    *(one.word for one in row.raters),
                    *(words.get(name, "") for name in reviewers),
                ),
            )


def _pairs(study: ExportedStudy) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    origin = study.decided.consensus_origin
    for variable in study.codebook.variables:
        columns = [*_columns(study, variable, origin)]
        for (name, own, first), (other, others, second) in itertools.combinations(columns, 2):
            both = (first != GAP) & (second != GAP)
            count, agreed = int(both.sum()), int((first[both] == second[both]).sum())
            share = number_text(agreed / count if count else None, mark=".")
            counts = (str(count), str(agreed), share)
            yield (), (variable.name, name, own, other, others, *counts)


def _columns(
    study: ExportedStudy, variable: Variable, origin: str
) -> Iterator[tuple[str, str, NDArray[np.int16]]]:
    """Yield each rater and person with the categories they gave."""
    labels = study.decided.labels
    matrix = labels.matrix(variable)
    for column, name in enumerate(matrix.raters):
        yield name, origin, matrix.indices[:, column]
    people = people_matrix(
        labels.reader.person_decisions(labels.item_set, labels.variable_keys[variable.name]),
        variable=variable,
        reviewers=labels.reader.reviewers(),
        item_count=study.item_count,
    )
    for column, name in enumerate(people.raters):
        yield name, PERSON, people.indices[:, column]


def _raw(study: ExportedStudy) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    note = ("",) if study.with_texts else ()
    origin = study.decided.consensus_origin
    for item in study.items():
        for row in item.variables:
            for one in row.raters:
                probability = number_text(one.probability, mark=".")
                facts = (one.state, one.category or "", probability, *("",) * 6)
                yield (item.id,), (row.variable, one.rater, origin, *facts, *note)
    yield from _decisions(study)


def _decisions(study: ExportedStudy) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    labels = study.decided.labels
    names = {one.key: one.name for one in labels.reader.reviewers()}
    for variable in study.codebook.variables:
        key = labels.variable_keys[variable.name]
        for one in labels.reader.decision_notes(labels.item_set, key):
            if one.position >= study.item_count:
                continue
            category = "" if one.category is None else variable.answers[one.category]
            confidence = "" if one.confidence is None else str(one.confidence)
            facts = (
                *("assigned" if category else one.kind, category, ""),
                *(one.role, one.shown, one.decided_at, number_text(one.seconds, mark=".")),
                *(confidence, one.error_type or ""),
            )
            note = (study.shown_note(one.note or ""),) if study.with_texts else ()
            item_id = str(labels.item_ids[one.position])
            yield (item_id,), (variable.name, names[one.reviewer], PERSON, *facts, *note)

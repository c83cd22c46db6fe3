"""Lay a study out as one wide table with a row per item, in which numbers are numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from localensemble.exports.columns import FINAL_PARTS
from localensemble.exports.exported_study import ExportedItem, ExportedStudy
from localensemble.study.people.current_answers import PersonAnswer

ID, TEXT = "id", "text"
Cell = str | float | None


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column; ``is_own`` if its cells come from the user's table and stay as they are."""

    name: str
    kind: Literal["text", "number"]
    is_own: bool = False


def typed_columns(study: ExportedStudy) -> tuple[TypedColumn, ...]:
    """Return the columns: id, text if asked for, and per variable its label and evidence."""
    columns = [TypedColumn(ID, "text", is_own=True)]
    if study.with_texts:
        columns.append(TypedColumn(TEXT, "text", is_own=True))
    for variable in study.codebook.variables:
        name = variable.name
        columns += [TypedColumn(f"{name}.{part}", "text") for part in FINAL_PARTS]
        numbers = ("support", "mean_probability", "off_codebook_mass")
        columns += [TypedColumn(f"{name}.{part}", "number") for part in numbers]
        columns.append(TypedColumn(f"{name}.reason_codes", "text"))
        for rater in study.raters:
            columns.append(TypedColumn(f"{name}.rater.{rater}", "text"))
            columns.append(TypedColumn(f"{name}.probability.{rater}", "number"))
        columns += [TypedColumn(f"{name}.person.{who}", "text") for who in study.reviewers]
    return tuple(columns)


def typed_rows(study: ExportedStudy) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of each item in the order of `typed_columns`; None is an empty cell."""
    reviewers = study.reviewers
    for item in study.items():
        yield tuple(_cells(item, reviewers))


def _cells(item: ExportedItem, reviewers: tuple[str, ...]) -> Iterator[Cell]:
    yield item.id
    if item.text is not None:
        yield item.text
    for row, people in zip(item.variables, item.people, strict=True):
        yield from (row.label, row.status, row.origin)
        yield from (row.support, row.mean_probability, row.off_codebook_mass)
        yield " ".join(row.reason_codes) or None
        for label in row.raters:
            yield from (label.word, label.probability)
        for who in reviewers:
            yield _said(people, who)


def _said(people: tuple[PersonAnswer, ...], who: str) -> str | None:
    """Return what a person says; one who also settled an item says that last."""
    said = [one.word for one in people if one.reviewer == who]
    return said[-1] if said else None

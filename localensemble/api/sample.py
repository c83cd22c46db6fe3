"""Write a blind worksheet of a random sample, for people to label.

A worksheet has one row per item. It shows neither the raters' labels nor any other column of the
labeled table, such as gold labels in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.api.certificates.certify import variable_named
from localensemble.codebook.model import Codebook, Variable
from localensemble.consensus.certificates.sample_plan import items_to_check
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.random_draw import random_draw
from localensemble.findings.certificates.promises import USUAL_DELTA, accepted_by_rules
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.delimited import write_table
from localensemble.tables.item_file import ItemFile

_BLOCK_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class Sample:
    """A worksheet of drawn items.

    Attributes:
        path: the worksheet.
        drawn: number of items on it.
        item_count: number of items it was drawn from.
        codebook: the codebook of the study.
        checks: the variable whose certificate it checks; None for a sample of all items.
    """

    path: Path
    drawn: int
    item_count: int
    codebook: Codebook
    checks: str | None = None


def sample(
    study: Path,
    *,
    items: Path | None,
    count: int | None,
    seed: int,
    worksheet: Path,
    id_column: str | None = None,
    text_column: str | None = None,
    check_certificate: str | None = None,
) -> Sample:
    """Draw items at random and write a worksheet for people to label.

    The worksheet has the ids, the texts (if ``items`` is given) and an empty column
    ``gold_VARIABLE`` for each variable. Its rows are in random order, so whoever stops early
    has still labeled a random sample.

    Args:
        study: the study folder.
        items: the table that was labeled; the study does not keep the texts. Leave it out for
            a study that was imported without texts: people find the texts by their ids.
        count: how many items to draw; if there are fewer, all are drawn. None draws as many as
            a check of the certificate needs.
        seed: the same seed draws the same items; another seed draws others.
        worksheet: the file to write.
        id_column: column of ``items`` that identifies an item; None detects it.
        text_column: column of ``items`` that holds the text; None detects it.
        check_certificate: a variable; draw only from the items that its certificate accepts, and
            ask only about it.

    Raises:
        InputError: the worksheet already exists, the table is missing or is not the one
            that was labeled, or no certificate accepts labels of the variable.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    _refuse_existing(worksheet)
    with Study.open(study) as loaded:
        source = items_of(loaded, items, id_column=id_column, text_column=text_column)
        drawn_from = _drawn_from(loaded, check_certificate)
        variables = loaded.codebook.variables
        if check_certificate is not None:
            variables = (loaded.codebook.variable(check_certificate),)
    size = drawn_from.check if count is None else count
    drawn = heapq.nsmallest(
        size,
        (
            (random_draw(item.id, seed=seed, purpose="sample"), item)
            for item in _labeled_items(source, len(drawn_from.mask))
            if drawn_from.mask[item.position]
        ),
        key=lambda pair: (pair[0], pair[1].position),
    )
    _write(worksheet, [item for _, item in drawn], source=source, variables=variables)
    return Sample(
        worksheet,
        len(drawn),
        int(np.count_nonzero(drawn_from.mask)),
        loaded.codebook,
        check_certificate,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _DrawnFrom:
    """The items to draw from, bool (N,), and how many of them check a certificate."""

    mask: NDArray[np.bool_]
    check: int


def _drawn_from(loaded: Study, check_certificate: str | None) -> _DrawnFrom:
    if check_certificate is None:
        everything = np.ones(loaded.recorded.item_count, dtype=np.bool_)
        return _DrawnFrom(everything, len(everything))
    variable = variable_named(loaded.codebook, check_certificate)
    held = [one for one in loaded.rules.certificates if one.variable == variable.name]
    if not held:
        raise InputError(
            f'Cannot check a certificate for "{variable.name}": the study does not apply one.',
            hint="Apply one first: localensemble consensus STUDY --certificate FILE --items ITEMS",
        )
    [decided] = [one for one in loaded.decide() if one.variable.name == variable.name]
    accepted = accepted_by_rules(decided)
    if not accepted.any():
        raise InputError(
            f'Cannot check the certificate for "{variable.name}": it accepts none of these items.',
            hint="There is nothing to check: every item is escalated.",
        )
    certified = held[0].certified
    check = items_to_check(
        alpha=certified.alpha,
        delta=certified.delta or USUAL_DELTA,
        accepted=int(np.count_nonzero(accepted)),
    )
    return _DrawnFrom(accepted, check)


def _refuse_existing(worksheet: Path) -> None:
    if worksheet.exists():
        raise InputError(
            f"Cannot write {worksheet}: it already exists and may contain labels.",
            hint="Choose another name with --output.",
        )


def _write(
    worksheet: Path,
    items: Sequence[Item],
    *,
    source: ItemFile | IdsOnly,
    variables: Sequence[Variable],
) -> None:
    with_text = isinstance(source, ItemFile)
    empty = [""] * len(variables)
    write_table(
        worksheet,
        kept=("id", "text") if with_text else ("id",),
        added=[f"gold_{variable.name}" for variable in variables],
        rows=(((item.id, item.text) if with_text else (item.id,), empty) for item in items),
        format=source.format,
    )


def _labeled_items(table: ItemFile | IdsOnly, item_count: int) -> Iterator[Item]:
    for block in table.blocks(_BLOCK_ITEMS):
        for row in block:
            if row.item.position >= item_count:
                return
            yield row.item

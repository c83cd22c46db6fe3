"""Write a worksheet in which a person decides items without this program.

A worksheet has one row per item that awaits a person, the most doubtful first; or the items on
which the study differs from existing labels, shuffled. It shows neither the raters' labels, unless
asked to, nor any other column of the labeled table, such as gold labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import numpy as np

from localensemble.api.deidentified.people_texts import without_identifiers
from localensemble.core.errors import InputError
from localensemble.core.items import Item
from localensemble.core.options import Option, fitting
from localensemble.exports.rows import DecidedStudy, queue_order, variable_row
from localensemble.review.plan.existing_labels import queue_of_study
from localensemble.review.plan.review_plan import ReviewPlan
from localensemble.review.worksheets.asked_items import AskedItem, RaterWord, Worksheet
from localensemble.review.worksheets.delimited_worksheet import write_csv_worksheet
from localensemble.review.worksheets.page_worksheet import write_page_worksheet
from localensemble.review.worksheets.workbook_worksheet import write_workbook_worksheet
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger
from localensemble.study.people.reference_labels import (
    record_reference_labels,
    reference_categories,
)
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.delimited import TableSource
from localensemble.tables.item_file import ItemFile

_BLOCK_ITEMS = 4096
_WRITERS: Mapping[str, Callable[[Worksheet, Path], None]] = MappingProxyType(
    {
        ".xlsx": write_workbook_worksheet,
        ".csv": write_csv_worksheet,
        ".html": write_page_worksheet,
    }
)


@dataclass(frozen=True, slots=True)
class ExistingLabels:
    """Existing labels that a study is compared with by people's decisions.

    Attributes:
        against: the table of existing labels, with ids and a column for each variable. The
            worksheet asks only about the items whose accepted consensus differs from them, in
            random order. The labels are recorded in the study.
        audit_share: share of the items with the same label in both that it asks about, too.
        seed: another seed draws another order and another audit.
    """

    against: Annotated[
        Path | None,
        Option(
            "Existing labels; ask only about items whose label in the study differs.",
            metavar="FILE",
        ),
    ] = None
    audit_share: Annotated[
        float,
        Option(
            "Share of the items with the same label in both to add; needs --against.",
            metavar="SHARE",
            least=0,
            most=1,
        ),
    ] = 0.0
    seed: Annotated[int, Option("Seed of the random order and the audit.", least=0)] = 0

    @property
    def plan(self) -> ReviewPlan:
        """The same as the plan of a review."""
        return ReviewPlan(audit_share=self.audit_share, seed=self.seed)


NO_EXISTING_LABELS = ExistingLabels()


@dataclass(frozen=True, slots=True)
class WrittenWorksheet:
    """A worksheet with ``asked`` of the ``waiting`` items that await a person."""

    path: Path
    asked: int
    waiting: int
    variables: tuple[str, ...]


def write_worksheet(
    study: Path,
    *,
    items: TableSource | None,
    output: Path,
    count: int | None = None,
    reviewer: str | None = None,
    beside_labels: bool = False,
    existing: ExistingLabels = NO_EXISTING_LABELS,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: Path | None = None,
) -> WrittenWorksheet:
    """Write a worksheet of the items that await a person, the most doubtful first.

    The worksheet is complete in itself: whoever decides needs no other file and no network.

    Args:
        study: the study folder.
        items: the table that was labeled; the study does not keep the texts. Leave it out for
            a study that was imported without texts.
        output: the file to write; its name ends with ``.xlsx``, ``.csv`` or ``.html``.
        count: how many items to write at most; None writes all.
        reviewer: who decides. Without a name, it is asked for when the file is imported.
        beside_labels: whether to show the raters' labels. Whoever sees them agrees with them
            more often, so the usual worksheet is blind.
        existing: labels that the study is compared with, in place of what awaits a person.
        id_column: column of ``items`` that identifies an item; None detects it.
        text_column: column of ``items`` that holds the text; None detects it.
        deidentify: the codebook that says which identifiers to replace in texts; None for none.

    Raises:
        InputError: the file already exists, its name ends otherwise, no item awaits a person,
            the table is missing or is not the one that was labeled, or the labels of one side
            would be shown.
        LedgerError: the folder has no study, or no run of it has finished.
    """
    fitting(existing)
    write = _writer(output)
    _refuse_showing_a_side(existing, beside_labels=beside_labels)
    against = existing.against
    if against is not None:
        with open_ledger(StudyFolder.of(study), create=False) as ledger:
            record_reference_labels(ledger, Study.load(ledger.reader), against, role="existing")
    with Study.open(study) as loaded:
        table = items_of(loaded, items, id_column=id_column, text_column=text_column)
        source = without_identifiers(table, deidentify)
        decided = DecidedStudy.of(loaded, items=source, decisions=loaded.decide())
        waiting = (
            _open_variables(decided)
            if against is None
            else _disputed_variables(loaded, decided, existing.plan)
        )
        if not waiting:
            raise _nothing_to_decide(output, against)
        shown = dict(itertools.islice(waiting.items(), count))
        found = {
            item.position: item
            for item in _labeled_items(source, loaded.recorded.item_count)
            if item.position in shown
        }
        worksheet = Worksheet(
            study=study.resolve().name,
            codebook=loaded.codebook,
            items=tuple(
                AskedItem(
                    str(found[position].id),
                    found[position].text if isinstance(source, ItemFile) else None,
                    tuple(decided.decisions[place].variable.name for place in places),
                    _labels(decided, position, places) if beside_labels else {},
                )
                for position, places in shown.items()
            ),
            format=source.format,
            reviewer=reviewer,
            beside_labels=beside_labels,
        )
    write(worksheet, output)
    names = tuple(variable.name for variable in worksheet.variables)
    return WrittenWorksheet(output, len(shown), len(waiting), names)


def _writer(output: Path) -> Callable[[Worksheet, Path], None]:
    if output.exists():
        raise InputError(
            f"Cannot write {output}: it already exists and may contain decisions.",
            hint="Choose another name with --output.",
        )
    found = _WRITERS.get(output.suffix.lower())
    if found is None:
        raise InputError(
            f'Cannot write {output}: the name ends with "{output.suffix}", but a worksheet ends '
            f"with {', '.join(_WRITERS)}.",
            hint="Choose .xlsx for a spreadsheet with lists to choose from, .html for a page that "
            "opens in any browser, or .csv.",
        )
    return found


def _open_variables(decided: DecidedStudy) -> dict[int, list[int]]:
    """Map each item that awaits a person to its open variables, in the order of the queue."""
    order = queue_order(decided.decisions, decided.finals)
    waiting: dict[int, list[int]] = {}
    for position, place in zip(order.items.tolist(), order.variables.tolist(), strict=True):
        waiting.setdefault(position, []).append(place)
    return waiting


def _disputed_variables(
    study: Study, decided: DecidedStudy, plan: ReviewPlan
) -> dict[int, list[int]]:
    """Map the items of `queue_of_study` to what people have not decided of them, shuffled."""
    existing = reference_categories(study.recorded, role="existing")
    queue = queue_of_study(decided.decisions, existing, item_ids=study.items, plan=plan)
    by_person = np.stack([final.by_person for final in decided.finals], axis=1)
    asked = queue.asked & ~by_person
    return {
        position: np.flatnonzero(asked[position]).tolist()
        for position in queue.positions.tolist()
        if asked[position].any()
    }


def _refuse_showing_a_side(existing: ExistingLabels, *, beside_labels: bool) -> None:
    if existing.against is not None and beside_labels:
        raise InputError(
            "Cannot show the raters' labels in a worksheet about existing labels: they would tell "
            "which side said what.",
            hint="Leave out --beside-labels.",
        )
    if existing.against is None and existing.audit_share:
        raise InputError(
            "Cannot draw --audit-share without --against: there is nothing to agree with.",
            hint="Give the existing labels with --against.",
        )


def _nothing_to_decide(output: Path, against: Path | None) -> InputError:
    if against is not None:
        return InputError(
            f"Cannot write {output}: people have decided every item on which the study and "
            f"{against} differ, or there is none.",
            hint="Nothing is left to decide. `localensemble report` shows the comparison.",
        )
    return InputError(
        f"Cannot write {output}: no item awaits a person.",
        hint="Nothing is left to decide. To draw a random sample of all items, run "
        "`localensemble sample`.",
    )


def _labels(
    decided: DecidedStudy, position: int, places: list[int]
) -> dict[str, tuple[RaterWord, ...]]:
    rows = (variable_row(decided, place, item=position) for place in places)
    return {
        row.variable: tuple(RaterWord(one.rater, one.word) for one in row.raters) for row in rows
    }


def _labeled_items(table: ItemFile | IdsOnly, item_count: int) -> Iterator[Item]:
    for block in table.blocks(_BLOCK_ITEMS):
        for row in block:
            if row.item.position >= item_count:
                return
            yield row.item

"""Write the finished table, once people have decided everything that waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from localensemble.api.deidentified.people_texts import without_identifiers
from localensemble.api.people.open_decisions import ways_to_decide
from localensemble.core.errors import InputError
from localensemble.core.words import counted
from localensemble.exports.columns import check_columns
from localensemble.exports.finished_table import refuse_format, write_finished
from localensemble.exports.rows import DecidedStudy
from localensemble.findings.people.people_findings import PeopleFindings, people_findings
from localensemble.study.folder_files.kept_tables import keeping_previous
from localensemble.study.people.final_labels import FINAL_STATUSES, FinalLabels, FinalStatus
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from localensemble.tables.delimited import TableSource, path_of
from localensemble.tables.item_columns import table_options

__all__ = ["FinishedTable", "finalize"]

_SHOWN_IDS = 5


@dataclass(frozen=True, slots=True)
class FinishedTable:
    """A finished table.

    Attributes:
        path: the file.
        items: the number of its rows.
        statuses: how many decisions have each status, over all variables.
        open: how many of them people must still make; 0 unless open ones were allowed.
        review: what people's decisions show, for each variable that they decided on.
        messages: what a file of that name held before, and where it is kept.
    """

    path: Path
    items: int
    statuses: tuple[tuple[FinalStatus, int], ...]
    open: int
    review: tuple[PeopleFindings, ...]
    messages: tuple[str, ...] = ()


def finalize(
    study: Path,
    *,
    output: Path,
    items: TableSource | None = None,
    allow_open: bool = False,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: Path | None = None,
) -> FinishedTable:
    """Write the labeled table with the final label, its status and origin for each variable.

    Args:
        study: the study folder.
        output: the file to write; its name ends with .csv, .xlsx or .parquet. What a file of
            that name held is kept beside it.
        items: the table that was labeled; not needed for a study without texts.
        allow_open: write the table although decisions are open; their labels are empty.
        id_column: column of ``items`` that identifies an item; None detects it.
        text_column: column of ``items`` that holds the text; None detects it.
        deidentify: the codebook that says which identifiers to replace in the texts and other
            cells, except the ids; None writes them as they are.

    Raises:
        InputError: decisions are open, the format of the file is unknown, or ``items`` is not
            the table that was labeled, or is the file to write.
        LedgerError: the folder has no study, or its ledger was changed.
    """
    refuse_format(output)
    if isinstance(items, Path) and output.exists() and output.samefile(items):
        raise InputError(
            f"Cannot write {output}: it is the table that was labeled.",
            hint="Choose another name with --output.",
        )
    with Study.open(study) as loaded:
        source = without_identifiers(
            items_of(loaded, items, id_column=id_column, text_column=text_column), deidentify
        )
        check_columns(
            source, variables=loaded.codebook.variables, raters=loaded.recorded.rater_names
        )
        decisions = loaded.decide()
        decided = DecidedStudy.of(loaded, items=source, decisions=decisions)
        waiting = sum(int(np.count_nonzero(one.open)) for one in decided.finals)
        if waiting and not allow_open:
            table = table_options(
                None if items is None else path_of(items),
                id_column=id_column,
                text_column=text_column,
                deidentify=deidentify,
            )
            raise _open_error(study, table, decided.finals, loaded.items, waiting)
        with keeping_previous(output) as kept:
            write_finished(decided, path=output)
        return FinishedTable(
            output,
            loaded.recorded.item_count,
            tuple(
                (status, sum(one.count(status) for one in decided.finals))
                for status in FINAL_STATUSES
            ),
            waiting,
            people_findings(loaded, decisions=decisions),
            tuple(kept),
        )


def _open_error(
    study: Path,
    table: str,
    finals: Sequence[FinalLabels],
    ids: Sequence[str],
    waiting: int,
) -> InputError:
    differing = sum(int(np.count_nonzero(one.differs)) for one in finals)
    parts = []
    for final in finals:
        places = np.flatnonzero(final.open)
        if len(places):
            shown = ", ".join(ids[place] for place in places[:_SHOWN_IDS].tolist())
            more = ", ..." if len(places) > _SHOWN_IDS else ""
            parts.append(f"{final.variable.name}: {counted(len(places), 'item')} ({shown}{more})")
    is_one = waiting == 1
    return InputError(
        f"Cannot finish the table: {counted(waiting, 'decision')} {'is' if is_one else 'are'} "
        f"open. {'; '.join(parts)}.",
        hint="\n".join(
            (
                *ways_to_decide(study, table, waiting=waiting, differing=differing),
                "Or add --allow-open to write the table with empty labels.",
            )
        ),
    )

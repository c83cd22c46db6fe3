"""Withdraw items from a study: from its ledger, its tables, its report and its counts.

No model runs, and no other item is labeled again. Refuses ids that the study does not know, so
that a mistyped id does not pass for a withdrawal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from localensemble import __version__
from localensemble.api.decided import write_decided
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text
from localensemble.core.labels import ItemId
from localensemble.core.options import Option
from localensemble.core.words import counted
from localensemble.findings.study_findings import StudyFindings
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import refuse_changed
from localensemble.report.data_sheet import write_data_sheet
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.kept_tables import clear_of_items
from localensemble.study.folder_files.own_tables import open_ledger
from localensemble.study.gold import shared_id_column
from localensemble.study.item_sets import register_item_set
from localensemble.study.rating_table.recorded_ratings import hash_of_items
from localensemble.study.run_record import RunSettings, newest_finished
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, has_texts
from localensemble.study.withdrawn_items import (
    clear_calibrations,
    redacted,
    used_items_of,
    withdrawn_in,
)
from localensemble.tables.delimited import TableSource, path_of
from localensemble.tables.item_columns import TextColumn
from localensemble.tables.item_file import ItemFile
from localensemble.tables.row_ids import KeyedTable
from localensemble.tables.table_files import open_item_table

__all__ = ["WithdrawOptions", "WithdrawnItems", "withdraw"]

_ROWS = 4096
_SHOWN = 3
_NOTHING_GIVEN = InputError(
    "Cannot withdraw items: no id is given.",
    hint="Give a table of ids (--ids FILE), or each id (--id ID).",
)


@dataclass(frozen=True, slots=True)
class WithdrawOptions:
    """The items to withdraw, and the columns of the tables.

    Attributes:
        table: a table with the ids of the items to withdraw; its other columns do not matter.
        ids: more ids.
        id_column: column that identifies an item, in both tables; None detects it.
        text_column: column of the items that holds the text; None detects it.
    """

    table: Annotated[
        TableSource | None, Option("A table with the ids of the items to withdraw.", "--ids")
    ] = None
    ids: Annotated[
        tuple[str, ...],
        Option("The id of an item to withdraw; repeatable.", "--id", metavar="ID"),
    ] = ()
    id_column: Annotated[
        str | None,
        Option("The column with the item ids in every table given, or columns to combine: A,B."),
    ] = None
    text_column: TextColumn = None


@dataclass(frozen=True, slots=True)
class WithdrawnItems:
    """The result of a withdrawal.

    Attributes:
        items: how many items left the study.
        items_left: how many labeled items it still has; None if no run of the study has finished.
        findings: the findings without these items; None if no run of the study has finished.
        written: the files that were written again.
        messages: what the user should know, in sentences.
    """

    items: int
    items_left: int | None
    findings: StudyFindings | None
    written: tuple[Path, ...]
    messages: tuple[str, ...]


def withdraw(
    study: Path, *, options: WithdrawOptions, items: TableSource | None = None
) -> WithdrawnItems:
    """Take items out of a study for good, and write its files again without them.

    Run it again if it was cut off. An item that has been withdrawn stays out: a later table that
    still has it is read without it.

    Args:
        study: the study folder.
        options: the items to withdraw.
        items: the table that was labeled, with or without these items; not needed for a study
            that was imported without texts.

    Raises:
        InputError: no id is given, an id is unknown, no item would be left, or the table is
            missing or is not the one that was labeled.
        LedgerError: the folder has no study, or its ledger was changed.
    """
    folder = StudyFolder.of(study)
    with open_ledger(folder, create=False) as ledger:
        refuse_changed(folder.ledger)
        gone = _ids_given(options, ledger.reader)
        used = used_items_of(ledger.reader, gone)
        if newest_finished(ledger.reader) is None:
            unread = clear_calibrations(folder, used, ledger=ledger)
            return _from_unfinished(folder, ledger, gone, unread)
        before = Study.load(ledger.reader)
        left = _items_left(before, items, gone, options)
        # Once the ledger has forgotten the items, nobody knows their hashes.
        unread = clear_calibrations(folder, used, ledger=ledger)
        dropped = _record_without(before, left, gone, ledger, used=used)
        ledger.withdraw(gone, redact=redacted)
        loaded = Study.load(ledger.reader)
        written = write_decided(
            loaded, decisions=loaded.decide(), items=left, folder=folder, gold=None
        )
        sheet = _sheet_again(folder)
        given = [path_of(one) for one in (items, options.table) if one is not None]
        cleared = clear_of_items(
            folder,
            gone=gone,
            id_columns=left.id_columns if isinstance(left, ItemFile) else left.columns,
            spared=(*written.files, *given, folder.data_sheet),
        )
    return WithdrawnItems(
        len(gone),
        loaded.recorded.item_count,
        written.findings,
        written.files,
        (*dropped, *written.messages, *sheet, *unread, *cleared, *_still_there(items, gone, left)),
    )


def _sheet_again(folder: StudyFolder) -> tuple[str, ...]:
    """Write the data sheet again if there is one: it states how many items the study has."""
    if not folder.data_sheet.is_file():
        return ()
    kept = write_data_sheet(folder.manifest, path=folder.data_sheet)
    again = f"{folder.data_sheet.name} is written again without the items."
    return (*kept, again, "Complete its blanks from the previous one.") if kept else ()


def _ids_given(options: WithdrawOptions, reader: LedgerReader) -> tuple[ItemId, ...]:
    """Return the ids to withdraw; those that were withdrawn before count too."""
    listed = {} if options.table is None else _ids_of(options.table, options.id_column, reader)
    # A wrong column may hold texts, so cells of a table are named by their row.
    place_of = {ItemId(one): one for one in options.ids} | listed
    ids = tuple(place_of)
    if not ids:
        raise _NOTHING_GIVEN
    known = {*reader.items_among(ids), *reader.withdrawn_among(ids)}
    unknown = [place_of[one] for one in ids if one not in known]
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (", ..." if unknown[_SHOWN:] else "")
        raise InputError(
            f"Found no item with {len(unknown):,} of the {len(ids):,} ids given: {shown}. "
            "Nothing was withdrawn.",
            hint="Give the ids as they are in labels.csv; name the column with them "
            "(--id-column) if the table of ids has several.",
        )
    return ids


def _ids_of(source: TableSource, id_column: str | None, reader: LedgerReader) -> dict[ItemId, str]:
    """Read the ids of a table, and where each stands."""
    columns = open_item_table(source).columns
    named = shared_id_column(source, id_column) or (columns[0] if len(columns) == 1 else None)
    table = KeyedTable.open(source, id_column=named)
    if not table.id_columns:
        raise InputError(
            f"{path_of(source).name}: found no column with ids.",
            hint="Name it: --id-column.",
        )
    # A plain list has no header, so its first line is an id.
    first = [ItemId(columns[0])] if len(columns) == 1 else []
    header = dict.fromkeys(reader.items_among(first), "the first line")
    return header | {row.id: f"row {number}" for number, row in enumerate(table.rows(), 1)}


def _items_left(
    before: Study, items: TableSource | None, gone: Collection[ItemId], options: WithdrawOptions
) -> ItemFile | IdsOnly:
    """Return the items that stay, after checking that the table is the one that was labeled."""
    reader = before.labeled.reader
    count = sum(1 for _ in _kept(before, gone))
    if not count:
        raise InputError(
            "Cannot withdraw every item of a study.",
            hint=f"Delete its folder instead: {reader.path.parent}",
        )
    if items is None:
        if has_texts(before):
            raise InputError(
                "Withdrawing items needs the texts, which a study does not keep.",
                hint="Give the table that was labeled, with or without these items: --items.",
            )
        return IdsOnly(reader.path, tuple(item_id for item_id, _ in _kept(before, gone)))
    whole = ItemFile.open(items, id_column=options.id_column, text_column=options.text_column)
    table = whole.without({*gone, *withdrawn_in(whole, reader)})
    if before.run.settings.deidentified is not None:
        # The ledger has the hashes of the texts that raters saw; the table has those of the file.
        labeled = whole.without(withdrawn_in(whole, reader))
        if labeled.sha256 != before.items_sha256:
            raise InputError(
                f"{table.path.name}: not the table that was labeled: its ids, texts or their order "
                "differ from those of the study.",
                hint="Give the table that was labeled, still with the items to withdraw: the "
                "texts were de-identified for the raters, so no other table can be checked.",
            )
        return table
    found = (
        (row.item.id, sha256_text(row.item.text)) for rows in table.blocks(_ROWS) for row in rows
    )
    if table.item_count != count or any(
        pair != kept for pair, kept in zip(found, _kept(before, gone), strict=True)
    ):
        raise InputError(
            f"{table.path.name}: not the table that was labeled: without the items to withdraw, "
            "its ids, texts or their order differ from those of the study.",
            hint="Give the table that was labeled, with or without these items, with the same "
            "--id-column and --text-column.",
        )
    return table


def _kept(before: Study, gone: Collection[ItemId]) -> Iterator[tuple[ItemId, str]]:
    """Read id and content hash of the items that stay, in order."""
    reader, item_set = before.labeled.reader, before.labeled.item_set
    for start in range(0, reader.item_count(item_set), _ROWS):
        for pair in reader.item_hashes(item_set, start=start, stop=start + _ROWS):
            if pair[0] not in gone:
                yield pair


def _record_without(
    before: Study,
    left: ItemFile | IdsOnly,
    gone: Collection[ItemId],
    ledger: Ledger,
    *,
    used: Collection[str],
) -> tuple[str, ...]:
    """Record a run that decides again without the items; report what no longer holds."""
    labels, summary = before.labeled, before.run.summary
    if isinstance(left, ItemFile) and before.run.settings.deidentified is None:
        item_set, items_sha256 = register_item_set(ledger, left), left.sha256
    else:
        pairs = tuple(_kept(before, gone))
        items_sha256 = hash_of_items(pairs)
        item_set = ledger.register_items([pairs], item_set_sha256=items_sha256)
        if isinstance(left, ItemFile):
            items_sha256 = left.sha256
    if item_set == summary.item_set:
        return ()
    item_count = sum(item_id not in gone for item_id in labels.item_ids)
    rules, messages = _rules_without(before, used)
    settings = RunSettings.from_json(redacted(before.run.settings.as_json(), list(map(str, gone))))
    settings = replace(
        settings,
        rules=rules,
        items_sha256=items_sha256,
        limit=None if settings.limit is None else item_count,
        decides_again=int(before.run.key),
        program_version=__version__,
    )
    run = ledger.start_run(settings.as_json())
    now = replace(summary, item_set=item_set, item_count=item_count)
    ledger.finish_run(run, status="finished", summary=now.as_json())
    return messages


def _rules_without(before: Study, used: Collection[str]) -> tuple[DecisionRules, tuple[str, ...]]:
    """Drop the certificates that hold only for the items, or calibrations, that the study had."""
    rules = before.rules
    changed = {one.variable for one in rules.calibrations if set(used) & set(one.used_items)}
    reasons = {}
    for name in (one.variable for one in rules.certificates):
        method = rules.method_for(name)
        if not method.per_item:
            reasons[name] = (
                f"with the method {method.name}, it holds only for the items that the study had"
            )
        elif name in changed:
            reasons[name] = "its raters were calibrated with gold labels of withdrawn items"
    kept = [one for one in rules.certificates if one.variable not in reasons]
    return rules.with_certificates(kept, foreign=rules.foreign_certificates), tuple(
        f'The study drops its certificate for "{name}": {reason}. Certify again.'
        for name, reason in reasons.items()
    )


def _from_unfinished(
    folder: StudyFolder, ledger: Ledger, gone: Collection[ItemId], unread: tuple[str, ...]
) -> WithdrawnItems:
    """Withdraw items from a study of which no run has finished, so that it has no tables."""
    ledger.withdraw(gone, redact=redacted)
    cleared = clear_of_items(folder, gone=gone, id_columns=(), spared=())
    return WithdrawnItems(len(gone), None, None, (), (*unread, *cleared))


def _still_there(
    items: TableSource | None, gone: Collection[ItemId], left: ItemFile | IdsOnly
) -> tuple[str, ...]:
    """Report that the table of items still has some of those that were withdrawn."""
    if items is None or not isinstance(left, ItemFile):
        return ()
    ids = KeyedTable.open(items, id_column=",".join(left.id_columns)).rows()
    rows = sum(row.id in gone for row in ids)
    if not rows:
        return ()
    return (f"{left.path.name} still has {counted(rows, 'row')} of withdrawn items; delete them.",)

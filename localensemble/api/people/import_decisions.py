"""Import what people decided in a table, and write the study's files again.

The same file can be imported again without effect. Another answer of another person is kept
beside the first: people are coders like any others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from localensemble.api.decided import write_decided
from localensemble.api.deidentified.people_texts import without_identifiers
from localensemble.api.people.decision_tables import (
    ReadDecision,
    StudyItems,
    read_decisions,
)
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_file, sha256_json
from localensemble.core.labels import ItemId
from localensemble.core.options import Option
from localensemble.core.words import counted
from localensemble.exports.columns import added_id, check_columns
from localensemble.exports.returned.returned_file import returned_table
from localensemble.findings.study_findings import StudyFindings
from localensemble.ledger.encode_decisions import reviewer_name
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import NewDecision, ReviewerKey
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.own_tables import open_ledger
from localensemble.study.study import Study
from localensemble.study.study_items import IdsOnly, items_of
from localensemble.tables.delimited import HeldTable, TableSource, path_of
from localensemble.tables.item_columns import TextColumn
from localensemble.tables.item_file import ItemFile
from localensemble.tables.workbook_text import spreadsheet_hash

__all__ = ["ImportDecisionsOptions", "ImportedDecisions", "import_decisions"]

_ROWS = 4096
_SHOWN_ROWS = 5

# reviewer, position, variable, role
_Place = tuple[str, int, str, str]
# kind and category
_Answer = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class ImportDecisionsOptions:
    """How to read the tables.

    Attributes:
        reviewer: who decided, in rows that do not say it.
        id_column: the column with the ids in both tables; None finds it.
        text_column: of the items.
        deidentify: the codebook by which the texts of the table were de-identified; None if they
            were not.
    """

    reviewer: Annotated[
        str | None,
        Option("Who decided; required unless the file has a column `reviewer`.", metavar="NAME"),
    ] = None
    id_column: Annotated[
        str | None, Option("The column with the item ids in every table given.")
    ] = None
    text_column: TextColumn = None
    deidentify: Annotated[
        Path | None,
        Option(
            "The codebook by which the texts of the worksheet were de-identified.",
            "--deidentify",
            metavar="CODEBOOK",
        ),
    ] = None


_AS_DETECTED = ImportDecisionsOptions()


@dataclass(frozen=True, slots=True)
class ImportedDecisions:
    """The result of an import.

    Attributes:
        recorded: the number of decisions that are new.
        repeated: the number of decisions that were recorded before and were left out.
        reviewers: the people who made the new ones, in order of appearance.
        findings: the findings with all decisions.
        files: the files that were written again.
        messages: what the user should know, in sentences.
    """

    recorded: int
    repeated: int
    reviewers: tuple[str, ...]
    findings: StudyFindings
    files: tuple[Path, ...]
    messages: tuple[str, ...]

    @property
    def open(self) -> int:
        """The number of decisions that people must still make."""
        return sum(variable.open for variable in self.findings.variables)


def import_decisions(
    study: Path,
    table: TableSource,
    *,
    items: TableSource | None = None,
    options: ImportDecisionsOptions = _AS_DETECTED,
) -> ImportedDecisions:
    """Record the decisions of a table, and write the study's files again.

    Args:
        study: the study folder.
        table: the table with the decisions, or an export of Label Studio (JSON) or REDCap (CSV).
        items: the table that was labeled; not needed for a study without texts.
        options: who decided, and the columns.

    Raises:
        InputError: nobody is named who decided, or ``items`` is not the table that was labeled.
        TableError: a row does not belong to the study; nothing is recorded then.
        LedgerError: the folder has no study, or its ledger was changed.
    """
    folder = StudyFolder.of(study)
    named = None if options.reviewer is None else reviewer_name(options.reviewer)
    with open_ledger(folder, create=False) as ledger:
        loaded = Study.load(ledger.reader)
        source = items_of(
            loaded, items, id_column=options.id_column, text_column=options.text_column
        )
        check_columns(
            source, variables=loaded.codebook.variables, raters=loaded.recorded.rater_names
        )
        returned = (
            returned_table(table, codebook=loaded.codebook) if isinstance(table, Path) else None
        )
        read = read_decisions(
            table if returned is None else returned,
            codebook=loaded.codebook,
            items=_study_items(loaded, without_identifiers(source, options.deidentify)),
            id_column=options.id_column if items is not None else None,
        )
        known = {one.name.casefold(): one.name for one in loaded.recorded.reader.reviewers()}
        decisions = []
        for one in read.decisions:
            who = _reviewer(one, named, path_of(table))
            # "anna b" is Anna B: taken for two people, she would agree or differ with herself.
            decisions.append((known.setdefault(who.casefold(), who), one))
        _refuse_two_answers(decisions, path_of(table))
        new, repeated, changed = _new_ones(loaded, decisions)
        _record(ledger, loaded, new, origin=_origin(table))
        written = write_decided(
            loaded, decisions=loaded.decide(), items=source, folder=folder, gold=None
        )
    return ImportedDecisions(
        recorded=len(new),
        repeated=repeated,
        reviewers=tuple(dict.fromkeys(who for who, _ in new)),
        findings=written.findings,
        files=written.files,
        messages=(*read.messages, *_since_changed(changed, path_of(table)), *written.messages),
    )


def _study_items(loaded: Study, source: ItemFile | IdsOnly) -> StudyItems:
    labels = loaded.recorded
    texts: list[bytes] = []
    if isinstance(source, ItemFile):
        texts = [spreadsheet_hash(row.item.text) for block in source.blocks(_ROWS) for row in block]
    own = () if source.id_column is None else (source.id_column,)
    ids = {item_id: position for position, item_id in enumerate(labels.item_ids)}
    return StudyItems(
        positions=ids,
        withdrawn=lambda some: labels.reader.withdrawn_among([*map(ItemId, some)]),
        id_columns=(*own, *added_id(source), "id"),
        columns=source.columns,
        text_column=source.text_column if isinstance(source, ItemFile) else None,
        texts=texts,
    )


def _reviewer(one: ReadDecision, named: str | None, path: Path) -> str:
    if one.reviewer:
        return reviewer_name(one.reviewer)
    if named is None:
        raise InputError(
            f"{path.name}, row {one.row}: the reviewer is missing.",
            hint="Name the person with --reviewer NAME, or add a column `reviewer`.",
        )
    return named


def _refuse_two_answers(decisions: Sequence[tuple[str, ReadDecision]], path: Path) -> None:
    """Refuse two answers of one person at one time, which does not tell which one counts."""
    first: dict[tuple[_Place, str], ReadDecision] = {}
    for who, one in decisions:
        other = first.setdefault((_place(who, one), one.decided_at), one)
        if _answer(other) != _answer(one):
            raise InputError(
                f"{path.name}, rows {other.row} and {one.row}: the same person gives two answers "
                "for one item and variable, so nothing was recorded.",
                hint="Remove one of the rows, or add a column `decided_at` with the times.",
            )


def _new_ones(
    loaded: Study, decisions: Sequence[tuple[str, ReadDecision]]
) -> tuple[list[tuple[str, ReadDecision]], int, list[int]]:
    """Leave out what is recorded: the new ones, how many are not, and the rows changed since."""
    known: dict[_Place, list[tuple[_Answer, str]]] = {}
    settled: dict[tuple[int, str], str] = {}
    for place, given in _recorded(loaded, {one.variable for _, one in decisions}):
        known.setdefault(place, []).append(given)
        _, position, variable, role = place
        if role == "adjudication":
            settled[position, variable] = max(settled.get((position, variable), ""), given[1])
    timed = sorted(decisions, key=lambda pair: pair[1].decided_at)
    new: list[tuple[str, ReadDecision]] = []
    repeated = 0
    changed: list[int] = []
    for who, one in timed:
        before = known.setdefault(_place(who, one), [])
        if any(answer == _answer(one) for answer, _ in before):
            is_current = before[-1][0] == _answer(one)
            # Who returns to an earlier answer must say when, or it is an old file come again.
            is_later = one.has_time and one.decided_at > before[-1][1]
            if is_current or not is_later:
                repeated += 1
                if not is_current and (_answer(one), one.decided_at) not in before:
                    changed.append(one.row)
                continue
        elif one.has_time and one.decided_at < max(
            before[-1][1] if before else "",
            settled.get((one.position, one.variable), "") if one.role == "adjudication" else "",
        ):
            changed.append(one.row)  # recorded now, it would count as the newest
            continue
        before.append((_answer(one), one.decided_at))
        new.append((who, one))
    return new, repeated, changed


def _recorded(
    loaded: Study, variables: Iterable[str]
) -> Iterator[tuple[_Place, tuple[_Answer, str]]]:
    """Yield every answer that the ledger has and its time, the oldest of an item first."""
    labels = loaded.recorded
    names = {one.key: one.name for one in labels.reader.reviewers()}
    for variable in variables:
        key = labels.variable_keys[variable]
        for one in labels.reader.decision_notes(labels.item_set, key):
            place = (names[one.reviewer], one.position, variable, one.role)
            yield place, ((one.kind, one.category), one.decided_at)


def _place(who: str, one: ReadDecision) -> _Place:
    return who, one.position, one.variable, one.role


def _answer(one: ReadDecision) -> _Answer:
    return one.kind, one.category


def _record(
    ledger: Ledger, loaded: Study, new: Sequence[tuple[str, ReadDecision]], *, origin: str
) -> None:
    """Append the decisions of each person; several on one item go into several batches."""
    batches: dict[tuple[int, str], list[NewDecision]] = {}
    seen: dict[tuple[str, int, str], int] = {}
    keys = loaded.recorded.variable_keys
    for who, one in new:
        place = (who, one.position, one.variable)
        seen[place] = seen.get(place, 0) + 1
        batches.setdefault((seen[place], who), []).append(
            NewDecision(
                position=one.position,
                variable=keys[one.variable],
                kind=one.kind,
                category=one.category,
                role=one.role,
                shown=one.shown,
                decided_at=one.decided_at,
                seconds=one.seconds,
                confidence=one.confidence,
                error_type=one.error_type,
                note=one.note,
            )
        )
    people: dict[str, ReviewerKey] = {}
    for (_, who), decisions in sorted(batches.items(), key=lambda pair: pair[0][0]):
        if who not in people:
            people[who] = ledger.register_reviewer(who)
        ledger.append_decisions(
            decisions, reviewer=people[who], item_set=loaded.recorded.item_set, origin=origin
        )


def _origin(table: TableSource) -> str:
    if isinstance(table, HeldTable):
        content = sha256_json([list(table.columns), *(list(row) for row in table.values)])
        return f"file {table.path.name} {content}"
    return f"file {table.name} {sha256_file(table)}"


def _since_changed(rows: Sequence[int], path: Path) -> tuple[str, ...]:
    if not rows:
        return ()
    shown = ", ".join(map(str, sorted(rows)[:_SHOWN_ROWS]))
    more = ", ..." if len(rows) > _SHOWN_ROWS else ""
    return (
        f"{path.name}: {counted(len(rows), 'row')} ({shown}{more}) "
        f"{'holds an answer' if len(rows) == 1 else 'hold answers'} that the same person or, "
        "for an adjudication, another one has changed since; the later answer stays.",
    )

"""Read tables in which people wrote their decisions, and refuse rows that do not belong.

Two shapes are told apart by their columns. A long table has one row for each item and variable,
with the columns ``variable`` and ``decision``, like ``escalations.csv``. A worksheet has one row
for each item, and a column ``decision_VARIABLE`` or ``gold_VARIABLE`` for each variable. A message
names rows and columns, and never shows a cell.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import get_args

from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import TableError
from localensemble.core.words import counted
from localensemble.ledger.encode_decisions import HIGHEST_CONFIDENCE, decided_now
from localensemble.ledger.records import AnswerKind, DecisionRole, Shown
from localensemble.review.worksheets.asked_items import HASH_COLUMN, LABELS_PREFIX, OPEN_COLUMN
from localensemble.study.category_spellings import category_meant, spelling_messages
from localensemble.study.people.answer_words import ANSWER_WORDS
from localensemble.tables.delimited import TableSource, path_of, restore_formula
from localensemble.tables.table_files import TableFile, open_table_file
from localensemble.tables.workbook_text import spreadsheet_hash

DECISION, VARIABLE = "decision", "variable"
PREFIXES = ("decision_", "gold_")
_FACTS = ("reviewer", "decided_at", "seconds", "confidence", "error_type", "note", "shown", "role")
# The other roles are of tables that are brought in by other means, not of a person's decision.
_ROLES: tuple[DecisionRole, ...] = ("review", "adjudication", "control")
_WORKSHEET_TEXT = "text"
_MOST_SHOWN = 5
_OTHER_TEXT = "its text is not that of the item with its id"
_NO_SUCH_ID = "no labeled item has its id"


@dataclass(frozen=True, slots=True)
class StudyItems:
    """What rows are compared with.

    Attributes:
        positions: id -> position of each labeled item.
        withdrawn: tells which of some ids belong to withdrawn items.
        id_columns: columns that may hold the ids, the likeliest first.
        columns: the columns of the labeled table; a long table that repeats them all is a copy
            of ``escalations.csv``, and its own facts stand to the right of them.
        text_column: the column of the texts; None for a study without texts.
        texts: position -> hash of the text, as `spreadsheet_hash` makes it.
    """

    positions: Mapping[str, int] = field(repr=False)
    withdrawn: Callable[[Sequence[str]], Sequence[str]] = field(repr=False)
    id_columns: tuple[str, ...]
    columns: tuple[str, ...]
    text_column: str | None
    texts: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadDecision:
    """A decision as a table has it; ``row`` is where it stands.

    ``decided_at`` is the time of reading unless the table ``has_time``.
    """

    row: int
    position: int
    variable: str
    kind: AnswerKind
    category: int | None
    reviewer: str
    decided_at: str
    has_time: bool
    role: DecisionRole
    shown: Shown
    seconds: float | None
    confidence: int | None
    error_type: str | None
    note: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """The decisions of a table in its order, and what was found, in sentences."""

    decisions: tuple[ReadDecision, ...]
    messages: tuple[str, ...]


def read_decisions(
    source: TableSource, *, codebook: Codebook, items: StudyItems, id_column: str | None = None
) -> DecisionTable:
    """Read every decision of a table.

    Args:
        source: the table; CSV, an Excel workbook or Parquet.
        codebook: the codebook of the study.
        items: the items of the study.
        id_column: the column with the ids; None finds it.

    Raises:
        TableError: the table has no decisions, or rows that do not belong to the study; nothing
            of it can be used.
    """
    table = open_table_file(source)
    path = path_of(source)
    columns = _columns(table, path, codebook, items, id_column)
    reader = _Reader(path, codebook, items, columns)
    decisions = [
        one
        for number, cells in enumerate(table.cells(columns.read), start=1)
        for one in reader.row(number, dict(zip(columns.read, cells, strict=True)))
    ]
    reader.finish()
    if not decisions:
        raise TableError(
            f"{path.name}: found no decisions; every decision cell is empty.",
            hint="Write a category of the codebook into each cell that you decided.",
        )
    spelled = spelling_messages(reader.meant, where=path.name)
    return DecisionTable(tuple(decisions), (*table.messages, *spelled))


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand in a table; ``answers`` maps a column to its variable.

    In a long table ``answers`` is empty: each row names its variable. ``shown`` is what rows
    without a word about it were decided by.
    """

    id: str
    text: str | None
    answers: Mapping[str, str]
    facts: tuple[str, ...]
    shown: Shown

    @property
    def read(self) -> tuple[str, ...]:
        """The columns to read, in order."""
        own = tuple(self.answers) or (VARIABLE, DECISION)
        text = (self.text,) if self.text else ()
        return (*dict.fromkeys((self.id, *text, *own, *self.facts)),)


def _columns(
    table: TableFile, path: Path, codebook: Codebook, items: StudyItems, id_column: str | None
) -> _Columns:
    is_long = DECISION in table.columns and VARIABLE in table.columns
    repeats = set(items.columns) <= set(table.columns)
    # A copy of our tables has the user's own columns, such as gold labels; a worksheet does not.
    own = {*items.columns} if repeats and OPEN_COLUMN not in table.columns else set()
    answers: dict[str, str] = {}
    for variable in () if is_long else codebook.variables:
        for prefix in PREFIXES:
            name = f"{prefix}{variable.name}"
            is_given = name in table.columns and name not in own
            if is_given and variable.name not in answers.values():
                answers[name] = variable.name
    if not is_long and not answers:
        wanted = ", ".join(f'"decision_{variable.name}"' for variable in codebook.variables)
        raise TableError(
            f'{path.name}: found no column with decisions; expected "{VARIABLE}" and '
            f'"{DECISION}", or for each variable one of {wanted}.',
            hint='Add a column "decision" to a copy of escalations.csv, or fill in a worksheet.',
        )
    if not is_long:
        _refuse_strange_columns(table, path, answers, codebook)
    candidates = tuple(dict.fromkeys((*([id_column] if id_column else []), *items.id_columns)))
    ids = next((name for name in candidates if name in table.columns), None)
    if ids is None:
        expected = " or ".join(f'"{name}"' for name in candidates)
        raise TableError(
            f"{path.name}: found no column with item ids; expected {expected}.",
            hint="Decisions are matched by id, never by row: name the column with --id-column.",
        )
    taken = {*items.columns} if is_long and repeats else set()
    text = items.text_column if is_long or items.text_column in table.columns else _WORKSHEET_TEXT
    return _Columns(
        id=ids,
        text=text if items.texts and text in table.columns else None,
        answers=answers,
        facts=tuple(
            name for name in (*_FACTS, HASH_COLUMN) if name in table.columns and name not in taken
        ),
        shown=_shown(table.columns),
    )


def _shown(columns: Sequence[str]) -> Shown:
    """Return what a person saw in a worksheet, which has the labels of raters or not."""
    if OPEN_COLUMN not in columns:
        return "unknown"
    return "labels" if any(name.startswith(LABELS_PREFIX) for name in columns) else "item"


def _refuse_strange_columns(
    table: TableFile, path: Path, answers: Mapping[str, str], codebook: Codebook
) -> None:
    """Refuse a worksheet with decisions about something else, rather than leave them out."""
    strange = [name for name in table.columns if name.startswith(PREFIXES) and name not in answers]
    if OPEN_COLUMN in table.columns and strange:
        wanted = ", ".join(variable.name for variable in codebook.variables)
        raise TableError(
            f'{path.name}: column "{strange[0]}" belongs to no variable of the codebook, which '
            f"has: {wanted}.",
            hint="Give the column the name that it had in the worksheet.",
        )


class _Reader:
    """Reads row by row, and collects what is wrong until the whole table was read."""

    def __init__(
        self, path: Path, codebook: Codebook, items: StudyItems, columns: _Columns
    ) -> None:
        self._path = path
        self._codebook = codebook
        self._items = items
        self._columns = columns
        self._now = decided_now()
        self._problems: list[str] = []
        self._rows = self._wrong = 0
        self.meant: dict[str, str] = {}

    def row(self, number: int, cells: Mapping[str, str]) -> Iterator[ReadDecision]:
        """Yield the decisions of a row; one that does not belong is noted."""
        self._rows = number
        of_item = ""
        try:
            position = self._position(cells)
            # A spreadsheet counts the header as a row, so that its row numbers are others.
            of_item = f' (id "{cells[self._columns.id].strip()}")'
            found = [*self._answers(cells)]
            facts = self._facts(cells) if found else {}
        except _RowError as problem:
            self._wrong += 1
            if len(self._problems) < _MOST_SHOWN:
                self._problems.append(f"row {number}{of_item}: {problem}")
            return
        for variable, kind, category in found:
            yield ReadDecision(number, position, variable, kind, category, **facts)  # type: ignore[arg-type]

    def finish(self) -> None:
        """Refuse the table if a row does not belong.

        Raises:
            TableError: names the first of these rows and what is wrong with each.
        """
        if self._wrong:
            more = ", ..." if self._wrong > len(self._problems) else ""
            raise TableError(
                f"{self._path.name}: {self._wrong:,} of {counted(self._rows, 'row')} "
                f"{'does' if self._wrong == 1 else 'do'} not belong to this study, so nothing was "
                f"recorded: {'; '.join(self._problems)}{more}.",
                hint=f"{self._hint()} import the file again.",
            )

    def _hint(self) -> str:
        if any(problem.endswith(_NO_SUCH_ID) for problem in self._problems):
            return (
                "A spreadsheet may have changed these ids, as it does with 007 or 1-2: write them "
                "as they were, with the column formatted as text; or remove the rows, and"
            )
        if any(problem.endswith(_OTHER_TEXT) for problem in self._problems):
            return (
                "If the file has de-identified texts, add `--deidentify CODEBOOK`; if it has those "
                "of the table, leave it out. Otherwise, correct or remove these rows, and"
            )
        return "Correct or remove these rows, and"

    def _position(self, cells: Mapping[str, str]) -> int:
        positions, cell = self._items.positions, cells[self._columns.id]
        own = next(
            (one for one in (cell, restore_formula(cell), cell.strip()) if one in positions), None
        )
        if own is None:
            if self._items.withdrawn([cell]):
                raise _RowError("its item was withdrawn from the study")
            raise _RowError(_NO_SUCH_ID if cell.strip() else "it has no id")
        position = positions[own]
        if self._columns.text is not None:
            text = cells[self._columns.text]
            hashes = {spreadsheet_hash(text), spreadsheet_hash(restore_formula(text))}
            if self._items.texts[position] not in hashes:
                raise _RowError(_OTHER_TEXT)
        given = cells.get(HASH_COLUMN, "").strip().lower() if self._items.texts else ""
        if given and given != self._items.texts[position].hex()[: len(given)]:
            raise _RowError(_OTHER_TEXT)
        return position

    def _answers(self, cells: Mapping[str, str]) -> Iterator[tuple[str, AnswerKind, int | None]]:
        pairs = [(name, one, cells[name]) for name, one in self._columns.answers.items()]
        for column, variable, cell in pairs or [(DECISION, cells.get(VARIABLE, ""), "")]:
            written = (cell if pairs else cells[DECISION]).strip()
            names = {one.name: one for one in self._codebook.variables}
            known = names.get(variable) or names.get(restore_formula(variable.strip()))
            if known is None:
                raise _RowError(f'column "{VARIABLE}" names no variable of the codebook')
            if not written:
                continue
            if written.lower() in ANSWER_WORDS:
                yield known.name, ANSWER_WORDS[written.lower()], None
                continue
            category = self._category(written, known.answers)
            if category is None:
                raise _RowError(_not_a_category(column, written, known))
            yield known.name, "category", category

    def _category(self, written: str, answers: Sequence[str]) -> int | None:
        for word in (written, restore_formula(written)):
            meant = category_meant(word, answers)
            if meant is not None:
                if meant != word:
                    self.meant[word] = meant
                return answers.index(meant)
        return None

    def _facts(self, cells: Mapping[str, str]) -> dict[str, object]:
        given = {name: cells[name].strip() for name in self._columns.facts}
        return {
            "reviewer": restore_formula(given.get("reviewer", "")),
            "decided_at": _time(given.get("decided_at", "")) or self._now,
            "has_time": bool(given.get("decided_at", "")),
            "role": _word(given.get("role", ""), _ROLES, "role") or "review",
            "shown": _word(given.get("shown", ""), get_args(Shown), "shown") or self._columns.shown,
            "seconds": _seconds(given.get("seconds", "")),
            "confidence": _confidence(given.get("confidence", "")),
            "error_type": restore_formula(given.get("error_type", "")) or None,
            "note": restore_formula(given.get("note", "")) or None,
        }


def _not_a_category(column: str, written: str, variable: Variable) -> str:
    offered = ", ".join(variable.answers)
    problem = (
        f'column "{column}" has a word that is not a category of "{variable.name}", which has: '
        f"{offered}"
    )
    close = difflib.get_close_matches(written, (*variable.answers, *ANSWER_WORDS), n=1)
    return f'{problem} (did you mean "{close[0]}"?)' if close else problem


class _RowError(Exception):
    """Tell what is wrong with a row."""


def _word(cell: str, words: tuple[str, ...], column: str) -> str | None:
    if cell and cell not in words:
        raise _RowError(f'column "{column}" has another word than {", ".join(words)}')
    return cell or None


def _time(cell: str) -> str | None:
    """Return a time in UTC; one without an offset is taken for UTC."""
    if not cell:
        return None
    try:
        time = datetime.fromisoformat(cell)
        known = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
        return known.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        raise _RowError('column "decided_at" is not a time such as 2026-03-01T09:30:00') from None


def _seconds(cell: str) -> float | None:
    if not cell:
        return None
    try:
        seconds = float(cell.replace(",", "."))
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds < 0:
        raise _RowError('column "seconds" is not a number of seconds')
    return seconds


def _confidence(cell: str) -> int | None:
    allowed = [str(value) for value in range(1, HIGHEST_CONFIDENCE + 1)]
    if cell and cell not in allowed:
        raise _RowError(f'column "confidence" is not one of {", ".join(allowed)}')
    return int(cell) if cell else None

"""Choose the columns with the ids and the texts in a table of items.

Decides which names are clear enough to guess from. Two columns that could both be the text
are an error, because labeling the wrong one would go unnoticed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from localensemble.core.command_lines import command_word
from localensemble.core.errors import TableError
from localensemble.core.options import Option
from localensemble.tables.delimited import Table

IdColumn = Annotated[
    str | None, Option("The column with the item ids, or columns to combine: A,B.")
]
TextColumn = Annotated[str | None, Option("The column with the item texts.")]

_SAMPLE_ROWS = 1000
# Shorter cells could just as well be names, addresses or dates.
_SHORTEST_TEXT = 40
# A longer heading may be the first text of a table without headings, so it is not shown.
_LONGEST_HEADING = 60
_LONGEST_WORD = 60
# Named like an id, but not clearly the id of the item: patient_id, PatientID, study id, comment_no.
_LIKE_AN_ID = re.compile(
    r"(?:[\W_](?i:id|no|nr|num|number)|[^\W\d_A-Z](?:I[Dd]|N[or]|Num|Number))\.?$"
)
ID_NAMES = (
    "id", "itemid", "recordid", "textid", "noteid", "commentid", "documentid", "docid",
    "responseid", "reportid", "messageid", "caseid", "rowid", "uid", "uuid", "guid", "identifier",
    "idnr", "idnummer", "textnr", "textnummer", "fallid", "fallnr", "fallnummer", "kennung",
)  # fmt: skip
ITEM_NAMES: tuple[frozenset[str], ...] = (
    frozenset({"item", "itemid"}),
    frozenset({"id"}),
    frozenset({*ID_NAMES, "unit", "unitid", "subject", "subjectid", "case", "document"}),
)
"""Names of the column with the items in a table of labels, the clearest first."""
TEXT_NAMES = (
    {"text", "itemtext", "fulltext", "freetext", "freitext", "texte", "texto", "testo"},
    {
        "abstract", "answer", "answertext", "body", "comment", "comments", "commenttext", "content",
        "description", "document", "feedback", "message", "narrative", "note", "notes", "notetext",
        "report", "reporttext", "response", "review", "sentence", "transcript", "utterance",
        "anmerkung", "anmerkungen", "antwort", "befund", "bemerkung", "bemerkungen", "bericht",
        "kommentar", "kommentare", "notiz", "notizen", "rückmeldung",
        "commentaire", "commentaires", "remarque", "comentario", "comentarios", "commento",
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """The columns in use, and messages that tell the user how they were chosen."""

    id_columns: tuple[str, ...]
    text_column: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdColumns:
    """The columns whose cells make the ids.

    Attributes:
        names: empty if no column qualifies; several if they are combined.
        messages: how they were chosen, in sentences for the user.
        proposed: a column with a different value in every row that is named like an id, but was
            not chosen; None without one.
    """

    names: tuple[str, ...]
    messages: tuple[str, ...] = ()
    proposed: str | None = None


def choose_columns(
    table: Table, *, id_column: str | None, text_column: str | None, known_labels: bool = False
) -> ItemColumns:
    """Use the columns that are named, and guess the others.

    Args:
        known_labels: as for `choose_id_columns`.

    Raises:
        TableError: a named column is missing, both are the same, or a guess is not safe.
    """
    if text_column is not None:
        _check_named(table, "text", text_column)
    ids = choose_id_columns(
        table, named=id_column, leave_out=text_column, known_labels=known_labels
    )
    if text_column is not None:
        return ItemColumns(ids.names, text_column, ids.messages)
    text_column = _guess_text(table, [name for name in table.columns if name not in ids.names])
    return ItemColumns(
        ids.names,
        text_column,
        (*ids.messages, f"Using {_shown(table, text_column)} for the item texts."),
    )


def choose_id_columns(
    table: Table,
    *,
    named: str | None,
    leave_out: str | None = None,
    known_labels: bool = False,
) -> IdColumns:
    """Use the columns named for the ids, or guess one.

    Args:
        named: a column, or several with commas between them.
        leave_out: a column that cannot hold the ids.
        known_labels: whether the table holds known labels. Its ids may then be in a column
            ``item``, as in a table of ratings; in a table of texts this column is only proposed.

    Raises:
        TableError: a column is missing, named twice or the one left out, or a guess is not safe.
    """
    if named is not None:
        names = named_id_columns(table, named)
        for name in names:
            _check_named(table, "id", name)
        if leave_out in names:
            raise TableError(
                f'{table.path.name}: column "{leave_out}" is named for both the id and the text.',
                hint="Name two different columns.",
            )
        if len(set(names)) < len(names):
            raise TableError(
                f'{table.path.name}: "{named}" names a column twice for the id.',
                hint="Name each column once.",
            )
        return IdColumns(names)
    columns = [name for name in table.columns if name != leave_out]
    guessed = _guess_id(table, columns) or (
        _rated_id(table, columns, unique=False) if known_labels else None
    )
    if guessed is not None:
        return IdColumns((guessed,), (f'Using column "{guessed}" for the item ids.',))
    rated = _rated_id(table, columns)
    message = "Found no column with ids; the items are named row-1, row-2, ... in file order."
    proposed = next(
        (
            name
            for name in columns
            if (_LIKE_AN_ID.search(name.strip()) or name == rated)
            and _tells_rows_apart(table, name)
        ),
        None,
    )
    if proposed is not None:
        message += (
            f' Column "{proposed}" has a different value in every row; to use it for the ids, add '
            f"`{id_option(proposed)}`."
        )
    return IdColumns((), (message,), proposed)


def named_id_columns(table: Table, named: str) -> tuple[str, ...]:
    """Split the columns named for the ids at commas, unless one column has that name."""
    if named in table.columns:
        return (named,)
    return tuple(name.strip() for name in named.split(","))


def id_option(*columns: str) -> str:
    """Return the option that names columns for the ids, as you would type it."""
    return f"--id-column {command_word(','.join(columns))}"


def table_options(
    items: str | Path | None,
    *,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: Path | None = None,
) -> str:
    """Return the options that give this table again, to append to a command; empty without one."""
    given = [] if items is None else ["--items", str(items)]
    if id_column is not None:
        given += ["--id-column", id_column]
    if text_column is not None:
        given += ["--text-column", text_column]
    if deidentify is not None:
        given += ["--deidentify", str(deidentify)]
    return "".join(f" {command_word(word)}" for word in given)


def plain_name(name: str) -> str:
    """Return a form that all spellings of a column name share: ``Item ID``, ``item_id``."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _guess_id(table: Table, columns: Sequence[str]) -> str | None:
    named = sorted(
        (name for name in columns if plain_name(name) in ID_NAMES),
        key=lambda name: ID_NAMES.index(plain_name(name)),
    )
    if len(named) < 2:
        # Reading the whole file later checks that its ids are unique.
        return named[0] if named else None
    unique = [name for name in named if _tells_rows_apart(table, name)]
    if not unique:
        raise TableError(
            f"{table.path.name}: the columns {_listed(table, named)} look like ids, but none "
            "has a different value in every row.",
            hint="Give every item a unique id, and name the column (`--id-column`).",
        )
    return unique[0]


def _rated_id(table: Table, columns: Sequence[str], *, unique: bool = True) -> str | None:
    """Find the column that a table of ratings would take for the ids, if it holds short words.

    Args:
        unique: whether no two rows may have the same id; if not, whoever reads them refuses it.
    """
    for wanted in ITEM_NAMES:
        for name in columns:
            if plain_name(name) in wanted and (not unique or _tells_rows_apart(table, name)):
                place = table.columns.index(name)
                cells = [values[place].strip() for values in table.rows()]
                if all(len(cell) <= _LONGEST_WORD and len(cell.split()) == 1 for cell in cells):
                    return name
    return None


def _tells_rows_apart(table: Table, column: str) -> bool:
    index = table.columns.index(column)
    seen: set[int] = set()
    for values in table.rows():
        # A hash collision can make a usable column look unusable; a repeated id never passes.
        key = hash(values[index])
        if key in seen or not values[index].strip():
            return False
        seen.add(key)
    return True


def _guess_text(table: Table, columns: Sequence[str]) -> str:
    for names in TEXT_NAMES:
        named = [name for name in columns if plain_name(name) in names]
        if len(named) == 1:
            return named[0]
        if named:
            raise _unclear_error(table, named)
    if not columns:
        raise _unclear_error(table, table.columns)
    if len(columns) == 1 and _has_words(table, columns[0]):
        return _headed(table, columns[0])
    lengths = dict.fromkeys(columns, 0)
    rows = 0
    for values in itertools.islice(table.rows(), _SAMPLE_ROWS):
        rows += 1
        for name, cell in zip(table.columns, values, strict=True):
            if name in lengths:
                lengths[name] += len(cell)
    longest, *others = sorted(lengths, key=lengths.__getitem__, reverse=True)
    second = lengths[others[0]] if others else 0
    if lengths[longest] < max(_SHORTEST_TEXT * rows, 2 * second):
        raise _unclear_error(table, columns)
    return _headed(table, longest)


def _has_words(table: Table, column: str) -> bool:
    """Tell whether most cells have a letter; a column of ages or dates is not a text column."""
    index = table.columns.index(column)
    cells = [values[index] for values in itertools.islice(table.rows(), _SAMPLE_ROWS)]
    filled = [cell for cell in cells if cell.strip()]
    return 2 * sum(any(map(str.isalpha, cell)) for cell in filled) > len(filled)


def _check_named(table: Table, role: str, column: str) -> None:
    if column in table.columns:
        return
    near = get_close_matches(column, table.columns, n=1, cutoff=0.6)
    raise TableError(
        f'{table.path.name}: there is no column "{column}" for the {role}; the columns are '
        f"{_listed(table, table.columns)}.",
        hint=f'Did you mean "{near[0]}"?'
        if near
        else f"Name the column with the {role} (`--{role}-column`).",
    )


def _unclear_error(table: Table, columns: Sequence[str]) -> TableError:
    return TableError(
        f"{table.path.name}: it is not clear which column holds the text; it could be "
        f"{_listed(table, columns)}.",
        hint="Name the column with the text (`--text-column`).",
    )


def _listed(table: Table, columns: Sequence[str]) -> str:
    shown = ", ".join(_shown(table, name, word="") for name in columns[:20])
    return f"{shown} and {len(columns) - 20} more" if len(columns) > 20 else shown


def _shown(table: Table, column: str, *, word: str = "column ") -> str:
    """Name a column, by its position if the heading could be the text of an item."""
    if len(column) > _LONGEST_HEADING or _reads_like_a_text(column):
        return f"column {table.columns.index(column) + 1}"
    return f'{word}"{column}"'


def _reads_like_a_text(heading: str) -> bool:
    if heading.endswith("?"):  # A question on a form is a heading, however long.
        return False
    sentence = heading.endswith((".", "!")) and len(heading.split()) > 2
    return sentence or len(heading) > _LONGEST_HEADING


def _headed(table: Table, column: str) -> str:
    """Return a column that was not chosen by name; refuse it if its heading reads like a text.

    Otherwise the first item would be lost, and its text shown as a column name.
    """
    if not _reads_like_a_text(column):
        return column
    raise TableError(
        f"{table.path.name}, line 1, column {table.columns.index(column) + 1}: expected a column "
        f"name, found what looks like an item text ({len(column)} characters).",
        hint="Add a header line with the column names, such as id,text. If this is the name, "
        "pass it with `--text-column`.",
    )

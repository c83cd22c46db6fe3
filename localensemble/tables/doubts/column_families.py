"""Find columns whose names have two parts: checkboxes of one question, or raters by variables.

A program that asks one question with several answers writes a column for each answer (REDCap
``theme___1``, KoBo ``theme/pain``). A table of several variables may have a column for each rater
and variable: ``ann_pain``, ``ann_sleep``, ``ben_pain``, ``ben_sleep``. Taken for raters, either
gives a believable wrong agreement. Decides which columns belong together; what that means is left
to the caller.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import InputError, TableError
from localensemble.tables.column_names import columns_named, listed
from localensemble.tables.doubts.doubtful_raters import as_option
from localensemble.tables.table_files import TableFile

# The last divides where a capital letter begins a word: annPain.
_SEPARATORS = ("___", "__", "/", ":", "|", "_", ".", "-", " ", "")
_CAPITAL = re.compile(r"(?<=[a-zäöüß\d])(?=[A-ZÄÖÜ])")
# REDCap, KoBo and R; LimeSurvey; REDCap with its labels.
_CHECKBOX = re.compile(
    r"(?P<stem>.+?)(?P<separator>___|/|\.(?! )|\[|\\|\$| ?\(choice=)(?P<choice>[^/\[\]]+)[\])]?"
)
# NVivo writes "A : Pain", "B : Sleep".
_LETTERED = re.compile(r"[A-Z]{1,2} : .+")
_TICKS = frozenset(
    {"checked", "unchecked", "selected", "not selected", "quoted", "not quoted"}
    | {"gew\u00e4hlt", "nicht gew\u00e4hlt", "genannt", "nicht genannt"}
)
_CHECKED = frozenset(
    {"", "0", "1", "true", "false", "checked", "unchecked", "yes", "no", "y", "n"}
    | {"selected", "not selected", "quoted", "not quoted", "on", "off"}
    | {
        "ja",
        "nein",
        "nicht gew\u00e4hlt",
        "gew\u00e4hlt",
        "genannt",
        "nicht genannt",
        "wahr",
        "falsch",
    }
    | {"oui", "non", "vrai", "faux", "nee", "waar", "onwaar", "s\u00ed", "si"}
)
# R writes a dot where a heading had a space or a number was added: "rater.1" is a rater.
_RATER_STEMS = re.compile(
    r"(rater|coder|annotator|judge|reader|observer|reviewer|assessor|labeler|scorer|expert|person"
    r"|user|worker|doctor|physician|nurse|student|clinician|model|llm|run|round|time|wave|visit"
    r"|novice|trainee|resident|doc|dr|x|v|r|\w+ist)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(.*?[^\W\d_])(?:[ ._-]?(\d{1,2}))?")
_SAMPLE_ROWS = 2000
_PATTERN = re.compile(r"\{(rater|variable)\}([^{}]*)\{(rater|variable)\}")


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns named by two parts, each of which recurs.

    Attributes:
        separator: what stands between the parts; empty if the second begins with a capital.
        last_separator: whether the last separator in a name divides it, not the first.
        parts: column -> first part, last part; in table order.
    """

    separator: str
    last_separator: bool
    parts: dict[str, tuple[str, str]]

    @property
    def first(self) -> tuple[str, ...]:
        """The different first parts."""
        return tuple(dict.fromkeys(one for one, _ in self.parts.values()))

    @property
    def last(self) -> tuple[str, ...]:
        """The different last parts."""
        return tuple(dict.fromkeys(other for _, other in self.parts.values()))


@dataclass(frozen=True, slots=True)
class ColumnPattern:
    """How columns are named: ``{rater}_{variable}`` or ``{variable}_{rater}``."""

    separator: str
    rater_first: bool

    @classmethod
    def parse(cls, text: str) -> ColumnPattern:
        """Read a pattern as it is typed.

        Raises:
            InputError: it does not name a rater and a variable.
        """
        found = _PATTERN.fullmatch(text)
        if found is None or found[1] == found[3]:
            raise InputError(
                f'Cannot use the column pattern "{text}"; expected {{rater}} and {{variable}} '
                "and what stands between them.",
                hint="For columns such as ann_pain: `--column-pattern '{rater}_{variable}'`.",
            )
        return cls(found[2], found[1] == "rater")

    def __str__(self) -> str:
        names = ("{rater}", "{variable}")
        return self.separator.join(names if self.rater_first else names[::-1])

    def raters_and_variables(
        self, grid: Grid, columns: Sequence[str]
    ) -> dict[str, tuple[str, str]]:
        """Return the rater and the variable of each column.

        Columns outside the grid count if they are about one of its variables: not every rater
        judges all of them.
        """
        about = {}
        variables = grid.last if self.rater_first else grid.first
        for column in columns:
            parts = _divided(column, grid.separator, last=grid.last_separator)
            rater, variable = (parts if self.rater_first else parts[::-1]) if parts else ("", "")
            if variable in variables:
                about[column] = (rater, variable)
        return about


def find_rounds(columns: Sequence[str]) -> list[str]:
    """Find columns such as ``pain``, ``sleep``, ``pain_2`` and ``sleep_2``; or with 1 and 2.

    Programs number names that recur, so these are two raters' labels of two variables.
    """
    numbered = {
        name: (found[1].casefold(), found[2] or "")
        for name in columns
        if (found := _NUMBERED.fullmatch(name))
    }
    stems: dict[str, set[str]] = {}
    for stem, number in numbered.values():
        stems.setdefault(stem, set()).add(number)
    recurring = {stem for stem, numbers in stems.items() if len(numbers) > 1}
    if len(recurring) < 2 or any(map(_RATER_STEMS.fullmatch, recurring)):
        return []
    if len({frozenset(stems[stem]) for stem in recurring}) > 1:
        return []
    return [name for name, (stem, _) in numbered.items() if stem in recurring]


def find_grid(columns: Sequence[str], *, separator: str | None = None) -> Grid | None:
    """Find columns such as ``ann_pain``, ``ann_sleep``, ``ben_pain`` and ``ben_sleep``.

    Args:
        separator: the only one to look for; None tries the usual ones.

    Returns:
        The most columns that one separator divides into recurring parts; None if there are
        fewer than four, or if more than half of the combinations are missing.
    """
    found = [
        grid
        for one in (_SEPARATORS if separator is None else (separator,))
        for last in (False, True)
        if (grid := _grid(columns, one, last=last)) is not None
    ]
    return max(found, key=lambda grid: len(grid.parts), default=None)


def _grid(columns: Sequence[str], separator: str, *, last: bool) -> Grid | None:
    parts = {
        column: found
        for column in columns
        if (found := _divided(column, separator, last=last)) is not None
    }
    while parts:
        firsts = Counter(one for one, _ in parts.values())
        lasts = Counter(other for _, other in parts.values())
        kept = {
            column: (one, other)
            for column, (one, other) in parts.items()
            if firsts[one] > 1 and lasts[other] > 1
        }
        if len(kept) == len(parts):
            full = len(firsts) * len(lasts)
            return (
                Grid(separator, last, parts) if len(parts) > 3 and 2 * len(parts) > full else None
            )
        parts = kept
    return None


def _divided(column: str, separator: str, *, last: bool) -> tuple[str, str] | None:
    places = (
        [(found.start(), found.start()) for found in _CAPITAL.finditer(column)]
        if not separator
        else [(found.start(), found.end()) for found in re.finditer(re.escape(separator), column)]
    )
    if not places:
        return None
    start, end = places[-1 if last else 0]
    one, other = column[:start].strip(), column[end:].strip()
    return (one, other) if one and other else None


def grid_error(path: Path, grid: Grid) -> TableError:
    """Return the error that asks which parts of column names are raters."""
    one, other = (str(ColumnPattern(grid.separator, rater_first=first)) for first in (True, False))
    return TableError(
        f"{path.name}: {columns_named([*grid.parts])} seem to hold several variables, with a "
        "column for each rater and variable.",
        hint=f"If {listed(grid.first)} are the raters, add `--column-pattern '{one}'`; if "
        f"{listed(grid.last)} are, `--column-pattern '{other}'`. If each column is a rater: "
        f"`--raters {as_option([*grid.parts])}`.",
    )


def _ticked(table: TableFile, columns: Sequence[str]) -> list[str]:
    """Find columns that hold nothing but the words Checked and Unchecked."""
    found = {*columns}
    for cells in itertools.islice(table.cells(columns), _SAMPLE_ROWS if columns else 0):
        found -= {
            column
            for column, cell in zip(columns, cells, strict=True)
            if cell.strip().casefold() not in _TICKS
        }
    return [column for column in columns if column in found]


def find_checkboxes(table: TableFile, columns: Sequence[str]) -> list[str]:
    """Find columns that hold the answers to one question, each checked or not.

    Two columns or more hold Checked and Unchecked; or they have the same name up to ``___``,
    ``/``, a dot or a bracket, and hold nothing but 0 and 1, or words for them.
    """
    split = {column: found for column in columns if (found := _CHECKBOX.fullmatch(column))}
    lettered = [column for column in columns if _LETTERED.fullmatch(column)]
    stems = Counter((found["stem"], found["separator"]) for found in split.values())
    candidates = [
        column
        for column, found in split.items()
        if stems[found["stem"], found["separator"]] > 1
        and not (found["separator"] in ".[" and _RATER_STEMS.fullmatch(found["stem"]))
    ]
    candidates = lettered if len(lettered) > 1 else candidates
    unchecked = set(candidates)
    ticked = _ticked(table, columns)
    if len(ticked) > 1:
        return ticked
    for cells in itertools.islice(table.cells(candidates), _SAMPLE_ROWS if candidates else 0):
        for column, cell in zip(candidates, cells, strict=True):
            if cell.strip().casefold() not in _CHECKED:
                unchecked.discard(column)
    return [column for column in candidates if column in unchecked]

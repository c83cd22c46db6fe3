"""What a worksheet asks of a person: the items, the open variables of each, and the categories.

A worksheet is blind unless the raters' labels are given: then they are shown beside each text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from localensemble.codebook.model import Codebook, Variable
from localensemble.core.identity import sha256_json
from localensemble.study.people.answer_words import CANNOT_DECIDE, CODEBOOK_UNCLEAR
from localensemble.tables.delimited import TableFormat

OPEN_COLUMN = "open_variables"
NOTE_COLUMN = "note"
REVIEWER_COLUMN = "reviewer"
DECISION_PREFIX = "decision_"
LABELS_PREFIX = "labels_"
HASH_COLUMN = "text_hash"
"""Ties an answer to the text it is about; the first digits of `spreadsheet_hash`."""


@dataclass(frozen=True, slots=True)
class RaterWord:
    """What one rater said about one item and variable, in one word."""

    rater: str
    word: str


@dataclass(frozen=True, slots=True)
class AskedItem:
    """An item and the variables that a person decides.

    Attributes:
        id: the item's id.
        text: its text; None if the study has no texts.
        open: the names of the variables to decide, in codebook order.
        labels: variable -> what the raters said; empty if the worksheet is blind.
    """

    id: str
    text: str | None = field(repr=False)
    open: tuple[str, ...]
    labels: Mapping[str, tuple[RaterWord, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A worksheet before it is written.

    Attributes:
        study: the name of the study, for the person who opens the file.
        codebook: the codebook; its variables that no item asks about are not shown.
        items: the items in the order in which to decide them.
        format: how the user's own table is stored.
        reviewer: who decides; None if the file is not meant for one person.
        beside_labels: whether the raters' labels are shown.
    """

    study: str
    codebook: Codebook
    items: tuple[AskedItem, ...] = field(repr=False)
    format: TableFormat
    reviewer: str | None = None
    beside_labels: bool = False

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables that are open for at least one item, in codebook order."""
        names = {name for item in self.items for name in item.open}
        return tuple(one for one in self.codebook.variables if one.name in names)

    @property
    def has_texts(self) -> bool:
        """Whether the items have texts."""
        return any(item.text is not None for item in self.items)

    @property
    def item_columns(self) -> tuple[str, ...]:
        """The columns with the user's own data."""
        return ("id", "text") if self.has_texts else ("id",)

    @property
    def added_columns(self) -> tuple[str, ...]:
        """The columns that the program adds; the decisions go into some of them."""
        names = [variable.name for variable in self.variables]
        return (
            OPEN_COLUMN,
            *(f"{LABELS_PREFIX}{name}" for name in names if self.beside_labels),
            *(f"{DECISION_PREFIX}{name}" for name in names),
            NOTE_COLUMN,
            *([REVIEWER_COLUMN] if self.reviewer else []),
        )

    def item_cells(self, item: AskedItem) -> tuple[str, ...]:
        """Return the cells of `item_columns`."""
        return (item.id, item.text or "") if self.has_texts else (item.id,)

    def added_cells(self, item: AskedItem) -> tuple[str, ...]:
        """Return the cells of `added_columns`; those for decisions are empty."""
        names = [variable.name for variable in self.variables]
        return (
            "; ".join(item.open),
            *(
                "\n".join(f"{said.rater}: {said.word}" for said in item.labels.get(name, ()))
                for name in names
                if self.beside_labels
            ),
            *("" for _ in names),
            "",
            *([self.reviewer] if self.reviewer else []),
        )

    def sha256(self) -> str:
        """Return a hash of what is asked, so that two worksheets are not mistaken."""
        return sha256_json(
            {
                "codebook": self.codebook.sha256,
                "reviewer": self.reviewer,
                "items": [[item.id, item.text, list(item.open)] for item in self.items],
            }
        )


def answers_of(variable: Variable) -> Iterator[str]:
    """Yield what a person can answer: the categories, and the two ways to decide nothing."""
    yield from variable.answers
    yield CANNOT_DECIDE
    yield CODEBOOK_UNCLEAR

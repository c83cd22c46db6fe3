"""What raters are shown of texts: the texts as they are, or de-identified by the codebook.

Decides which texts this concerns: those of items, of shots, and of the examples in the codebook.
Everything that a model computes from a text goes through here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from localensemble.codebook.checked import CodebookSource, load_checked
from localensemble.codebook.model import Codebook
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_words
from localensemble.core.items import Item
from localensemble.core.words import counted, listed
from localensemble.privacy.deidentify.deidentifier import Deidentifier
from localensemble.study.recorded_deidentification import RecordedDeidentification
from localensemble.tables.item_file import ItemFile

_ROWS = 4096


@dataclass(frozen=True, slots=True)
class RaterTexts:
    """How a codebook shows texts to raters.

    Attributes:
        deidentifier: None shows them as they are.
    """

    deidentifier: Deidentifier | None = field(default=None, repr=False)

    @classmethod
    def of(cls, codebook: Codebook) -> RaterTexts:
        """Prepare what a codebook says under ``deidentify``.

        Raises:
            InputError: it asks for presidio, which is not installed.
        """
        stated = codebook.deidentify
        if stated is None:
            return cls()
        return cls(
            Deidentifier(
                built_in=stated.identifiers in {"built_in", "both"},
                presidio=stated.identifiers in {"presidio", "both"},
                patterns={one.name: one.pattern for one in stated.patterns},
            )
        )

    def text(self, text: str, *, where: str = "the text") -> str:
        """Return a text as raters are shown it."""
        if self.deidentifier is None:
            return text
        return self.deidentifier.replaced(text, where=where).text

    def codebook(self, codebook: Codebook) -> Codebook:
        """Return a codebook with its examples as raters are shown them."""
        if self.deidentifier is None:
            return codebook
        return codebook.with_example_texts(lambda text: self.text(text, where="an example"))

    def table(self, items: ItemFile, *, cells: bool = False) -> ItemFile:
        """Return a table whose items have the texts that raters are shown.

        Its hash stays that of the file.

        Args:
            items: the table.
            cells: whether identifiers are also replaced in the cells of its rows, except in ids.
        """
        if self.deidentifier is None:
            return items
        name = items.path.name
        return items.showing(
            lambda item: self.text(item.text, where=f"{name}, row {item.position + 1}"),
            sha256=self.deidentifier.sha256,
            cells=(lambda cell: self.text(cell, where="a cell")) if cells else None,
        )

    def refuse_trained_on_others(
        self, items: ItemFile, *, rater: str, trained_on: frozenset[str]
    ) -> None:
        """Refuse a rater that was trained on texts of the table before they were de-identified.

        It would label them as new texts, although it learned from their gold labels.

        Args:
            items: the table with its texts as they are.
            rater: the name of the rater.
            trained_on: the hashes of the words of the texts that trained it.

        Raises:
            InputError: it was.
        """
        if self.deidentifier is None or not trained_on:
            return
        shown = self.table(items)
        rows = [
            one.position + 1
            for one, other in zip(_items(items, None), _items(shown, None), strict=True)
            if one.text != other.text and sha256_words(one.text) in trained_on
        ]
        if rows:
            raise InputError(
                f'Rater "{rater}" was trained on {counted(len(rows), "text")} of '
                f"{items.path.name} (the first in row {rows[0]}) with identifiers, but is now "
                "shown them without. It would label its own training texts as if they were new.",
                hint="Train it again with the codebook that says `deidentify`: "
                "`localensemble probe train`.",
            )

    def recorded(self, items: ItemFile, *, limit: int | None) -> RecordedDeidentification | None:
        """Search the first items, and return what a run records of it.

        Args:
            items: the table with its texts as they are.
            limit: how many items; None for all.
        """
        if self.deidentifier is None:
            return None
        counts: Counter[str] = Counter()
        texts = changed = 0
        for item in _items(items, limit):
            where = f"{items.path.name}, row {item.position + 1}"
            found = self.deidentifier.replaced(item.text, where=where)
            counts.update(found.counts)
            texts += 1
            changed += bool(found.counts)
        return RecordedDeidentification(
            sha256=self.deidentifier.sha256,
            built_in_sha256=self.deidentifier.built_in_sha256,
            presidio=self.deidentifier.presidio,
            patterns=self.deidentifier.patterns,
            texts=texts,
            changed=changed,
            counts=dict(sorted(counts.items())),
        )


def load_for_raters(codebook: CodebookSource) -> tuple[RaterTexts, Codebook]:
    """Load a codebook for labeling, and return how it shows texts, its examples among them.

    Raises:
        CodebookError: the codebook cannot be used for labeling.
        InputError: it asks for presidio, which is not installed.
    """
    loaded = load_checked(codebook)
    texts = RaterTexts.of(loaded)
    return texts, texts.codebook(loaded)


def deidentification_messages(recorded: RecordedDeidentification | None) -> tuple[str, ...]:
    """Report what was replaced, and that patterns do not find everything."""
    if recorded is None:
        return ()
    found = f": {recorded.kinds}" if recorded.found else ""
    without = [f'"{name}"' for name in recorded.patterns if name.upper() not in recorded.counts]
    return (
        f"De-identified before raters see them: {counted(recorded.changed, 'text')} of "
        f"{recorded.texts:,} changed, {counted(recorded.found, 'identifier')} replaced{found}. "
        "Patterns miss identifiers, above all names: the texts that models see are not anonymous.",
        *(
            [
                f"Nothing in the texts matched {counted(len(without), 'pattern')} of the codebook: "
                f"{listed(without)}. Check the pattern if it should have."
            ]
            if without
            else []
        ),
    )


def _items(items: ItemFile, limit: int | None) -> Iterator[Item]:
    found = (row.item for block in items.blocks(_ROWS) for row in block)
    return islice(found, limit)

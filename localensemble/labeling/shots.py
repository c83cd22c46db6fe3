"""Shots: items with a gold label that a prompt shows as examples.

Decides which ones. Refuses shots that are among the items to label: a rater that was shown the
answer proves nothing, and its label would still be compared with gold. Their gold labels are thus
no gold in the study, because they belong to no item of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from localensemble.codebook.model import Codebook, Example
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_json, sha256_text, sha256_words
from localensemble.core.items import ItemRow
from localensemble.core.words import counted, listed
from localensemble.prompting.template import PromptTemplate
from localensemble.study.category_cells import CategoryReader
from localensemble.study.gold import gold_columns, no_gold_columns_error
from localensemble.study.run_record import RecordedShots
from localensemble.tables.item_file import ItemFile

_ROWS = 4096
_SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class StatedShots:
    """What the ensemble file states about shots."""

    gold: Path
    per_category: int
    seed: int


@dataclass(frozen=True, slots=True)
class Shots:
    """The chosen shots; none by default.

    Attributes:
        examples: variable -> its shots, in the order in which the prompt shows them.
        recorded: what a run keeps about them; None without shots.
        words_sha256: the hashes of the words of their texts.
        messages: sentences for the user.
    """

    examples: Mapping[str, tuple[Example, ...]] = field(default_factory=dict, repr=False)
    recorded: RecordedShots | None = None
    words_sha256: frozenset[str] = frozenset()
    messages: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the shots, which are no gold in a study."""
        return frozenset(self.recorded.ids if self.recorded else ())

    def shown(self, codebook: Codebook) -> Codebook:
        """Return the codebook as a prompt shows it; only prompts are made of it."""
        if not self.examples:
            return codebook
        variables = (
            replace(one, examples=(*one.examples, *self.examples.get(one.name, ())))
            for one in codebook.variables
        )
        return replace(codebook, variables=tuple(variables))

    def refuse_unshown(self, template: PromptTemplate, codebook: Codebook) -> None:
        """Refuse a template that leaves out the examples.

        Raises:
            InputError: it does.
        """
        for variable in self.shown(codebook).variables:
            for layout in ("codebook_first", "item_first"):
                message = template.render(variable, "", layout=layout).messages[1]
                for shot in self.examples.get(variable.name, ()):
                    if shot.text not in message.text:
                        raise InputError(
                            f'The prompt template does not show the shots of "{variable.name}" '
                            f"in the layout {layout}.",
                            hint="Add a loop over variable.examples to it, as the template has "
                            "that `localensemble prompt template` prints; or remove `shots`.",
                        )

    def refuse_among(self, items: ItemFile) -> None:
        """Refuse shots that are among the items to label, by their ids or the words of their texts.

        Raises:
            InputError: some are; the message names their rows.
        """
        if not self.examples:
            return
        rows = [
            row.item.position + 1
            for block in items.blocks(_ROWS)
            for row in block
            if str(row.item.id) in self.ids or sha256_words(row.item.text) in self.words_sha256
        ]
        if rows:
            first = ", ".join(map(str, rows[:_SHOWN_ROWS]))
            more = ", ..." if len(rows) > _SHOWN_ROWS else ""
            raise InputError(
                f"{items.path.name}: {counted(len(rows), 'row')} ({first}{more}) have the id or "
                "the text of a shot, an example in the prompt. The prompt would tell the raters "
                "the answer.",
                hint="Remove these rows from the table, or take shots from gold labels of other "
                "items.",
            )


NO_SHOTS = Shots()


def load_shots(stated: StatedShots | None, codebook: Codebook) -> Shots:
    """Choose the shots that an ensemble file asks for.

    Each variable gets the same number for every category that has enough gold labels. The seed
    and the ids decide which, so the order of the rows does not matter. In the prompt, the
    categories take turns.

    Raises:
        InputError: the table cannot be used, or has no gold label.
    """
    if stated is None:
        return NO_SHOTS
    table = ItemFile.open(stated.gold, known_labels=True)
    columns = gold_columns(table.columns, codebook)
    if not columns:
        raise no_gold_columns_error(stated.gold, codebook)
    rows = [row for block in table.blocks(_ROWS) for row in block]
    readers = [
        CategoryReader(table.path, codebook.variable(name), column)
        for name, column in columns.items()
    ]
    chosen = {
        one.variable.name: _chosen(_by_category(table, rows, one), stated, one.variable.name)
        for one in readers
    }
    used = {row.item.id: row.item for pairs in chosen.values() for row, _ in pairs}
    if not used:
        raise InputError(
            f"{stated.gold}: no row has a gold label.",
            hint="Write a category of the codebook into each cell whose gold label is known.",
        )
    examples = {
        name: tuple(Example(row.item.text, category) for row, category in pairs)
        for name, pairs in chosen.items()
    }
    content = {name: [[one.text, one.category] for one in some] for name, some in examples.items()}
    recorded = RecordedShots(
        ids=tuple(sorted(map(str, used))),
        per_category=stated.per_category,
        seed=stated.seed,
        gold_sha256=table.sha256,
        sha256=sha256_json(content),
    )
    hashes = frozenset(sha256_words(item.text) for item in used.values())
    spelled = [message for reader in readers for message in reader.messages()]
    messages = (*_messages(stated, codebook, examples, len(used)), *spelled)
    return Shots(examples, recorded, hashes, messages)


def _by_category(
    table: ItemFile, rows: Sequence[ItemRow], reader: CategoryReader
) -> Mapping[str, Sequence[ItemRow]]:
    variable = reader.variable
    place = table.columns.index(reader.column)
    found: dict[str, list[ItemRow]] = {name: [] for name in variable.answers}
    for row in rows:
        index = reader.index(row.values[place], row_number=row.item.position + 1)
        if index >= 0 and row.item.text.strip():
            found[variable.answers[index]].append(row)
    return found


def _chosen(
    by_category: Mapping[str, Sequence[ItemRow]], stated: StatedShots, variable: str
) -> list[tuple[ItemRow, str]]:
    """Choose rows of each category; the first of every category come first."""

    def drawn(row: ItemRow) -> str:
        return sha256_text(f"{stated.seed} {variable} {row.item.id}")

    ranked = {name: sorted(rows, key=drawn) for name, rows in by_category.items()}
    return [
        (rows[turn], name)
        for turn in range(stated.per_category)
        for name, rows in ranked.items()
        if turn < len(rows)
    ]


def _messages(
    stated: StatedShots, codebook: Codebook, examples: Mapping[str, Sequence[Example]], items: int
) -> tuple[str, ...]:
    few = [
        f'"{category}" of {variable.name}'
        for variable in codebook.variables
        for category in variable.answers
        if variable.name in examples
        and sum(one.category == category for one in examples[variable.name]) < stated.per_category
    ]
    return (
        f"The prompts show {counted(items, 'item')} of {stated.gold.name} as examples (shots, seed "
        f"{stated.seed}); their gold labels do not count in this study.",
        *(
            (
                f"{stated.gold.name} has fewer gold labels than {stated.per_category} for "
                f"{listed(few)}: the shots are not balanced.",
            )
            if few
            else ()
        ),
    )

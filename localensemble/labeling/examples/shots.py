"""Shots: items with a gold label that a prompt shows as examples.

Decides which ones. A rater that was shown the answer proves nothing, and its label would still be
compared with gold. So shots chosen by category are refused if they are among the items to label,
and every other choice leaves out the items of the study. So the gold label of
a shot never counts as gold in the study: it belongs to none of its items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from localensemble.codebook.model import Codebook, Example
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_json, sha256_text, sha256_words
from localensemble.core.items import Item, ItemRow
from localensemble.core.labels import ItemId
from localensemble.core.words import counted, listed
from localensemble.labeling.examples.item_shots import (
    ItemSelection,
    ItemShots,
    ShotPool,
    TextEmbedder,
)
from localensemble.prompting.template import PromptTemplate
from localensemble.strategies.near_duplicates import are_near_duplicates, words_of
from localensemble.study.category_cells import CategoryReader
from localensemble.study.gold import gold_columns, no_gold_columns_error
from localensemble.study.run_record import RecordedShots
from localensemble.tables.item_file import ItemFile

_ROWS = 4096
_SHOWN_ROWS = 5


ShotSelection = Literal["fixed", ItemSelection]

OpenEmbedder = Callable[[str], TextEmbedder]
"""Finds an embedder by the name or path that an ensemble file gives."""


@dataclass(frozen=True, slots=True)
class StatedShots:
    """What the ensemble file states about shots.

    Attributes:
        gold: the table that they come from.
        per_category: examples of each category; used if ``count`` is None.
        seed: seed of the choice.
        count: examples of each variable, whatever their categories.
        select: how ``count`` examples are chosen.
        embedder: the model that compares texts.
        groups: how many groups of texts share examples; None if each text has its own.
    """

    gold: Path
    per_category: int
    seed: int
    count: int | None = None
    select: ShotSelection = "fixed"
    embedder: str = ENCODER
    groups: int | None = None


@dataclass(frozen=True, slots=True)
class Shots:
    """The chosen shots; none by default.

    Attributes:
        examples: variable -> its shots, in the order in which the prompt shows them.
        recorded: what a run keeps about them; None without shots.
        words_sha256: the hashes of the words of their texts.
        messages: sentences for the user.
        of_texts: the shots that each text gets instead; None if all texts get the same.
    """

    examples: Mapping[str, tuple[Example, ...]] = field(default_factory=dict, repr=False)
    recorded: RecordedShots | None = None
    words_sha256: frozenset[str] = frozenset()
    messages: tuple[str, ...] = ()
    of_texts: ItemShots | None = None

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

    def as_if_shared(self, codebook: Codebook, text: str) -> Codebook | None:
        """Return the codebook with the shots of one text, as if all texts got them.

        Returns:
            None if all texts get the same shots anyway.
        """
        of_texts = self.of_texts
        if of_texts is None:
            return None
        shots = {one.name: of_texts.examples(one.name, text) for one in codebook.variables}
        return replace(self, examples=shots).shown(codebook)

    def refuse_unshown(self, template: PromptTemplate, codebook: Codebook) -> None:
        """Refuse a template that leaves out the examples.

        Raises:
            InputError: it does.
        """
        shots = self._samples()
        for one in codebook.variables:
            variable = replace(one, examples=(*one.examples, *shots.get(one.name, ())))
            for layout in ("codebook_first", "item_first"):
                message = template.render(variable, "", layout=layout).messages[1]
                for shot in shots.get(variable.name, ()):
                    if shot.text not in message.text:
                        raise InputError(
                            f'The prompt template does not show the shots of "{variable.name}" '
                            f"in the layout {layout}.",
                            hint="Add a loop over variable.examples to it, as the template has "
                            "that `localensemble prompt template` prints; or remove `shots`.",
                        )

    def _samples(self) -> Mapping[str, tuple[Example, ...]]:
        """Return the shots of each variable, or one of those to choose from."""
        if self.of_texts is None:
            return self.examples
        return {name: pool.examples[:1] for name, pool in self.of_texts.pools.items()}

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


def load_shots(
    stated: StatedShots | None,
    codebook: Codebook,
    *,
    items: ItemFile | None = None,
    open_embedder: OpenEmbedder | None = None,
    shown_table: Callable[[ItemFile], ItemFile] = lambda table: table,
) -> Shots:
    """Choose the shots that an ensemble file asks for.

    By category, each variable gets the same number for every category that has enough gold labels.
    The seed and the ids decide which, so the order of the rows does not matter. In the prompt, the
    categories take turns. A stated ``count`` is chosen by `_by_count`.

    Args:
        stated: what the ensemble file states; None for no shots.
        codebook: the codebook.
        items: the items of the study; None for a text without a table.
        open_embedder: needed for shots that are retrieved.
        shown_table: returns the gold table with the texts that raters are shown.

    Raises:
        InputError: the table cannot be used, or has no gold label.
        ModelFileError: the embedder has not been pulled.
    """
    if stated is None:
        return NO_SHOTS
    table = shown_table(ItemFile.open(stated.gold, known_labels=True))
    columns = gold_columns(table.columns, codebook)
    if not columns:
        raise no_gold_columns_error(stated.gold, codebook)
    rows = [row for block in table.blocks(_ROWS) for row in block]
    readers = [
        CategoryReader(table.path, codebook.variable(name), column)
        for name, column in columns.items()
    ]
    if stated.count is not None:
        rows, left_out = _without_items(table, rows, items)
    by_category = {one.variable.name: _by_category(table, rows, one) for one in readers}
    spelled = tuple(message for reader in readers for message in reader.messages())
    if not any(some for found in by_category.values() for some in found.values()):
        if stated.count is not None and left_out:
            raise InputError(
                f"{stated.gold}: all of its {counted(left_out, 'row')} are items of the study, or "
                "have the text of one. None of them can be an example.",
                hint="Take shots from gold labels of other items.",
            )
        raise InputError(
            f"{stated.gold}: no row has a gold label.",
            hint="Write a category of the codebook into each cell whose gold label is known.",
        )
    if stated.count is None:
        chosen = {name: _chosen(found, stated, name) for name, found in by_category.items()}
        shots = _same_for_all(chosen, stated, table)
        few = _messages(stated, codebook, shots.examples, len(shots.ids))
        return replace(shots, messages=(*few, *spelled))
    shots = _by_count(by_category, stated, table, items, open_embedder)
    return replace(shots, messages=(*shots.messages, *_left_out(stated, left_out), *spelled))


def _same_for_all(
    chosen: Mapping[str, Sequence[tuple[ItemRow, str]]], stated: StatedShots, table: ItemFile
) -> Shots:
    used = {row.item.id: row.item for pairs in chosen.values() for row, _ in pairs}
    examples = {
        name: tuple(Example(row.item.text, category) for row, category in pairs)
        for name, pairs in chosen.items()
    }
    content = {name: [[one.text, one.category] for one in some] for name, some in examples.items()}
    recorded = RecordedShots(
        ids=tuple(sorted(map(str, used))),
        per_category=0 if stated.count else stated.per_category,
        seed=stated.seed,
        gold_sha256=table.sha256,
        sha256=sha256_json(content),
        count=stated.count,
        select=None if stated.count is None else stated.select,
    )
    hashes = frozenset(sha256_words(item.text) for item in used.values())
    return Shots(examples, recorded, hashes)


def _by_count(
    by_category: Mapping[str, Mapping[str, Sequence[ItemRow]]],
    stated: StatedShots,
    table: ItemFile,
    items: ItemFile | None,
    open_embedder: OpenEmbedder | None,
) -> Shots:
    """Choose a stated number of shots for each variable, or the pools that texts choose from."""
    count = stated.count or 0
    if stated.select == "fixed":
        drawn = {name: _drawn(found, stated, name) for name, found in by_category.items()}
        fixed = _without_copies(drawn, count, items)
        shots = _same_for_all(fixed, stated, table)
        message = (
            f"The prompts show {counted(len(shots.ids), 'item')} of {stated.gold.name} as examples "
            f"(shots, seed {stated.seed}), the same for every text."
        )
        return replace(shots, messages=(message,))
    embedder = None
    if stated.select != "random":
        if open_embedder is None:
            raise TypeError("load_shots() needs open_embedder for shots that are retrieved")
        embedder = open_embedder(stated.embedder)
    pools = {name: _pool(found) for name, found in by_category.items()}
    of_texts = ItemShots(
        pools,
        select=stated.select,
        count=count,
        seed=stated.seed,
        embedder=embedder,
        groups=stated.groups,
    )
    recorded = RecordedShots(
        ids=(),
        per_category=0,
        seed=stated.seed,
        gold_sha256=table.sha256,
        sha256=of_texts.sha256,
        count=count,
        select=stated.select,
        embedder=None if embedder is None else embedder.name,
        embedder_sha256=None if embedder is None else embedder.sha256,
        groups=stated.groups,
    )
    return Shots(recorded=recorded, messages=(_own_shots(stated, pools),), of_texts=of_texts)


def _own_shots(stated: StatedShots, pools: Mapping[str, ShotPool]) -> str:
    size = max(len(pool.ids) for pool in pools.values())
    how = {
        "random": f"drawn with seed {stated.seed}",
        "retrieved": f"the most similar by {stated.embedder}",
        "balanced": f"the most similar of as many categories as possible, by {stated.embedder}",
    }[stated.select]
    again = "Raters must read them again for every text"
    if stated.groups is not None:
        how += f", for {counted(stated.groups, 'group')} of texts that are alike"
        again = "Raters must read them again for every group, in every block of texts"
    return (
        f"Each text gets {counted(stated.count or 0, 'example')} of its own (shots) from "
        f"{size:,} gold labels of {stated.gold.name}: {how}. {again}; `localensemble estimate` "
        "measures how much longer this takes."
    )


def _left_out(stated: StatedShots, count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        f"{stated.gold.name}: {counted(count, 'row')} left out of the examples, because an item "
        "of the study has the id or the text.",
    )


def _without_items(
    table: ItemFile, rows: Sequence[ItemRow], items: ItemFile | None
) -> tuple[list[ItemRow], int]:
    """Leave out the rows that are items of the study, by id or text; return how many they are."""
    if items is None:
        return [*rows], 0
    # Without a column of ids, rows are only numbered, and the numbers mean nothing elsewhere.
    compares_ids = bool(table.id_columns and items.id_columns)
    ids, words = set(), set()
    for item in _items(items):
        words.add(sha256_words(item.text))
        if compares_ids:
            ids.add(item.id)
    kept = [
        row for row in rows if row.item.id not in ids and sha256_words(row.item.text) not in words
    ]
    return kept, len(rows) - len(kept)


def _without_copies(
    drawn: Mapping[str, Sequence[tuple[ItemRow, str]]], count: int, items: ItemFile | None
) -> dict[str, Sequence[tuple[ItemRow, str]]]:
    """Take the first of the drawn rows that are no near duplicates of an item."""
    refused: set[ItemId] = set()
    # Every round reads the whole table. If the gold labels are those of its items in other words,
    # all rows are refused, so each round looks at twice as many.
    ahead = count
    while True:
        looked_at = {
            name: [pair for pair in pairs if pair[0].item.id not in refused][:ahead]
            for name, pairs in drawn.items()
        }
        shots = {row.item.id: row.item for pairs in looked_at.values() for row, _ in pairs}
        refused |= _copied(shots, items)
        fit = {
            name: [pair for pair in pairs if pair[0].item.id not in refused]
            for name, pairs in looked_at.items()
        }
        if all(len(fit[name]) >= count or len(looked_at[name]) < ahead for name in drawn):
            return {name: pairs[:count] for name, pairs in fit.items()}
        ahead *= 2


def _copied(shots: Mapping[ItemId, Item], items: ItemFile | None) -> set[ItemId]:
    """Return the ids of the shots that are near duplicates of an item."""
    if items is None:
        return set()
    left = {name: words_of(item.text) for name, item in shots.items()}
    found: set[ItemId] = set()
    for item in _items(items):
        words = words_of(item.text)
        found |= {name for name, other in left.items() if are_near_duplicates(words, other)}
    return found


def _items(items: ItemFile) -> Iterator[Item]:
    return (row.item for block in items.blocks(_ROWS) for row in block)


def _pool(by_category: Mapping[str, Sequence[ItemRow]]) -> ShotPool:
    """Make a pool of rows with different words; of copies with one category, the first id stays."""
    rows = sorted(
        (str(row.item.id), row.item.text, place, name)
        for place, (name, some) in enumerate(by_category.items())
        for row in some
    )
    kept: dict[tuple[str, str], tuple[str, str, int, str]] = {}
    for row in rows:
        kept.setdefault((sha256_words(row[1]), row[3]), row)
    pairs = list(kept.values())
    return ShotPool(
        ids=tuple(one[0] for one in pairs),
        examples=tuple(Example(text, name) for _, text, _, name in pairs),
        categories=np.array([place for _, _, place, _ in pairs], dtype=np.int16),
        words=tuple(words_of(text) for _, text, _, _ in pairs),
    )


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
    drawn = _draw(stated, variable)
    ranked = {name: sorted(rows, key=drawn) for name, rows in by_category.items()}
    return [
        (rows[turn], name)
        for turn in range(stated.per_category)
        for name, rows in ranked.items()
        if turn < len(rows)
    ]


def _drawn(
    by_category: Mapping[str, Sequence[ItemRow]], stated: StatedShots, variable: str
) -> list[tuple[ItemRow, str]]:
    """Put all rows in the order in which they are drawn, whatever their categories."""
    drawn = _draw(stated, variable)
    pairs = [(row, name) for name, rows in by_category.items() for row in rows]
    return sorted(pairs, key=lambda pair: drawn(pair[0]))


def _draw(stated: StatedShots, variable: str) -> Callable[[ItemRow], str]:
    return lambda row: sha256_text(f"{stated.seed} {variable} {row.item.id}")


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

"""The table `shots.csv`: which examples each item was shown, by their ids, without texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from localensemble.codebook.model import Codebook
from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.identity import sha256_file
from localensemble.core.items import ItemRow
from localensemble.labeling.examples.item_shots import ItemShots
from localensemble.labeling.scoring import is_asked
from localensemble.tables.delimited import write_table
from localensemble.tables.item_file import ItemFile

_ROWS = 1024
_COLUMNS = ("shot_variable", "shot_place", "shot_id", "shot_cosine")


def write_shot_table(
    items: ItemFile,
    *,
    shots: ItemShots,
    codebook: Codebook,
    limit: int | None,
    path: Path,
) -> str:
    """Write a row for each example of each item that is asked, and return the hash of the file.

    The columns are those with the items' ids (``id`` if the table has none), the variable, the
    place in the prompt (the last is next to the text), the example's id, and its cosine with the
    text to six decimals; empty if texts were not compared.
    """
    non_answers = NonAnswers.of(codebook.no_answer)
    places = [items.columns.index(name) for name in items.id_columns]

    def rows() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        for row in islice(_prepared(items, shots), limit):
            if not is_asked(row.item, non_answers):
                continue
            ids = tuple(row.values[place] for place in places) or (str(row.item.id),)
            for variable in codebook.variables:
                chosen = shots.chosen(variable.name, row.item.text)
                for place, one in enumerate(chosen, start=1):
                    cosine = "" if one.cosine is None else f"{one.cosine:.6f}"
                    yield ids, (variable.name, str(place), one.id, cosine)

    write_table(
        path,
        kept=items.id_columns or ("id",),
        added=_COLUMNS,
        rows=rows(),
        format=items.format,
    )
    return sha256_file(path)


def _prepared(items: ItemFile, shots: ItemShots) -> Iterator[ItemRow]:
    for block in items.blocks(_ROWS):
        shots.prepare(row.item.text for row in block)
        yield from block

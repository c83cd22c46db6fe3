"""Find the labels that a run lacks, and decide which items are scored together for them.

The items of a block are packed into batches together, and this decides the digits of their
labels; the ledger records it as the place of the block. So a block that was interrupted is
finished with the items it was begun with. Everything else that is missing is packed apart from
the items that have their labels: the items added to a file, or an item with a changed text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import BlockPlace, ItemSetKey, RaterKey, VariableKey

BLOCK_SIZE = 64

Masks = Mapping[VariableKey, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Packing:
    """Items to score together.

    Attributes:
        place: where the ledger records them.
        positions: where they stand in the item set of the run.
        missing: variable -> for each of them, whether its label is missing and wanted.
        packed: variable -> for each of them, whether it is scored together with the others; None
            if all are.
    """

    place: BlockPlace
    positions: Sequence[int]
    missing: Masks
    packed: Masks | None = None

    def packed_by_name(
        self, variables: Mapping[str, VariableKey]
    ) -> Mapping[str, NDArray[np.bool_]] | None:
        """Return ``packed`` by the names of the variables."""
        if self.packed is None:
            return None
        return {name: self.packed[key] for name, key in variables.items()}


def missing_packings(
    reader: LedgerReader,
    item_set: ItemSetKey,
    *,
    rater: RaterKey,
    variables: Sequence[VariableKey],
    total: int,
    asked: Masks | None = None,
    together: bool = False,
) -> Iterator[Packing]:
    """Yield what is missing of the first ``total`` items.

    What is yielded must be recorded before the next is asked for.

    Args:
        reader: the ledger.
        item_set: the items of the run.
        rater: the rater that labels.
        variables: the variables.
        total: how many items the run has, from the first.
        asked: variable -> for each of these items, whether the rater is asked about it; None if
            it is asked about all.
        together: score the items it is asked about together with all others of their block, so
            that a label has the digits that it has if the rater is asked about everything.
    """
    for packing in _packings(reader, item_set, rater=rater, variables=variables, total=total):
        positions = np.array(packing.positions)
        within = positions < total
        wanted = {variable: mask & within for variable, mask in packing.missing.items()}
        of_block = None
        if asked is not None:
            of_block = {variable: within.copy() for variable in wanted}
            for variable, mask in of_block.items():
                mask[within] = asked[variable][positions[within]]
                wanted[variable] &= mask
        if any(mask.any() for mask in wanted.values()):
            packed = None if together else of_block
            yield Packing(packing.place, packing.positions, wanted, packed)


def _packings(
    reader: LedgerReader,
    item_set: ItemSetKey,
    *,
    rater: RaterKey,
    variables: Sequence[VariableKey],
    total: int,
) -> Iterator[Packing]:
    """Yield everything that lacks labels, wanted or not."""
    for place in reader.unfinished_blocks(rater, variables=variables):
        positions = reader.positions_of(place, item_set=item_set)
        # If the items are no longer together, this block cannot be packed again.
        if positions is not None:
            yield Packing(place, positions, _missing(reader, place, rater, variables))
    for block in reader.missing_blocks(
        item_set, rater=rater, variables=variables, block_size=BLOCK_SIZE
    ):
        start = block * BLOCK_SIZE
        if start >= total:
            return
        place = BlockPlace(item_set, start, min(start + BLOCK_SIZE, total))
        yield from _stretches(place, _missing(reader, place, rater, variables))


def _stretches(place: BlockPlace, masks: Masks) -> Iterator[Packing]:
    """Yield each stretch of a block's items that lack labels."""
    lacking = np.logical_or.reduce(list(masks.values()))
    edges = np.flatnonzero(np.diff(lacking, prepend=False, append=False))
    for first, behind in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        start, stop = place.start + first, place.start + behind
        yield Packing(
            BlockPlace(place.item_set, start, stop),
            range(start, stop),
            {variable: mask[first:behind] for variable, mask in masks.items()},
        )


def _missing(
    reader: LedgerReader, place: BlockPlace, rater: RaterKey, variables: Sequence[VariableKey]
) -> Masks:
    return reader.missing_labels(
        place.item_set, rater=rater, variables=variables, start=place.start, stop=place.stop
    )

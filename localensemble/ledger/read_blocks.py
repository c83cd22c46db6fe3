"""Read under which block each label was appended: which run made it, and with which items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localensemble.ledger.read_item import ItemReader
from localensemble.ledger.records import BlockPlace, ItemSetKey, RaterKey, RunKey, VariableKey


@dataclass(frozen=True, slots=True)
class AppendedBlock:
    """Where labels were appended.

    Attributes:
        place: the items that were scored together.
        run: the run that appended them.
        is_scored: false if no model worked for them: they were kept from an earlier codebook.
    """

    place: BlockPlace
    run: RunKey
    is_scored: bool


class BlockReader(ItemReader):
    """Reads the blocks of labels; a part of `LedgerReader`."""

    def blocks_of_labels(
        self,
        item_set: ItemSetKey,
        *,
        rater: RaterKey,
        variable: VariableKey,
        start: int,
        stop: int,
    ) -> Mapping[int, AppendedBlock]:
        """Return the block of each label of the items at positions ``start`` to ``stop - 1``.

        A position without a label is left out.
        """
        rows = self._rows(
            "SELECT member.position, block.item_set_key, block.start, block.stop, block.run_key,"
            " block.prompt_tokens IS NOT NULL FROM item_set_member AS member"
            " CROSS JOIN label ON label.rater_key = ? AND label.variable_key = ?"
            " AND label.item_key = member.item_key JOIN block USING (block_key)"
            " WHERE member.item_set_key = ? AND member.position >= ? AND member.position < ?",
            rater,
            variable,
            item_set,
            start,
            stop,
        )
        return {
            position: AppendedBlock(
                BlockPlace(ItemSetKey(members), first, behind), RunKey(run), bool(is_scored)
            )
            for position, members, first, behind, run, is_scored in rows
        }

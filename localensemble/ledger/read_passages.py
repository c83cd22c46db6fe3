"""Read the passages that raters found in items, by place; the texts are in the items file."""

from __future__ import annotations

import json
from collections.abc import Mapping

from localensemble.ledger.read_blocks import BlockReader
from localensemble.ledger.records import (
    AskedForPassages,
    ItemPassages,
    ItemSetKey,
    Passage,
    RaterKey,
    RunKey,
    VariableKey,
)


class PassageReader(BlockReader):
    """Reads passages; a part of `LedgerReader`."""

    def asked_for_passages(self, item_set: ItemSetKey) -> tuple[AskedForPassages, ...]:
        """Return who was asked for passages in an item set, and how; the newest last."""
        rows = self._rows(
            "SELECT rater_key, variable_key, item_set_key, method, max(run_key) FROM passage_batch"
            " WHERE item_set_key = ? GROUP BY 1, 2, 3, 4 ORDER BY max(batch_key)",
            item_set,
        )
        return tuple(
            AskedForPassages(
                RaterKey(rater),
                VariableKey(variable),
                ItemSetKey(key),
                method,
                None if run is None else RunKey(run),
            )
            for rater, variable, key, method, run in rows
        )

    def passages(
        self, asked: AskedForPassages, *, start: int = 0, stop: int | None = None
    ) -> Mapping[int, ItemPassages]:
        """Return what a rater found, by position in the item set.

        An item about which it was asked under another item set counts, if the item is the same.
        """
        # A cross join keeps this order: items first, so one item costs as much in any study.
        rows = self._rows(
            "SELECT member.position, passages, left_out, reason FROM item_set_member AS member"
            " CROSS JOIN item_passages USING (item_key)"
            " CROSS JOIN passage_batch USING (batch_key)"
            " WHERE member.item_set_key = ? AND rater_key = ? AND variable_key = ? AND method = ?"
            " AND member.position >= ? AND member.position < ? ORDER BY member.position",
            asked.item_set,
            asked.rater,
            asked.variable,
            asked.method,
            start,
            self.item_count(asked.item_set) if stop is None else stop,
        )
        return {
            position: ItemPassages(
                tuple(Passage(*one) for one in json.loads(passages)), left_out, reason or ""
            )
            for position, passages, left_out, reason in rows
        }

    def seconds_for_passages(self, asked: AskedForPassages) -> float:
        """Sum the time in models that it took to find the passages."""
        ((seconds,),) = self._rows(
            "SELECT coalesce(sum(seconds), 0.0) FROM passage_batch"
            " WHERE rater_key = ? AND variable_key = ? AND method = ?",
            asked.rater,
            asked.variable,
            asked.method,
        )
        return float(seconds)

    def item_count(self, item_set: ItemSetKey) -> int:
        """Count the items of an item set.

        Raises:
            ValueError: the item set does not exist.
        """
        rows = self._rows("SELECT item_count FROM item_set WHERE item_set_key = ?", item_set)
        if not rows:
            raise ValueError(f"Unknown item set {item_set}.")
        return int(rows[0][0])

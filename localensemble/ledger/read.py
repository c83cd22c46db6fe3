"""The reading side of a ledger: what is registered, what is missing, and the labels.

Every query is short and covers a limited range of positions. So memory stays bounded, and a
long read never keeps a writer's journal from being merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import LedgerError
from localensemble.core.foreign_json import read_json
from localensemble.core.identity import JsonValue
from localensemble.core.label_matrix import GAP
from localensemble.core.labels import ItemId, LabelStatus, RaterName
from localensemble.core.raters import Rater, RaterIdentity
from localensemble.ledger.connection import open_for_reading
from localensemble.ledger.digests import hashed_id
from localensemble.ledger.read_passages import PassageReader
from localensemble.ledger.records import (
    MISSING,
    BlockPlace,
    CodebookRecord,
    Event,
    FileKind,
    ItemSetKey,
    ItemSetRecord,
    LabelBlock,
    LabelCounts,
    RaterKey,
    RaterRecord,
    RaterUsage,
    RunKey,
    RunRecord,
    VariableKey,
    Withdrawal,
)
from localensemble.ledger.schema import STATUS_CODES

# About how many positions are read at a time; a few megabytes of rows.
_STRETCH = 16_384
_EVENTS_AT_A_TIME = 1_024

_LABELS = """
FROM item_set_member AS member
CROSS JOIN label ON label.rater_key = ? AND label.variable_key = ?
    AND label.item_key = member.item_key
WHERE member.item_set_key = ? AND member.position >= ? AND member.position < ?"""


class LedgerReader(PassageReader):
    """A ledger open for reading; use it in a ``with`` statement.

    Each call sees what was committed before it, even while a run is writing.
    """

    @classmethod
    def open(cls, path: Path) -> LedgerReader:
        """Open a ledger for reading.

        Raises:
            LedgerError: the file is missing, not a ledger, or written by a newer version.
        """
        return cls(open_for_reading(path), path=path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What is registered

    def item_sets(self) -> tuple[ItemSetRecord, ...]:
        """Return the item sets, the newest last."""
        rows = self._rows("SELECT item_set_key, sha256, item_count FROM item_set ORDER BY 1")
        return tuple(ItemSetRecord(ItemSetKey(key), sha256, n) for key, sha256, n in rows)

    def item_ids(self, item_set: ItemSetKey, *, start: int, stop: int) -> tuple[ItemId, ...]:
        """Return the ids of the items at positions ``start`` to ``stop - 1``, in order."""
        rows = self._rows(
            "SELECT item_id FROM item_set_member CROSS JOIN item USING (item_key)"
            " WHERE item_set_key = ? AND position >= ? AND position < ? ORDER BY position",
            item_set,
            start,
            stop,
        )
        return tuple(ItemId(item_id) for (item_id,) in rows)

    def positions_of_contents(
        self, item_set: ItemSetKey, *, content_sha256: Sequence[str]
    ) -> tuple[int, ...]:
        """Return the positions of the items whose content has one of these hashes, in order."""
        if not content_sha256:
            return ()
        rows = self._rows(
            "SELECT position FROM item_set_member CROSS JOIN item USING (item_key)"
            f" WHERE item_set_key = ? AND content_sha256 IN (?{', ?' * (len(content_sha256) - 1)})"
            " ORDER BY position",
            item_set,
            *(bytes.fromhex(sha256) for sha256 in content_sha256),
        )
        return tuple(int(position) for (position,) in rows)

    def item_hashes(
        self, item_set: ItemSetKey, *, start: int, stop: int
    ) -> tuple[tuple[ItemId, str], ...]:
        """Return id and content hash of the items at positions ``start`` to ``stop - 1``."""
        rows = self._rows(
            "SELECT item_id, lower(hex(content_sha256)) FROM item_set_member"
            " CROSS JOIN item USING (item_key)"
            " WHERE item_set_key = ? AND position >= ? AND position < ? ORDER BY position",
            item_set,
            start,
            stop,
        )
        return tuple((ItemId(item_id), content_sha256) for item_id, content_sha256 in rows)

    def codebooks(self) -> tuple[CodebookRecord, ...]:
        """Return the codebooks, the newest last."""
        return tuple(
            CodebookRecord(
                sha256,
                content,
                {
                    name: VariableKey(variable)
                    for name, variable in self._rows(
                        "SELECT name, variable_key FROM codebook_variable"
                        " JOIN variable USING (variable_key)"
                        " WHERE codebook_key = ? ORDER BY position",
                        key,
                    )
                },
            )
            for key, sha256, content in self._rows(
                "SELECT codebook_key, sha256, content FROM codebook ORDER BY 1"
            )
        )

    def categories(self, variable: VariableKey) -> tuple[str, ...]:
        """Return the categories of a variable, in codebook order.

        Raises:
            ValueError: the variable does not exist.
        """
        rows = self._rows(
            "SELECT name FROM category WHERE variable_key = ? ORDER BY position", variable
        )
        if not rows:
            raise ValueError(f"Unknown variable {variable}.")
        return tuple(str(name) for (name,) in rows)

    def raters(self) -> tuple[RaterRecord, ...]:
        """Return the raters in the order in which they were registered."""
        rows = self._rows(
            "SELECT rater_key, identity, (SELECT name FROM rater_name"
            " WHERE rater_name.rater_key = rater.rater_key ORDER BY rater_name_key DESC LIMIT 1)"
            " FROM rater ORDER BY 1"
        )
        return tuple(
            RaterRecord(RaterKey(key), Rater(RaterName(name), RaterIdentity.from_json(identity)))
            for key, identity, name in rows
        )

    def rater_key(self, identity_sha256: str) -> RaterKey | None:
        """Find a rater by its identity; return None if it has never been registered."""
        rows = self._rows("SELECT rater_key FROM rater WHERE sha256 = ?", identity_sha256)
        return RaterKey(rows[0][0]) if rows else None

    def withdrawals(self) -> tuple[Withdrawal, ...]:
        """Return when items were withdrawn and how many, the newest last."""
        rows = self._rows(
            "SELECT withdrawal_key, recorded_at, (SELECT count(DISTINCT id_sha256)"
            " FROM withdrawn_item WHERE withdrawn_item.withdrawal_key = withdrawal.withdrawal_key)"
            " FROM withdrawal JOIN event ON number = withdrawal_key ORDER BY 1"
        )
        return tuple(Withdrawal(*row) for row in rows)

    def items_among(self, ids: Sequence[ItemId]) -> tuple[ItemId, ...]:
        """Return those of the ids that an item has."""
        query = "SELECT 1 FROM item WHERE item_id = ? LIMIT 1"
        return tuple(one for one in ids if self._rows(query, one))

    def hashes_of(self, ids: Sequence[ItemId]) -> tuple[tuple[ItemId, str], ...]:
        """Return id and content hash of the items with these ids; an id can have several."""
        query = "SELECT lower(hex(content_sha256)) FROM item WHERE item_id = ?"
        return tuple((one, content) for one in ids for (content,) in self._rows(query, one))

    def withdrawn_among(self, ids: Sequence[ItemId]) -> tuple[ItemId, ...]:
        """Return those of the ids that belong to withdrawn items."""
        salts = self._rows("SELECT salt FROM withdrawal ORDER BY withdrawal_key LIMIT 1")
        if not salts:
            return ()
        salt = bytes(salts[0][0])
        hashes = {bytes(row[0]) for row in self._rows("SELECT id_sha256 FROM withdrawn_item")}
        return tuple(one for one in ids if hashed_id(one, salt=salt) in hashes)

    # What is missing

    def missing_labels(
        self,
        item_set: ItemSetKey,
        *,
        rater: RaterKey,
        variables: Sequence[VariableKey],
        start: int,
        stop: int,
    ) -> Mapping[VariableKey, NDArray[np.bool_]]:
        """Return a mask per variable: True at each position from ``start`` on without a label.

        A label of any status counts: a failure is a recorded fact, and is not tried again.
        """
        missing = {}
        for variable in variables:
            mask = np.ones(stop - start, dtype=np.bool_)
            rows = self._rows(
                f"SELECT member.position {_LABELS}", rater, variable, item_set, start, stop
            )
            mask[[position - start for (position,) in rows]] = False
            missing[variable] = mask
        return missing

    def missing_blocks(
        self,
        item_set: ItemSetKey,
        *,
        rater: RaterKey,
        variables: Sequence[VariableKey],
        block_size: int,
    ) -> Iterator[int]:
        """Yield the numbers of the blocks with a missing label, in order.

        Block b begins at position b * ``block_size``. Blocks may be appended meanwhile.
        """
        item_count = self.item_count(item_set)
        stretch = max(1, _STRETCH // block_size) * block_size
        for start in range(0, item_count, stretch):
            stop = min(start + stretch, item_count)
            masks = self.missing_labels(
                item_set, rater=rater, variables=variables, start=start, stop=stop
            )
            positions = np.flatnonzero(np.logical_or.reduce(list(masks.values())))
            for block in np.unique((positions + start) // block_size):
                yield int(block)

    def unfinished_blocks(
        self, rater: RaterKey, *, variables: Sequence[VariableKey]
    ) -> tuple[BlockPlace, ...]:
        """Return the places of blocks under which not every label was appended, the oldest first.

        Labels of the same items may have been appended under other places.
        """
        marks = ", ".join("?" * len(variables))
        rows = self._rows(
            "SELECT item_set_key, start, stop FROM block JOIN block_variable USING (block_key)"
            f" WHERE rater_key = ? AND variable_key IN ({marks}) GROUP BY 1, 2, 3"
            " HAVING sum(label_count) < (stop - start) * ? ORDER BY min(block_key)",
            rater,
            *variables,
            len(variables),
        )
        return tuple(BlockPlace(ItemSetKey(key), start, stop) for key, start, stop in rows)

    def positions_of(self, place: BlockPlace, *, item_set: ItemSetKey) -> tuple[int, ...] | None:
        """Return where the items of a block stand in an item set; None if one is not in it."""
        rows = self._rows(
            "SELECT other.position FROM item_set_member AS member"
            " LEFT JOIN item_set_member AS other"
            " ON other.item_set_key = ? AND other.item_key = member.item_key"
            " WHERE member.item_set_key = ? AND member.position >= ? AND member.position < ?"
            " ORDER BY member.position",
            item_set,
            place.item_set,
            place.start,
            place.stop,
        )
        positions = [position for (position,) in rows]
        return None if None in positions else tuple(positions)

    # Labels

    def label_block(
        self,
        item_set: ItemSetKey,
        *,
        variable: VariableKey,
        raters: Sequence[RaterKey],
        start: int,
        stop: int,
        probabilities: bool = False,
    ) -> LabelBlock:
        """Read the labels of the items at positions ``start`` to ``stop - 1``.

        Args:
            raters: one column each, in this order.
            probabilities: also read the probability of every category.
        """
        shape = (stop - start, len(raters))
        category_count = len(self.categories(variable))
        status = np.full(shape, MISSING, dtype=np.uint8)
        category = np.full(shape, GAP, dtype=np.int16)
        confidence = np.full(shape, np.nan)
        mass = np.full(shape, np.nan)
        distribution = np.full((*shape, category_count), np.nan) if probabilities else None
        reasons: dict[tuple[int, int], str] = {}
        blob = "probabilities" if probabilities else "NULL"
        for column, rater in enumerate(raters):
            rows = self._rows(
                "SELECT member.position, status, category, confidence, off_codebook_mass,"
                f" reason, {blob} {_LABELS}",
                rater,
                variable,
                item_set,
                start,
                stop,
            )
            if not rows:
                continue
            values = tuple(zip(*rows, strict=True))
            at = np.array(values[0]) - start
            status[at, column] = values[1]
            category[at, column] = [GAP if index is None else index for index in values[2]]
            confidence[at, column] = np.array(values[3], dtype=np.float64)
            mass[at, column] = np.array(values[4], dtype=np.float64)
            for i, reason in zip(at, values[5], strict=True):
                if reason is not None:
                    reasons[int(i), column] = reason
            if distribution is not None:
                rows_given = [i for i, blob in zip(at, values[6], strict=True) if blob is not None]
                joined = b"".join(blob for blob in values[6] if blob is not None)
                distribution[rows_given, column] = np.frombuffer(joined, dtype="<f8").reshape(
                    -1, category_count
                )
        return LabelBlock(status, category, confidence, mass, distribution, reasons)

    def label_indices(
        self, item_set: ItemSetKey, *, variable: VariableKey, raters: Sequence[RaterKey]
    ) -> NDArray[np.int16]:
        """Read every rater's category for every item: int16 (N, R), -1 for a gap."""
        item_count = self.item_count(item_set)
        indices = np.full((item_count, len(raters)), GAP, dtype=np.int16)
        for column, rater in enumerate(raters):
            for start in range(0, item_count, _STRETCH):
                rows = self._rows(
                    f"SELECT member.position, category {_LABELS} AND category IS NOT NULL",
                    rater,
                    variable,
                    item_set,
                    start,
                    start + _STRETCH,
                )
                if rows:
                    positions, categories = zip(*rows, strict=True)
                    indices[list(positions), column] = categories
        return indices

    def label_counts(
        self, item_set: ItemSetKey, *, variable: VariableKey, rater: RaterKey, stop: int
    ) -> LabelCounts:
        """Count the labels of one rater and variable on the first ``stop`` items."""
        names = {code: status for status, code in STATUS_CODES.items()}
        statuses = dict.fromkeys(LabelStatus, 0)
        reasons: dict[str, int] = {}
        for code, word, n in self._rows(
            f"SELECT status, substr(reason, 1, instr(reason || ':', ':') - 1), count(*) {_LABELS}"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            rater,
            variable,
            item_set,
            0,
            stop,
        ):
            statuses[names[code]] += n
            if word is not None:
                reasons[word] = reasons.get(word, 0) + n
        return LabelCounts(statuses, stop - sum(statuses.values()), reasons)

    def usage(
        self, rater: RaterKey, *, item_set: ItemSetKey, variables: Sequence[VariableKey], stop: int
    ) -> RaterUsage:
        """Sum the work that it took to label the first ``stop`` items for these variables.

        ``labels`` counts only these labels. The other numbers cover the whole blocks in which
        they were made, which may include labels of a few more items.
        """
        made: dict[int, int] = {}
        for variable in variables:
            for block, labels in self._rows(
                f"SELECT block_key, count(*) {_LABELS} GROUP BY 1",
                rater,
                variable,
                item_set,
                0,
                stop,
            ):
                made[block] = made.get(block, 0) + labels
        work = [
            row[1:]
            for row in self._rows(
                "SELECT block_key, coalesce(prompt_tokens, 0), coalesce(evaluated_tokens, 0),"
                " coalesce(seconds, 0.0), coalesce(peak_memory_bytes, 0)"
                " FROM block WHERE rater_key = ?",
                rater,
            )
            if row[0] in made
        ]
        return RaterUsage(
            blocks=len(work),
            labels=sum(made.values()),
            prompt_tokens=sum(row[0] for row in work),
            evaluated_tokens=sum(row[1] for row in work),
            seconds=sum(row[2] for row in work),
            peak_memory_bytes=max((row[3] for row in work), default=0),
        )

    # What happened

    def has_event(self, sha256: str) -> bool:
        """Tell whether an event has this hash, or a hash that begins with it."""
        query = "SELECT 1 FROM event WHERE substr(sha256, 1, ?) = ? LIMIT 1"
        return bool(self._rows(query, len(sha256), sha256))

    def made_files(self, kind: FileKind) -> frozenset[str]:
        """Return the hashes of the files of one kind that were made from the study."""
        return frozenset(
            str(sha256)
            for (sha256,) in self._rows("SELECT sha256 FROM made_file WHERE kind = ?", kind)
        )

    def runs(self) -> tuple[RunRecord, ...]:
        """Return the runs, the newest last."""
        rows = self._rows(
            "SELECT run.run_key, began.recorded_at, settings, status, ended.recorded_at, summary"
            " FROM run JOIN event AS began ON began.number = run.run_key"
            " LEFT JOIN run_end ON run_end.run_key = run.run_key"
            " LEFT JOIN event AS ended ON ended.number = run_end.run_end_key ORDER BY 1"
        )
        return tuple(
            RunRecord(
                RunKey(key),
                started_at,
                self._parsed(settings),
                status,
                finished_at,
                None if summary is None else self._parsed(summary),
            )
            for key, started_at, settings, status, finished_at, summary in rows
        )

    def _parsed(self, text: str) -> JsonValue:
        try:
            value: JsonValue = read_json(text)
        except ValueError as error:
            raise LedgerError(
                f'Cannot read the ledger "{self.path}": the record of a run is not JSON.',
                hint="Restore the file from a copy and run the command again.",
            ) from error
        return value

    def history(self) -> Iterator[Event]:
        """Yield the events, the oldest first."""
        last = 0
        while rows := self._rows(
            "SELECT number, kind, recorded_at, body, sha256 FROM event"
            " WHERE number > ? ORDER BY number LIMIT ?",
            last,
            _EVENTS_AT_A_TIME,
        ):
            for row in rows:
                yield Event(*row)
            last = rows[-1][0]

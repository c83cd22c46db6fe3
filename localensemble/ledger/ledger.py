"""The writing side of a ledger: register and append, never change.

Only one process writes at a time. When a call returns, everything is on the disk; a call that
fails, or a process that is killed, leaves nothing behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Self

from localensemble.core.errors import LedgerError
from localensemble.core.identity import JsonValue, canonical_json, sha256_text
from localensemble.core.labels import ItemId, Label
from localensemble.core.raters import Rater
from localensemble.ledger.append_passages import append_passages
from localensemble.ledger.connection import (
    ensure_file,
    open_for_writing,
    reported,
    take_writing_lock,
    transaction,
)
from localensemble.ledger.encode import label_rows
from localensemble.ledger.encode_decisions import decision_rows, reviewer_name
from localensemble.ledger.events import MismatchError, append_event, next_number
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import (
    AskedForPassages,
    BlockUsage,
    FileKind,
    ItemPassages,
    ItemSetKey,
    NewDecision,
    RaterKey,
    ReviewerKey,
    RunKey,
    RunStatus,
    VariableKey,
    VariableRecord,
)
from localensemble.ledger.withdraw import Redact, withdraw_rows

_APPEND_LABEL = (
    "INSERT INTO label (rater_key, variable_key, block_key, item_key, status, category,"
    " confidence, off_codebook_mass, probabilities, reason)"
    " VALUES ({rater}, {variable}, {block}, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (rater_key, variable_key, item_key) DO NOTHING"
)
_APPEND_DECISION = (
    "INSERT INTO person_decision SELECT item_key, ?2, {batch}, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
    " ?11, ?12 FROM item_set_member WHERE item_set_key = {item_set} AND position = ?1"
    " AND item_key NOT IN (SELECT item_key FROM withdrawn_item)"
)


class Ledger:
    """A ledger open for writing; use it in a ``with`` statement.

    While it is open, this process must not open the same file in another way, for example to
    hash or copy it: on POSIX systems, closing such a file releases SQLite's locks.

    Attributes:
        path: the file.
        reader: reads what has been committed, even while a transaction is open.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        ensure_file(path, create=create)
        with ExitStack() as opened:
            opened.enter_context(closing(take_writing_lock(path)))
            self._connection = open_for_writing(path, create=create)
            opened.callback(self._connection.close)
            self.reader = opened.enter_context(LedgerReader.open(path))
            self._opened = opened.pop_all()

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Ledger:
        """Open a ledger for writing.

        Args:
            create: create the ledger if the file does not exist; an existing one is opened.

        Raises:
            LedgerError: the file is not a ledger, was written by a newer version, is missing
                without ``create``, or is being written to by another run.
        """
        return cls(path, create=create)

    def close(self) -> None:
        """Merge the journal into the file, and release the lock."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def register_items(
        self, blocks: Iterable[Sequence[tuple[ItemId, str]]], *, item_set_sha256: str
    ) -> ItemSetKey:
        """Record the items and their order; a known item set is not changed.

        Args:
            blocks: id and content hash of the items, any number at a time; not read if the
                item set is known and nothing was withdrawn.
            item_set_sha256: the result of `ItemSetHash` for these items.

        Raises:
            LedgerError: two items have the same id, one of them was withdrawn, or the items are
                not those that were hashed.
        """
        known = self._key_of("item_set", item_set_sha256)
        if known is not None:
            for block in blocks if self.reader.withdrawals() else ():
                self._refuse_withdrawn([item_id for item_id, _ in block])
            return ItemSetKey(known)
        with reported(self.path, doing="write to"), transaction(self._connection):
            key = next_number(self._connection)
            item_count = self._insert_members(key, blocks)
            self._refuse_double_ids(key)
            self._connection.execute(
                "INSERT INTO item_set VALUES (?, ?, ?)", (key, item_set_sha256, item_count)
            )
            try:
                append_event(self._connection, "items_registered", number=key)
            except MismatchError as error:
                raise LedgerError(
                    "Cannot register the items: they changed while they were being read.",
                    hint="Close other programs that have the items file open, and run the command "
                    "again.",
                ) from error
        return ItemSetKey(key)

    def register_codebook(
        self, content: str, *, sha256: str, variables: Sequence[VariableRecord]
    ) -> Mapping[str, VariableKey]:
        """Record a codebook and its variables; known ones are not changed.

        Args:
            content: the canonical JSON whose hash identifies the codebook.
            sha256: that hash; it is checked.

        Returns:
            The key of each variable, by name, in codebook order.

        Raises:
            ValueError: ``sha256`` is not the hash of ``content``.
        """
        if sha256_text(content) != sha256:
            raise ValueError(f"The codebook hashes to {sha256_text(content)}; expected {sha256}.")
        with reported(self.path, doing="write to"), transaction(self._connection):
            keys = {variable.name: self._variable_key(variable) for variable in variables}
            if self._key_of("codebook", sha256) is None:
                codebook = next_number(self._connection)
                self._connection.execute(
                    "INSERT INTO codebook VALUES (?, ?, ?)", (codebook, sha256, content)
                )
                self._connection.executemany(
                    "INSERT INTO codebook_variable VALUES (?, ?, ?)",
                    ((codebook, position, key) for position, key in enumerate(keys.values())),
                )
                append_event(self._connection, "codebook_registered", number=codebook)
        return keys

    def register_rater(self, rater: Rater) -> RaterKey:
        """Record a rater, or the new name of a known one; its identity is not changed."""
        with reported(self.path, doing="write to"), transaction(self._connection):
            key = self._key_of("rater", rater.identity.sha256)
            if key is None:
                key = next_number(self._connection)
                identity = canonical_json(rater.identity.as_json())
                self._connection.execute(
                    "INSERT INTO rater VALUES (?, ?, ?)", (key, rater.identity.sha256, identity)
                )
                append_event(self._connection, "rater_registered", number=key)
            newest = self._connection.execute(
                "SELECT name FROM rater_name WHERE rater_key = ? ORDER BY rater_name_key DESC",
                (key,),
            ).fetchone()
            if newest != (rater.name,):
                self._insert("rater_name", "rater_named", key, rater.name)
        return RaterKey(key)

    def start_run(self, settings: JsonValue) -> RunKey:
        """Record the start of a run, with its frozen settings."""
        with reported(self.path, doing="write to"), transaction(self._connection):
            return RunKey(self._insert("run", "run_started", canonical_json(settings)))

    def finish_run(self, run: RunKey, *, status: RunStatus, summary: JsonValue) -> None:
        """Record how a run ended.

        Raises:
            LedgerError: the run has already ended.
        """
        with reported(self.path, doing="write to"), transaction(self._connection):
            ended = self._connection.execute(
                "SELECT status FROM run_end WHERE run_key = ?", (run,)
            ).fetchone()
            if ended is not None:
                raise LedgerError(
                    f'Cannot end run {run} as "{status}": it has already ended as "{ended[0]}".',
                    hint="Start a new run.",
                )
            self._insert("run_end", "run_finished", run, status, canonical_json(summary))

    def append_block(
        self,
        labels: Mapping[VariableKey, Sequence[Label | None]],
        *,
        run: RunKey,
        rater: RaterKey,
        item_set: ItemSetKey,
        start: int,
        usage: BlockUsage | None = None,
    ) -> int:
        """Append labels that one rater gave to consecutive items: all of them or none.

        The items are those that were scored together, even if only some labels are appended.

        Args:
            labels: for each variable, one label per item from position ``start`` on; None for
                an item whose label was appended before, or will be.
            usage: the work that these labels took.

        Returns:
            The number of labels appended.

        Raises:
            LedgerError: one of the labels is already recorded.
            ValueError: a label contradicts itself or its variable, or items are missing.
        """
        lengths = {len(column) for column in labels.values()}
        if len(lengths) != 1:
            raise ValueError(
                f"Variables have {sorted(lengths)} labels; expected the same number for each."
            )
        stop = start + lengths.pop()
        with reported(self.path, doing="write to"), transaction(self._connection):
            item_keys = self._item_keys(item_set, start=start, stop=stop)
            block = next_number(self._connection)
            work = (
                (None, None, None, None)
                if usage is None
                else (
                    usage.prompt_tokens,
                    usage.evaluated_tokens,
                    usage.seconds,
                    usage.peak_memory_bytes,
                )
            )
            self._connection.execute(
                "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (block, run, rater, item_set, start, stop, *work),
            )
            appended = sum(
                self._append_labels(column, variable, rater, block, item_keys)
                for variable, column in labels.items()
            )
            append_event(self._connection, "labels_appended", number=block)
        return appended

    def register_reviewer(self, name: str) -> ReviewerKey:
        """Record a person who decides; a known name, in any case, is not recorded again.

        Raises:
            LedgerError: the name is empty or has characters that cannot be shown.
        """
        name = reviewer_name(name)
        with reported(self.path, doing="write to"), transaction(self._connection):
            for key, known in self._connection.execute("SELECT reviewer_key, name FROM reviewer"):
                if known.casefold() == name.casefold():
                    return ReviewerKey(key)
            return ReviewerKey(self._insert("reviewer", "reviewer_registered", name))

    def append_decisions(
        self,
        decisions: Sequence[NewDecision],
        *,
        reviewer: ReviewerKey,
        item_set: ItemSetKey,
        origin: str,
    ) -> int:
        """Append what one person decided: all of it or none.

        Args:
            decisions: at most one for each item and variable.
            item_set: the item set in which the decisions give positions.
            origin: ``page``, or ``file``, the name and the hash of an imported file.

        Returns:
            The number of decisions appended; without any, nothing is recorded.

        Raises:
            LedgerError: an item was withdrawn, or is not in the item set.
            ValueError: a decision contradicts itself or its variable.
        """
        counts = {key: len(self.reader.categories(key)) for key in {d.variable for d in decisions}}
        rows = decision_rows(decisions, category_counts=counts)
        if not rows:
            return 0
        with reported(self.path, doing="write to"), transaction(self._connection):
            batch = next_number(self._connection)
            self._connection.execute(
                "INSERT INTO decision_batch VALUES (?, ?, ?, ?, ?)",
                (batch, reviewer, item_set, origin, len(rows)),
            )
            statement = _APPEND_DECISION.format(batch=batch, item_set=int(item_set))
            if self._connection.executemany(statement, rows).rowcount != len(rows):
                raise LedgerError(
                    f"Cannot record the {len(rows):,} decisions: one of their items was "
                    "withdrawn or is not in the item set.",
                    hint="Leave out items that were withdrawn; none of the decisions was recorded.",
                )
            append_event(self._connection, "decisions_recorded", number=batch)
        return len(rows)

    def register_file(self, kind: FileKind, *, variable: str, sha256: str) -> None:
        """Record a file made from the study; a known one is not recorded again.

        Args:
            variable: the name of the variable that the file is about.
            sha256: the hash of its content as canonical JSON.
        """
        if sha256 in self.reader.made_files(kind):
            return
        with reported(self.path, doing="write to"), transaction(self._connection):
            self._insert("made_file", "file_made", kind, variable, sha256)

    def append_passages(
        self,
        found: Mapping[int, ItemPassages],
        *,
        asked: AskedForPassages,
        seconds: float | None = None,
    ) -> None:
        """Append what one rater found in items, by position; see `append_passages`."""
        count = len(self.reader.categories(asked.variable))
        with reported(self.path, doing="write to"), transaction(self._connection):
            append_passages(
                self._connection, found, asked=asked, category_count=count, seconds=seconds
            )

    def withdraw(self, ids: Collection[ItemId], *, redact: Redact) -> int:
        """Remove ids, content hashes, labels and decisions of items; nothing else is changed.

        Args:
            redact: removes ids and content hashes from the settings of a run.

        Returns:
            The number of items removed.

        Raises:
            LedgerError: another process reads the ledger; the file may still hold the items.
        """
        with reported(self.path, doing="write to"):
            return withdraw_rows(self._connection, ids, redact=redact)

    def _append_labels(
        self,
        column: Sequence[Label | None],
        variable: VariableKey,
        rater: RaterKey,
        block: int,
        item_keys: Sequence[int],
    ) -> int:
        present = [
            (key, label) for key, label in zip(item_keys, column, strict=True) if label is not None
        ]
        rows = label_rows(
            [label for _, label in present],
            item_keys=[key for key, _ in present],
            category_count=len(self.reader.categories(variable)),
        )
        statement = _APPEND_LABEL.format(rater=int(rater), variable=int(variable), block=block)
        if self._connection.executemany(statement, rows).rowcount != len(rows):
            raise LedgerError(
                f"Cannot append block {block}: rater {rater} has already labeled one of its "
                f"items for variable {variable}.",
                hint="Labels are never replaced. Plan again, and label only what is missing.",
            )
        self._connection.execute(
            "INSERT INTO block_variable VALUES (?, ?, ?)", (block, variable, len(rows))
        )
        return len(rows)

    def _insert_members(self, item_set: int, blocks: Iterable[Sequence[tuple[ItemId, str]]]) -> int:
        """Insert the new items, and the position of each item in the item set."""
        position = 0
        for block in blocks:
            self._refuse_withdrawn([item_id for item_id, _ in block])
            items = [(item_id, bytes.fromhex(content_sha256)) for item_id, content_sha256 in block]
            try:
                self._connection.executemany(
                    "INSERT INTO item (item_id, content_sha256) VALUES (?, ?)"
                    " ON CONFLICT (item_id, content_sha256) DO NOTHING",
                    items,
                )
                self._connection.executemany(
                    "INSERT INTO item_set_member SELECT ?, ?, item_key FROM item"
                    " WHERE item_id = ? AND content_sha256 = ?",
                    ((item_set, position + i, *item) for i, item in enumerate(items)),
                )
            except UnicodeEncodeError as error:
                raise LedgerError(
                    f"Cannot register the items {position} to {position + len(items) - 1}: "
                    "an id contains half a character (a surrogate).",
                    hint="Give the items ids that are valid Unicode text.",
                ) from error
            except sqlite3.IntegrityError as error:
                raise _two_items_with_one_id(position, position + len(items) - 1) from error
            position += len(items)
        return position

    def _refuse_withdrawn(self, ids: Sequence[ItemId]) -> None:
        withdrawn = self.reader.withdrawn_among(ids)
        if withdrawn:
            raise LedgerError(
                f"Cannot register the items: the study has withdrawn {len(withdrawn)} of "
                f"them ({', '.join(sorted(withdrawn)[:3])}{', ...' if withdrawn[3:] else ''}).",
                hint="Remove their rows from the table, and run the command again.",
            )

    def _refuse_double_ids(self, item_set: int) -> None:
        """Refuse two items with the same id and different contents."""
        # In the order of the index over ids, so that nothing has to be sorted.
        row = self._connection.execute(
            "SELECT item_id FROM item JOIN item_set_member USING (item_key)"
            " WHERE item_set_key = ? GROUP BY item_id HAVING count(*) > 1 LIMIT 1",
            (item_set,),
        ).fetchone()
        if row is not None:
            positions = self._connection.execute(
                "SELECT position FROM item JOIN item_set_member USING (item_key)"
                " WHERE item_set_key = ? AND item_id = ? ORDER BY position LIMIT 2",
                (item_set, *row),
            ).fetchall()
            raise _two_items_with_one_id(positions[0][0], positions[1][0])

    def _item_keys(self, item_set: ItemSetKey, *, start: int, stop: int) -> list[int]:
        rows = self._connection.execute(
            "SELECT item_key FROM item_set_member"
            " WHERE item_set_key = ? AND position >= ? AND position < ? ORDER BY position",
            (item_set, start, stop),
        ).fetchall()
        if len(rows) != stop - start:
            raise ValueError(
                f"Item set {item_set} has {len(rows)} items from {start} to {stop - 1}."
            )
        return [int(key) for (key,) in rows]

    def _variable_key(self, variable: VariableRecord) -> VariableKey:
        """Return the key of a variable, and record the variable if it is new."""
        known = self._key_of("variable", variable.sha256)
        if known is not None:
            return VariableKey(known)
        key = next_number(self._connection)
        self._connection.execute(
            "INSERT INTO variable VALUES (?, ?, ?, ?)",
            (key, variable.sha256, variable.name, variable.content),
        )
        self._connection.executemany(
            "INSERT INTO category VALUES (?, ?, ?)",
            ((key, position, name) for position, name in enumerate(variable.categories)),
        )
        append_event(self._connection, "variable_registered", number=key)
        return VariableKey(key)

    def _key_of(self, table: str, sha256: str) -> int | None:
        row = self._connection.execute(
            f"SELECT {table}_key FROM {table} WHERE sha256 = ?", (sha256,)
        ).fetchone()
        return None if row is None else int(row[0])

    def _insert(self, table: str, kind: str, *values: object) -> int:
        """Insert a record of one row and its event; return its key."""
        key = next_number(self._connection)
        marks = ", ?" * len(values)
        self._connection.execute(f"INSERT INTO {table} VALUES (?{marks})", (key, *values))
        append_event(self._connection, kind, number=key)
        return key


def _two_items_with_one_id(first: int, last: int) -> LedgerError:
    return LedgerError(
        f"Cannot register the items: two between positions {first} and {last} have the same id.",
        hint="Ids must be unique within an items file; correct the file and run the command again.",
    )

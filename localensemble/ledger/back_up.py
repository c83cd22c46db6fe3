"""Copy a ledger to another file while other processes use it, and verify the copy."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from localensemble.core.errors import InputError, LedgerError
from localensemble.core.files import put_in_place, reported_writing
from localensemble.core.leftovers import noted
from localensemble.ledger.connection import open_for_reading, reported
from localensemble.ledger.verify import Verification, verify

# Not the name of an unfinished table, which every command removes unless it is locked: SQLite's
# own locks and those of `leftovers` are not the same everywhere.
_UNFINISHED = ".copy.part"


def back_up(path: Path, *, target: Path) -> Verification:
    """Copy a ledger as it is at one moment; a run may write to it meanwhile.

    Args:
        path: the ledger.
        target: the file to make, complete or not at all; readable only by its owner.

    Returns:
        What verifying the copy found; its ``head_sha256`` identifies the copy.

    Raises:
        InputError: the target exists.
        LedgerError: the ledger cannot be read, or the copy is not intact.
    """
    if target.exists():
        raise InputError(
            f"{target} already exists.", hint="Give a file that does not exist; none is replaced."
        )
    with reported_writing(target):
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=_UNFINISHED, dir=target.parent
        )
        os.close(handle)
    with noted(Path(name)):
        return _copied(path, Path(name), target)


def _copied(path: Path, copy: Path, target: Path) -> Verification:
    try:
        with (
            closing(open_for_reading(path)) as source,
            reported(copy, doing="write"),
            closing(sqlite3.connect(copy, isolation_level=None)) as written,
        ):
            # All pages in one step: the state of one moment, whoever writes meanwhile.
            source.backup(written, pages=-1)
            # The copy is one file, without a journal beside it.
            written.execute("PRAGMA journal_mode = DELETE")
        found = verify(copy)
        if found.broken is not None:
            raise LedgerError(
                f'The ledger "{path}" was not backed up: it has been changed, '
                f"{found.broken.where} is not what was written.",
                hint="`localensemble ledger verify` shows what was found and what was expected.",
            )
        with reported_writing(target):
            put_in_place(copy, target)
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            copy.with_name(copy.name + end).unlink(missing_ok=True)
    return found

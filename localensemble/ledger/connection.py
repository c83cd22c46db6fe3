"""Open, lock and migrate a ledger file in SQLite.

Refuses a file that is not a ledger, a ledger written by a newer version, and a second writer.
Reports every SQLite error with the path and what to do next.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from localensemble.core.disk_errors import trouble_of, trouble_with
from localensemble.core.errors import LedgerError
from localensemble.ledger.events import append_event, next_number
from localensemble.ledger.schema import APPLICATION_ID, MIGRATIONS, Migration

_HINTS = {
    sqlite3.SQLITE_BUSY: "Another program is using the file; close it and try again.",
    sqlite3.SQLITE_CORRUPT: "Restore the file from a copy and run the command again.",
    sqlite3.SQLITE_FULL: "Free some space and run the command again; all earlier records are kept.",
    sqlite3.SQLITE_IOERR: "Check that the disk has space and is not damaged, and run the command "
    "again; all earlier records are kept.",
    sqlite3.SQLITE_NOTADB: "Give the path of a ledger, or a path where no file exists yet.",
}
_FOUND = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full, or reports an error",
}
_OTHER_HINT = "Check that the folder exists, is writable and is on a local disk."
_UNWRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
# Readers wait this long for a writer to finish with the file, and vice versa.
_PATIENCE_SECONDS = 30.0
_CACHE_KIBIBYTES = 32_768
_JOURNAL_BYTES = 16 << 20


@contextmanager
def reported(path: Path, *, doing: str) -> Iterator[None]:
    """Turn an SQLite error into a `LedgerError`; mistakes in the program's own SQL pass through."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except UnicodeDecodeError as error:
        # SQLite quotes the damaged place in its message, with whatever bytes are there.
        raise LedgerError(
            f'Cannot {doing} the ledger "{path}": its structure is damaged.',
            hint=_HINTS[sqlite3.SQLITE_CORRUPT],
        ) from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (*_UNWRITABLE, sqlite3.SQLITE_PERM):
            refuse_foreign(path, doing=doing, because=error)
        if code in (*_UNWRITABLE, sqlite3.SQLITE_IOERR):
            _refuse_trouble_of_disk(path, doing=doing, because=error)
        raise LedgerError(
            f'Cannot {doing} the ledger "{path}": {_FOUND.get(code, str(error))}.',
            hint=_HINTS.get(code, _OTHER_HINT),
        ) from error


def _refuse_trouble_of_disk(path: Path, *, doing: str, because: Exception) -> None:
    """Name what SQLite calls a "disk I/O error" only: a full disk, a quota, a disk that fails."""
    trouble = trouble_with(path.absolute().parent)
    if trouble is not None:
        raise LedgerError(
            f'Cannot {doing} the ledger "{path}": {trouble.found}.', hint=trouble.hint
        ) from because


def refuse_foreign(path: Path, *, doing: str, because: Exception) -> None:
    """Refuse a ledger that belongs to another user; return if it does not.

    Raises:
        LedgerError: the file, or the nearest folder that can be looked at, is another user's.
    """
    # Unlike Path.exists, this is False, not an error, in a folder that may not be entered.
    places = (path, *path.absolute().parents)
    place = next(one for one in places if os.path.exists(one))  # noqa: PTH110
    owner = place.stat().st_uid
    if sys.platform == "win32" or owner == os.geteuid():
        return
    try:
        name = f'the user "{place.owner()}"'
    except KeyError:
        name = f"the user with the number {owner}"
    raise LedgerError(
        f'Cannot {doing} the ledger "{path}": it belongs to {name}, and you may not {doing} it.',
        hint="Ask for permission to read and write every file of the study folder and the folder "
        "itself, or work on a copy of the folder that belongs to you.",
    ) from because


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a ledger read-only; another process may write to it at the same time.

    An older ledger is not changed, but reads as if it had been migrated.
    """
    _refuse_absence(path)
    with reported(path, doing="read"):
        connection = _connect(path)
        try:
            try:
                _check(connection, path)
            except sqlite3.OperationalError as error:
                # The folder may be read-only; then, without a journal, nobody is writing.
                journal = path.with_name(path.name + "-wal")
                unwritable = error.sqlite_errorcode & 0xFF in _UNWRITABLE
                if not unwritable or journal.exists():
                    raise
                connection.close()
                connection = _connect(path, immutable=True)
                _check(connection, path)
            _view_as_migrated(connection)
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def is_begun(path: Path) -> bool:
    """Tell whether a ledger has any content; it has none after a crash during its creation."""
    if not _is_file(path):
        return False
    with reported(path, doing="read"):
        connection = _connect(path)
        try:
            return not _is_blank(connection)
        finally:
            connection.close()


def open_for_writing(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a ledger and migrate its tables; with ``create``, create them in an empty file.

    The caller must hold the writing lock.
    """
    with reported(path, doing="open"):
        connection = _connect(path)
        try:
            if not (create and _is_blank(connection)):
                _check(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
            with transaction(connection):
                migrate(connection, MIGRATIONS)
        except BaseException:
            connection.close()
            raise
    return connection


def ensure_file(path: Path, *, create: bool) -> None:
    """Create the file if ``create`` is set; otherwise refuse a missing file."""
    if create:
        _make_private(path)
    _refuse_absence(path)


def take_writing_lock(path: Path) -> sqlite3.Connection:
    """Keep out every other writer until the connection is closed or the process ends.

    The lock is an empty SQLite file next to the ledger. SQLite's locks work on every system and
    between threads as well as processes, and end with the process even if it is killed.
    """
    beside = path.with_name(path.name + ".lock")
    _make_private(beside)
    with reported(beside, doing="lock"):
        lock = sqlite3.connect(beside, isolation_level=None, timeout=0)
        try:
            lock.execute("PRAGMA journal_mode = MEMORY")
            lock.execute("BEGIN EXCLUSIVE")
            # Never committed. Without this write, a read-only file would only seem locked.
            lock.execute("PRAGMA user_version = 1")
        except sqlite3.DatabaseError as error:
            lock.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise LedgerError(
                f'Cannot write to the ledger "{path}": another run is writing to it.',
                hint="Wait until that run or review page ends, or stop it. You can read the ledger "
                "meanwhile.",
            ) from error
    return lock


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all changes made in the block durably, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Apply the migrations that have not been applied yet; each one is recorded as an event."""
    applied = applied_migrations(connection)
    if not applied:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for migration in migrations:
        if migration.name in applied:
            continue
        for statement in migration.statements:
            connection.execute(statement)
        number = next_number(connection)
        connection.execute(
            "INSERT INTO migration VALUES (?, ?, ?)", (number, migration.name, migration.sha256)
        )
        append_event(connection, "migrated", number=number)


def applied_migrations(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the names of the migrations that made the tables, the oldest first."""
    if _is_blank(connection):
        return ()
    rows = connection.execute("SELECT name FROM migration ORDER BY migration_key")
    return tuple(str(name) for (name,) in rows)


def _view_as_migrated(connection: sqlite3.Connection) -> None:
    """Hide tables that a newer migration changes behind temporary views."""
    applied = applied_migrations(connection)
    for migration in MIGRATIONS:
        if migration.name not in applied:
            for view in migration.views:
                connection.execute(view)


def _connect(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    name = path.resolve().as_uri() + "?immutable=1" if immutable else str(path)
    connection = sqlite3.connect(
        name, isolation_level=None, timeout=_PATIENCE_SECONDS, uri=immutable
    )
    # A file from elsewhere may contain its own views and triggers; they get no functions.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _make_private(path: Path) -> None:
    """Create an empty file that only its owner can read, unless the file exists."""
    with suppress(FileExistsError):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            raise
        except OSError as error:
            trouble = trouble_of(error)
            raise LedgerError(
                f'Cannot create "{path}": {trouble.found}.', hint=trouble.hint
            ) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        if isinstance(error, PermissionError):
            refuse_foreign(path, doing="open", because=error)
        raise LedgerError(
            f'Cannot open the ledger "{path}": {error.strerror}.', hint=_OTHER_HINT
        ) from error


def _refuse_absence(path: Path) -> None:
    if not _is_file(path):
        found = "it is not a file" if path.exists() else "there is no such file"
        raise LedgerError(
            f'Cannot open the ledger "{path}": {found}.',
            hint="Give the path of a study folder; `localensemble label` and `import` make one.",
        )


def _is_blank(connection: sqlite3.Connection) -> bool:
    """Tell whether the file is still empty, for example after a crash during its creation."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return not tables and not _pragma(connection, "application_id")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is not a ledger, and a ledger that this version does not know."""
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise LedgerError(
            f'"{path}" is not a ledger: it lacks the mark that every ledger has.',
            hint=_HINTS[sqlite3.SQLITE_NOTADB],
        )
    known = tuple(migration.name for migration in MIGRATIONS)
    applied = applied_migrations(connection)
    unknown = [name for name in applied if name not in known]
    if unknown:
        raise LedgerError(
            f'Cannot open the ledger "{path}": it has the migration "{unknown[0]}", but '
            f'the latest that this version knows is "{known[-1]}".',
            hint="Install the version of localensemble that wrote it, or a newer one.",
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

"""Promises of the door to SQLite."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from localensemble.core.errors import LedgerError
from localensemble.ledger.connection import is_begun, reported
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import verify
from tests.ledger.studies import BEFORE_0002, Study, items, register

HOLD = """
import sys
from pathlib import Path
from localensemble.ledger.ledger import Ledger
with Ledger.open(Path(sys.argv[1]), create=True):
    print("open", flush=True)
    sys.stdin.read()
"""


MODES = pytest.mark.skipif(
    sys.platform == "win32", reason="file modes of this system are another matter"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    study = Study(tmp_path / "study.sqlite")
    study.finish()
    return study.path


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Become somebody whom file modes stop; root they do not."""
    if os.geteuid() != 0:
        yield
        return
    # Load what Python loads late while its files can still be read.
    Path.cwd().as_uri()
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture(params=["current", "older"])
def archive(path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A copy of a ledger in a folder that everybody may read, outside of closed ones."""
    source = path if request.param == "current" else BEFORE_0002 / "study.sqlite"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(source, folder))
        copy.chmod(0o444)
        copy.parent.chmod(0o555)
        yield copy
        copy.parent.chmod(0o755)


@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("id,text\n" * 1_000)
    with pytest.raises(LedgerError, match=r"file is not a database\.\nGive the path of a ledger"):
        Ledger.open(path, create=create)
    assert path.read_text() == "id,text\n" * 1_000


@pytest.mark.parametrize("create", [True, False])
def test_a_database_that_is_no_ledger_is_refused_and_left_alone(
    tmp_path: Path, create: bool
) -> None:
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger.open(path, create=create)
    with pytest.raises(LedgerError, match="not a ledger"):
        LedgerReader.open(path)
    assert path.read_bytes() == before


def test_a_missing_ledger_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    for opening in (lambda: Ledger.open(path, create=False), lambda: LedgerReader.open(path)):
        with pytest.raises(LedgerError, match=r"there is no such file\.\nGive .* study folder"):
            opening()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        LedgerError, match=r'Cannot create ".*nowhere.*": its folder does not exist'
    ):
        Ledger.open(tmp_path / "nowhere" / "study.sqlite", create=True)


def test_a_file_left_empty_by_a_crash_becomes_a_ledger_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    path.touch()
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger.open(path, create=False)
    Ledger.open(path, create=True).close()
    assert verify(path).ok


def test_a_ledger_is_begun_when_there_is_anything_in_it(tmp_path: Path, path: Path) -> None:
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    found = [is_begun(place) for place in (path, empty, tmp_path / "missing.sqlite")]
    assert found == [True, False, False]


def test_a_ledger_of_a_newer_version_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO migration VALUES (99, '0099_future', '')")
    connection.commit()
    connection.close()
    message = '"0099_future".* "0006_passages"'
    for opening in (lambda: Ledger.open(path, create=True), lambda: LedgerReader.open(path)):
        with pytest.raises(LedgerError, match=message):
            opening()
    with pytest.raises(LedgerError, match=r"Install the version of localensemble that wrote it"):
        verify(path)


@MODES
def test_only_its_owner_can_read_a_ledger(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite")
    with study.ledger:
        names = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(names) >= {"study.sqlite", "study.sqlite-wal", "study.sqlite.lock"}
    assert set(names.values()) == {0o600}


def test_a_second_writer_is_refused_while_reading_stays_possible(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite")
    with study.ledger:
        with pytest.raises(
            LedgerError, match=r"another run is writing to it\.\nWait .*review page"
        ):
            Ledger.open(study.path, create=True)
        study.append(study.first, start=0, stop=4)
        assert verify(study.path).ok
    Ledger.open(study.path, create=False).close()


def test_a_writer_in_another_process_keeps_out_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(LedgerError, match="another run is writing to it"):
            Ledger.open(path, create=True)
        assert verify(path).ok
        process.kill()
    Ledger.open(path, create=False).close()


def test_a_failed_opening_keeps_no_lock(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerError):
        Ledger.open(path, create=True)
    path.write_bytes(whole)
    Ledger.open(path, create=False).close()


def test_a_lock_that_is_something_else_is_reported(path: Path) -> None:
    path.with_name("study.sqlite.lock").write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerError, match=r"Cannot lock the ledger .*file is not a database"):
        Ledger.open(path, create=True)


def test_a_damaged_structure_is_reported_whatever_bytes_are_in_it(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"UNIQUE", b"UNIQU\xc5"))
    with pytest.raises(LedgerError, match=r"its structure is damaged\.\nRestore the file"):
        LedgerReader.open(path)


@MODES
def test_a_lock_that_cannot_be_taken_is_reported(archive: Path) -> None:
    archive.parent.chmod(0o755)
    lock = archive.with_name("study.sqlite.lock")
    lock.touch()
    lock.chmod(0o444)
    with (
        ordinary_user(),
        pytest.raises(LedgerError, match=r"Cannot lock .*\.lock.*(readonly|belongs to the user)"),
    ):
        Ledger.open(archive, create=False)


@MODES
def test_a_ledger_in_a_folder_without_write_permission_can_be_read(archive: Path) -> None:
    with ordinary_user():
        assert verify(archive).ok
        with pytest.raises(LedgerError, match="Cannot create"):
            Ledger.open(archive, create=True)


@MODES
def test_a_ledger_that_was_not_folded_in_is_not_read_by_halves(archive: Path) -> None:
    # Read as it is, without its journal, it would lack the newest labels.
    archive.parent.chmod(0o755)
    archive.with_name("study.sqlite-wal").write_bytes(b"newest labels")
    archive.parent.chmod(0o555)
    with ordinary_user(), pytest.raises(LedgerError, match="Cannot read the ledger"):
        LedgerReader.open(archive)


@MODES
def test_a_ledger_that_must_not_be_read_is_reported(archive: Path) -> None:
    archive.chmod(0)
    with (
        ordinary_user(),
        pytest.raises(LedgerError, match=r"(unable to open database file|belongs to the user)"),
    ):
        LedgerReader.open(archive)
    archive.parent.chmod(0)
    with (
        ordinary_user(),
        pytest.raises(LedgerError, match=r"(Permission denied|belongs to the user)"),
    ):
        LedgerReader.open(archive)


def test_a_full_disk_loses_only_the_block_in_hand(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite")
    with study.ledger:
        study.append(study.first, start=0, stop=4)
        connection = study.ledger._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LedgerError, match=r"disk is full\.\nFree some space"):
            register(study.ledger, items(10_000))
        connection.execute("PRAGMA max_page_count = 1000000")
        study.append(study.first, start=4, stop=10)
    assert verify(study.path).ok


def test_mistakes_in_our_own_sql_are_not_blamed_on_the_file(path: Path) -> None:
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(sqlite3.ProgrammingError),
        reported(path, doing="read"),
    ):
        connection.execute("SELECT ?")


def test_a_ledger_is_begun_once_it_has_tables(path: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.sqlite"
    assert not is_begun(empty)
    empty.touch()
    assert not is_begun(empty)
    assert is_begun(path)


@MODES
@pytest.mark.parametrize(
    "opening", [LedgerReader.open, lambda path: Ledger.open(path, create=False)]
)
def test_a_ledger_of_another_user_is_refused_with_the_owner_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opening: Callable[[Path], object]
) -> None:
    path = tmp_path / "study.sqlite"
    Study(path).ledger.close()
    owner = path.owner()

    def denied(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr("localensemble.ledger.connection._connect", denied)
    with pytest.raises(LedgerError, match="unable to open"):
        opening(path)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(LedgerError, match=f'belongs to the user "{owner}"') as refused:
        opening(path)
    assert "Ask for permission" in refused.value.hint


@MODES
def test_the_owner_of_a_closed_folder_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(_: Path) -> bool:
        raise OSError(36, "File name too long")

    def closed(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    def unnamed(_: Path) -> str:
        raise KeyError

    monkeypatch.setattr(Path, "is_file", closed)
    with pytest.raises(LedgerError, match="Permission denied"):
        LedgerReader.open(tmp_path / "study" / "study.sqlite")
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    monkeypatch.setattr(Path, "owner", unnamed)
    with pytest.raises(LedgerError, match="the user with the number"):
        LedgerReader.open(tmp_path / "study" / "study.sqlite")
    monkeypatch.setattr(Path, "is_file", too_long)
    with pytest.raises(LedgerError, match="File name too long"):
        LedgerReader.open(tmp_path / "study" / "study.sqlite")

"""A disk that takes no more data is named, whatever SQLite calls it."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from localensemble.core.errors import LedgerError
from localensemble.ledger.connection import reported
from localensemble.ledger.ledger import Ledger


class FailedInput(sqlite3.OperationalError):
    """What SQLite reports if the disk refuses to grow the journal."""

    sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE


def failed(path: Path) -> LedgerError:
    with pytest.raises(LedgerError) as caught, reported(path, doing="write to"):
        raise FailedInput("disk I/O error")
    return caught.value


@pytest.mark.parametrize(
    ("number", "found"), [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "quota")]
)
def test_an_error_of_input_and_output_on_a_full_disk_is_called_a_full_disk(
    number: int, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(number, "")

    monkeypatch.setattr(os, "write", full)
    error = failed(tmp_path / "study.sqlite")
    assert found in error.message
    assert "study.sqlite" in error.message
    assert "Free some space" in error.hint


def test_an_error_of_a_disk_with_space_says_what_to_check(tmp_path: Path) -> None:
    error = failed(tmp_path / "study.sqlite")
    assert "the disk is full, or reports an error" in error.message
    assert "is not damaged" in error.hint


def test_a_ledger_that_may_grow_no_more_is_whole_and_goes_on_later(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    with Ledger.open(path, create=True) as ledger:
        opened = ledger._connection
        pages = opened.execute("PRAGMA page_count").fetchone()[0]
        opened.execute(f"PRAGMA max_page_count = {pages}")
        recorded = 0
        error: LedgerError | None = None
        while error is None:
            try:
                ledger.register_reviewer(f"reviewer {recorded}")
                recorded += 1
            except LedgerError as found:
                error = found
        assert "the disk is full" in error.message
        assert "all earlier records are kept" in error.hint
    with Ledger.open(path, create=False) as ledger:
        opened = ledger._connection
        assert opened.execute("SELECT count(*) FROM reviewer").fetchone() == (recorded,)
        ledger.register_reviewer("later")


def test_a_folder_that_takes_no_data_is_named_when_the_ledger_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwritable(*_: object) -> int:
        raise OSError(errno.EROFS, "")

    monkeypatch.setattr(os, "open", unwritable)
    with pytest.raises(LedgerError, match="the file system is read-only"):
        Ledger.open(tmp_path / "study.sqlite", create=True)

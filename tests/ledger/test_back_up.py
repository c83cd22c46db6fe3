"""A copy of a ledger is whole, is of one moment, and replaces no file."""

from __future__ import annotations

import stat
import sys
import threading
from pathlib import Path

import pytest

from localensemble.core import leftovers
from localensemble.core.errors import InputError, LedgerError, LocalEnsembleError
from localensemble.core.leftovers import remove_leftovers, remove_leftovers_in
from localensemble.ledger import back_up as module
from localensemble.ledger.back_up import back_up
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import Verification, verify
from tests.ledger.studies import BEFORE_0002, Study
from tests.studies import change_behind_triggers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    study = Study(tmp_path / "study.sqlite")
    study.finish()
    study.decide()
    return study.path


def test_a_copy_is_the_same_ledger_in_one_private_file(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    found = back_up(path, target=folder / "copy.sqlite")
    assert found == verify(path)
    assert [one.name for one in folder.iterdir()] == ["copy.sqlite"]
    if sys.platform != "win32":
        assert stat.S_IMODE((folder / "copy.sqlite").stat().st_mode) == 0o600
    # The copy is a ledger that goes on.
    with Ledger.open(folder / "copy.sqlite", create=False) as ledger:
        ledger.start_run({})
    assert verify(folder / "copy.sqlite").events == found.events + 1


def test_copies_made_while_a_run_writes_are_whole(path: Path, tmp_path: Path) -> None:
    written = threading.Event()

    def write() -> None:
        with Ledger.open(path, create=False) as ledger:
            for number in range(60):
                ledger.finish_run(ledger.start_run({"n": number}), status="failed", summary={})
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(30)
    events = [back_up(path, target=tmp_path / f"copy-{n}.sqlite").events for n in range(4)]
    writer.join()
    assert events == sorted(events)
    assert back_up(path, target=tmp_path / "last.sqlite").events >= events[-1]
    assert events[0] >= verify(path).events - 120 + 2


def test_an_older_ledger_is_copied_as_it_is(tmp_path: Path) -> None:
    old = BEFORE_0002 / "study.sqlite"
    found = back_up(old, target=tmp_path / "copy.sqlite")
    assert found.head_sha256 == verify(old).head_sha256
    with LedgerReader.open(tmp_path / "copy.sqlite") as reader:
        assert {event.kind for event in reader.history() if event.number < 2} == {"migrated"}


def test_another_command_leaves_a_running_copy_alone_and_removes_a_dead_one(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def verify_while_others_work(copy: Path) -> Verification:
        remove_leftovers()
        remove_leftovers_in(tmp_path)
        seen.append(copy)
        return verify(copy)

    monkeypatch.setattr(module, "verify", verify_while_others_work)
    back_up(path, target=tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").exists()
    (copy,) = seen
    # What `leftovers` removes once the process that noted it is gone.
    assert leftovers._OURS.fullmatch(copy.name)


def test_no_file_is_replaced_and_no_part_is_left(path: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.sqlite"
    taken.write_bytes(b"mine")
    with pytest.raises(InputError, match="already exists"):
        back_up(path, target=taken)
    assert taken.read_bytes() == b"mine"
    with pytest.raises(LocalEnsembleError, match="Cannot write"):
        back_up(path, target=tmp_path / "nowhere" / "copy.sqlite")
    with pytest.raises(LedgerError, match="no such file"):
        back_up(tmp_path / "missing.sqlite", target=tmp_path / "copy.sqlite")
    change_behind_triggers(path, lambda c: c.execute("UPDATE label SET category = 1"))
    with pytest.raises(LedgerError, match="has been changed"):
        back_up(path, target=tmp_path / "copy.sqlite")
    assert {one.name for one in tmp_path.iterdir()} <= {
        *("study.sqlite", "study.sqlite.lock", "study.sqlite-wal", "study.sqlite-shm"),
        "taken.sqlite",
    }

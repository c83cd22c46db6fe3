"""What a killed process leaves is removed by the next one, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localensemble.core import leftovers
from localensemble.core.files import replaced_binary_file, replaced_text_file
from localensemble.core.leftovers import (
    note_unfinished,
    noted,
    remove_leftovers,
    remove_leftovers_in,
)

pytestmark = pytest.mark.slow  # starts processes, and kills them

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

WRITES = """
import sys, time
from pathlib import Path
from localensemble.core.files import replaced_text_file
with replaced_text_file(Path(sys.argv[1])) as stream:
    stream.write("The patient denies chest pain")
    stream.flush()
    sys.stdout.write("writing\\n")
    sys.stdout.flush()
    time.sleep(600)
"""


@contextmanager
def _writer(path: Path, code: str = WRITES) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until it writes."""
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"writing\n"
        try:
            yield one
        finally:
            one.kill()


def _killed(path: Path, code: str = WRITES) -> None:
    with _writer(path, code) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@posix
@pytest.mark.parametrize(
    "name", ["report.html", "ws.csv", "final table.xlsx", ".hidden", "é\udcff"]
)
def test_what_a_killed_process_left_is_removed_wherever_it_is(tmp_path: Path, name: str) -> None:
    _killed(tmp_path / name)
    (left,) = _names(tmp_path)
    assert left.startswith(f".{name}.")
    remove_leftovers()
    assert _names(tmp_path) == []
    assert list(leftovers._folder().glob("*.list")) == []


@posix
def test_the_files_of_a_process_that_runs_are_left_alone(tmp_path: Path) -> None:
    with _writer(tmp_path / "report.html"):
        before = _names(tmp_path)
        assert len(before) == 1
        remove_leftovers()
        remove_leftovers_in(tmp_path)
        with replaced_text_file(tmp_path / "report.html") as stream:
            stream.write("mine")
        assert _names(tmp_path) == sorted([*before, "report.html"])
    remove_leftovers()
    assert _names(tmp_path) == ["report.html"]


@posix
def test_without_a_list_the_next_writing_and_the_next_look_remove_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "no folder"
    blocked.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    monkeypatch.setenv("HOME", str(blocked))
    study = tmp_path / "study"
    study.mkdir()
    _killed(study / "report.html")
    _killed(study / "labels.csv")
    remove_leftovers()
    assert len(_names(study)) == 2
    with replaced_binary_file(study / "report.html") as stream:
        stream.write(b"whole")
    assert [name[:8] for name in _names(study)] == [".labels.", "report.h"]
    remove_leftovers_in(study)
    assert _names(study) == ["report.html"]


def test_only_unfinished_files_of_ours_are_removed(tmp_path: Path) -> None:
    kept = [
        ".tiny.gguf.0123456789abcdef.part",  # of a download, to be continued
        ".part",
        "labels.csv.abcd1234.part",
        ".labels.csv.abcd1234.par",
        ".labels.csv.ABCD1234.part",
        "labels.csv",
    ]
    for name in (*kept, ".labels.csv.abcd1234.part", ".ws.csv.a_b_c_d_.part"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / ".folder.abcd1234.part").mkdir()
    remove_leftovers_in(tmp_path)
    assert _names(tmp_path) == sorted([*kept, ".folder.abcd1234.part"])
    remove_leftovers_in(tmp_path / "nowhere")


@posix
def test_a_list_of_another_program_removes_nothing_of_the_user(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.docx"
    mine.write_text("x", encoding="utf-8")
    folder = tmp_path / "photos"
    folder.mkdir()
    linked = tmp_path / "localensemble-link"
    linked.symlink_to(folder)
    lists = leftovers._folder()
    lists.mkdir(parents=True)
    names = [str(mine), str(folder), str(linked), "relative/.a.abcd1234.part", ""]
    (lists / "a.list").write_text("\0".join([*names, "\0"]), encoding="utf-8")
    (lists / "b.list").write_bytes(b"\xff\x00\x00/\x00")
    (lists / "c.list").mkdir()
    remove_leftovers()
    assert _names(tmp_path) == ["localensemble-link", "photos", "thesis.docx"]


@posix
def test_a_temporary_study_is_removed_with_everything_in_it(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from localensemble.api.notebook.opened_study import TemporaryFolder\n"
        "folder = TemporaryFolder()\n"
        "(folder.path / 'labels.csv').write_text('The patient denies chest pain')\n"
        "open(sys.argv[1], 'w').write(str(folder.path))\n"
        "sys.stdout.write('writing\\n')\n"
        "sys.stdout.flush()\n"
        "time.sleep(600)\n"
    )
    _killed(tmp_path / "where", code)
    study = Path((tmp_path / "where").read_text(encoding="utf-8"))
    assert study.is_dir()
    remove_leftovers()
    assert not study.exists()


@posix
def test_the_sheets_of_a_workbook_are_removed(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    code = (
        "import sys, time\n"
        "from localensemble.core.workbook_library import workbook_library\n"
        "book = workbook_library().Workbook(write_only=True)\n"
        "sheet = book.create_sheet('a')\n"
        "for _ in range(10_000): sheet.append(['The patient denies chest pain'])\n"
        "sys.stdout.write('writing\\n')\n"
        "sys.stdout.flush()\n"
        "time.sleep(600)\n"
    )
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(tmp_path)
    try:
        _killed(tmp_path, code)
    finally:
        os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)
    assert len(_names(tmp_path)) == 1
    remove_leftovers()
    assert _names(tmp_path) == []


@posix
def test_a_drive_that_is_away_is_remembered_for_90_days(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    _killed(drive / "ws.csv")
    drive.rename(tmp_path / "away")
    remove_leftovers()
    (tmp_path / "away").rename(drive)
    remove_leftovers()
    assert _names(drive) == []
    _killed(drive / "ws.csv")
    drive.rename(tmp_path / "away")
    (noted_in,) = leftovers._folder().glob("*.list")
    os.utime(noted_in, (0, 0))
    remove_leftovers()
    assert list(leftovers._folder().glob("*.list")) == []


def test_what_is_finished_is_noted_no_more(tmp_path: Path) -> None:
    with noted(tmp_path / ".a.abcd1234.part"):
        (list_of_ours,) = leftovers._folder().glob("*.list")
        assert list_of_ours.read_text(encoding="utf-8").endswith("abcd1234.part\0")
    assert list_of_ours.read_text(encoding="utf-8") == ""
    note_unfinished(tmp_path / "localensemble-x")
    assert list_of_ours.read_text(encoding="utf-8").endswith("localensemble-x\0")


@posix
def test_a_process_that_ends_leaves_no_list(tmp_path: Path) -> None:
    code = (
        "import atexit, sys\n"
        "from pathlib import Path\n"
        "from localensemble.core.leftovers import note_unfinished\n"
        "library = Path(sys.argv[1]) / 'openpyxl.abcd1234'\n"
        "library.touch()\n"
        "note_unfinished(library)\n"
        "atexit.register(library.unlink)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert _names(tmp_path) == []
    assert list(leftovers._folder().glob("*.list")) == []


@posix
def test_a_file_that_another_process_removed_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, removed = leftovers._is_locked_by_us, list[str]()

    def taken_at_first(handle: int) -> bool:
        if not removed:
            for path in tmp_path.glob(".report.html.*.part"):
                removed.append(path.name)
                path.unlink()
        return lock(handle)

    monkeypatch.setattr(leftovers, "_is_locked_by_us", taken_at_first)
    with leftovers.unfinished_beside(tmp_path / "report.html") as temporary:
        assert len(removed) == 1
        assert temporary.name not in removed
        assert temporary.stat().st_mode & 0o777 == 0o600


@posix
def test_a_drive_without_locks_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_is_locked_by_us", lambda handle: False)
    with replaced_text_file(tmp_path / "report.html") as stream:
        stream.write("whole")
        assert len(_names(tmp_path)) == 1
    assert _names(tmp_path) == ["report.html"]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may do anything")
def test_a_file_that_cannot_be_removed_yet_is_removed_later(tmp_path: Path) -> None:
    _killed(tmp_path / "report.html")
    tmp_path.chmod(0o500)
    try:
        remove_leftovers()
        assert len(_names(tmp_path)) == 1
    finally:
        tmp_path.chmod(0o700)
    remove_leftovers()
    assert _names(tmp_path) == []

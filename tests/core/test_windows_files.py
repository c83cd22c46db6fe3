"""On Windows: names that it does not take, files that others have open, long paths, quoting."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from localensemble.core.command_lines import command_line, command_word, import_line
from localensemble.core.disk_errors import trouble_of
from localensemble.core.errors import InputError, LocalEnsembleError
from localensemble.core.files import put_in_place, replaced_text_file
from localensemble.core.windows_names import name_problem_on_windows

elsewhere = pytest.mark.skipif(sys.platform == "win32", reason="about other systems")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the code see Windows; return the pauses that it makes."""
    pauses: list[float] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("NUL", "device"),
        ("study/con.csv", "device"),
        (r"C:\studies\Aux\labels.csv", "device"),
        ("com1.tar.gz", "device"),
        ("LPT¹.txt", "device"),
        ("prn .csv", "device"),
        ("labels.csv.", "drops"),
        ("study /labels.csv", "drops"),
        ("labels:copy.csv", '":"'),
        ("what?.html", '"?"'),
        ("a|b", '"|"'),
        ("tab\t.csv", "Windows allows no"),
    ],
)
def test_a_name_that_windows_takes_otherwise_has_a_problem(path: str, found: str) -> None:
    assert found in name_problem_on_windows(PurePosixPath(path))


@pytest.mark.parametrize(
    "path",
    [
        r"C:\Daten\Jörg Müller\Ablage - Klinik\study\labels.csv",
        r"\\server\share\study\report.html",
        r"\\?\C:\very\long\report.html",
        "../study/./labels.csv",
        "console.csv",
        "nullable.csv",
        "com10.csv",
        ".labels.csv.abc.part",
        "théme-Ω.json",
    ],
)
def test_any_other_name_has_none(path: str) -> None:
    assert name_problem_on_windows(PureWindowsPath(path)) == ""


def test_a_table_for_a_device_is_refused_before_anything_is_written(
    tmp_path: Path, windows: list[float]
) -> None:
    with (
        pytest.raises(InputError, match=r"NUL\.csv.*device.*\nChoose another name"),
        replaced_text_file(tmp_path / "NUL.csv"),
    ):
        pytest.fail("the file was opened")
    assert list(tmp_path.iterdir()) == []


@elsewhere
def test_elsewhere_every_name_is_taken(tmp_path: Path) -> None:
    with replaced_text_file(tmp_path / "con.csv") as stream:
        stream.write("a")
    assert (tmp_path / "con.csv").exists()


class Held:
    """A file that another program has open for the first few attempts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, attempts: int) -> None:
        self.attempts = attempts
        really = Path.replace

        def replace(part: Path, final: Path) -> Path:
            self.attempts -= 1
            if self.attempts >= 0:
                raise PermissionError(errno.EACCES, "Access is denied", str(part), 5, str(final))
            return really(part, final)

        monkeypatch.setattr(Path, "replace", replace)


def test_a_file_that_a_scanner_holds_for_a_moment_is_replaced(
    tmp_path: Path, windows: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    Held(monkeypatch, attempts=3)
    with replaced_text_file(tmp_path / "labels.csv") as stream:
        stream.write("new")
    assert (tmp_path / "labels.csv").read_text(encoding="utf-8") == "new"
    assert len(windows) == 3


def test_a_file_that_stays_open_is_named_with_what_to_close(
    tmp_path: Path, windows: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("old", encoding="utf-8")
    Held(monkeypatch, attempts=1000)
    with (
        pytest.raises(
            LocalEnsembleError, match=r"labels\.csv.*another program has it open.*\nClose"
        ),
        replaced_text_file(path) as stream,
    ):
        stream.write("new")
    assert 1 < sum(windows) < 5
    assert [one.name for one in tmp_path.iterdir()] == ["labels.csv"]
    assert path.read_text(encoding="utf-8") == "old"


@elsewhere
def test_elsewhere_a_refusal_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, attempts=1000)
    with pytest.raises(PermissionError):
        put_in_place(tmp_path / "part", tmp_path / "final")
    assert held.attempts == 999


def test_a_sharing_violation_is_told_from_a_missing_permission(
    tmp_path: Path, windows: list[float]
) -> None:
    class SharingError(OSError):
        winerror = 32

    assert "another program" in trouble_of(SharingError(errno.EACCES, "in use")).found
    missing = PermissionError(errno.EACCES, "Access is denied", str(tmp_path / "new.csv"))
    assert "Permission denied" in trouble_of(missing).found


def test_a_path_too_long_is_counted(tmp_path: Path, windows: list[float]) -> None:
    long = tmp_path / ("x" * 200) / ("y" * 100)
    found = trouble_of(FileNotFoundError(errno.ENOENT, "No such file or directory", str(long)))
    assert str(len(os.path.abspath(long))) in found.found  # noqa: PTH100
    assert "259" in found.found
    short = FileNotFoundError(errno.ENOENT, "No such file or directory", "a")
    assert "its folder does not exist" in trouble_of(short).found


@pytest.mark.parametrize(
    "word",
    [
        r"C:\My Studies\labels.csv",
        "C:\\ends with a backslash\\",
        'say "yes"',
        "a&b",
        "a,b",
        "(1)",
        "",
        "Müller's study",
        "plain.csv",
        r"C:\plain\study",
    ],
)
def test_a_word_of_a_command_arrives_whole_on_windows(word: str, windows: list[float]) -> None:
    typed = command_word(word)
    assert "'" not in typed.replace(word, "")
    assert typed == word or (typed[0], typed[-1]) == ('"', '"')
    assert _arguments_on_windows(typed) == [word]


def _arguments_on_windows(line: str) -> list[str]:
    """Split a line as programs on Windows do: by the rules of the C runtime."""
    arguments, current, inside, started, at = [], "", False, False, 0
    while at < len(line):
        backslashes = 0
        while at < len(line) and line[at] == "\\":
            backslashes, at = backslashes + 1, at + 1
        if at < len(line) and line[at] == '"':
            current += "\\" * (backslashes // 2)
            if backslashes % 2:
                current += '"'
            else:
                inside, started = not inside, True
            at += 1
            continue
        current += "\\" * backslashes
        if at < len(line):
            if line[at] == " " and not inside:
                arguments.append(current)
                current, started = "", False
            else:
                current += line[at]
            at += 1
    return [*arguments, current] if current or started else arguments


def test_the_rules_of_the_c_runtime_are_those_of_python() -> None:
    words = [r"C:\a b\\", 'x"y', "", "plain"]
    assert _arguments_on_windows(subprocess.list2cmdline(words)) == words


def test_a_command_for_windows_can_be_copied(windows: list[float]) -> None:
    line = import_line(Path("my ratings.csv"))
    assert line == ('localensemble import "my ratings.csv" --level nominal -o "my ratings-study"')
    assert command_line(["a", "b c"]) == 'a "b c"'


@elsewhere
def test_elsewhere_a_command_is_quoted_for_its_shell() -> None:
    assert command_line(["a", "b c", "d,e"]) == "a 'b c' d,e"

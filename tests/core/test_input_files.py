"""Files that a user names: what is not a file is refused at once, and what is too large, too."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from localensemble.core import input_files
from localensemble.core.identity import sha256_file
from localensemble.core.input_files import (
    FileMark,
    open_input,
    read_input,
    read_input_text,
    read_json_file,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def socket_file(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


def link_to(path: Path, *, target: Path) -> Path:
    path.symlink_to(target)
    return path


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (pipe, "a pipe"),
        (lambda path: link_to(path, target=pipe(path.with_name("p"))), "a pipe"),
        (lambda path: link_to(path, target=Path("/dev/zero")), "a device"),
        (lambda path: Path("/dev/null"), "a device"),
        (lambda path: path.parent, "a folder"),
    ],
)
@pytest.mark.parametrize("read", [open_input, sha256_file, read_json_file])
def test_what_is_not_a_file_is_refused_without_waiting(
    make: Callable[[Path], Path],
    found: str,
    read: Callable[[Path], object],
    tmp_path: Path,
) -> None:
    with pytest.raises(OSError, match=found):
        read(make(tmp_path / "it"))


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="it is a socket, not a file"):
        open_input(socket_file(Path("s")))


def test_a_pipe_that_takes_the_place_of_a_file_is_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pipe(tmp_path / "it")
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result([0o100644] * 10))
    with pytest.raises(OSError, match="it is a pipe"):
        open_input(path)


@pytest.mark.parametrize("name", ["gone", "gone/deep", "x" * 300, "with\0nul"])
def test_a_name_that_leads_nowhere_is_an_error_that_can_be_shown(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        open_input(tmp_path / name)
    assert caught.value.strerror
    assert FileMark.of(tmp_path / name) is None


def test_a_file_of_the_largest_size_is_read_and_a_larger_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"1234")
    assert read_input(path, most_bytes=4) == b"1234"
    with pytest.raises(OSError, match="it has 4 bytes; at most 3 are read"):
        read_input_text(path, most_bytes=3)


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "it"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(OSError, match="1,099,511,627,776 bytes; at most 268,435,456"):
        read_json_file(path)


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"half")
    really_mark = input_files._mark

    def grows(status: os.stat_result) -> FileMark:
        found = really_mark(status)
        with path.open("ab") as stream:
            stream.write(b" more")
        return found

    monkeypatch.setattr(input_files, "_mark", grows)
    with pytest.raises(OSError, match="changed while it was being read"):
        read_input(path, most_bytes=100)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        "{",
        "",
        "NaN",
        "[Infinity]",
        "9" * 5000,
        '"\\ud800"',
        '["\\udc00\\ud800"]',
        "\ufeff{",
    ],
)
def test_what_json_does_not_have_is_a_value_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError):  # noqa: PT011 - the callers say what was expected
        read_json_file(path)


def test_json_that_is_no_text_is_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_bytes(b"\xff\xfe{\x00")
    with pytest.raises(ValueError):  # noqa: PT011
        read_json_file(path)


def test_json_is_read_with_a_byte_order_mark_and_with_escaped_pairs(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_text('\ufeff{"a": ["\\ud83d\\ude00", 1.5, null]}', encoding="utf-8")
    assert read_json_file(path) == {"a": ["\U0001f600", 1.5, None]}


def test_json_with_more_values_than_memory_holds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "MOST_JSON_VALUES", 3)
    path = tmp_path / "it.json"
    path.write_text("[1,2]", encoding="utf-8")
    assert read_json_file(path) == [1, 2]
    path.write_text("[1,2,3]", encoding="utf-8")
    with pytest.raises(OSError, match="about 4 values; at most 3"):
        read_json_file(path)


def test_a_file_that_is_written_to_or_replaced_has_another_mark(tmp_path: Path) -> None:
    path, other = tmp_path / "it", tmp_path / "other"
    path.write_text("a")
    mark = FileMark.of(path)
    assert FileMark.of(path) == mark
    other.write_text("a")
    other.replace(path)
    assert FileMark.of(path) != mark

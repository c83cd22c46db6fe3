"""Open a file that the user names, without waiting for ever and without reading more than allowed.

Refuses what is not a file on a disk: a named pipe, a device, a socket or a folder. Refuses a file
that is too large or that changes while it is read. Every refusal is an `OSError` whose
``strerror`` can be shown, so that callers report it in the way they report a missing file.
"""

from __future__ import annotations

import codecs
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from localensemble.core.foreign_json import read_json
from localensemble.core.limits import MOST_JSON_BYTES, MOST_JSON_VALUES

_KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "it is a folder"),
    (stat.S_ISFIFO, errno.EINVAL, "it is a pipe"),
    (stat.S_ISSOCK, errno.EINVAL, "it is a socket"),
    (stat.S_ISCHR, errno.EINVAL, "it is a device"),
    (stat.S_ISBLK, errno.EINVAL, "it is a device"),
)
# Without this flag, opening a pipe waits until somebody writes to it. Windows has no such flag.
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
_CHANGED = "it changed while it was being read"


@dataclass(frozen=True, slots=True)
class FileMark:
    """What changes when somebody writes to a file or replaces it."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> FileMark | None:
        """Look at a file; None if it cannot be looked at."""
        try:
            return _mark(path.stat())
        except (OSError, ValueError):
            return None


def open_input(path: Path) -> BinaryIO:
    """Open a file for reading bytes.

    Raises:
        OSError: it cannot be opened, or it is not a file on a disk.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name contains a NUL character", str(path))
    # Looked at before it is opened: opening some devices does something.
    _refuse_what_is_not_a_file(path, path.stat())
    stream = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    try:
        # Looked at again: another file may have taken its place.
        _refuse_what_is_not_a_file(path, os.fstat(stream.fileno()))
    except OSError:
        stream.close()
        raise
    return stream


def read_input(path: Path, *, most_bytes: int) -> bytes:
    """Read a whole file.

    Raises:
        OSError: it cannot be read, is not a file on a disk, has more than ``most_bytes``, or
            changes meanwhile.
    """
    with open_input(path) as stream:
        before = _mark(os.fstat(stream.fileno()))
        if before.size > most_bytes:
            _refuse_size(path, before.size, most_bytes)
        content = stream.read(most_bytes + 1)
        if len(content) != before.size or _mark(os.fstat(stream.fileno())) != before:
            raise OSError(errno.EAGAIN, _CHANGED, str(path))
    return content


def read_input_text(path: Path, *, most_bytes: int) -> str:
    """Read a whole file as UTF-8.

    Raises:
        OSError: as in `read_input`.
        UnicodeDecodeError: the file is not UTF-8.
    """
    return read_input(path, most_bytes=most_bytes).decode("utf-8")


def read_json_file(path: Path) -> Any:
    """Read a JSON file of limited size.

    Raises:
        OSError: as in `read_input`, or the file holds more values than are read.
        ForeignJsonError: the file is not JSON; see `foreign_json.read_json`.
    """
    content = read_input(path, most_bytes=MOST_JSON_BYTES)
    # Every value but the first follows one of these characters.
    values = 1 + sum(content.count(sign) for sign in (b",", b"[", b"{"))
    if values > MOST_JSON_VALUES:
        raise OSError(
            errno.EFBIG,
            f"it has about {values:,} values; at most {MOST_JSON_VALUES:,} are read",
            str(path),
        )
    return read_json(content.removeprefix(codecs.BOM_UTF8))


def _open_without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | _NO_WAITING)


def _refuse_what_is_not_a_file(path: Path, status: os.stat_result) -> None:
    for is_kind, number, found in _KINDS:
        if is_kind(status.st_mode):
            raise OSError(number, f"{found}, not a file", str(path))


def _refuse_size(path: Path, found: int, allowed: int) -> NoReturn:
    raise OSError(errno.EFBIG, f"it has {found:,} bytes; at most {allowed:,} are read", str(path))


def _mark(status: os.stat_result) -> FileMark:
    return FileMark(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

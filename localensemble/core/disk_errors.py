"""Put into words why a file could not be written, and what to do next.

Decides which errors of the operating system a user can mend, and how each is called. A library
that hides the cause, as SQLite does, is helped by trying to write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import LocalEnsembleError
from localensemble.core.windows_names import MOST_CHARACTERS

_PROBE_BYTES = 1 << 16
# ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION and ERROR_USER_MAPPED_FILE.
_HELD = frozenset({32, 33, 1224})
_KEPT = "Everything that was finished before is kept."


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a place for files, and what to do about it."""

    found: str
    hint: str


_FULL = Trouble("the disk is full", f"Free some space there and run the command again. {_KEPT}")
_OPEN_ELSEWHERE = Trouble(
    "another program has it open, or it is write-protected",
    "Close it there, for example in Excel, and run the command again.",
)
_TROUBLES = {
    errno.ENOSPC: _FULL,
    errno.EFBIG: Trouble(
        "the file is larger than the file system or a limit of your account allows",
        "Write to another disk, or raise the limit.",
    ),
    errno.EROFS: Trouble(
        "the file system is read-only",
        "Choose another folder, or make the disk writable and run the command again.",
    ),
    errno.EACCES: Trouble(
        "Permission denied",
        "Choose a folder that you can write to, or ask for permission to write there.",
    ),
    errno.EPERM: Trouble(
        "Operation not permitted",
        "Choose a folder that you can write to, or ask for permission to write there.",
    ),
    errno.EISDIR: Trouble("it is a folder, not a file", "Give the path of a file."),
    errno.ENOTDIR: Trouble("a part of the path is a file, not a folder", "Choose another path."),
    errno.EEXIST: Trouble("a file of that name is in the way", "Move it, or choose another path."),
    errno.ENOENT: Trouble(
        "its folder does not exist", "Make the folder first, or choose another one."
    ),
    errno.ENAMETOOLONG: Trouble("the name is too long", "Choose a shorter name."),
    errno.ELOOP: Trouble("its links form a loop", "Choose another path."),
    errno.EIO: Trouble(
        "the disk reports an error",
        f"Check the disk, or copy the folder to another one and run the command there. {_KEPT}",
    ),
    errno.EMFILE: Trouble(
        "too many files are open", "Close other programs and run the command again."
    ),
}
if hasattr(errno, "EDQUOT"):
    _TROUBLES[errno.EDQUOT] = Trouble(
        "the space that you may use there is used up (quota)",
        f"Free some space there and run the command again. {_KEPT}",
    )
if hasattr(errno, "ESTALE"):
    _TROUBLES[errno.ESTALE] = Trouble(
        "the network folder is gone", f"Connect it again and run the command again. {_KEPT}"
    )


def trouble_of(error: OSError) -> Trouble:
    """Return what an error of the operating system means."""
    if sys.platform == "win32" and (found := _trouble_on_windows(error)):
        return found
    unknown = Trouble(
        error.strerror or "the file system refused it",
        "Check that the folder exists, that you can write to it, and that the disk has space.",
    )
    return _TROUBLES.get(error.errno or 0, unknown)


def _trouble_on_windows(error: OSError) -> Trouble | None:
    """Return what Windows means by an error that other systems have for other reasons."""
    # Of two paths, the second is the one to write to.
    path = os.fspath(error.filename2 or error.filename or "")
    path = os.fsdecode(path) if isinstance(path, bytes) else str(path)
    if getattr(error, "winerror", None) in _HELD or (
        isinstance(error, PermissionError) and Path(path).is_file()
    ):
        return _OPEN_ELSEWHERE
    length = len(os.path.abspath(path)) if path else 0  # noqa: PTH100
    if isinstance(error, FileNotFoundError) and length > MOST_CHARACTERS:
        return Trouble(
            f"its path has {length} characters, but Windows takes {MOST_CHARACTERS}",
            "Choose a folder with a shorter path, or ask your administrator to allow long paths.",
        )
    return None


def writing_error(path: Path, error: OSError) -> LocalEnsembleError:
    """Return the error for a file that cannot be written."""
    trouble = trouble_of(error)
    return LocalEnsembleError(f'Cannot write "{path}": {trouble.found}.', hint=trouble.hint)


def is_environmental(error: OSError) -> bool:
    """Tell whether an error comes from the disk or the path, not from a mistake in the program."""
    return error.errno in _TROUBLES


def trouble_with(folder: Path) -> Trouble | None:
    """Find out by writing why a folder takes no data; None if it takes some."""
    try:
        handle, name = tempfile.mkstemp(prefix=".localensemble.", suffix=".part", dir=folder)
        try:
            os.write(handle, b"\0" * _PROBE_BYTES)
            os.fsync(handle)
        finally:
            with contextlib.suppress(OSError):
                os.close(handle)
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        return trouble_of(error)
    return None

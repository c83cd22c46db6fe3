"""Remove the unfinished files that killed processes left, with the texts in them.

Whoever writes a file with texts notes its path first, in a list of its own process in the user's
folder. The process holds a lock on the list, which the system releases however the process ends.
So the next command, wherever it works, finds the lists of those that are gone and removes what
they left; it never touches the files of a process that runs. Where no list can be kept, the
unfinished files of a study are still found by their names beside the files that they would
have become.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_UNFINISHED = ".part"
# `mkstemp` puts eight characters before it; the part of a download, which holds no text and is
# continued later, has a hash there.
_BESIDE = re.compile(r"\..+\.[a-z0-9_]{8}\.part")
# What a list may name: nothing else is removed, whatever is written there.
_OURS = re.compile(r"\..+\.part|openpyxl\.[a-z0-9_]+|localensemble-egress-[a-z0-9_]{8}")
_OUR_FOLDER = "localensemble-"
# Some network drives have no locks; without one, nobody removes the file, either.
_MOST_TRIES = 5
_SECONDS_UNTIL_FORGOTTEN = 90 * 24 * 3600


class _List:
    """The list of this process; another one after a fork or in another user's folder."""

    def __init__(self) -> None:
        self._handle: int | None = None
        self._path = Path()
        self._opened_for: tuple[int, Path] | None = None
        self._open: set[str] = set()

    def add(self, path: Path) -> None:
        owner = (os.getpid(), _folder())
        if self._opened_for != owner:
            self.close()
            self._opened_for, self._open = owner, set()
            remove_leftovers()
            # Without a folder to write to, there is no list.
            with contextlib.suppress(OSError):
                self._handle, self._path = _new_list(owner[1])
        self._open.add(os.fspath(path))
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.write(self._handle, os.fsencode(path) + b"\0")

    def drop(self, path: Path) -> None:
        self._open.discard(os.fspath(path))
        if self._handle is not None and not self._open:
            with contextlib.suppress(OSError):
                os.lseek(self._handle, 0, os.SEEK_SET)
                os.ftruncate(self._handle, 0)

    def close(self) -> None:
        if self._handle is None:
            return
        os.close(self._handle)
        self._handle = None
        if self._opened_for is None or self._opened_for[0] != os.getpid():
            return
        # Libraries remove theirs when the process ends, and do not say so.
        # Without pathlib, which code of another package may have broken until then.
        if not any(os.path.exists(path) for path in self._open):  # noqa: PTH110
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108


_list = _List()
atexit.register(_list.close)


def note_unfinished(path: Path) -> None:
    """Note a file or folder that holds texts until this process removes it."""
    _list.add(path.absolute())


def temporary_folder() -> Path:
    """Make a folder for files with texts, and note it; the caller removes it."""
    path = Path(tempfile.mkdtemp(prefix=_OUR_FOLDER))
    note_unfinished(path)
    return path


@contextlib.contextmanager
def noted(path: Path) -> Iterator[None]:
    """Note a file while the block writes it."""
    note_unfinished(path)
    try:
        yield
    finally:
        _list.drop(path.absolute())


@contextlib.contextmanager
def unfinished_beside(path: Path) -> Iterator[Path]:
    """Give an empty file beside ``path``, readable by its owner only; remove it if it is left."""
    remove_leftovers_in(path.parent, of=path.name)
    handle, temporary = _new_locked(path.parent, prefix=f".{path.name}.", suffix=_UNFINISHED)
    with noted(temporary):
        try:
            if sys.platform == "win32":
                # There, a file that is open cannot be renamed, and one that is written not removed.
                os.close(handle)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
            if sys.platform != "win32":
                os.close(handle)


def remove_leftovers() -> None:
    """Remove what every process left that ended without removing it."""
    for path in sorted(_folder().glob("*.list")):
        with contextlib.suppress(OSError):
            _remove_listed(path)


def remove_leftovers_in(folder: Path, *, of: str = "") -> None:
    """Remove the unfinished files in a folder that no process is writing.

    Args:
        folder: where to look; not in folders inside it.
        of: the name of the file that they would have become; empty for any.
    """
    beginning = f".{of}." if of else "."
    with contextlib.suppress(OSError):
        for found in list(folder.iterdir()):
            if found.name.startswith(beginning) and _BESIDE.fullmatch(found.name):
                _remove_unless_held(found)


def _remove_unless_held(path: Path) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            path.unlink()
            return
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if _is_locked_by_us(handle):
                path.unlink()
        finally:
            os.close(handle)


def _remove_listed(path: Path) -> None:
    """Remove what a list names, and the list, if its process is gone."""
    if sys.platform == "win32":
        # The list of a process that runs is open, and cannot be renamed.
        path = path.rename(path.with_suffix(f".{os.getpid()}.list"))
    with path.open("rb") as stream:
        if sys.platform != "win32" and not _is_locked_by_us(stream.fileno()):
            return
        listed = [Path(os.fsdecode(name)) for name in stream.read().split(b"\0")[:-1]]
        for one in listed:
            _remove_ours(one)
        # The drive may come back, or the folder become writable again.
        left = [one for one in listed if not one.parent.is_dir() or one.exists()]
        if not left or time.time() - path.stat().st_mtime > _SECONDS_UNTIL_FORGOTTEN:
            path.unlink()


def _remove_ours(path: Path) -> None:
    if not path.is_absolute():
        return
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink() and path.name.startswith(_OUR_FOLDER):
            shutil.rmtree(path, ignore_errors=True)
        elif _OURS.fullmatch(path.name):
            path.unlink()


def _new_list(folder: Path) -> tuple[int, Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _new_locked(folder, prefix="", suffix=".list")


def _new_locked(folder: Path, *, prefix: str, suffix: str) -> tuple[int, Path]:
    """Make an empty file that only its owner can read, open and locked where locks exist."""
    for others in range(_MOST_TRIES):
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
        # Between these two steps, another process may have taken it for that of a dead one.
        if (_is_locked_by_us(handle) and Path(name).exists()) or others == _MOST_TRIES - 1:
            break
        os.close(handle)
        Path(name).unlink(missing_ok=True)
    return handle, Path(name)


def _is_locked_by_us(handle: int) -> bool:
    """Lock an open file for this process; False if another one holds it."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _folder() -> Path:
    """Return the folder of the lists, in the folder for what a program keeps between its runs."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        state = Path(local) if local else Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        state = Path.home() / "Library" / "Application Support"
    else:
        state = Path(os.environ.get("XDG_STATE_HOME", ""))
        state = state if state.is_absolute() else Path.home() / ".local" / "state"
    return state / "localensemble" / "unfinished"

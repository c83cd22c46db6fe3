"""Write a file completely or not at all, readable only by its owner unless it was shared.

The files may contain confidential text. Decides the permissions: 0600 for a new file; one that
replaces another keeps its mode and group, because somebody shared it on purpose. Ensures that
neither a crash nor a full disk leaves half a file and that no reader ever sees one; `leftovers`
removes what a killed process could not.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from localensemble.core.disk_errors import writing_error
from localensemble.core.leftovers import unfinished_beside
from localensemble.core.windows_names import refuse_name_on_windows

_PAUSES_ON_WINDOWS = (0.05, 0.1, 0.2, 0.4, 0.5, 0.75)


@contextlib.contextmanager
def replaced_text_file(path: Path, *, encoding: str = "utf-8") -> Iterator[TextIO]:
    """Open a file for writing that replaces ``path`` when the block ends without an error.

    Line endings are written unchanged. If the block raises, ``path`` stays as it was.

    Raises:
        LocalEnsembleError: the folder is not writable, or the disk is full.
    """
    with _replacement(path) as temporary, temporary.open("w", encoding=encoding, newline="") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


@contextlib.contextmanager
def replaced_binary_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file of bytes for writing, as `replaced_text_file` opens one of text.

    Raises:
        LocalEnsembleError: the folder is not writable, or the disk is full.
    """
    with _replacement(path) as temporary, temporary.open("wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def put_in_place(part: Path, final: Path) -> None:
    """Give a finished file its name, in place of an earlier one.

    On Windows, a virus scanner or a search index can hold a new file for a moment, so this tries
    again for two seconds.

    Raises:
        OSError: another program has the earlier file open, or the folder is not writable.
    """
    for pause in _PAUSES_ON_WINDOWS if sys.platform == "win32" else ():
        try:
            part.replace(final)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    part.replace(final)


@contextlib.contextmanager
def reported_writing(path: Path) -> Iterator[None]:
    """Turn an OSError raised inside the block into an error that names the file.

    Raises:
        LocalEnsembleError: the folder is not writable, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise writing_error(path, error) from error


@contextlib.contextmanager
def _replacement(path: Path) -> Iterator[Path]:
    """Give a file to write, which replaces ``path`` when the block ends without an error."""
    refuse_name_on_windows(path)
    with reported_writing(path), unfinished_beside(path) as temporary:
        yield temporary
        _share_like(path, temporary)
        put_in_place(temporary, path)
        _sync_folder(path.parent)


def _share_like(replaced: Path, temporary: Path) -> None:
    """Give a file the mode and the group of the file that it replaces, if there is one."""
    # Windows has neither, and no module that names users.
    if sys.platform == "win32" or not replaced.is_file():
        return
    mode = stat.S_IMODE(replaced.stat().st_mode) & 0o777
    group = _group_of(replaced)
    if group != _group_of(temporary):
        try:
            os.chown(temporary, -1, group)
        except PermissionError:
            # Only members may hand a file to a group; no other group gets these permissions.
            mode &= ~0o070
    temporary.chmod(mode)


def _group_of(path: Path) -> int:
    return path.stat().st_gid


def _sync_folder(folder: Path) -> None:
    # Without this, a power failure can undo the rename. Windows cannot open folders.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

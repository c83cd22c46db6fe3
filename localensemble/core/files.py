"""Write a file whole or not at all, readable by its owner alone.

What is written here may hold confidential text. Decides the permissions (0600) and that a
reader, a crash or a full disk never meets half a file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from localensemble.core.errors import LocalEnsembleError

_UNFINISHED = ".part"


@contextlib.contextmanager
def replaced_text_file(path: Path, *, encoding: str = "utf-8") -> Iterator[TextIO]:
    """Open a file for writing that takes the place of ``path`` when the block ends well.

    Line ends are written as given. When the block raises, ``path`` stays as it was.

    Raises:
        LocalEnsembleError: the folder cannot be written, or the disk is full.
    """
    with reported_writing(path), _temporary_beside(path) as temporary:
        with temporary.open("w", encoding=encoding, newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)


@contextlib.contextmanager
def reported_writing(path: Path) -> Iterator[None]:
    """Say of what the system refuses meanwhile that a file cannot be written.

    Raises:
        LocalEnsembleError: the folder cannot be written, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise LocalEnsembleError(
            f'Cannot write "{path.name}": {error.strerror or "the file system refused it"}.',
            hint="Check that the folder exists, that you may write there, and that there is room.",
        ) from error


def unfinished_files(path: Path) -> tuple[Path, ...]:
    """List the files in which `replaced_text_file` was writing ``path`` when it was killed."""
    return tuple(
        found
        for found in path.parent.iterdir()
        if found.name.startswith(f".{path.name}.") and found.name.endswith(_UNFINISHED)
    )


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
    # mkstemp makes the file with mode 0600, so nobody else can open it even for a moment.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # Without this a power cut can undo the rename. Windows cannot open folders.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

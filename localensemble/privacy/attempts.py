"""Count refused attempts in a file that grows by one byte for each.

Every guarded process of a command appends to the same file. This works the same way on every
system, and also counts the attempts of a library that swallows the error.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.leftovers import note_unfinished

# Without O_BINARY, Windows writes two bytes for a line end.
_APPENDING = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Counter:
    """The count of attempts, whose state only its functions reach.

    Attributes:
        path: returns the file, which is made when it is first needed.
        join: continues the count of the process that launched this one, in its file.
        add: counts one attempt.
        count: returns the number of attempts so far.
        forget: removes the file.
    """

    path: Callable[[], Path]
    join: Callable[[Path], None]
    add: Callable[[], None]
    count: Callable[[], int]
    forget: Callable[[], None]


def closed_counter() -> Counter:
    """Return a counter that no assignment from outside can set back.

    Truncating its file does not hide the attempts of this process, which are counted twice.
    """
    write, size_of = os.write, os.fstat
    file: Path | None = None
    handle, here = -1, 0

    def path() -> Path:
        nonlocal file, handle, here
        if file is not None and not file.exists():
            # Somebody removed it: what it counted goes on, and a process started now needs one.
            here = max(here, size_of(handle).st_size - 1)
            os.close(handle)
            file = None
        if file is None:
            if handle < 0:
                atexit.register(forget)
            handle, name = tempfile.mkstemp(prefix="localensemble-egress-")
            os.close(handle)
            file = Path(name)
            note_unfinished(file)
            handle = os.open(file, _APPENDING)
            # One byte reserves a disk block now, so that a full disk cannot hide attempts later.
            try:
                os.write(handle, b"\n")
            except OSError as error:
                raise OSError(error.errno, error.strerror, name) from error
        return file

    def join(launchers: Path) -> None:
        nonlocal file, handle
        file, handle = launchers, os.open(launchers, _APPENDING)

    def add() -> None:
        nonlocal here
        here += 1
        write(handle, b".")

    def count() -> int:
        path()
        try:
            in_file = size_of(handle).st_size - 1
        except OSError:
            in_file = 0
        return in_file if in_file > here else here

    def forget() -> None:
        if file is None:
            return
        # Windows does not remove an open file.
        with contextlib.suppress(OSError):
            os.close(handle)
        with contextlib.suppress(OSError):
            file.unlink()

    return Counter(path, join, add, count, forget)

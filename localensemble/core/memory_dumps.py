"""Keep the memory of a process, which may hold item texts, out of files that a crash leaves.

A core file holds everything that the process held. Where the system passes it to a program (as
Ubuntu and Fedora do), the limit of its size does not count, but a process that is not dumpable
leaves none at all. Nobody but the administrator can then read its memory with a debugger, either.
"""

from __future__ import annotations

import ctypes
import sys

# linux/prctl.h
_SET_DUMPABLE = 4


def refuse_memory_dumps() -> None:
    """Let this process, and every process that it starts, leave no core file.

    Programs that it starts become dumpable again and must call this themselves; their core files
    still have no size. Windows writes no such files unless its administrator asks for them.
    """
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # A system without it, such as an emulation of Linux, keeps the limit above.
        prctl = getattr(ctypes.CDLL(None), "prctl", None)
        if prctl is not None:
            prctl(_SET_DUMPABLE, 0, 0, 0, 0)

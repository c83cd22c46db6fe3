"""How much memory this machine has, as far as this process may use it.

Decides by what the system says, and by the limit of a container where there is one.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes; ``available`` is None where the system does not say."""

    total: int
    available: int | None


def machine_memory() -> Memory:
    """Measure the memory that this process may use."""
    if sys.platform == "win32":
        return _windows_memory()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    available = _meminfo().get("MemAvailable")
    for group in _groups():
        limit = _number(group / "memory.max")
        if limit is None or limit >= total:
            continue
        total = limit
        # What the group holds of files is given back when the room is needed.
        used = (_number(group / "memory.current") or 0) - _file_bytes(group)
        room = limit - max(0, used)
        available = room if available is None else min(room, available)
    return Memory(total, available)


def _groups() -> list[Path]:
    """List the control group of this process and those around it; a container sees one."""
    try:
        lines = _OWN_GROUP.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    # Of version 2, which all recent systems have: one line that begins so.
    names = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    own = _CGROUP / (names[0] if names and ".." not in names[0] else "")
    inside = [own, *own.parents]
    return inside[: inside.index(_CGROUP) + 1]


def _file_bytes(group: Path) -> int:
    try:
        lines = (group / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    named = dict(line.split(maxsplit=1) for line in lines if " " in line)
    return sum(int(named.get(name, "0")) for name in ("active_file", "inactive_file"))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        # No container, or one without a limit ("max").
        return None


def _meminfo() -> dict[str, int]:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    named = (line.split(":", 1) for line in lines if ":" in line)
    return {name: int(rest.split()[0]) * 1024 for name, rest in named if rest.split()}


def _windows_memory() -> Memory:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong),
            ("rest", ctypes.c_ulonglong * 5),
        )

    status = Status()
    status.length = ctypes.sizeof(Status)
    getattr(ctypes, "windll").kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # noqa: B009
    return Memory(status.total, status.available)

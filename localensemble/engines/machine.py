"""How much memory this machine has, as far as this process may use it.

Uses what the system reports, and a container's limit if there is one.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_MOUNTS = Path("/proc/self/mountinfo")
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes; ``available`` is None if the system does not report it."""

    total: int
    available: int | None


def machine_memory() -> Memory:
    """Measure the memory that this process may use."""
    if sys.platform == "win32":
        return _windows_memory()
    whole = total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    available = _meminfo().get("MemAvailable")
    for group in (*_groups(), *_old_groups()):
        limit = _number(group.limit)
        if limit is None or limit >= whole:
            continue
        # A wider limit can leave less, because others share the group.
        total = min(total, limit)
        # The group's file cache is freed when memory is needed.
        used = (_number(group.used) or 0) - group.file_bytes()
        room = limit - max(0, used)
        available = room if available is None else min(room, available)
    return Memory(total, available)


@dataclass(frozen=True, slots=True)
class _Group:
    """A control group of this process: the files with its limit, its use and its statistics."""

    limit: Path
    used: Path
    statistics: Path
    prefix: str

    def file_bytes(self) -> int:
        named = dict(line.split(maxsplit=1) for line in _lines(self.statistics) if " " in line)
        names = (f"{self.prefix}active_file", f"{self.prefix}inactive_file")
        return sum(int(named.get(name, "0")) for name in names)


def _groups() -> Iterator[_Group]:
    """List the control group of this process and those around it; a container sees one."""
    # Version 2, which all recent systems have: one line that begins like this.
    names = [line.removeprefix("0::/") for line in _lines(_OWN_GROUP) if line.startswith("0::/")]
    own = _CGROUP / (names[0] if names and ".." not in names[0] else "")
    for folder in _upwards(own, to=_CGROUP):
        yield _Group(
            folder / "memory.max", folder / "memory.current", folder / "memory.stat", prefix=""
        )


def _old_groups() -> Iterator[_Group]:
    """List the same for version 1, where memory has its own tree."""
    # "4:cpu,memory:/docker/1f0c"
    owned = [line.split(":", 2) for line in _lines(_OWN_GROUP)]
    names = [one[2] for one in owned if len(one) == 3 and "memory" in one[1].split(",")]
    for line in _lines(_MOUNTS):
        # "36 25 0:31 /docker/1f0c /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory"
        mount, _, system = line.partition(" - ")
        where, what = mount.split(), system.split()
        if len(where) < 5 or what[:1] != ["cgroup"] or "memory" not in what[-1].split(","):
            continue
        top, own = Path(where[4]), Path(where[4])
        if names and ".." not in names[0] and Path(names[0]).is_relative_to(where[3]):
            # Only part of the tree may be mounted: a container's own.
            own = top / Path(names[0]).relative_to(where[3])
        for folder in _upwards(own, to=top):
            yield _Group(
                folder / "memory.limit_in_bytes",
                folder / "memory.usage_in_bytes",
                folder / "memory.stat",
                prefix="total_",
            )


def _upwards(folder: Path, *, to: Path) -> list[Path]:
    inside = [folder, *folder.parents]
    return inside[: inside.index(to) + 1]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        # No container, or one without a limit ("max").
        return None


def _meminfo() -> dict[str, int]:
    named = (line.split(":", 1) for line in _lines(_MEMINFO) if ":" in line)
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

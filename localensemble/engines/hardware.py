"""What this machine offers an engine: cores, processor features, graphics devices.

Decides nothing: reports what the system reports, and None or nothing where it reports nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_AMD_DRIVER = Path("/dev/kfd")
_SECONDS_TO_ANSWER = 20.0


@dataclass(frozen=True, slots=True)
class GraphicsDevice:
    """A device that llama.cpp can use if it was built for it.

    Attributes:
        name: the name its driver reports.
        built_with: what llama.cpp has to be built with to use it.
        driver: version of the driver; empty if unknown.
        memory_mib: its memory in MiB; None if unknown.
        free_mib: its free memory in MiB; None if unknown.
    """

    name: str
    built_with: str
    driver: str = ""
    memory_mib: int | None = None
    free_mib: int | None = None


def usable_cores() -> float:
    """Count the cores this process may use; a container's quota can be a fraction."""
    if hasattr(os, "sched_getaffinity"):
        count = float(len(os.sched_getaffinity(0)))
    else:
        count = float(os.cpu_count() or 1)
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return min(count, int(quota) / int(period))
    except (OSError, ValueError):
        # No container, or one without a quota ("max").
        return count


def processor_features() -> frozenset[str] | None:
    """List the processor's features as Linux names them; None on other systems."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, rest = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return frozenset(rest.split())
    return None


def graphics_devices() -> tuple[GraphicsDevice, ...]:
    """List the devices whose drivers are installed."""
    found = list(_nvidia_devices())
    if _AMD_DRIVER.exists():
        found.append(GraphicsDevice("AMD device", "HIP"))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.append(GraphicsDevice("Apple GPU", "Metal"))
    return tuple(found)


def _nvidia_devices() -> list[GraphicsDevice]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = subprocess.run(
            [
                program,
                "--query-gpu=name,driver_version,memory.total,memory.free",
                "--format=csv,noheader,nounits",
            ],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS_TO_ANSWER,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    devices = []
    for line in answer.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 4:
            memory, free = (int(one) if one.isdigit() else None for one in parts[2:])
            devices.append(GraphicsDevice(parts[0], "CUDA", parts[1], memory, free))
    return devices

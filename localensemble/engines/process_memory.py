"""How much memory this process has used."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_PEAK = "VmHWM:"


def peak_memory_bytes() -> int:
    """Return the peak memory of this process, in bytes; 0 if unknown."""
    if sys.platform == "win32":
        return _windows_peak()
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(_PEAK):
            return int(line.split()[1]) * 1024
    import resource

    # On Linux this also counts what the process that started this one held.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, others kibibytes.
    return peak if sys.platform == "darwin" else peak * 1024


def _windows_peak() -> int:
    # PROCESS_MEMORY_COUNTERS of psapi.h.
    class Counters(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_ulong),
            ("page_faults", ctypes.c_ulong),
            ("peak_working_set", ctypes.c_size_t),
            ("rest", ctypes.c_size_t * 7),
        )

    counters = Counters()
    counters.size = ctypes.sizeof(Counters)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009
    # A handle is as wide as a pointer; the default would cut it to 32 bits.
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    measured = kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size)
    return int(counters.peak_working_set) if measured else 0

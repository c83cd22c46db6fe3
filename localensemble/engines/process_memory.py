"""How much memory this process has needed."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_PEAK = "VmHWM:"


def peak_memory_bytes() -> int:
    """Return the most memory this process ever held, in bytes; 0 where it is not known."""
    if sys.platform == "win32":
        return 0
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(_PEAK):
            return int(line.split()[1]) * 1024
    import resource

    # Linux counts here what the process held that started this one, too.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, others kibibytes.
    return peak if sys.platform == "darwin" else peak * 1024

"""How much memory this process has needed."""

from __future__ import annotations

import sys


def peak_memory_bytes() -> int:
    """Return the most memory this process ever held, in bytes; 0 where it is not known."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, others kibibytes.
    return peak if sys.platform == "darwin" else peak * 1024

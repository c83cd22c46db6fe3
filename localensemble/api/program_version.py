"""Which program this is: its version, and what it computes with."""

from __future__ import annotations

import platform

from localensemble import __version__
from localensemble.engines.installed_builds import installed_builds

__all__ = ["program_version"]


def program_version() -> str:
    """Return the lines that `--version` prints; the first is the version alone."""
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return "\n".join((f"localensemble, version {__version__}", *installed_builds(), python))

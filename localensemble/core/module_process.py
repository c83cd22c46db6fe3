"""How one of our modules is started in its own process."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path


def child_command(launcher: tuple[str, ...], module: str) -> list[str]:
    """Return the command that runs a module, through the launcher if there is one."""
    # -P: do not import modules from the working directory, which is the user's.
    return [sys.executable, "-P", "-m", *launcher, module]


def child_environment() -> dict[str, str]:
    """Let the child find this package if it is only on the path and not installed."""
    environment = dict(os.environ)
    root = str(Path(__file__).resolve().parents[2])
    if root not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        rest = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([root, rest] if rest else [root])
    return environment

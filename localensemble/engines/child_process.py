"""How one of our modules is started in its own process, and what its end means."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from pathlib import Path

BUILD_HERE = (
    "Build it here: `pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python`."
)
# What Windows ends a process with -> what happened.
_WINDOWS_ENDS = {
    0xC0000005: "access violation",
    0xC000001D: "illegal instruction",
    0xC0000135: "a DLL is missing",
    0xC0000139: "a DLL lacks a function",
    0xC0000142: "a DLL did not start",
    0xC0000409: "abort",
}


def ended_with(exit_code: int) -> str:
    """Return an exit code, and in words what it means if the system ended the process."""
    if exit_code < 0 and -exit_code in {*signal.Signals}:
        return f"{exit_code}, {signal.Signals(-exit_code).name}"
    meaning = _WINDOWS_ENDS.get(exit_code & 0xFFFFFFFF, "")
    return f"{exit_code}, {meaning}" if meaning else str(exit_code)


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

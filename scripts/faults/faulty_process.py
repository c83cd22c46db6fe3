"""Run commands in copies of this process, and let one change of a file fail or kill in each.

This process is loaded with the shim and imports the program once; each command is a fork of it,
so that hundreds of them take minutes.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

FOLDER_VARIABLE = "FAULT_FOLDER"
_SHIM = Path(__file__).with_name("fault_shim.c")
_LONGEST = 120.0
_NEVER = 1 << 40
_BROKEN = 99


class Kind(IntEnum):
    """What happens at the chosen change."""

    KILL_BEFORE = 1
    KILL_AFTER = 2
    KILL_TORN = 3
    NO_SPACE = 4
    IO_ERROR = 5
    SHORT_WRITE = 6

    @property
    def kills(self) -> bool:
        """Whether the process is killed; otherwise the call fails."""
        return self <= Kind.KILL_TORN


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of a file, counted from 1, and what happens there.

    Attributes:
        lasts: whether every change after it fails, too.
    """

    at: int
    kind: Kind
    lasts: bool = False


NO_FAULT = Fault(_NEVER, Kind.IO_ERROR)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: the exit code, or the negative signal; None if it was hung."""

    code: int | None
    changes: int
    printed: str


def build_shim(folder: Path) -> Path:
    """Compile the shim."""
    built = folder / "fault_shim.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(built), str(_SHIM), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return built


def run_command(arguments: Sequence[object], fault: Fault = NO_FAULT) -> Ended:
    """Run a command of the program with a fault, in a fork."""
    results, to_results = os.pipe()
    printed = Path(os.environ[FOLDER_VARIABLE]).parent / "printed"
    child = os.fork()
    if child == 0:
        os._exit(_in_fork([str(one) for one in arguments], fault, to_results, printed))
    os.close(to_results)
    status = _wait(child)
    changes = int(os.read(results, 32) or b"0")
    os.close(results)
    text = printed.read_text(encoding="utf-8", errors="replace")
    return Ended(None if status is None else os.waitstatus_to_exitcode(status), changes, text)


def import_as_the_last_command() -> None:
    """Import here what the last command without a fault imported, so that its forks need not."""
    listed = Path(os.environ[FOLDER_VARIABLE]).parent / "modules"
    for name in listed.read_text(encoding="utf-8").split():
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _wait(child: int) -> int | None:
    until = time.monotonic() + _LONGEST
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _in_fork(arguments: list[str], fault: Fault, to_results: int, printed: Path) -> int:
    from localensemble.cli import main as program

    shim = ctypes.CDLL(None)
    out = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.argv = sys.orig_argv = ["localensemble", *arguments]
    code = 0
    shim.fault_arm(ctypes.c_long(fault.at), int(fault.kind), int(fault.lasts))
    try:
        program.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException as error:
        os.write(2, f"not caught: {type(error).__name__}".encode())
        code = _BROKEN
    sys.stdout.flush()
    shim.fault_calls.restype = ctypes.c_long
    changes = shim.fault_calls()
    shim.fault_arm(ctypes.c_long(-1), 0, 0)
    # What a process does when it ends, as far as this program asks for it.
    atexit._run_exitfuncs()
    os.write(to_results, str(changes).encode())
    if fault is NO_FAULT:
        printed.with_name("modules").write_text("\n".join(sys.modules), encoding="utf-8")
    return code

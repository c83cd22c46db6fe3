"""What the end of a process means, and how to build the library that ended it."""

from __future__ import annotations

import signal

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

"""Refuse every way out of the machine that Python opens, and count the attempts.

Decides what may be reached: loopback addresses, sockets of the file system, and nothing else.
Connections, name resolution, datagrams and listening for others are refused with an error
that names the caller by module and line, never by what it wanted to send or where to.

An audit hook sees what Python code of any kind does with sockets, also inside a library. It
cannot be taken out again. It does not see C code that opens a socket by itself, nor another
program that is started: docs/privacy.md says what to do about these.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import ipaddress
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from localensemble.core.errors import EgressError

_LAUNCHER = "localensemble.privacy.guarded_process"
_MOST_CALLERS = 3
# Event -> where the address or the host name stands among its arguments, and what is refused.
_EVENTS = {
    "socket.bind": (1, "listen to other machines"),
    "socket.connect": (1, "connect to another machine"),
    "socket.sendmsg": (1, "send to another machine"),
    "socket.sendto": (1, "send to another machine"),
    "socket.getaddrinfo": (0, "look up another machine"),
    "socket.gethostbyaddr": (0, "look up another machine"),
    "socket.gethostbyname": (0, "look up another machine"),
    "socket.getnameinfo": (0, "look up another machine"),
}
# Given a host name, these look it up in C before the audit hook hears of them. The last argument
# is the address, where there are at least so many.
_METHODS = {
    "bind": ("socket.bind", 1),
    "connect": ("socket.connect", 1),
    "connect_ex": ("socket.connect", 1),
    "sendto": ("socket.sendto", 2),
    "sendmsg": ("socket.sendmsg", 4),
}


@dataclass(frozen=True, slots=True)
class GuardState:
    """What the guard can say for itself.

    Attributes:
        on: this process is guarded.
        attempts: attempts refused so far, in this process and those it launched guarded.
    """

    on: bool
    attempts: int


class _Attempts:
    """The count of attempts: a file that grows by one byte for each.

    Every guarded process appends to the same file, which works alike on every system, and
    counts also the attempts of a library that swallows the error.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            handle, name = tempfile.mkstemp(prefix="localensemble-egress-")
            # One byte now takes a block of the disk: a full disk hides no attempt later.
            os.write(handle, b"\n")
            os.close(handle)
            path = Path(name)
            atexit.register(self.remove)
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_APPEND)

    def add(self) -> None:
        os.write(self._handle, b".")

    def count(self) -> int:
        return os.fstat(self._handle).st_size - 1

    def remove(self) -> None:
        # Windows does not remove what is open.
        os.close(self._handle)
        with contextlib.suppress(OSError):
            self.path.unlink()


@functools.cache
def _own_attempts() -> _Attempts:
    return _Attempts()


# An audit hook belongs to the process and stays until its end; so does what it counts with.
_installed: list[_Attempts] = []


def install_guard(attempts_file: Path | None = None) -> None:
    """Guard this process from now until it ends; a second call changes nothing.

    Args:
        attempts_file: the file that the launching process counts with; None in a process
            that was not launched by a guarded one.
    """
    if _installed:
        return
    attempts = _own_attempts() if attempts_file is None else _Attempts(attempts_file)
    _installed.append(attempts)
    for name, (event, least) in _METHODS.items():
        # Windows has no sendmsg.
        if hasattr(socket.socket, name):
            method = getattr(socket.socket, name)
            setattr(socket.socket, name, _checked(method, event, least=least))
    sys.addaudithook(_audit)


def guard_state() -> GuardState:
    """Say whether this process is guarded and how many attempts were refused so far."""
    return GuardState(bool(_installed), _own_attempts().count())


def forget_attempts() -> None:
    """Remove the count, in a process that is about to become another program."""
    _own_attempts().remove()


def guard_refuses() -> bool:
    """Try to look up a name that cannot exist; the attempt is counted.

    Without the guard the attempt would leave the machine, so it is not made then.
    """
    if not _installed:
        return False
    try:
        socket.getaddrinfo("localensemble.invalid", None)
    except EgressError:
        return True
    except OSError:
        return False
    return False


def guarded_launcher() -> tuple[str, ...]:
    """Give the module, and its arguments, that runs another module of ours guarded.

    The name of that other module follows as the last argument. It is guarded whether or
    not this process is, and its attempts are counted here.
    """
    return (_LAUNCHER, str(_own_attempts().path))


def _checked(method: Any, event: str, *, least: int) -> Any:
    """Make a method of sockets check its address before it looks up a host name."""

    @functools.wraps(method)
    def checked(self: socket.socket, *arguments: Any) -> Any:
        if len(arguments) >= least:
            _audit(event, (self, arguments[-1]))
        return method(self, *arguments)

    return checked


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse an event that leaves the machine."""
    known = _EVENTS.get(event)
    if known is None:
        return
    place, what = known
    address = arguments[place]
    if place == 1:
        allowed = _is_local_address(arguments[0], address)
    elif event == "socket.getnameinfo":
        allowed = _is_loopback(address[0])
    else:
        # Without a host, a look-up is about this machine.
        allowed = address is None or address in {"", b""} or _is_loopback(address)
    if not allowed:
        _refuse(what)


def _is_local_address(opened: Any, address: Any) -> bool:
    if address is None:
        # Sent on a connected socket, whose connection was allowed.
        return True
    if opened.family == getattr(socket, "AF_UNIX", None):
        return True
    if opened.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
        return bool(address) and _is_loopback(address[0])
    return False


def _is_loopback(host: Any) -> bool:
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii", "replace")
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _refuse(what: str) -> None:
    _installed[0].add()
    raise EgressError(
        f"Refused to {what}, as {_callers()} asked for: nothing may leave this machine here.",
        hint="Do not use the engine or package named, or turn off the part of it that goes out.",
    )


def _callers() -> str:
    """Name who asked: the nearest frame of each package that is neither Python's nor ours."""
    ours = __name__.partition(".")[0]
    found: dict[str, str] = {}
    for frame in _frames():
        spec = frame.f_globals.get("__spec__")
        # A module that was started by its name is called "__main__" otherwise.
        name = str(spec.name if spec is not None else frame.f_globals.get("__name__"))
        package = name.partition(".")[0]
        if name == __name__ or package in sys.stdlib_module_names:
            continue
        if package == ours and found:
            # Whoever called us asked for labels, not for this.
            break
        found.setdefault(package, f"{name}, line {frame.f_lineno},")
    return " called by ".join(list(found.values())[:_MOST_CALLERS]) or "an unknown module"


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back

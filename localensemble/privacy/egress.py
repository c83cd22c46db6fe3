"""Refuse every attempt by Python code to reach another machine, and count the attempts.

Decides what may be reached: loopback addresses, file system sockets, and nothing else. Refuses
connections, name resolution, datagrams and listening for other machines. The error names the
caller by module and line, but never what it wanted to send, or to which address.

An audit hook sees everything that Python code does with sockets, even inside a library, and
cannot be removed. It does not see C code that opens a socket directly, or other programs that
are started; docs/privacy.md explains what to do about these.
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
# Event -> the position of the address or host name in its arguments, and what is refused.
_EVENTS = {
    "socket.bind": (1, "listen for other machines"),
    "socket.connect": (1, "connect to another machine"),
    "socket.sendmsg": (1, "send to another machine"),
    "socket.sendto": (1, "send to another machine"),
    "socket.getaddrinfo": (0, "look up another machine"),
    "socket.gethostbyaddr": (0, "look up another machine"),
    "socket.gethostbyname": (0, "look up another machine"),
    "socket.getnameinfo": (0, "look up another machine"),
}
# Given a host name, these methods look it up in C before the audit hook is called. The last
# argument is the address if there are at least this many arguments.
_METHODS = {
    "bind": ("socket.bind", 1),
    "connect": ("socket.connect", 1),
    "connect_ex": ("socket.connect", 1),
    "sendto": ("socket.sendto", 2),
    "sendmsg": ("socket.sendmsg", 4),
}


@dataclass(frozen=True, slots=True)
class GuardState:
    """The state of the guard.

    Attributes:
        on: True if this process is guarded.
        attempts: the number of attempts refused so far, in this process and in the guarded
            processes that it launched.
    """

    on: bool
    attempts: int


class _Attempts:
    """The count of attempts: a file that grows by one byte for each.

    Every guarded process appends to the same file. This works the same way on every system,
    and also counts the attempts of a library that swallows the error.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            handle, name = tempfile.mkstemp(prefix="localensemble-egress-")
            # One byte reserves a disk block now, so that a full disk cannot hide attempts later.
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
        # Windows does not remove an open file.
        os.close(self._handle)
        with contextlib.suppress(OSError):
            self.path.unlink()


@functools.cache
def _own_attempts() -> _Attempts:
    return _Attempts()


# An audit hook stays until the process ends, and so must the counter that it uses.
_installed: list[_Attempts] = []


def install_guard(attempts_file: Path | None = None) -> None:
    """Guard this process from now until it ends; a second call has no effect.

    Args:
        attempts_file: the file in which the launching process counts attempts; None if no
            guarded process launched this one.
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
    """Return whether this process is guarded, and how many attempts were refused so far."""
    return GuardState(bool(_installed), _own_attempts().count())


def forget_attempts() -> None:
    """Remove the count of a process that is about to become another program."""
    _own_attempts().remove()


def guard_refuses() -> bool:
    """Test the guard by looking up a name that cannot exist; the attempt is counted.

    Without the guard, the attempt would leave the machine, so it is not made.
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
    """Return the module, with its arguments, that runs another module of the program guarded.

    Append the name of that module as the last argument. It is guarded even if this process is
    not, and its attempts are counted here.
    """
    return (_LAUNCHER, str(_own_attempts().path))


def _checked(method: Any, event: str, *, least: int) -> Any:
    """Make a socket method check its address before it looks up a host name."""

    @functools.wraps(method)
    def checked(self: socket.socket, *arguments: Any) -> Any:
        if len(arguments) >= least:
            _audit(event, (self, arguments[-1]))
        return method(self, *arguments)

    return checked


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse an event that would leave the machine."""
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
        # Without a host, a lookup concerns this machine.
        allowed = address is None or address in {"", b""} or _is_loopback(address)
    if not allowed:
        _refuse(what)


def _is_local_address(opened: Any, address: Any) -> bool:
    if address is None:
        # The socket is connected, and its connection was allowed.
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
        f"Refused to {what}, as requested by {_callers()}: nothing may leave this machine.",
        hint="Do not use the engine or package named here, or turn off its network access.",
    )


def _callers() -> str:
    """Name the callers: the nearest frame of each package outside Python and this program."""
    ours = __name__.partition(".")[0]
    found: dict[str, str] = {}
    for frame in _frames():
        spec = frame.f_globals.get("__spec__")
        # The `__name__` of a module that was run by name would be "__main__".
        name = str(spec.name if spec is not None else frame.f_globals.get("__name__"))
        package = name.partition(".")[0]
        if name == __name__ or package in sys.stdlib_module_names:
            continue
        if package == ours and found:
            # Whoever called this program wanted labels, not a connection.
            break
        found.setdefault(package, f"{name}, line {frame.f_lineno}")
    return ", called by ".join(list(found.values())[:_MOST_CALLERS]) or "an unknown module"


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back

"""Replace the methods of Python's sockets that act before the audit hook could refuse.

Given a host name, they look it up in C before the audit event; `listen` has no event at all.
"""

from __future__ import annotations

import _socket
import functools
import socket
from collections.abc import Callable, Mapping
from typing import Any

from localensemble.privacy.decision import LISTEN

# The last argument is the address if there are at least this many arguments.
_ADDRESSED = {
    "bind": ("socket.bind", 1),
    "connect": ("socket.connect", 1),
    "connect_ex": ("socket.connect", 1),
    "sendto": ("socket.sendto", 2),
    "sendmsg": ("socket.sendmsg", 4),
}

Audit = Callable[[str, tuple[Any, ...]], None]


def opening_method() -> Callable[..., None]:
    """Return an initializer of sockets that lets the kernel hold them to loopback.

    Linux does this since 5.7, and then even C code that is handed the socket reaches nothing
    else. Elsewhere, or on an older kernel, only the guard itself stands between.
    """
    original, family_of = socket.socket.__init__, _socket.socket.family.__get__
    internet = (_socket.AF_INET, _socket.AF_INET6)
    tie, refused = _socket.socket.setsockopt, OSError
    level, to_interface = _socket.SOL_SOCKET, getattr(_socket, "SO_BINDTODEVICE", None)

    @functools.wraps(original)
    def opened(self: socket.socket, *arguments: Any, **named: Any) -> None:
        try:
            original(self, *arguments, **named)
        finally:
            if to_interface is not None and family_of(self) in internet:
                try:  # noqa: SIM105 - `suppress` is Python code, which could be replaced
                    tie(self, level, to_interface, b"lo")
                except refused:
                    # An older kernel; or the socket is closed, or tied already.
                    pass

    return opened


def checked_methods(audit: Audit, opening: Callable[..., None]) -> Mapping[str, Any]:
    """Return the methods that replace those of `socket.socket`, by name."""
    methods = {
        name: _checked(getattr(socket.socket, name), audit, event, least=least)
        for name, (event, least) in _ADDRESSED.items()
        # Windows has no sendmsg.
        if hasattr(socket.socket, name)
    }
    return {**methods, "listen": _checked_listen(audit), "__init__": opening}


def _checked(method: Any, audit: Audit, event: str, *, least: int) -> Any:
    """Make a socket method check its address before it looks up a host name."""

    @functools.wraps(method)
    def checked(self: socket.socket, *arguments: Any) -> Any:
        if len(arguments) >= least:
            audit(event, (self, arguments[-1]))
        return method(self, *arguments)

    return checked


def _checked_listen(audit: Audit) -> Any:
    """Make `listen` refuse a socket that is not bound to loopback; the kernel binds it to all."""
    method = socket.socket.listen

    @functools.wraps(method)
    def listen(self: socket.socket, *backlog: int) -> None:
        audit(LISTEN, (self,))
        method(self, *backlog)

    return listen

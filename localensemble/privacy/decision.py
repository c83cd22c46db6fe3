"""Decide which attempt of Python code would reach another machine.

Reads no name that another module could assign: everything that the decision needs is bound when
it is made, and it calls no method of the values that it judges. Addresses of a type that could
lie about its content are refused.
"""

from __future__ import annotations

import _socket
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

Decision = Callable[[str, tuple[Any, ...]], str]

# What a guarded socket raises before it listens: Python has no audit event for this.
LISTEN = "localensemble.listen"


def closed_decision(opening: CodeType) -> Decision:
    """Return the decision: what an audit event would do elsewhere, or "" if it stays here.

    Args:
        opening: the code that opens every socket, and ties those of the internet to loopback.
    """
    is_loopback, family_of = _closed_loopback(), _closed_family()
    kind_of, sequence, frame_at = type, tuple, sys._getframe
    name_of, raw = _socket.socket.getsockname, _socket.SOCK_RAW
    internet = (_socket.AF_INET, _socket.AF_INET6)
    local = getattr(_socket, "AF_UNIX", None)
    # `socket.socket(fileno=...)` opens nothing; its family is not known yet.
    opened, texts = (*internet, local, -1), (str, bytes)

    # The review page asks the kernel, by NETLINK_SOCK_DIAG, whose program is at the other end.
    kernel = (getattr(_socket, "AF_NETLINK", None), raw, 4)

    def stays(socket: Any, address: Any) -> bool:
        family = family_of(socket)
        if family == local:
            return True
        return family in internet and kind_of(address) is sequence and is_loopback(address[0])

    def decide(event: str, arguments: tuple[Any, ...]) -> str:
        if event == "socket.__new__":
            # Called by the audit hook, by `socket.__init__`, by the guard's own code.
            caller = frame_at(2).f_back
            checked = caller is not None and caller.f_code is opening
            usual = arguments[1] in opened and arguments[2] != raw
            usual = usual or arguments[1:4] == kernel
            return "" if checked and usual else "open a socket unchecked"
        if event == "socket.connect":
            return "" if stays(arguments[0], arguments[1]) else "connect to another machine"
        if event == "socket.bind":
            return "" if stays(arguments[0], arguments[1]) else "listen for other machines"
        if event == LISTEN:
            family = family_of(arguments[0])
            bound = name_of(arguments[0]) if family in internet else None
            here = family == local or (bound is not None and is_loopback(bound[0]))
            return "" if here else "listen for other machines"
        if event in {"socket.sendto", "socket.sendmsg"}:
            # Without an address, the socket is connected, and its connection was allowed.
            here = arguments[1] is None or stays(arguments[0], arguments[1])
            return "" if here else "send to another machine"
        if event == "socket.getnameinfo":
            address = arguments[0]
            here = kind_of(address) is sequence and is_loopback(address[0])
            return "" if here else "look up another machine"
        if event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
            host = arguments[0]
            # Without a host, a lookup concerns this machine.
            here = host is None or is_loopback(host) or (kind_of(host) in texts and not host)
            return "" if here else "look up another machine"
        return ""

    return decide


def _closed_family() -> Callable[[Any], int]:
    """Return the function that names the family of a socket, as the system knows it.

    A socket made of a descriptor has the family that its maker stated, which may be untrue.
    """
    stated, ask = _socket.socket.family.__get__, _socket.socket.getsockopt
    level, domain = _socket.SOL_SOCKET, getattr(_socket, "SO_DOMAIN", None)
    number_of, closed = _socket.socket.fileno, OSError

    def family_of(socket: Any) -> int:
        if number_of(socket) < 0:
            return -1
        if domain is None:
            family: int = stated(socket)
            return family
        try:
            return ask(socket, level, domain)
        except closed:
            return -1

    return family_of


def _closed_loopback() -> Callable[[Any], bool]:
    """Return the test whether a host is this machine: a loopback address, or ``localhost``."""
    kind_of, text, raw, unreadable = type, str, bytes, (OSError, ValueError)
    packed, ip4, ip6 = _socket.inet_pton, _socket.AF_INET, _socket.AF_INET6
    own, mapped = b"\0" * 15 + b"\1", b"\0" * 10 + b"\xff\xff"

    def is_loopback(host: Any) -> bool:
        if kind_of(host) is raw:
            host = raw.decode(host, "ascii", "replace")
        if kind_of(host) is not text:
            return False
        if host == "localhost":
            return True
        try:
            return packed(ip4, host)[0] == 127
        except unreadable:
            pass
        try:
            address = packed(ip6, host)
        except unreadable:
            return False
        return address == own or (address[:12] == mapped and address[12] == 127)

    return is_loopback

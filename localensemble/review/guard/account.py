"""Find out which account of this machine a connection comes from, where the system says so.

A browser sends a cookie for 127.0.0.1 to every port of it, so another user who gets a reviewer
to open a port of his own receives the cookie. On Linux, it is worthless to him: it only counts
in connections of the account that it was given to.
"""

from __future__ import annotations

import socket
import struct
import sys

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h; asks about one connection.
_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_ANY = 0xFFFFFFFF
_ESTABLISHED = 1
_HEADER = struct.Struct("=IHHII")
# Family, protocol, extensions, padding, states.
_ASKED = struct.Struct("=BBBBI")
# The ports, the addresses in 16 bytes each, the interface, and a cookie of two words.
_ENDS = struct.Struct("!HH16s16s")
_ANY_COOKIE = struct.pack("=III", 0, _ANY, _ANY)
# Family, state, timer, retries, the ends, expiry, two queues, user id.
_ANSWER = struct.Struct("=BBBB48sIIII")
_SECONDS_TO_ANSWER = 1.0


def account_of(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return the user id of the program at the other end; None if the system does not say.

    Args:
        client: address and port at the other end.
        server: address and port at this end.
    """
    if sys.platform != "linux":
        return None
    try:
        ends = _ENDS.pack(client[1], server[1], _sixteen(client[0]), _sixteen(server[0]))
        body = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY) + ends + _ANY_COOKIE
        header = _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, 1, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
            kernel.settimeout(_SECONDS_TO_ANSWER)
            # Without an address, it goes to the kernel.
            kernel.send(header + body)
            answer = kernel.recv(4096)
    except OSError:
        return None
    if _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        # The connection is gone.
        return None
    _, state, *_, account = _ANSWER.unpack_from(answer, _HEADER.size)
    # A program that has left already, without waiting for the answer, counts as 0.
    return int(account) if account or state == _ESTABLISHED else None


def _sixteen(host: str) -> bytes:
    return socket.inet_aton(host).ljust(16, b"\0")

"""Serve the review page to this machine, and to no other.

There is no option for another address. The address with its token goes to the person at the
terminal through `announce` only: not into a file, a log, or the command line of a program that
is started, where another user of the machine could read it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from localensemble.core.errors import InputError
from localensemble.review.guard.middleware import address_of, guarded
from localensemble.review.guard.request_rules import HEADERS_LIMIT
from localensemble.review.guard.visitors import Visitors

_HOST = "127.0.0.1"
_LAST_PORT = 65_535
# What is being saved when the person stops the program has this long to finish.
_SECONDS_TO_FINISH = 5


def serve(app: ASGIApp, *, port: int | None = None, announce: Callable[[str], None]) -> None:
    """Serve a page on this machine until the person presses Ctrl-C.

    Args:
        port: where to listen; None takes a free port.
        announce: shows an address. It lets in one browser, once; another one is announced each
            time an address was used, so that a second reviewer can come in.

    Raises:
        InputError: the port cannot be used.
    """
    # The person may press Ctrl-C as soon as the address is shown, before the server has started.
    with listen(port) as listening, contextlib.suppress(KeyboardInterrupt):
        server = server_for(app, listening=listening, announce=announce)
        server.run(sockets=[listening])


def listen(port: int | None) -> socket.socket:
    """Open a port of 127.0.0.1, which no other machine can reach."""
    if port is not None and not 1 <= port <= _LAST_PORT:
        raise InputError(
            f"Cannot serve on port {port}: a port is a number from 1 to {_LAST_PORT}.",
            hint="Leave out the port to take a free one.",
        )
    # asyncio turns off the delay of small packets, 40 ms an answer, only where TCP is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # Elsewhere, this would let another program take the port as well.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((_HOST, port or 0))
        listening.listen()
        return listening
    except OSError as error:
        listening.close()
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise InputError(
            f"Cannot serve on port {port} of {_HOST}: {reason}.",
            hint="Leave out the port to take a free one.",
        ) from error


def server_for(
    app: ASGIApp, *, listening: socket.socket, announce: Callable[[str], None]
) -> uvicorn.Server:
    """Make the server of a page and announce the first address."""
    port = listening.getsockname()[1]
    visitors = Visitors()
    config = uvicorn.Config(
        guarded(app, port=port, visitors=visitors, announce=announce),
        interface="asgi3",
        http="h11",
        ws="none",
        lifespan="off",
        h11_max_incomplete_event_size=HEADERS_LIMIT,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        proxy_headers=False,
        server_header=False,
        # A log would contain addresses, and a traceback may contain a text.
        access_log=False,
        log_config=None,
        log_level="critical",
    )
    announce(address_of(port, visitors.invite()))
    return uvicorn.Server(config)

"""Where Ollama is asked: on this machine, or not at all.

Reads `OLLAMA_HOST` as Ollama's own programs do, and refuses any host that is not loopback
before a connection is made. It also refuses any name but `localhost`, because that name would
have to be looked up.
"""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from localensemble.core.errors import EngineUnavailableError

HOST_VARIABLE = "OLLAMA_HOST"
_DEFAULT_PORT = 11434
_SCHEME_PORTS = {"http": 80, "https": 443}
_LOOPBACK = "127.0.0.1"


def ollama_address() -> str:
    """Return the address of Ollama on this machine, for example ``http://127.0.0.1:11434``.

    Raises:
        EngineUnavailableError: `OLLAMA_HOST` names another machine or cannot be read.
    """
    given = os.environ.get(HOST_VARIABLE, "").strip().strip("\"'")
    scheme, found, rest = given.partition("://")
    if not found:
        scheme, rest = "", given
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, scheme = "", None, "?"
    port = port or _SCHEME_PORTS.get(scheme, _DEFAULT_PORT)
    loopback = _as_loopback(host or _LOOPBACK)
    if scheme not in {"", *_SCHEME_PORTS} or loopback is None:
        raise EngineUnavailableError(
            f"{HOST_VARIABLE} does not name this machine, so texts would leave it.",
            hint=f"Unset {HOST_VARIABLE}, or set it to {_LOOPBACK}:{_DEFAULT_PORT}.",
        )
    return f"{scheme or 'http'}://{loopback}:{port}"


def _as_loopback(host: str) -> str | None:
    """Return a host as a loopback address; None if it is not loopback."""
    if host == "localhost":
        return _LOOPBACK
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.is_unspecified:
        # A server listens on "all addresses"; a client reaches it on this one.
        return _LOOPBACK if address.version == 4 else "[::1]"
    if not address.is_loopback:
        return None
    return str(address) if address.version == 4 else f"[{address}]"

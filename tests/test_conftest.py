"""The promises that the other tests lean on."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_a_socket_to_another_machine_is_refused(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_STREAM) as connection,
        pytest.raises(RuntimeError, match="loopback only"),
    ):
        connection.connect(address)


def test_looking_up_a_name_is_refused() -> None:
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.getaddrinfo("example.org", 443)


def test_loopback_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port)):
            pass


def test_the_home_directory_is_an_empty_folder() -> None:
    assert list(Path.home().iterdir()) == []
    assert os.environ["XDG_CACHE_HOME"] == str(Path.home())

"""The server listens on this machine only, keeps its token to the terminal, and ends cleanly."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localensemble.core.errors import InputError
from localensemble.review.guard.loopback_server import listen, serve

pytestmark = pytest.mark.slow  # starts a program for each test

# As the command does it: the guard against connections first, then the page.
PROGRAM = """
from localensemble.privacy.egress import guard_state, install_guard

install_guard()

import sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from localensemble.review.guard.loopback_server import serve

page = Starlette(routes=[Route("/", lambda request: PlainTextResponse("the page"))])
serve(page, announce=lambda address: print(address, flush=True))
print("ended", guard_state().attempts, flush=True)
"""


@contextlib.contextmanager
def program(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the program; give it and the address that it shows first."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def ask(address: str, cookie: str = "") -> http.client.HTTPResponse:
    _, _, host, path = address.split("/")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", f"/{path}", headers={"Cookie": cookie} if cookie else {})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_ctrl_c_ends_it_cleanly_and_nothing_tried_to_leave(tmp_path: Path) -> None:
    with program(tmp_path) as (process, address):
        response = ask(address)
        assert response.status == 303
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    # The next address, then the end; no attempt to reach another machine, and no traceback.
    assert out.splitlines()[1:] == ["ended 0"]
    assert (process.returncode, err) == (0, "")


def test_an_open_connection_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    with program(tmp_path) as (process, address):
        port = int(address.split("/")[2].partition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\n")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc")
def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    with program(tmp_path) as (_, address):
        port = int(address.split("/")[2].partition(":")[2])
        rows = [
            line.split()[1]
            for table in ("tcp", "tcp6")
            for line in Path("/proc/self/net", table).read_text().splitlines()[1:]
            if line.split()[3] == "0A"
        ]
    assert [row for row in rows if row.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
def test_the_token_is_in_no_file_and_not_in_the_list_of_processes(tmp_path: Path) -> None:
    with program(tmp_path) as (process, address):
        token = address.rpartition("=")[2].encode()
        folder = Path("/proc", str(process.pid))
        assert token not in (folder / "cmdline").read_bytes()
        assert token not in (folder / "environ").read_bytes()
        children = (folder / "task" / str(process.pid) / "children").read_text()
        assert children == ""
        opened = [
            path
            for path in (folder / "fd").iterdir()
            if path.readlink().is_file() and token in path.read_bytes()
        ]
    assert opened == []
    assert list(tmp_path.iterdir()) == []


def test_a_restart_makes_old_addresses_and_cookies_worthless(tmp_path: Path) -> None:
    with program(tmp_path) as (_, address):
        cookie = str(ask(address).getheader("set-cookie")).partition(";")[0]
        assert ask(address.partition("?")[0], cookie).status == 200
    with program(tmp_path) as (_, again):
        port = again.split("/")[2].partition(":")[2]
        secret = cookie.partition("=")[2]
        assert again.rpartition("=")[2] != address.rpartition("=")[2]
        root = again.partition("?")[0]
        assert ask(root, f"localensemble-{port}={secret}").status == 403
        assert ask(f"{root}?token={address.rpartition('=')[2]}").status == 403


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with listen(None) as first:
        port = first.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port}") as refused:
            serve(_no_page, port=port, announce=_never)
    assert "free" in refused.value.hint


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_port_that_cannot_exist_is_refused(port: int) -> None:
    with pytest.raises(InputError, match="1 to 65535"):
        serve(_no_page, port=port, announce=_never)


async def _no_page(*_: object) -> None:
    raise AssertionError


def _never(address: str) -> None:
    raise AssertionError(address)

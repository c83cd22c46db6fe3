"""A small page behind the guard, on a real port of this machine, and ways to attack it."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from localensemble.core.errors import LedgerError
from localensemble.review.guard.loopback_server import listen, server_for

TEXT = "Patient reports chest pain since Tuesday"
SECONDS_TO_WAIT = 20.0


@dataclass(slots=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(slots=True)
class GuardedPage:
    """A running page.

    Attributes:
        announced: the addresses that the terminal would show.
        saved: the answers that reached the page.
    """

    port: int = 0
    announced: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        return self.announced[-1].rpartition("=")[2]

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request over its own connection and read the answer."""
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_TO_WAIT)
        ) as connection:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())

    def send_raw(self, request: bytes) -> bytes:
        """Send bytes as they are; return what comes back until the server closes or waits."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_TO_WAIT) as raw:
            raw.sendall(request)
            received = b""
            while True:
                try:
                    more = raw.recv(65536)
                except ConnectionResetError:
                    return received
                if not more:
                    return received
                received += more

    def enter(self) -> dict[str, str]:
        """Use the newest address; return the header that the browser sends from then on."""
        before = len(self.announced)
        answer = self.ask(f"/?token={self.token}")
        assert answer.status == 303
        wait_until(lambda: len(self.announced) == before + 1)
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

    def csrf(self, cookie: Mapping[str, str]) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.ask("/", headers=cookie).body)
        assert found is not None
        return found[1]

    def own(self, cookie: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with which a browser sends a form of the page."""
        return {
            **cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "null",
            "Sec-Fetch-Site": "same-origin",
        }

    def save(self, headers: Mapping[str, str], **fields: str) -> Answer:
        body = urlencode(fields).encode()
        return self.ask("/save", method="POST", headers=headers, body=body)


def wait_until(done: object) -> None:
    assert callable(done)
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def page_app(saved: list[str]) -> Starlette:
    """Return a page with a form, and with the faults a page can have."""

    async def first(request: Request) -> Response:
        csrf = request.scope["localensemble.csrf"]
        return HTMLResponse(f'<p>{TEXT}</p><input name="csrf" value="{csrf}">')

    async def save(request: Request) -> Response:
        fields = parse_qs((await request.body()).decode())
        visitor = request.scope["localensemble.visitor"]
        saved.append(f"{visitor}: {fields['answer'][0]}")
        return RedirectResponse("/", status_code=303)

    async def style(request: Request) -> Response:
        return PlainTextResponse(
            "p {}",
            media_type="text/css",
            headers={"Cache-Control": "max-age=60", "Content-Security-Policy": "default-src *"},
        )

    async def broken(request: Request) -> Response:
        raise ValueError(TEXT)

    async def locked(request: Request) -> Response:
        raise LedgerError("The ledger is locked.", hint="Close the other program.")

    async def path(request: Request) -> Response:
        return PlainTextResponse(f"{request.url.path} {TEXT}")

    return Starlette(
        routes=[
            Route("/", first),
            Route("/save", save, methods=["POST"]),
            Route("/style.css", style),
            Route("/broken", broken),
            Route("/locked", locked),
            Route("/{rest:path}", path),
        ]
    )


@contextlib.contextmanager
def running() -> Iterator[GuardedPage]:
    """Serve the page in a thread, on a free port, until the block ends."""
    page = GuardedPage()
    with listen(None) as listening:
        page.port = listening.getsockname()[1]
        server = server_for(
            page_app(page.saved), listening=listening, announce=page.announced.append
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield page
        finally:
            server.should_exit = True
            thread.join(SECONDS_TO_WAIT)
            assert not thread.is_alive()

"""The command `review` as a person starts it, and what browsers do with its page."""

from __future__ import annotations

import contextlib
import html
import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.review.page.reviewed_study import Texts

SECONDS_TO_WAIT = 30
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+")


@dataclass(slots=True)
class RunningReview:
    """A running command, and what it has printed so far."""

    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)

    def address(self) -> str:
        """Wait for the next address in the terminal."""
        for line in self.process.stdout or ():
            self.printed.append(line)
            if found := _ADDRESS.search(line):
                return found[0]
        raise AssertionError("".join(self.printed))

    def stop(self) -> str:
        """Press Ctrl-C; return everything that was printed."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=SECONDS_TO_WAIT)
        return "".join([*self.printed, rest])


@contextlib.contextmanager
def running_review(texts: Texts, *options: str) -> Iterator[RunningReview]:
    """Start the command, and end it at the latest when the block ends."""
    program = [sys.executable, "-m", "localensemble", "review", str(texts.study)]
    with subprocess.Popen(
        [*program, "--items", str(texts.items), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield RunningReview(process)
        finally:
            process.kill()


class RawBrowser:
    """Sends what a browser sends, over a real connection, and follows redirects.

    Attributes:
        path: where it is.
        status: of the newest answer.
        page: the newest answer as text, its entities resolved.
    """

    def __init__(self, address: str, *, reviewer: str = "") -> None:
        _, _, self.host, token = address.split("/")
        self.cookie = ""
        self.path = ""
        self.status = 0
        self.page = ""
        self.open(f"/{token}")
        if reviewer:
            self.send("/reviewer", name=reviewer)

    def open(self, path: str) -> str:
        """Open an address of the page."""
        return self._ask("GET", path, None)

    def send(self, path: str, **fields: str) -> str:
        """Send a form with the secret of this browser."""
        return self._ask("POST", path, urlencode({"csrf": self.csrf, **fields}))

    @property
    def csrf(self) -> str:
        """The secret in the newest form."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.page)
        return found[1] if found else ""

    def answer(self, value: int | str, **fields: str) -> str:
        """Answer every question of the item that is open."""
        names = set(re.findall(r'name="(answer-[^"]+)"', self.page))
        return self.send(self.path, **dict.fromkeys(names, str(value)), **fields)

    def _ask(self, method: str, path: str, body: str | None) -> str:
        headers = {"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin", "Origin": "null"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.host, timeout=SECONDS_TO_WAIT)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            self.page = html.unescape(answer.read().decode())
        if cookie := answer.getheader("set-cookie"):
            self.cookie = cookie.partition(";")[0]
        self.status = answer.status
        self.path = path.partition("?")[0]
        if answer.status == 303:
            return self._ask("GET", str(answer.getheader("location")), None)
        return self.page

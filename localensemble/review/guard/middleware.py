"""Stand before the review page: nobody reaches it who was not let in.

The page finds two things in its scope: `localensemble.csrf`, which each of its forms must send
back in the field `csrf`, and `localensemble.visitor`, the number of the browser. Every answer,
also of a refusal, gets the same strict headers.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localensemble.core.errors import LocalEnsembleError, kind_and_place
from localensemble.review.guard.account import account_of
from localensemble.review.guard.refusals import (
    BAD_REQUEST,
    BROKEN,
    FORM_REFUSED,
    METHOD_REFUSED,
    NOT_LET_IN,
    TOKEN_REFUSED,
    TOO_LARGE,
    TOO_SLOW,
    Refusal,
)
from localensemble.review.guard.request_rules import (
    BODY_LIMIT,
    Headers,
    cookie_values,
    headers_of,
    refusal_of,
)
from localensemble.review.guard.visitors import Visitor, Visitors

CSRF = "localensemble.csrf"
VISITOR = "localensemble.visitor"

# Whoever guesses waits, although 256 bits cannot be guessed.
_SECONDS_AFTER_A_WRONG_SECRET = 1.0
_SECONDS_FOR_A_BODY = 10.0
_MOST_FIELDS = 1000
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# Texts must not stay in the browser's files; the page may allow it for its own style sheet.
_UNLESS_GIVEN = {"cache-control": "no-store"}

_log = logging.getLogger(__name__)


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.title)
        self.refusal = refusal


def address_of(port: int, token: str) -> str:
    """Return the address that lets in one browser."""
    return f"http://127.0.0.1:{port}/?token={token}"


def guarded(
    app: ASGIApp,
    *,
    port: int,
    visitors: Visitors,
    announce: Callable[[str], None],
) -> ASGIApp:
    """Return the page behind the guard.

    Args:
        port: where the server listens on 127.0.0.1.
        announce: shows an address to the person at the terminal. Called each time an address
            was used, with the one for the next browser.
    """
    guard = _Guard(app, port, visitors, announce)
    return guard.answer


@dataclass(frozen=True, slots=True)
class _Guard:
    app: ASGIApp
    port: int
    visitors: Visitors
    announce: Callable[[str], None]

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the page answer it."""
        if scope["type"] != "http":
            # No web sockets, and nothing to start or stop.
            return
        sending = _StrictSend(send)
        headers = headers_of(scope["headers"])
        try:
            if refusal := refusal_of(scope, headers, port=self.port):
                raise _RefusedError(refusal)
            account = account_of(scope["client"], scope["server"])
            token = _token(scope)
            if token is not None:
                await self._exchange(token, headers, account, sending)
                return
            visitor = await self._visitor(headers, account)
            body = b""
            if scope["method"] == "POST":
                body = await _body(receive)
                _check_csrf(body, visitor)
            inner = dict(scope) | {CSRF: visitor.csrf, VISITOR: visitor.number}
            await self.app(inner, _replay(body, receive), _HeldBack(sending))
            if not sending.started:
                raise _RefusedError(BROKEN)
        except _RefusedError as refused:
            await _refuse(sending, refused.refusal)
        except Exception as error:
            # The text of an unexpected error, and its traceback, may contain an item.
            is_ours = isinstance(error, LocalEnsembleError)
            _log.error("Cannot show a page: %s", error if is_ours else kind_and_place(error))
            if not sending.started:
                await _refuse(sending, BROKEN)

    async def _exchange(
        self, token: str, headers: Headers, account: int | None, sending: _StrictSend
    ) -> None:
        """Let in the browser that has the token, and lead it to the address without the token."""
        if headers.only("sec-purpose") is not None:
            # The browser looks ahead while the person is still typing; that must not use it up.
            raise _RefusedError(NOT_LET_IN)
        secret = self.visitors.let_in(token, account=account)
        if secret is None:
            await asyncio.sleep(_SECONDS_AFTER_A_WRONG_SECRET)
            raise _RefusedError(TOKEN_REFUSED)
        cookie = f"{self._cookie}={secret}; Path=/; HttpOnly; SameSite=Strict"
        start = {"location": "/", "set-cookie": cookie, "content-length": "0"}
        await sending({"type": "http.response.start", "status": 303, "headers": _encoded(start)})
        await sending({"type": "http.response.body", "body": b""})
        self.announce(address_of(self.port, self.visitors.invite()))

    async def _visitor(self, headers: Headers, account: int | None) -> Visitor:
        secrets = cookie_values(headers, self._cookie)
        for secret in secrets:
            if visitor := self.visitors.find(secret, account=account):
                return visitor
        if secrets:
            await asyncio.sleep(_SECONDS_AFTER_A_WRONG_SECRET)
        raise _RefusedError(NOT_LET_IN)

    @property
    def _cookie(self) -> str:
        # Browsers send a cookie to every port of a host: two reviews need two names.
        return f"localensemble-{self.port}"


class _StrictSend:
    """Send an answer with the headers of the guard instead of the page's own."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            rows = [
                (name.lower(), value)
                for name, value in message.get("headers", ())
                if name.lower().decode("latin-1") not in _HEADERS
            ]
            given = {name.decode("latin-1") for name, _ in rows}
            rows += _encoded(_HEADERS)
            rows += _encoded({k: v for k, v in _UNLESS_GIVEN.items() if k not in given})
            message = {**message, "headers": rows}
        await self._send(message)


class _HeldBack:
    """Send the page's answers, except the bare sentence with which Starlette reports a fault."""

    def __init__(self, sending: _StrictSend) -> None:
        self._sending = sending
        self._fault = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._fault = message["status"] == BROKEN.status
        if not self._fault:
            await self._sending(message)


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _refuse(sending: _StrictSend, refusal: Refusal) -> None:
    page = refusal.page()
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(page)),
        # The rest of the request, perhaps megabytes, is not worth reading.
        "connection": "close",
    }
    if refusal is METHOD_REFUSED:
        headers["allow"] = "GET, HEAD, POST"
    start = {"type": "http.response.start", "status": refusal.status, "headers": _encoded(headers)}
    await sending(start)
    await sending({"type": "http.response.body", "body": page})


def _token(scope: Scope) -> str | None:
    """Return the token of a request that wants to be let in; None for every other request."""
    if scope["method"] != "GET" or scope["path"] != "/":
        return None
    query = _fields(scope["query_string"])
    return query["token"][0] if "token" in query else None


async def _body(receive: Receive) -> bytes:
    """Read a small body, and no more than that of a large one."""
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS_FOR_A_BODY):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _RefusedError(BAD_REQUEST)
                body += message.get("body", b"")
                if len(body) > BODY_LIMIT:
                    raise _RefusedError(TOO_LARGE)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError as error:
        raise _RefusedError(TOO_SLOW) from error


def _check_csrf(body: bytes, visitor: Visitor) -> None:
    """Refuse a form that this browser did not get from us."""
    given = _fields(body).get("csrf", [])
    if len(given) != 1 or not hmac.compare_digest(given[0].encode(), visitor.csrf.encode()):
        raise _RefusedError(FORM_REFUSED)


def _fields(urlencoded: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(
            urlencoded.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise _RefusedError(BAD_REQUEST) from error


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the page the body that was read before; what comes then is that the browser left."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed

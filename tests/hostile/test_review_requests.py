"""Whatever a request to the review page is made of, it is answered, and only answers are recorded.

The page stands behind its guard, as it is served; only the network between is left out.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import ASGIApp

from localensemble.api.review_page.open_review import ReviewOptions, opened_review
from localensemble.ledger.verify import verify
from localensemble.review.guard import middleware
from localensemble.review.guard.visitors import Visitors
from localensemble.review.page.page_app import page_app
from tests.hostile.test_fuzzing import FUZZ
from tests.review.page.reviewed_study import Texts, decisions_in, disputed_study

pytestmark = pytest.mark.slow  # hundreds of requests

CANARY = "Patient reports chest pain"
WAITING, SETTLED = 3, 2
PORT = 8123
CATEGORIES = 3


@dataclass(slots=True)
class Guarded:
    """A page behind its guard, and what its only browser knows."""

    texts: Texts
    app: ASGIApp
    cookie: str = ""
    csrf: str = ""
    recorded: int = 0
    announced: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


def send(
    app: ASGIApp,
    *,
    method: str,
    path: str,
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]],
    body: bytes = b"",
) -> Answered:
    """Send one request as a server would; it must be answered exactly once."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "root_path": "",
        "query_string": query,
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", PORT),
    }
    sent: list[MutableMapping[str, Any]] = []
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        return pending.pop() if pending else {"type": "http.disconnect"}

    async def keep(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, keep))  # type: ignore[arg-type]
    starts = [one for one in sent if one["type"] == "http.response.start"]
    assert len(starts) == 1, [one["type"] for one in sent]
    parts = (bytes(one.get("body", b"")) for one in sent if one["type"] == "http.response.body")
    return Answered(int(starts[0]["status"]), dict(starts[0]["headers"]), b"".join(parts))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A review into which one browser was let, and in which its reviewer has a name."""
    folder = tmp_path_factory.mktemp("reviewed")
    texts = disputed_study(
        folder, [f"{CANARY} {n}" for n in range(WAITING + SETTLED)], settled=SETTLED
    )
    announced: list[str] = []
    options = ReviewOptions(reviewer="Ada")
    patch = pytest.MonkeyPatch()
    patch.setattr(middleware, "_SECONDS_AFTER_A_WRONG_SECRET", 0.0)
    with opened_review(texts.study, items=texts.items, options=options) as session:
        visitors = Visitors()
        app = middleware.guarded(
            page_app(session), port=PORT, visitors=visitors, announce=announced.append
        )
        guarded = Guarded(texts, app, announced=announced)
        entered = send(
            app,
            method="GET",
            path="/",
            query=f"token={visitors.invite()}".encode(),
            headers=[(b"host", f"127.0.0.1:{PORT}".encode())],
        )
        guarded.cookie = entered.headers[b"set-cookie"].decode().partition(";")[0]
        first = send(app, method="GET", path="/items/0", headers=own_headers(guarded))
        guarded.csrf = re.findall(rb'name="csrf" value="([^"]+)"', first.body)[0].decode()
        yield guarded
    patch.undo()


def own_headers(page: Guarded) -> list[tuple[bytes, bytes]]:
    """Return the headers that the reviewer's browser sends with a form."""
    return [
        (b"host", f"127.0.0.1:{PORT}".encode()),
        (b"cookie", page.cookie.encode()),
        (b"origin", f"http://127.0.0.1:{PORT}".encode()),
        (b"sec-fetch-site", b"same-origin"),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ]


NUMBERS = st.sampled_from(
    ("0", "1", "2", "3", "4", "5", "-1", "00", "1e3", "9" * 25, "9" * 5000, "٣", "0x1", "", "a")
)
NAMES = st.sampled_from(
    (
        *("reviewer", "filter", "next", "later", "undo", "codebook-problems", "items", "labels"),
        *(
            "flag",
            "assets",
            "review.css",
            "review.js",
            "..",
            ".",
            "",
            "%2e%2e",
            "\\",
            "\0",
            "\ud800",
        ),
    )
)
PATHS = st.one_of(
    st.sampled_from(("/", "/reviewer", "/filter", "/next", "/later", "/undo")),
    st.just("/codebook-problems"),
    st.builds("/items/{}{}".format, NUMBERS, st.sampled_from(("", "/labels", "/later", "/flag"))),
    st.builds("/assets/{}/{}".format, NUMBERS, NAMES),
    st.lists(NAMES | NUMBERS, max_size=5).map(lambda parts: "/" + "/".join(parts)),
    st.text(max_size=20),
)
METHODS = st.sampled_from(
    (
        "GET",
        "HEAD",
        "POST",
        "POST",
        "POST",
        "PUT",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "get",
        "X",
    )
)
ODD = st.text(max_size=12) | st.sampled_from(
    (
        "<script>",
        "\r\nSet-Cookie: a=b",
        "\u202e",
        "'; --",
        "x",
        "c",
        "A" * 5000,
        "1",
        "\0",
        "{{7*7}}",
    )
)
KEYS = st.sampled_from(
    (
        *("answer-0-0a1b2c3d", "answer-1-0a1b2c3d", "answer-0-", "answer-٣-0a1b2c3d", "note"),
        *("confidence", "error_type", "name", "variable", "reason", "order", "budget", "after"),
        *("search", "said", "token", "csrf", "visitor"),
    )
)
FIELDS = st.lists(st.tuples(KEYS | st.text(max_size=5), NUMBERS | ODD), max_size=6)
BODIES = st.one_of(
    FIELDS.map(lambda fields: urlencode(fields, errors="surrogatepass").encode()),
    st.binary(max_size=60),
    st.sampled_from(
        (b"a=1&" * 2000, b"answer-0-0a1b2c3d=%ED%A0%80", b"=&&==", b"\xff\xfe", b"x" * 70_000)
    ),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *(b"host", b"cookie", b"origin", b"sec-fetch-site", b"content-type"),
                *(b"content-length", b"transfer-encoding", b"range", b"if-none-match", b"accept"),
                *(b"sec-purpose", b"x-forwarded-for", b"x-http-method-override", b"expect"),
            )
        ),
        st.sampled_from((b"", b"null", b"-1", b"9" * 30, b"127.0.0.1", b"bytes=0-", b'a="b'))
        | st.binary(max_size=12),
    ),
    max_size=3,
)


@FUZZ
@given(
    method=METHODS,
    path=PATHS,
    query=BODIES,
    body=BODIES,
    more=HEADERS,
    is_known=st.sampled_from((True, True, True, False)),
    has_csrf=st.sampled_from((True, True, False)),
)
@example("GET", f"/items/{'9' * 5000}", b"", b"", [], True, True)
@example("POST", f"/items/{'9' * 5000}/flag", b"", b"", [], True, True)
def test_every_request_is_answered_and_none_changes_what_it_may_not(
    page: Guarded,
    method: str,
    path: str,
    query: bytes,
    body: bytes,
    more: list[tuple[bytes, bytes]],
    is_known: bool,
    has_csrf: bool,
) -> None:
    headers = own_headers(page)
    if not is_known:
        headers = [(name, secret_for(name, value)) for name, value in headers]
    sent = f"csrf={quote(page.csrf)}&".encode() + body if has_csrf else body
    answered = send(
        page.app, method=method, path=path, query=query, headers=[*headers, *more], body=sent
    )
    assert answered.status < 500
    assert b"Traceback" not in answered.body
    assert b"\r" not in b"".join(answered.headers.values())
    assert answered.headers[b"content-security-policy"]
    if not is_known:
        assert CANARY.encode() not in answered.body
    recorded = sum(len(decisions_in(page.texts.study, n)) for n in range(WAITING + SETTLED))
    if recorded != page.recorded:
        assert is_known
        assert has_csrf
        assert method == "POST"
        # The step before is taken back by recording what was there.
        assert path == "/undo" or re.fullmatch(r"/items/\d+(/labels)?", path)
    page.recorded = recorded


def secret_for(name: bytes, value: bytes) -> bytes:
    """Return a cookie like that of the browser, with another secret."""
    if name != b"cookie":
        return value
    return value.partition(b"=")[0] + b"=" + secrets.token_urlsafe(32).encode()


def test_what_was_recorded_meanwhile_is_valid(page: Guarded) -> None:
    """Runs after the requests, and answers once more, so that something was recorded."""
    form = urlencode({"csrf": page.csrf, "answer-0-0a1b2c3d": "1"}).encode()
    send(page.app, method="POST", path="/items/2", headers=own_headers(page), body=form)
    every = [decisions_in(page.texts.study, n) for n in range(WAITING + SETTLED)]
    assert every[2]
    assert not any(every[WAITING:])
    for one in (decision for of_item in every for decision in of_item):
        assert one.category is None or 0 <= one.category < CATEGORIES
        assert (one.category is None) == (one.kind != "category")
        assert one.confidence in (None, 1, 2, 3)
    assert verify(page.texts.study / "study.sqlite").ok

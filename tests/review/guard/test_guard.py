"""The review page answers its own forms, from browsers that were let in, and nobody else."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from localensemble.review.guard.account import account_of
from tests.review.guard.guarded_page import TEXT, GuardedPage, running

pytestmark = pytest.mark.slow  # servers on loopback


@pytest.fixture(scope="module")
def server() -> Iterator[GuardedPage]:
    with running() as page:
        yield page


@pytest.fixture
def page(server: GuardedPage) -> GuardedPage:
    server.saved.clear()
    return server


# Who gets in.


def test_the_address_of_the_terminal_lets_in_one_browser(page: GuardedPage) -> None:
    assert re.fullmatch(rf"http://127\.0\.0\.1:{page.port}/\?token=[\w-]{{43}}", page.announced[-1])
    cookie = page.enter()
    assert TEXT in page.ask("/", headers=cookie).body


def test_the_token_leaves_the_address_at_once_and_the_cookie_is_strict(page: GuardedPage) -> None:
    answer = page.ask(f"/?token={page.token}")
    assert (answer.status, answer.headers["location"], answer.body) == (303, "/", "")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert re.fullmatch(rf"localensemble-{page.port}=[\w-]{{43}}", name)
    # Neither Expires nor Max-Age: the browser forgets it when it is closed. No Domain.
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]


@pytest.mark.parametrize("path", ["/", "/save", "/style.css", "/nowhere", "/?token="])
def test_without_a_token_nobody_gets_anything(page: GuardedPage, path: str) -> None:
    answer = page.ask(path)
    assert answer.status == 403
    assert TEXT not in answer.body
    assert "terminal" in answer.body


def test_a_wrong_token_is_refused_and_the_right_one_still_works(page: GuardedPage) -> None:
    began = time.monotonic()
    answer = page.ask(f"/?token={page.token[:-1]}")
    # Whoever guesses waits, although 256 bits cannot be guessed.
    assert time.monotonic() - began >= 1
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    page.enter()


def test_a_used_token_is_refused_and_the_page_says_how_to_get_in(page: GuardedPage) -> None:
    used = page.token
    page.enter()
    answer = page.ask(f"/?token={used}")
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    assert "once" in answer.body
    assert "terminal" in answer.body


def test_a_second_reviewer_comes_in_with_an_address_of_his_own(page: GuardedPage) -> None:
    anna, ben = page.enter(), page.enter()
    assert anna != ben
    assert page.csrf(anna) != page.csrf(ben)
    page.save(page.own(anna), csrf=page.csrf(anna), answer="pain")
    page.save(page.own(ben), csrf=page.csrf(ben), answer="no pain")
    (first, _), (second, _) = (saved.split(": ") for saved in page.saved)
    assert int(second) == int(first) + 1


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_only_opening_the_address_uses_it_up(page: GuardedPage, method: str) -> None:
    before = page.token
    assert page.ask(f"/?token={before}", method=method).status != 303
    assert page.token == before


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Purpose": "prefetch"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["the browser looks ahead", "a link on another page"],
)
def test_what_the_person_did_not_open_does_not_use_it_up(
    page: GuardedPage, headers: dict[str, str]
) -> None:
    before = page.token
    assert page.ask(f"/?token={before}", headers=headers).status == 403
    assert page.token == before


def test_an_invented_cookie_is_refused_slowly(page: GuardedPage) -> None:
    began = time.monotonic()
    answer = page.ask("/", headers={"Cookie": f"localensemble-{page.port}={'a' * 43}"})
    assert answer.status == 403
    assert time.monotonic() - began >= 1


def test_cookies_of_other_programs_on_this_machine_do_no_harm(page: GuardedPage) -> None:
    own = page.enter()["Cookie"]
    others = f'a[b]=c; _xsrf="2|x"; localensemble-1=x; {own}; localensemble-{page.port}=old; =;'
    assert page.ask("/", headers={"Cookie": others}).status == 200


def test_a_second_user_of_the_machine_gets_nothing_but_a_page_of_refusal(
    page: GuardedPage,
) -> None:
    page.enter()
    page.enter()
    # Another account can connect, and knows the name of the cookie, but no secret.
    for headers in ({}, {"Cookie": f"localensemble-{page.port}="}, {"Cookie": "x" * 5000}):
        answer = page.ask("/", headers=headers)
        assert answer.status == 403
        assert TEXT not in answer.body
        assert "set-cookie" not in answer.headers


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose a connection is")
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as another user"
)
def test_a_second_user_of_the_machine_has_no_use_for_a_stolen_cookie(page: GuardedPage) -> None:
    # Browsers send it to every port of 127.0.0.1, also to one where another user listens.
    cookie = page.enter()
    program = (
        "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]));"
        "c.request('GET', '/', headers={'Cookie': sys.argv[2]});"
        "r = c.getresponse(); print(r.status, r.read())"
    )
    seen = subprocess.run(
        ["/usr/bin/env", "python3", "-c", program, str(page.port), cookie["Cookie"]],
        user=65534,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert seen.startswith("403 ")
    assert TEXT not in seen
    assert page.ask("/", headers=cookie).status == 200


def test_a_connection_that_nobody_knows_has_no_account() -> None:
    assert account_of(("127.0.0.1", 1), ("127.0.0.1", 1)) is None
    assert account_of(("::1", 1), ("::1", 1)) is None


# Where the request comes from.


@pytest.mark.parametrize(
    "host",
    ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil.example", "{port}"],
)
def test_a_foreign_name_that_resolves_to_this_machine_is_refused(
    page: GuardedPage, host: str
) -> None:
    # DNS rebinding: the browser believes that it talks to evil.example, and says so here.
    cookie = page.enter()
    answer = page.ask("/", headers={**cookie, "Host": host.format(port=page.port)})
    assert answer.status == 421
    assert TEXT not in answer.body


def test_localhost_is_the_same_machine(page: GuardedPage) -> None:
    cookie = page.enter()
    assert page.ask("/", headers={**cookie, "Host": f"localhost:{page.port}"}).status == 200


@pytest.mark.parametrize(
    "lines",
    [b"", b"Host: 127.0.0.1:%d\r\nHost: evil.example\r\n", b"Host: \r\n"],
    ids=["none", "two", "empty"],
)
@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_a_request_with_no_single_host_is_refused(
    page: GuardedPage, lines: bytes, version: bytes
) -> None:
    lines = lines % page.port if b"%d" in lines else lines
    cookie = f"Cookie: {page.enter()['Cookie']}\r\n".encode()
    answer = page.send_raw(b"GET / " + version + b"\r\n" + lines + cookie + b"\r\n")
    assert answer.split()[1] in {b"400", b"421"}
    assert TEXT.encode() not in answer


@pytest.mark.parametrize("target", [b"http://evil.example/", b"evil", b"*"])
def test_a_request_meant_for_another_server_is_refused(page: GuardedPage, target: bytes) -> None:
    cookie = page.enter()["Cookie"]
    answer = page.send_raw(
        b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nCookie: %b\r\n\r\n"
        % (target, page.port, cookie.encode())
    )
    assert answer.split()[1] == b"400"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "https://own"])
@pytest.mark.parametrize("site", ["same-origin", None])
def test_a_form_of_a_foreign_page_is_refused(
    page: GuardedPage, origin: str, site: str | None
) -> None:
    cookie = page.enter()
    headers = {**page.own(cookie), "Origin": origin}
    if site is None:
        del headers["Sec-Fetch-Site"]
    assert page.save(headers, csrf=page.csrf(cookie), answer="planted").status == 403
    assert page.saved == []


@pytest.mark.parametrize(
    "changed",
    [
        {"Sec-Fetch-Site": "cross-site"},
        # Another port of this machine is the same site, but not ours.
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        # A frame in a sandbox has no origin either.
        {"Sec-Fetch-Site": None},
        {"Sec-Fetch-Site": None, "Origin": None},
    ],
    ids=str,
)
def test_a_form_that_may_come_from_elsewhere_is_refused(
    page: GuardedPage, changed: dict[str, str | None]
) -> None:
    cookie = page.enter()
    headers = {name: value for name, value in (page.own(cookie) | changed).items() if value}
    assert page.save(headers, csrf=page.csrf(cookie), answer="planted").status == 403
    assert page.saved == []


def test_a_browser_that_says_only_its_origin_can_answer(page: GuardedPage) -> None:
    cookie = page.enter()
    headers = {**page.own(cookie), "Origin": f"http://127.0.0.1:{page.port}"}
    del headers["Sec-Fetch-Site"]
    assert page.save(headers, csrf=page.csrf(cookie), answer="pain").status == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_foreign_page_cannot_even_show_it(page: GuardedPage, site: str) -> None:
    cookie = page.enter()
    answer = page.ask("/style.css", headers={**cookie, "Sec-Fetch-Site": site})
    assert answer.status == 403


# Forms.


@pytest.mark.parametrize(
    "body",
    ["answer=x", "csrf=&answer=x", "csrf=wrong&answer=x", "csrf={csrf}&csrf={csrf}&answer=x"],
)
def test_a_form_without_the_secret_of_its_browser_is_refused(page: GuardedPage, body: str) -> None:
    cookie = page.enter()
    sent = body.format(csrf=page.csrf(cookie)).encode()
    answer = page.ask("/save", method="POST", headers=page.own(cookie), body=sent)
    assert answer.status == 403
    assert page.saved == []


def test_the_secret_of_another_browser_does_not_count(page: GuardedPage) -> None:
    anna, ben = page.enter(), page.enter()
    assert page.save(page.own(anna), csrf=page.csrf(ben), answer="x").status == 403
    assert page.saved == []


@pytest.mark.parametrize("body", [b"\xff=1", b"&".join([b"a=1"] * 1001)], ids=["bytes", "many"])
def test_a_form_that_cannot_be_read_is_refused(page: GuardedPage, body: bytes) -> None:
    cookie = page.enter()
    answer = page.ask("/save", method="POST", headers=page.own(cookie), body=body)
    assert answer.status == 400
    assert "repeat the answer" in answer.body
    assert "Open the review" in answer.body


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/json", ""]
)
def test_only_a_form_is_accepted(page: GuardedPage, kind: str) -> None:
    cookie = page.enter()
    headers = {**page.own(cookie), "Content-Type": kind}
    assert page.save(headers, csrf=page.csrf(cookie), answer="x").status == 415
    assert page.saved == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(page: GuardedPage, method: str) -> None:
    answer = page.ask("/", method=method, headers=page.enter())
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_the_answer_to_head_has_no_body(page: GuardedPage) -> None:
    answer = page.ask("/", method="HEAD", headers=page.enter())
    assert (answer.status, answer.body) == (200, "")


# Paths and sizes.


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2fetc/passwd",
        "/static/%252e%252e/etc/passwd",
        "/static/..%5c..%5cwindows",
        "/static/%00",
        "/a%0d%0ab",
        "/./",
    ],
)
def test_a_way_up_is_refused(page: GuardedPage, path: str) -> None:
    answer = page.ask(path, headers=page.enter())
    assert answer.status == 400
    assert "root:" not in answer.body


def test_ten_megabytes_are_refused_before_they_are_sent(page: GuardedPage) -> None:
    cookie = page.enter()
    head = "".join(f"{name}: {value}\r\n" for name, value in page.own(cookie).items())
    request = f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n{head}"
    # Not one byte of the ten megabytes is sent, and the answer is there.
    answer = page.send_raw(f"{request}Content-Length: 10485760\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()


def test_ten_megabytes_of_unstated_length_are_cut_off(page: GuardedPage) -> None:
    cookie = page.enter()
    head = "".join(f"{name}: {value}\r\n" for name, value in page.own(cookie).items())
    request = f"POST /save HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n{head}"
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", page.port), timeout=20) as raw:
        raw.sendall(f"{request}Transfer-Encoding: chunked\r\n\r\n".encode())
        raw.sendall(chunk * 17)
        assert raw.recv(12) == b"HTTP/1.1 413"
        try:
            while sent < 10 * 1024 * 1024:
                raw.sendall(chunk * 64)
                sent += 64 * 4096
        except OSError:
            pass
    assert sent < 10 * 1024 * 1024
    assert page.saved == []


def test_a_form_of_just_the_limit_is_accepted(page: GuardedPage) -> None:
    cookie = page.enter()
    csrf = page.csrf(cookie)
    length = 64 * 1024 - len(f"csrf={csrf}&answer=")
    assert page.save(page.own(cookie), csrf=csrf, answer="a" * length).status == 303
    assert page.save(page.own(cookie), csrf=csrf, answer="a" * (length + 1)).status == 413
    assert len(page.saved) == 1


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 400])
def test_an_impossible_length_is_refused(page: GuardedPage, length: str) -> None:
    request = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nContent-Length: {length}\r\n\r\n"
    answer = page.send_raw(request.encode())
    assert answer.split()[1] in {b"400", b"413"}


def test_headers_without_end_are_refused(page: GuardedPage) -> None:
    answer = page.send_raw(b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000)
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_web_socket_is_not_opened(page: GuardedPage) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert page.ask("/", headers=headers).status == 403


# What every answer says.

STRICT = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@pytest.mark.parametrize("path", ["/", "/nowhere", "/broken", "/../", "/style.css"])
@pytest.mark.parametrize("let_in", [True, False])
def test_every_answer_is_strict(page: GuardedPage, path: str, let_in: bool) -> None:
    answer = page.ask(path, headers=page.enter() if let_in else {})
    assert STRICT.items() <= answer.headers.items()
    assert "server" not in answer.headers
    # The page may let the browser keep its style sheet, but a page with a text never stays.
    kept = let_in and path == "/style.css"
    assert answer.headers["cache-control"] == ("max-age=60" if kept else "no-store")


def test_a_fault_of_the_page_never_shows_or_logs_a_text(
    page: GuardedPage, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = page.ask("/broken?note=secret", headers=page.enter())
    assert answer.status == 500
    assert "The page cannot be shown" in answer.body
    printed = "".join([answer.body, caplog.text, *capfd.readouterr()])
    assert "ValueError at " in caplog.text
    assert TEXT not in printed
    assert "secret" not in printed
    assert "Traceback" not in printed


def test_an_error_of_ours_is_shown_at_the_terminal(
    page: GuardedPage, caplog: pytest.LogCaptureFixture
) -> None:
    assert page.ask("/locked", headers=page.enter()).status == 500
    assert "The ledger is locked." in caplog.text


def test_no_request_is_ever_logged(
    page: GuardedPage, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    token = page.token
    cookie = page.enter()
    page.ask("/?note=secret", headers=cookie)
    page.ask(f"/?token={token}")
    page.send_raw(b"secret\r\n\r\n")
    logged = "".join([caplog.text, *capfd.readouterr()])
    assert token not in logged
    assert "secret" not in logged

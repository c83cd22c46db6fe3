"""Attacks on the real page: what stands in a table is only text, and strangers get nothing."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.privacy.isolation import isolation_refused
from localensemble.tables.rating_columns import NamedColumns
from tests.browsers import running_chromium
from tests.review.page.reviewed_study import Texts, disputed_study
from tests.review.real_page.running_review import RawBrowser, running_review

pytestmark = pytest.mark.slow  # starts the command for each test

TEXT = "Patient reports chest pain since Tuesday"
SCRIPT = "<script>document.title='planted'</script><img src=x onerror=\"document.title='planted'\">"


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawBrowser]:
    texts = disputed_study(tmp_path_factory.mktemp("study"), [TEXT])
    with running_review(texts, "--reviewer", "Anna") as review:
        yield RawBrowser(review.address())


def raw(anna: RawBrowser, request: str, **headers: str) -> str:
    """Send a request as it is, with the cookie of somebody who was let in."""
    given = {"Host": anna.host, "Cookie": anna.cookie, "Connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    host, port = anna.host.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{request}\r\n{lines}\r\n".encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    return received.decode()


def test_the_page_is_there_for_whom_it_is_meant(anna: RawBrowser) -> None:
    assert TEXT in raw(anna, "GET /items/0 HTTP/1.1")


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /items/0 HTTP/1.1", {"Cookie": ""}, "403"),
        ("GET /items/0 HTTP/1.1", {"Cookie": "localensemble=guessed"}, "403"),
        ("GET /?token=guessed HTTP/1.1", {}, "403"),
        ("GET /items/0 HTTP/1.1", {"Host": "evil.example"}, "421"),
        ("GET /items/0 HTTP/1.1", {"Origin": "http://evil.example"}, "403"),
        ("GET /items/0 HTTP/1.1", {"Sec_Fetch_Site": "cross-site"}, "403"),
        ("GET /assets/../../items.csv HTTP/1.1", {}, "400"),
        ("GET /assets/..%2f..%2fnotes.csv HTTP/1.1", {}, "400"),
        ("GET /assets/x/notes.csv HTTP/1.1", {}, "404"),
        ("GET /items/-1 HTTP/1.1", {}, "404"),
        ("GET /items/9999999999999999999999 HTTP/1.1", {}, "404"),
        ("DELETE /items/0 HTTP/1.1", {}, "405"),
        ("PUT /items/0 HTTP/1.1", {}, "405"),
        ("POST /items/0 HTTP/1.1", {"Content_Length": "10485760"}, "413"),
    ],
)
def test_a_stranger_gets_nothing(
    anna: RawBrowser, request_line: str, headers: dict[str, str], status: str
) -> None:
    if status == "413":
        headers = {**headers, "Sec_Fetch_Site": "same-origin"}
    answer = raw(anna, request_line, **headers)
    assert answer.split()[1] == status
    assert TEXT not in answer
    assert "id,text" not in answer


@pytest.mark.parametrize("path", ["/items/0", "/items/0/flag", "/undo", "/filter", "/reviewer"])
def test_no_form_works_without_its_secret(anna: RawBrowser, path: str) -> None:
    body = "answer-0-00000000=1&name=Eve"
    kept = anna.cookie
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
    answer = raw(anna, f"POST {path} HTTP/1.1", **headers, Content_Length="0", Cookie=kept)
    assert answer.split()[1] == "403"
    answer = anna._ask("POST", path, body)
    assert anna.status == 403
    assert "Nothing was saved" in answer


def planted_study(folder: Path) -> Texts:
    """Make a study with a script in every name that a person can choose."""
    named = folder / "<img src=x onerror=document.title='planted'>"
    named.mkdir()
    items, ratings = named / "notes '\"><b>.csv", named / "ratings.csv"
    cell = SCRIPT.replace('"', '""')
    items.write_text(f'id,text\n"{cell}","{cell}"\n', encoding="utf-8")
    ratings.write_text(f'id,"ann{cell}",bo\n"{cell}","<b>x{cell}",no\n', encoding="utf-8")
    study = named / "study<script>"
    columns = NamedColumns(item="id", raters=(f"ann{SCRIPT}", "bo"))
    import_ratings(
        ratings,
        output=study,
        options=RatingsOptions(items=items, level="nominal", columns=columns),
    )
    return Texts(study, items)


def test_a_script_in_a_text_or_a_name_is_only_text(tmp_path: Path) -> None:
    texts = planted_study(tmp_path)
    with running_review(texts, "--reviewer", SCRIPT) as review, running_chromium() as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        address = review.address()
        page.goto(address)
        root = address.partition("?")[0]
        for path in ("", "items/0", "?search=script", "reviewer", "codebook-problems"):
            page.goto(root + path)
            assert page.title() != "planted"
            assert page.locator("img").count() == 0
            assert page.locator("script:not([src])").count() == 0
        page.goto(f"{root}items/0")
        assert page.locator("#text").inner_text() == SCRIPT
        page.locator("label.choice").first.click()
        page.wait_for_url("**/labels")
        page.fill("#note", SCRIPT)
        page.locator("#save").click()
        page.goto(f"{root}items/0/labels")
        assert page.input_value("#note") == SCRIPT
        assert page.locator("img").count() == 0
        assert page.title() != "planted"
        assert all(re.match(r"http://127\.0\.0\.1:|data:", one) for one in asked)


def test_the_token_does_not_stay_in_the_history_of_the_browser(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, [TEXT])
    with running_review(texts, "--reviewer", "Anna") as review, running_chromium() as browser:
        page = browser.new_page()
        address = review.address()
        page.goto(address)
        assert "token" not in page.url
        assert "token" not in page.content()
        assert page.evaluate("document.cookie") == ""
        assert page.evaluate("document.referrer") == ""
        page.goto(address)
        assert "once" in page.inner_text("main")


def test_another_page_of_the_same_browser_can_neither_show_nor_answer(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, [TEXT])
    with running_review(texts, "--reviewer", "Anna") as review, running_chromium() as browser:
        page = browser.new_page()
        address = review.address()
        root = address.partition("?")[0]
        page.goto(address)
        # A page of another origin, in the browser that has the cookie.
        page.goto("data:text/html,<title>foreign</title>")
        page.set_content(
            f'<iframe src="{root}items/0"></iframe><script src="{root}items/0"></script>'
            f'<form method="post" action="{root}reviewer"><input name="name" value="Eve"></form>'
        )
        page.wait_for_timeout(500)
        assert all(TEXT not in frame.content() for frame in page.frames)
        page.evaluate("document.forms[0].submit()")
        page.wait_for_url(f"{root}reviewer")
        assert page.locator("h1").inner_text() == "Another page asked for this one"
        page.goto(f"{root}items/0")
        assert "Eve" not in page.content()


@pytest.mark.skipif(isolation_refused() != "", reason="the system does not isolate a run")
def test_an_isolated_run_refuses_a_page_that_no_browser_could_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = disputed_study(tmp_path, [TEXT])
    monkeypatch.setenv("LOCALENSEMBLE_ISOLATED", "1")
    with running_review(texts) as review:
        printed, _ = review.process.communicate(timeout=30)
    assert review.process.returncode == 2
    assert "isolated" in printed
    assert "worksheet" in printed

"""The review page in Chromium, served by the real command, driven by the keyboard."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browsers import running_chromium
from tests.review.page.reviewed_study import (
    CATEGORIES,
    Texts,
    decisions_in,
    disputed_study,
    two_question_study,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow  # starts a server and a browser

_TEXTS = [f"The stone of case {n} lies still. Nothing else is known of it." for n in range(4)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """An installed Chromium; nothing is downloaded."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    """A study with three disputed items and a settled one."""
    return disputed_study(tmp_path, _TEXTS, settled=1)


class Server:
    """The command `localensemble review`, running."""

    def __init__(self, texts: Texts, *options: str) -> None:
        arguments = ("review", texts.study, "--items", texts.items, *options)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "localensemble", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def address(self) -> str:
        """Wait for the next address that the command prints."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
            if found:
                return found[0]
        raise AssertionError("the command ended without an address")

    def end(self, number: int = signal.SIGINT) -> int:
        """End the command with a signal, and return its exit code."""
        self.process.send_signal(number)
        self.said, _ = self.process.communicate(timeout=30)
        return self.process.returncode


@contextmanager
def serving(texts: Texts, *options: str) -> Iterator[Server]:
    """Serve the page until the block ends."""
    server = Server(texts, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


def _page(chromium: Browser, address: str) -> Page:
    page = chromium.new_context().new_page()
    page.goto(address)
    return page


def _in_view(page: Page, selector: str) -> bool:
    """Tell whether the middle of an element can be seen: nothing lies over it."""
    found = page.locator(selector).evaluate(
        """element => {
          const box = element.getBoundingClientRect();
          const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return element === over || element.contains(over);
        }"""
    )
    return bool(found)


def _press(page: Page, key: str) -> None:
    """Press a key that leads to another page."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_whole_session_needs_nothing_but_the_keyboard(chromium: Browser, texts: Texts) -> None:
    with serving(texts) as server:
        page = _page(chromium, server.address())
        page.keyboard.type("Ada")
        _press(page, "Enter")
        assert "3 items wait" in page.inner_text("h1")
        _press(page, "Enter")
        for place in range(3):
            assert page.inner_text("#text") == _TEXTS[place]
            _press(page, str(place + 1))
            assert page.url.endswith(f"/items/{place}/labels")
            _press(page, "Enter")
        assert page.inner_text("h1") == "Finished"
        assert server.end() == 0
    with (texts.study / "escalations.csv").open(encoding="utf-8") as queue:
        assert len(queue.readlines()) == 1, "nothing is open any more"
    assert "adjudicated" in (texts.study / "labels.csv").read_text(encoding="utf-8")
    assert "finalize" in server.said
    for place in range(3):
        blind, revealed = decisions_in(texts.study, place)
        assert (blind.category, blind.shown) == (place, "item")
        assert (revealed.category, revealed.shown) == (place, "labels")


def test_the_labels_come_after_the_answer_and_a_change_keeps_both(
    chromium: Browser, texts: Texts
) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        _press(page, "Enter")
        assert page.locator(".evidence").count() == 0
        _press(page, "1")
        assert page.locator(".evidence tr").count() == 4
        page.keyboard.press("2")
        assert "Change" in page.inner_text("#save")
        _press(page, "Enter")
        server.end()
    blind, changed = decisions_in(texts.study, 0)
    assert (blind.category, blind.shown) == (0, "item")
    assert (changed.category, changed.shown) == (1, "labels")


def test_a_question_without_an_answer_is_named_and_in_view(
    chromium: Browser, tmp_path: Path
) -> None:
    texts = two_question_study(tmp_path, _TEXTS)
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        page.set_viewport_size({"width": 1280, "height": 660})
        _press(page, "Enter")
        page.keyboard.press("1")
        page.click("#save")
        assert page.inner_text("#unanswered") == "Still to answer: light."
        assert _in_view(page, "#unanswered")
        page.keyboard.press("x")  # the question that is still open, not the one before
        assert page.is_hidden("#unanswered")
        _press(page, "Enter")
        assert "mildstone, cannot decide" in page.inner_text(".recent")
        _press(page, "u")
        assert page.inner_text(".message >> nth=0") == "Undone."
        assert _in_view(page, ".message >> nth=0")
        server.end()


def test_a_changed_answer_is_in_view_and_the_same_answer_is_none(
    chromium: Browser, tmp_path: Path
) -> None:
    texts = two_question_study(tmp_path, _TEXTS)
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        page.set_viewport_size({"width": 1280, "height": 660})
        _press(page, "Enter")
        page.keyboard.press("1")
        page.keyboard.press("q")
        _press(page, "Enter")
        page.keyboard.press("w")
        assert "Change" in page.inner_text("#save")
        assert _in_view(page, "input:checked")
        page.keyboard.press("q")
        assert "Keep" in page.inner_text("#save")
        server.end()


def test_every_step_can_be_undone(chromium: Browser, texts: Texts) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        _press(page, "Enter")
        for _ in range(2):
            _press(page, "x")
            _press(page, "Enter")
        for key in ("u", "Control+z", "u", "Control+z"):
            _press(page, key)
        assert page.url.split("?")[0].endswith("/items/0")
        assert page.locator("#undo").is_disabled()
        server.end()
    assert decisions_in(texts.study, 0)[-1].kind == "undone"
    assert decisions_in(texts.study, 1)[-1].kind == "undone"


def test_letters_in_a_note_are_only_letters(chromium: Browser, texts: Texts) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        _press(page, "Enter")
        page.click("summary:has-text('note')")
        page.focus("#note")
        page.keyboard.type("1 2 x c u f\n?")
        assert page.url.endswith("/items/0")
        assert page.locator("#answers input:checked").count() == 0
        page.keyboard.press("Escape")
        _press(page, "3")
        server.end()
    (blind,) = decisions_in(texts.study, 0)
    assert (blind.category, blind.note) == (2, "1 2 x c u f\n?")


def test_a_killed_server_loses_nothing_and_the_session_goes_on(
    chromium: Browser, texts: Texts
) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        _press(page, "Enter")
        _press(page, "1")
        _press(page, "Enter")
        page.evaluate("document.querySelector('input[value=\"1\"]').checked = true")
        page.evaluate("document.getElementById('answers').requestSubmit()")
        server.end(signal.SIGKILL)
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        done = page.inner_text(".progress span")
        assert re.match(r"[12] of 3 answered", done)
        _press(page, "Enter")
        assert re.search(r"/items/[12]$", page.url)
        server.end()
    assert [one.category for one in decisions_in(texts.study, 0)] == [0, 0]
    assert len(decisions_in(texts.study, 1)) == int(done[0]) - 1


def test_two_reviewers_read_two_items_and_may_answer_the_same(
    chromium: Browser, texts: Texts
) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        first = _page(chromium, server.address())
        second = _page(chromium, server.address())
        second.keyboard.type("Ben")
        _press(second, "Enter")
        _press(first, "Enter")
        _press(second, "Enter")
        assert first.inner_text("#text") == _TEXTS[0]
        assert second.inner_text("#text") == _TEXTS[1]
        second.goto(re.sub(r"/items/\d+", "/items/0", second.url))
        _press(first, "1")
        _press(second, "2")
        server.end()
    one, other = decisions_in(texts.study, 0)
    assert (one.category, other.category) == (0, 1)
    assert one.reviewer != other.reviewer


def test_nothing_is_chosen_before_the_reviewer_chooses(chromium: Browser, texts: Texts) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        _press(page, "Enter")
        page.evaluate("document.querySelector('input[value=\"1\"]').checked = true")
        page.reload()
        assert page.locator("input:checked").count() == 0
        _press(page, "ArrowRight")
        _press(page, "ArrowLeft")
        page.go_back()
        assert page.locator("input:checked").count() == 0
        server.end()


def test_words_are_found_in_the_text_and_the_text_stays_as_it_is(
    chromium: Browser, texts: Texts
) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        _press(page, "Enter")
        page.keyboard.press("/")
        page.keyboard.type("ST")
        assert page.locator("#text mark").count() == 2
        assert page.inner_text("#found") == "1 of 2"
        page.keyboard.press("Enter")
        assert page.inner_text("#found") == "2 of 2"
        page.keyboard.press("Escape")
        assert page.locator("#text mark").count() == 0
        assert page.inner_text("#text") == _TEXTS[0]
        server.end()


def test_the_categories_have_their_keys_on_the_buttons(chromium: Browser, texts: Texts) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        _press(page, "Enter")
        for place, name in enumerate(CATEGORIES, start=1):
            label = page.locator("label.choice", has_text=name).first
            assert label.locator("kbd").inner_text() == str(place)
        page.keyboard.press("?")
        assert page.locator("dialog[open]").count() == 1
        server.end()


def test_everything_needed_works_without_a_script(chromium: Browser, texts: Texts) -> None:
    with serving(texts) as server:
        page = chromium.new_context(java_script_enabled=False).new_page()
        page.goto(server.address())
        page.fill("#name", "Ada")
        page.click("text=Start")
        page.click("text=Start")
        page.check("input[value='1']")
        page.click("#save")
        assert page.locator(".evidence tr").count() == 4
        page.click("#save")
        page.click("#later")
        page.click("#undo")
        assert "/items/1" in page.url
        server.end()
    assert [one.category for one in decisions_in(texts.study, 0)] == [1, 1]


@pytest.mark.parametrize(("width", "scheme"), [(800, "dark"), (1280, "light")])
def test_targets_are_large_and_nothing_is_cut_off(
    chromium: Browser, texts: Texts, width: int, scheme: Literal["light", "dark"]
) -> None:
    with serving(texts, "--reviewer", "Ada") as server:
        context = chromium.new_context(
            viewport={"width": width, "height": 700}, color_scheme=scheme
        )
        page = context.new_page()
        page.goto(server.address())
        for _ in range(2):
            small = page.evaluate(
                "[...document.querySelectorAll('button, a, select, label.choice, summary')]"
                ".filter(one => one.checkVisibility() && !one.matches('.skip, p a'))"
                ".filter(one => one.getBoundingClientRect().height < 44)"
                ".map(one => one.outerHTML)"
            )
            assert small == []
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
            if page.locator("#start").count():
                _press(page, "Enter")
        server.end()


def test_a_text_from_right_to_left_is_set_so(chromium: Browser, tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["هذا حجر ثقيل.", "This is a stone."])
    with serving(texts, "--reviewer", "Ada") as server:
        page = _page(chromium, server.address())
        for key, direction in (("Enter", "rtl"), ("ArrowRight", "ltr")):
            _press(page, key)
            style = "getComputedStyle(document.getElementById('text')).direction"
            assert page.evaluate(style) == direction
        server.end()

"""Mistakes that other annotation tools made, or that people are used to seeing avoided.

Each test does in a browser what a person does, with the real command behind it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browsers import running_chromium
from tests.review.page.reviewed_study import RATERS, Texts, decisions_in, disputed_study
from tests.review.real_page.running_review import running_review

pytestmark = pytest.mark.slow  # starts the command for each test, and a browser

TEXTS = [f"The text number {n}." for n in range(12)]
CHOICES = "[data-question] input"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("untouched")
    disputed_study(folder, TEXTS)
    return folder


@pytest.fixture
def texts(untouched: Path, tmp_path: Path) -> Texts:
    shutil.copytree(untouched, tmp_path, dirs_exist_ok=True)
    return Texts(tmp_path / "study", tmp_path / "notes.csv")


@pytest.fixture
def page(texts: Texts, browser: Browser) -> Iterator[Page]:
    """A window that Anna has opened on the queue."""
    with running_review(texts, "--reviewer", "Anna") as review, browser.new_context() as context:
        window = context.new_page()
        window.goto(review.address())
        yield window


def see(page: Page, path: str) -> None:
    page.goto("/".join(page.url.split("/")[:3]) + path)


def answer(page: Page, key: str) -> None:
    """Answer the open item by a key, and wait until the raters' labels are shown."""
    page.keyboard.press(key)
    page.wait_for_url("**/labels")


def keep(page: Page) -> None:
    """Keep the answer, and wait for what comes then."""
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/labels"))


def chosen(page: Page) -> int:
    return page.locator(f"{CHOICES}:checked").count()


def choose_without_saving(page: Page) -> None:
    page.evaluate(f"document.querySelector('{CHOICES}').checked = true")


def test_nothing_is_preselected_not_even_what_was_chosen_before_a_reload(page: Page) -> None:
    # Potato, repaired in 2.9.0: the browser filled in the answer to the item before.
    see(page, "/items/0")
    assert chosen(page) == 0
    choose_without_saving(page)
    page.reload()
    assert chosen(page) == 0
    choose_without_saving(page)
    see(page, "/items/1")
    assert chosen(page) == 0
    page.go_back()
    page.wait_for_load_state()
    assert chosen(page) == 0


def test_fields_have_new_names_and_the_form_memory_of_the_browser_is_off(page: Page) -> None:
    names = set()
    for position in (0, 1, 0):
        see(page, f"/items/{position}")
        names.add(page.locator(CHOICES).first.get_attribute("name"))
        for field in page.locator("input, textarea, select").all():
            assert field.get_attribute("autocomplete") == "off"
    assert len(names) == 3


def test_letters_and_digits_in_a_note_are_only_text(page: Page, texts: Texts) -> None:
    see(page, "/items/0")
    page.locator("details.more summary").click()
    page.locator("#note").click()
    page.keyboard.type("1x cfun ph? 2")
    assert page.input_value("#note") == "1x cfun ph? 2"
    assert page.url.endswith("/items/0")
    assert chosen(page) == 0
    assert decisions_in(texts.study, 0) == []


def test_a_note_that_is_still_being_typed_is_saved_with_the_answer(
    page: Page, texts: Texts
) -> None:
    # Potato saved one second after typing, and lost what was typed just before "next".
    see(page, "/items/0")
    page.locator("details.more summary").click()
    page.locator("[data-question] input").nth(1).evaluate("(input) => { input.checked = true; }")
    page.locator("#note").click()
    page.keyboard.type("typed at the last moment")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/labels")
    assert [one.note for one in decisions_in(texts.study, 0)] == ["typed at the last moment"]


def test_one_key_never_gives_two_answers(page: Page) -> None:
    see(page, "/items/0")
    keys = [one.get_attribute("data-key") for one in page.locator("input[data-key]").all()]
    # Three categories, cannot decide, codebook unclear.
    assert len(set(keys)) == len(keys) == 5


def test_the_key_of_an_answer_is_printed_beside_it(page: Page) -> None:
    see(page, "/items/0")
    for choice in page.locator("label.choice:has(input[data-key])").all():
        key = choice.locator("input").get_attribute("data-key")
        assert choice.locator("kbd").inner_text() == key


def test_a_key_that_is_pressed_twice_answers_one_item_once(page: Page, texts: Texts) -> None:
    see(page, "/items/0")
    page.evaluate(
        "for (const _ of [1, 2, 3]) document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: '2', bubbles: true}))"
    )
    page.wait_for_url("**/labels")
    assert [one.category for one in decisions_in(texts.study, 0)] == [1]
    assert all(decisions_in(texts.study, position) == [] for position in range(1, 12))


def test_an_answer_is_saved_before_anything_else_shows(page: Page, texts: Texts) -> None:
    # Prodigy sends answers in batches; a browser that crashes takes the last ones with it.
    see(page, "/items/0")
    answer(page, "2")
    assert [one.category for one in decisions_in(texts.study, 0)] == [1]


def test_saving_by_hand_does_no_harm(page: Page) -> None:
    see(page, "/items/0")
    page.keyboard.press("Control+s")
    assert page.url.endswith("/items/0")
    assert chosen(page) == 0


def test_undo_has_no_limit_within_the_session(page: Page, texts: Texts) -> None:
    # Prodigy keeps ten answers; those before are out of reach.
    see(page, "/next")
    for _ in TEXTS:
        answer(page, "1")
        keep(page)
    assert "Finished" in page.inner_text("main")
    see(page, "/items/0/labels")
    # Each answer was given, and then kept.
    for _ in range(2 * len(TEXTS)):
        with page.expect_navigation():
            page.keyboard.press("u")
    for position in range(len(TEXTS)):
        assert decisions_in(texts.study, position)[-1].kind == "undone"


def test_an_answer_of_under_two_seconds_is_marked(page: Page) -> None:
    # Potato warns in adjudication when an answer came too fast.
    see(page, "/items/0")
    answer(page, "1")
    see(page, "/")
    assert page.locator(".recent .fast").count() == 1


def test_raters_have_letters_instead_of_names(page: Page) -> None:
    # In Potato, the badge of a tool stayed when names were hidden.
    see(page, "/items/0")
    answer(page, "1")
    words = set(page.inner_text("main").split())
    assert {"A", "B", "C"} <= words
    assert not words & set(RATERS)


def test_the_answers_stand_in_the_order_of_the_codebook(page: Page) -> None:
    for position in (0, 1, 2):
        see(page, f"/items/{position}")
        values = [one.get_attribute("value") for one in page.locator(CHOICES).all()]
        assert values == ["0", "1", "2", "x", "c"]


def test_script_and_style_are_loaded_once_for_all_items(page: Page) -> None:
    sizes = "performance.getEntriesByType('resource').map((one) => one.transferSize)"
    see(page, "/items/0")
    for position in (1, 2, 3):
        see(page, f"/items/{position}")
        loaded = page.evaluate(sizes)
        # Both are there, and no byte of them came over the connection.
        assert loaded == [0, 0]


@pytest.mark.parametrize("path", ["/", "/items/0", "/reviewer"])
def test_every_target_is_large_enough_for_a_finger(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 800, "height": 700})
    see(page, path)
    for target in page.locator("label.choice, button, a.button, select").all():
        box = target.bounding_box()
        if box is not None:
            assert min(box["width"], box["height"]) >= 44, target.inner_text()


@pytest.mark.parametrize("height", [480, 600, 720])
def test_the_save_button_is_on_the_first_screen(page: Page, height: int) -> None:
    page.set_viewport_size({"width": 1280, "height": height})
    see(page, "/items/0")
    box = page.locator(".save button").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= height
    assert page.evaluate("document.documentElement.scrollHeight") <= height


def test_a_screen_reader_hears_which_item_came(page: Page) -> None:
    see(page, "/items/3")
    page.locator("#announcement", has_text="n-3").wait_for(state="attached")
    assert page.locator("#announcement").get_attribute("aria-live") == "polite"


def test_a_page_without_work_says_why(page: Page) -> None:
    page.fill("#budget", "1")
    with page.expect_navigation():
        page.locator(".filter button").click()
    see(page, "/next")
    answer(page, "1")
    keep(page)
    assert "beyond the budget" in page.inner_text(".why")


def test_nobody_reviews_without_a_name(texts: Texts, browser: Browser) -> None:
    with running_review(texts) as review, browser.new_context() as context:
        page = context.new_page()
        page.goto(review.address())
        for path in ("/", "/items/0", "/next"):
            see(page, path)
            assert page.url.endswith("/reviewer")


def test_everything_needed_works_without_script(texts: Texts, browser: Browser) -> None:
    with (
        running_review(texts, "--reviewer", "Anna") as review,
        browser.new_context(java_script_enabled=False) as context,
    ):
        page = context.new_page()
        page.goto(review.address())
        see(page, "/items/0")
        page.locator(CHOICES).nth(1).check()
        page.locator("#save").click()
        page.wait_for_url("**/labels")
        page.locator("#save").click()
        page.wait_for_url(lambda url: not url.endswith("/labels"))
    found = [(one.category, one.shown) for one in decisions_in(texts.study, 0)]
    assert found == [(1, "item"), (1, "labels")]

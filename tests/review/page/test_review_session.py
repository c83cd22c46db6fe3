"""What the page shows and what it records, without sockets and without a browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from localensemble.api.review_page.open_review import ReviewOptions, opened_review
from localensemble.core.errors import InputError
from localensemble.review.page.page_app import page_app
from localensemble.review.page.waiting_items import QueueFilter
from tests.review.page.reviewed_study import (
    CATEGORIES,
    RATERS,
    Browser,
    Texts,
    browsing,
    decisions_in,
    disputed_study,
)

pytestmark = pytest.mark.slow  # studies with many items

RATERS_WORDS = (
    b"Why a person decides",
    b"Rater A",
    b"Consensus",
    b"of the labels",
    b"<meter",
    b"annika",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    """Four disputed items and a settled one."""
    folder = tmp_path_factory.mktemp("made")
    return disputed_study(folder, [f"Text {n} of a stone." for n in range(5)], settled=1)


@pytest.fixture
def texts(made: Texts, tmp_path: Path) -> Texts:
    """A copy of this study to decide in."""
    shutil.copytree(made.study, tmp_path / "study")
    return Texts(tmp_path / "study", made.items)


def test_a_blind_page_has_no_byte_that_comes_from_a_rater(tmp_path: Path) -> None:
    pages = []
    for place, said in enumerate([(0, 1, 2), (2, 1, 0), (1, 2, 0)]):
        study = disputed_study(tmp_path / str(place), ["Text of a stone."], said=said)
        with browsing(study) as browser:
            shown = browser.start()
        assert not [words for words in RATERS_WORDS if words in shown.body]
        for category in CATEGORIES:  # once as a choice, and nowhere else
            assert shown.body.count(category.encode()) == 1
        pages.append(re.sub(rb"answer-0-[0-9a-f]{8}", b"", shown.body))
    assert pages[0] == pages[1] == pages[2]


def test_the_labels_come_only_after_the_answer(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        assert browser.get("/items/0/labels").path == "/items/0"
        shown = browser.answer(1)
        assert shown.path == "/items/0/labels"
        assert all(words in shown.body for words in (b"Rater A", b"Why a person decides"))
        assert not [rater for rater in RATERS if rater in shown.text]


def test_blind_and_revealed_answers_are_both_recorded(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        browser.answer(1, confidence="2", note="seen twice")
        browser.keep()
        browser.answer(0)
        browser.answer(2, error_type="negation missed")
    first = decisions_in(texts.study, 0)
    assert [(one.category, one.shown) for one in first] == [(1, "item"), (1, "labels")]
    assert [one.confidence for one in first] == [2, 2]
    assert first[0].note == "seen twice"
    second = decisions_in(texts.study, 1)
    assert [(one.category, one.shown) for one in second] == [(0, "item"), (2, "labels")]
    assert second[1].error_type == "negation missed"
    assert all(one.seconds is not None and one.origin.startswith("page ") for one in first)


def test_without_blinding_the_labels_stand_beside_the_text(texts: Texts) -> None:
    options = ReviewOptions(reviewer="Ada", not_blind=True)
    with browsing(texts, options) as browser:
        assert b"Rater A" in browser.start().body
        assert browser.answer(1).path == "/items/1"
    assert [one.shown for one in decisions_in(texts.study, 0)] == ["labels"]


def test_an_answer_after_seeing_the_labels_is_never_recorded_as_blind(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        browser.answer(1)
        shown = browser.post("/undo")
        assert shown.path == "/items/0"
        assert "not blind" in shown.text
        assert not [words for words in RATERS_WORDS if words in shown.body]
        browser.answer(2)
    assert [(one.kind, one.shown) for one in decisions_in(texts.study, 0)] == [
        ("category", "item"),
        ("undone", "labels"),
        ("category", "labels"),
    ]


def test_undo_brings_back_the_answer_before(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        browser.answer(1)
        browser.answer(2)
        assert browser.post("/undo").path == "/items/0/labels"
        assert "Your answer: <b dir" in browser.page.body.decode()
        assert browser.post("/undo").path == "/items/0"
        assert browser.post("/undo").path == "/"
    kinds = [(one.kind, one.category) for one in decisions_in(texts.study, 0)]
    assert kinds == [("category", 1), ("category", 2), ("category", 1), ("undone", None)]


def test_an_item_put_aside_comes_last_and_can_be_undone(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        assert browser.post("/items/0/later").path == "/items/1"
        assert browser.post("/undo").path == "/items/0"
        browser.post("/items/0/later")
        for _ in range(3):
            browser.answer(0)
            browser.keep()
        assert browser.page.path == "/"
        assert "Only 1 item that you put aside" in browser.page.text
        assert browser.post("/later").path == "/items/0"
    assert decisions_in(texts.study, 0) == []


def test_nothing_is_preselected_and_the_fields_have_new_names(texts: Texts) -> None:
    with browsing(texts) as browser:
        names = set()
        for _ in range(2):
            shown = browser.get("/items/0")
            assert b"checked" not in shown.body
            assert shown.body.count(b"<form") <= shown.body.count(b'autocomplete="off"')
            names.update(shown.answer_fields)
        assert len(names) == 2
        shown = browser.answer(1)
        assert b"checked" not in shown.body
        assert b" selected" not in shown.body


def test_saving_without_an_answer_records_nothing_and_says_so(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        for value in ("7", "-1", "", "bright", "1e3"):
            assert "Choose an answer first" in browser.answer(value).text
    assert decisions_in(texts.study, 0) == []


def test_cannot_decide_and_codebook_unclear_are_answers(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        browser.answer("x")
        browser.keep()
        browser.answer("c", note="Is a pebble a stone?")
        browser.keep()
        problems = browser.get("/codebook-problems")
        assert "Is a pebble a stone?" in problems.text
        assert "n-1" in problems.text
        assert "n-0" not in problems.text
    assert [one.kind for one in decisions_in(texts.study, 0)] == ["cannot_decide"] * 2
    assert [one.kind for one in decisions_in(texts.study, 1)] == ["codebook_unclear"] * 2


def test_a_review_goes_on_where_it_was(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        browser.answer(1)
    with browsing(texts) as browser:
        first = browser.get("/")
        assert "1 of 4 answered" in first.text
        assert "brightstone" in first.text  # in the list of last answers
        assert browser.start().path == "/items/1"
        assert browser.get("/items/0").path == "/items/0/labels"


def test_sending_the_same_answer_twice_records_it_once(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        fields = {browser.page.answer_fields[0]: "1"}
        browser.post("/items/0", fields)
        browser.post("/items/0", fields)
        kinds = [(one.category, one.shown) for one in decisions_in(texts.study, 0)]
    assert kinds[0] == (1, "item")
    assert [category for category, _ in kinds] in ([1], [1, 1])


def test_two_reviewers_get_different_items(texts: Texts) -> None:
    with opened_review(
        texts.study, items=texts.items, options=ReviewOptions(reviewer="Ada")
    ) as session:
        ada, ben = Browser(session, visitor=1), Browser(session, visitor=2)
        assert ada.start().path == "/items/0"
        assert ben.get("/").path == "/reviewer"
        ben.post("/reviewer", {"name": "Ben"})
        assert ben.start().path == "/items/1"
        ada.answer(1)
        assert 'Reviewer: <b dir="auto">Ben' in ben.get("/items/0").text
        assert "brightstone</b>" not in ben.page.text  # what Ada answered
        ben.answer(2)
        assert "2 of 4 answered" not in ada.get("/").text
    both = decisions_in(texts.study, 0)
    assert [one.category for one in both] == [1, 2]


def test_a_name_is_asked_for_until_it_is_given(texts: Texts) -> None:
    with browsing(texts, ReviewOptions()) as browser:
        for path in ("/", "/next", "/items/0", "/codebook-problems"):
            assert browser.get(path).path == "/reviewer"
        assert browser.post("/reviewer", {"name": " \x07"}).status == 422
        assert browser.post("/reviewer", {"name": "Zoë"}).path == "/"


def test_the_time_left_is_told_only_after_some_answers(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["Text."] * 8)
    with browsing(texts) as browser:
        for given in range(1, 7):
            browser.start()
            browser.answer(0)
            assert (" left" in browser.get("/").text) == (given >= 5)


def test_the_filter_names_reasons_in_words(texts: Texts) -> None:
    with browsing(texts) as browser:
        page = browser.get("/").text
    assert re.search(r'<option value="tie">tie between categories \(\d+\)</option>', page)


def test_the_page_says_why_nothing_is_left(tmp_path: Path) -> None:
    none = disputed_study(tmp_path / "none", ["Text."] * 3, settled=3)
    with browsing(none) as browser:
        assert "no item waits for a person" in browser.get("/").text
        assert browser.start().path == "/"
    some = disputed_study(tmp_path / "some", ["Text."] * 3)
    options = ReviewOptions(reviewer="Ada", wanted=QueueFilter(budget=1))
    with browsing(some, options) as browser:
        browser.start()
        browser.answer(0)
        assert "2 more wait beyond the budget" in browser.keep().text
        browser.post("/filter", {"budget": ""})
        browser.start()
        browser.answer(0)
        browser.keep()
        browser.answer(0)
        assert "All 3 items of this queue are answered" in browser.keep().text


def test_ids_and_texts_can_be_searched(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["Ein Stein.", "STRASSE am Fluss.", "Ein Kiesel."])
    with browsing(texts) as browser:
        found = browser.get("/?search=stra%C3%9Fe").text
        assert "n-1" in found
        assert "n-0" not in found
        assert "n-2" in browser.get("/?search=N-2").text
        assert "Found nothing" in browser.get("/?search=granite").text


def test_only_items_that_wait_have_a_page(texts: Texts) -> None:
    with browsing(texts) as browser:
        for path in ("/items/4", "/items/99999999999", "/items/4/labels"):
            assert browser.get(path).status == 404
        assert browser.post("/items/4/later").status == 404
        for path in ("/items/-1", "/items/x", "/assets/x/review.js", "/assets/../x"):
            assert browser.get(path).status == 404


@pytest.mark.parametrize(
    ("wanted", "known"),
    [(QueueFilter(variable="stones"), "stone"), (QueueFilter(reason="weather"), "tie")],
)
def test_an_unknown_filter_is_refused(texts: Texts, wanted: QueueFilter, known: str) -> None:
    options = ReviewOptions(reviewer="Ada", wanted=wanted)
    with (
        pytest.raises(InputError, match=f"{known}[.;]?"),
        opened_review(texts.study, items=texts.items, options=options),
    ):
        pass


def test_markup_in_texts_ids_and_notes_is_only_text(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>\" onload='x' {{ 7*7 }}"
    texts = disputed_study(tmp_path, [attack])
    with browsing(texts, ReviewOptions(reviewer="<b>Ada</b>")) as browser:
        browser.start()
        browser.answer("c", note=attack)
        pages = [browser.page, browser.get("/"), browser.get("/codebook-problems")]
        pages.append(browser.get("/?search=%3Cscript%3E"))
    for page in pages:
        assert b"<script>alert" not in page.body
        assert b"<b>Ada" not in page.body
        assert b"49" not in re.sub(rb"&#\d+;|[0-9a-f]{8,}", b"", page.body)


def test_texts_of_every_script_come_back_unchanged(tmp_path: Path) -> None:
    written = [
        "مرحبا بالعالم",
        "שלום עולם",
        "नमस्ते दुनिया",
        "你好，世界",
        "👩🏽‍⚕️ \u202eevil",
        "  two\n lines ",
    ]
    texts = disputed_study(tmp_path, written)
    with opened_review(texts.study, items=texts.items, options=ReviewOptions()) as session:
        assert [session.texts.item(place).text for place in range(6)] == written
        assert [session.texts.item(place).id for place in (5, 0, 3)] == ["n-5", "n-0", "n-3"]
        page_app(session)


def test_the_page_names_no_address_of_another_machine(texts: Texts, repository: Path) -> None:
    folder = repository / "localensemble" / "review" / "page"
    sources = [*(folder / "templates").glob("*.html"), *(folder / "assets").iterdir()]
    assert len(sources) >= 6
    for path in sources:
        content = path.read_text(encoding="utf-8")
        assert not re.findall(
            r"(?:https?:)?//[\w.-]+\.\w|url\(|@import|\bfetch\(|import\(", content
        )
    with browsing(texts) as browser:
        for address in ("/", "/items/0"):
            body = browser.get(address).body
            assert b"http" not in body
            assert not re.findall(rb"<script(?! src)|<style|\son\w+=|\sstyle=", body)
            links = re.findall(rb'(?:src|href|action)="([^"]*)"', body)
            assert all(re.match(rb"/(?!/)|#|data:,", link) for link in links)


def test_every_form_carries_the_secret_against_foreign_forms(texts: Texts) -> None:
    with browsing(texts) as browser:
        for path in ("/", "/reviewer", "/items/0"):
            forms = re.findall(rb'<form[^>]*method="post".*?</form>', browser.get(path).body, re.S)
            assert forms
            assert all(b'name="csrf" value="s3cret"' in form for form in forms)


def test_a_fast_answer_is_marked(texts: Texts) -> None:
    with browsing(texts) as browser:
        browser.start()
        assert 'class="fast"' in browser.answer(1).text
        assert 'class="fast"' in browser.keep().text
    with browsing(texts) as browser:
        assert 'class="fast"' in browser.get("/").text

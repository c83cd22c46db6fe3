"""The worksheet that is a page: what is in its bytes, and a whole session in a browser."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.review.worksheets.asked_items import AskedItem, RaterWord, Worksheet
from localensemble.review.worksheets.page_worksheet import inert_json, write_page_worksheet
from localensemble.tables.delimited import TableFormat

pytestmark = pytest.mark.slow  # starts a browser

BREAKOUT = "</script><script>document.title='broken'</script><!-- <b>bold</b> &amp; \u2028"
TEXTS = (
    "Cold soup, kind nurse.",
    BREAKOUT,
    "الطعام كان بارداً",
    "病房晚上很吵",
    "Ночью было шумно.\r\nЛекарство дали поздно.",
    "खाना ठंडा था",
)
TOPIC = Variable(
    "topic",
    "nominal",
    "What is it about?",
    tuple(Category(name, f"About {name}.") for name in ("staff", "food", "=other", "Ä, ö")),
    rules=("Food before staff.",),
)
URGENT = Variable(
    "urgent",
    "binary",
    "Act today?",
    (Category("yes", "Somebody has to act."), Category("no", "It can wait.")),
)


def worksheet(*open_names: str, texts: tuple[str, ...] = TEXTS, **settings: Any) -> Worksheet:
    items = tuple(AskedItem(f"00{n}", text, open_names) for n, text in enumerate(texts))
    book = Codebook("small", "1", "Comments.", (TOPIC, URGENT))
    return Worksheet("ward", book, items, **({"format": TableFormat()} | settings))


def written(folder: Path, asked: Worksheet) -> Path:
    path = folder / "ward.html"
    path.unlink(missing_ok=True)
    write_page_worksheet(asked, path)
    return path


def saved(tab: Any, folder: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """Press the button and read the file that the browser saved."""
    with tab.expect_download() as waiting:
        tab.click("#save")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [*csv.DictReader(stream, delimiter=delimiter)]


def decisions(rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(row["id"], row["variable"], row["decision"]) for row in rows]


# --- the bytes ---


def test_the_page_runs_no_script_but_its_own_and_loads_nothing(tmp_path: Path) -> None:
    page = written(tmp_path, worksheet("topic")).read_text(encoding="utf-8")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert found is not None
    policy = found[1].replace("&#39;", "'")
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"https?://|@import|url\(|\bsrc=|<link|\son\w+=|\sstyle=", page)


def test_no_text_ends_the_block_of_data(tmp_path: Path) -> None:
    page = written(tmp_path, worksheet("topic")).read_text(encoding="utf-8")
    assert page.count("</script>") == 2, "the data and the script"
    assert "<!--" not in page
    block = re.search(r'id="content">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    assert [one["text"] for one in json.loads(block[1])["items"]] == [*TEXTS]


@pytest.mark.parametrize("text", ["<!--<script>", "]]>", "\u2029 \ud800", "&lt;/script&gt;"])
def test_data_stays_data(text: str) -> None:
    block = inert_json({"text": text})
    assert not set(block) & set("<>&\u2028\u2029\ud800")
    assert json.loads(block) == {"text": text}


def test_a_blind_page_contains_no_label_of_a_rater(tmp_path: Path) -> None:
    said = {"topic": (RaterWord("owl-7b", "<abstained>"),)}
    item = AskedItem("i", "text", ("topic",))
    blind = replace(worksheet("topic"), items=(item,))
    beside = replace(blind, items=(replace(item, labels=said),), beside_labels=True)
    assert b"owl-7b" not in written(tmp_path, blind).read_bytes()
    assert b"owl-7b" in written(tmp_path, beside).read_bytes()


# --- a session ---


def test_a_session_by_keyboard_alone_ends_in_a_file(tab: Any, tmp_path: Path) -> None:
    path = written(tmp_path, worksheet("topic", reviewer="Ada"))
    tab.goto(path.as_uri())
    for key in ("2", "1", "x", "c", "3", "4"):  # one question: each answer shows the next item
        tab.keyboard.press(key)
    assert tab.is_visible("#finished")
    rows = saved(tab, tmp_path)
    assert decisions(rows) == [
        ("000", "topic", "food"),
        ("001", "topic", "staff"),
        ("002", "topic", "<cannot decide>"),
        ("003", "topic", "<codebook unclear>"),
        ("004", "topic", "'=other"),
        ("005", "topic", "Ä, ö"),
    ]
    assert {row["reviewer"] for row in rows} == {"Ada"}
    assert {row["shown"] for row in rows} == {"item"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", row["decided_at"]) for row in rows)
    assert all(0 <= float(row["seconds"]) < 60 for row in rows)
    assert tab.title() == "Decide: ward", "no script of a text ran"


def test_nothing_is_chosen_before_a_person_chooses(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic", "urgent")).as_uri())
    for _ in TEXTS:
        assert tab.locator("[aria-pressed=true]").count() == 0
        tab.keyboard.press("n")
    assert tab.locator("#save").is_disabled()


def test_the_text_stays_in_view_beside_the_last_question(tab: Any, tmp_path: Path) -> None:
    tab.set_viewport_size({"width": 1280, "height": 500})
    tab.goto(written(tmp_path, worksheet("topic", "urgent")).as_uri())
    tab.keyboard.press("2")  # leads to the question below
    assert tab.evaluate("window.scrollY") > 100
    below, above = (
        tab.evaluate(f"document.querySelector('{one}').getBoundingClientRect().{side}")
        for one, side in (("#text", "top"), ("header", "bottom"))
    )
    assert below >= above


def test_questions_of_one_item_have_keys_of_their_own(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic", "urgent")).as_uri())
    tab.keyboard.press("2")
    assert "Item 1 of" in tab.text_content("#place"), "a second question is open"
    tab.keyboard.press("Enter")
    assert "Item 1 of" in tab.text_content("#place")
    tab.keyboard.press("x")  # the question that is open
    tab.keyboard.press("Enter")
    assert "Item 2 of" in tab.text_content("#place")
    tab.keyboard.press("w")
    tab.keyboard.press("1")
    assert decisions(saved(tab, tmp_path)) == [
        ("000", "topic", "food"),
        ("000", "urgent", "<cannot decide>"),
        ("001", "topic", "staff"),
        ("001", "urgent", "no"),
    ]


def test_every_answer_can_be_undone(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic")).as_uri())
    for key in ("1", "2", "3"):
        tab.keyboard.press(key)
    tab.keyboard.press("u")
    tab.keyboard.press("Control+z")
    assert "Item 2 of" in tab.text_content("#place")
    assert decisions(saved(tab, tmp_path)) == [("000", "topic", "staff")]
    tab.keyboard.press("u")
    tab.keyboard.press("u")
    assert tab.text_content("#progress-text") == "0 of 6 answered"


def test_an_answer_can_be_changed_and_the_change_undone(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic")).as_uri())
    tab.keyboard.press("1")
    tab.keyboard.press("p")
    tab.keyboard.press("2")
    tab.keyboard.press("u")
    assert decisions(saved(tab, tmp_path)) == [("000", "topic", "staff")]


def test_a_later_item_comes_back_at_the_end(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic")).as_uri())
    tab.keyboard.press(" ")
    for _ in TEXTS[1:]:
        tab.keyboard.press("2")
    assert "000" in tab.text_content("#place")
    tab.keyboard.press("1")
    assert tab.is_visible("#finished")
    assert decisions(saved(tab, tmp_path))[0] == ("000", "topic", "staff")


def test_letters_in_a_note_decide_nothing(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic", texts=TEXTS[:2])).as_uri())
    tab.fill("#note", "")
    tab.type("#note", '=1 xcu "?" 22\nnext, line')
    assert tab.text_content("#progress-text") == "0 of 2 answered"
    tab.keyboard.press("Escape")
    tab.keyboard.press("1")
    (row,) = saved(tab, tmp_path)
    assert row["note"] == '\'=1 xcu "?" 22\nnext, line'
    assert tab.input_value("#note") == "", "the note of the next item"


def test_a_key_held_down_labels_one_item(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic")).as_uri())
    for _ in range(4):
        tab.keyboard.down("1")
    tab.keyboard.up("1")
    assert tab.text_content("#progress-text") == "1 of 6 answered"


def test_the_mouse_alone_is_enough(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic", "urgent", texts=TEXTS[:1])).as_uri())
    tab.fill("#reviewer", "Zoë Müller")
    tab.click("text=About food.")
    tab.click("text=It can wait.")
    tab.click("#next")
    with tab.expect_download() as waiting:
        tab.click("#save-finished")
    assert waiting.value.suggested_filename == "ward-decisions-Zoë-Müller.csv"


def test_answers_survive_closing_the_page(tab: Any, tmp_path: Path) -> None:
    path = written(tmp_path, worksheet("topic"))
    tab.goto(path.as_uri())
    tab.keyboard.press("2")
    tab.fill("#note", "look again")
    again = tab.context.new_page()
    again.goto(path.as_uri())
    assert again.text_content("#progress-text") == "1 of 6 answered"
    assert "Item 2 of" in again.text_content("#place")
    assert again.input_value("#note") == "look again"
    other = written(tmp_path, worksheet("topic", reviewer="Ben"))
    again.goto(other.as_uri())
    assert again.text_content("#progress-text") == "0 of 6 answered", "another worksheet"


def test_a_browser_that_keeps_nothing_is_named_and_the_file_still_saves(
    tab: Any, tmp_path: Path
) -> None:
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied'); }})"
    )
    tab.goto(written(tmp_path, worksheet("topic")).as_uri())
    assert "keeps no answers" in tab.text_content("#notice")
    tab.keyboard.press("1")
    assert len(saved(tab, tmp_path)) == 1


def test_leaving_with_unsaved_answers_warns(tab: Any, tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    tab.on("dialog", answer)
    path = written(tmp_path, worksheet("topic"))
    tab.goto(path.as_uri())
    tab.reload()
    assert asked == [], "nothing to lose"
    tab.keyboard.press("1")
    tab.reload()
    assert asked == ["beforeunload"]
    saved(tab, tmp_path)
    tab.reload()
    assert asked == ["beforeunload"]


def test_the_file_has_the_format_of_the_users_table(tab: Any, tmp_path: Path) -> None:
    form = TableFormat(";", byte_order_mark=True)
    tab.goto(written(tmp_path, worksheet("topic", format=form)).as_uri())
    tab.keyboard.press("4")
    assert saved(tab, tmp_path, ";")[0]["decision"] == "Ä, ö"
    assert (tmp_path / "ward-decisions.csv").read_bytes()[:3] == b"\xef\xbb\xbf"


def test_time_left_comes_from_the_median(tab: Any, tmp_path: Path) -> None:
    tab.clock.install()
    tab.goto(written(tmp_path, worksheet("topic")).as_uri())
    for seconds in (10, 400, 60):
        tab.clock.run_for(seconds * 1000)
        tab.keyboard.press("1")
    # Long pauses count as five minutes; the median of 10, 300 and 60 seconds is one minute.
    assert tab.text_content("#progress-text") == "3 of 6 answered · about 3 minutes left"
    seconds_taken = [float(row["seconds"]) for row in saved(tab, tmp_path)]
    assert seconds_taken == pytest.approx([10, 300, 60], abs=2)


def test_texts_of_every_script_are_shown_as_they_are(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic")).as_uri())
    for text in TEXTS:
        assert tab.evaluate("document.getElementById('text').textContent") == text
        side = tab.evaluate("getComputedStyle(document.getElementById('text')).direction")
        assert side == ("rtl" if text == TEXTS[2] else "ltr")
        tab.keyboard.press("n")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_targets_are_large_and_nothing_runs_over_the_edge(
    tab: Any, scheme: str, width: int, tmp_path: Path
) -> None:
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(written(tmp_path, worksheet("topic", "urgent", texts=("w" * 300,))).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for target in tab.locator("button:visible, input:visible, textarea:visible").all():
        box = target.bounding_box()
        assert box["height"] >= 44
        assert box["width"] >= 44
    assert low_contrasts(tab) == []


def test_everything_has_a_name_and_moves_are_announced(tab: Any, tmp_path: Path) -> None:
    tab.goto(written(tmp_path, worksheet("topic", "urgent")).as_uri())
    for field in tab.locator("input, textarea").all():
        assert field.evaluate("node => node.labels.length") == 1
    for group in tab.locator("fieldset").all():
        assert group.locator("legend").count() == 1
    assert tab.locator("#live[aria-live=polite]").count() == 1
    tab.keyboard.press("n")
    assert tab.evaluate("document.activeElement.id") == "place"
    tab.wait_for_selector("#live:has-text('Item 2 of 6')", state="attached")
    tab.keyboard.press("?")
    assert tab.is_visible("#help")
    tab.keyboard.press("1")
    tab.keyboard.press("Escape")
    assert tab.text_content("#progress-text") == "0 of 6 answered"


def low_contrasts(tab: Any) -> list[str]:
    """List visible texts with a contrast under 4.5, those of disabled buttons excepted."""
    found: list[str] = tab.evaluate(
        """() => {
          const parse = (color) => color.match(/[\\d.]+/g).map(Number);
          const light = (color) => {
            const [r, g, b] = parse(color).map((c) => c / 255)
              .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (node) => {
            for (let one = node; one; one = one.parentElement) {
              const color = getComputedStyle(one).backgroundColor;
              if ((parse(color)[3] ?? 1) > 0) return color;
            }
            return "rgb(255, 255, 255)";
          };
          const low = [];
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walk.nextNode()) {
            const node = walk.currentNode.parentElement;
            if (!walk.currentNode.textContent.trim() || !node.checkVisibility()) continue;
            if (node.closest("button:disabled, script, style, dialog")) continue;
            const [one, other] = [light(getComputedStyle(node).color), light(behind(node))];
            const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            if (ratio < 4.5) low.push(`${node.textContent}: ${ratio}`);
          }
          return low;
        }"""
    )
    return found

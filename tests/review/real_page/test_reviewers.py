"""People review with the real command: nothing is lost, and nobody gets into another's way."""

from __future__ import annotations

import contextlib
import http.client
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest

from localensemble.api.ledger import verify_ledger
from tests.review.page.reviewed_study import decisions_in, disputed_study
from tests.review.real_page.running_review import RawBrowser, running_review

pytestmark = pytest.mark.slow  # starts the command for each test


def test_two_reviewers_get_two_items_and_each_answer_has_its_name(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["first", "second"])
    with running_review(texts, "--reviewer", "Anna") as review:
        anna = RawBrowser(review.address())
        ben = RawBrowser(review.address(), reviewer="Ben")
        anna.open("/next")
        ben.open("/next")
        assert anna.path != ben.path
        anna.answer(0)
        ben.answer(1)
        review.stop()
    answered = [decisions_in(texts.study, position) for position in (0, 1)]
    assert [len(one) for one in answered] == [1, 1]
    assert answered[0][0].reviewer != answered[1][0].reviewer
    assert {one[0].category for one in answered} == {0, 1}


def test_two_reviewers_on_the_same_item_are_both_recorded(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["only"])
    with running_review(texts, "--reviewer", "Anna") as review:
        anna = RawBrowser(review.address())
        ben = RawBrowser(review.address(), reviewer="Ben")
        anna.open("/items/0")
        ben.open("/items/0")
        anna.answer(0)
        # What the other one answered is not shown before one has answered.
        assert "mildstone" not in ben.open("/items/0").partition("<form")[0]
        ben.answer(2)
        review.stop()
    first, second = decisions_in(texts.study, 0)
    assert first.reviewer != second.reviewer
    assert (first.category, second.category) == (0, 2)
    assert (first.shown, second.shown) == ("item", "item")


def test_a_review_killed_while_it_saves_loses_nothing_that_it_confirmed(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, [f"text {n}" for n in range(300)])
    confirmed = []
    with running_review(texts, "--reviewer", "Anna") as review:
        anna = RawBrowser(review.address())
        killed = threading.Timer(0.3, review.process.kill)
        # It is killed at some moment of this, in the middle of an answer.
        with contextlib.suppress(OSError, http.client.HTTPException):
            for position in range(300):
                anna.open(f"/items/{position}")
                anna.answer(position % 3)
                assert anna.path == f"/items/{position}/labels"
                confirmed.append(position)
                if position == 0:
                    killed.start()
        killed.join()
        review.process.wait()
    assert 0 < len(confirmed) < 300
    with running_review(texts, "--reviewer", "Anna") as again:
        anna = RawBrowser(again.address())
        for position in confirmed:
            anna.open(f"/items/{position}")
            assert anna.path == f"/items/{position}/labels"
        # It goes on with an item that was not answered.
        anna.open("/next")
        assert anna.path not in {f"/items/{position}" for position in confirmed}
        again.stop()
    for position in confirmed:
        assert [one.category for one in decisions_in(texts.study, position)] == [position % 3]
    assert verify_ledger(texts.study).ok


def test_a_review_killed_at_the_write_has_the_whole_answer_or_none(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["only"])
    with running_review(texts, "--reviewer", "Anna") as review:
        anna = RawBrowser(review.address())
        anna.open("/items/0")
        name = anna.page.partition('name="answer-')[2].partition('"')[0]
        body = urlencode({"csrf": anna.csrf, f"answer-{name}": "1", "note": "n" * 4000})
        connection = http.client.HTTPConnection(anna.host)
        headers = {"Cookie": anna.cookie, "Sec-Fetch-Site": "same-origin"}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST", "/items/0", body=body, headers=headers)
        review.process.kill()
        connection.close()
        review.process.wait()
    found = decisions_in(texts.study, 0)
    assert [(one.category, len(one.note or "")) for one in found] in ([], [(1, 4000)])
    assert verify_ledger(texts.study).ok


def test_the_terminal_never_shows_a_text_or_what_was_asked(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["secret words of a patient"])
    with running_review(texts, "--reviewer", "Anna") as review:
        anna = RawBrowser(review.address())
        anna.open("/?search=secret")
        anna.open("/items/0")
        anna.answer(1, note="secret note")
        anna.open("/nowhere/secret")
        printed = review.stop()
    assert "secret" not in printed
    assert "Traceback" not in printed
    assert "127.0.0.1" in printed

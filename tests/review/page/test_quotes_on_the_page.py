"""What raters quoted is marked in the text, on a blind page only after the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localensemble.api.report import write_report
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import AskedForPassages, ItemPassages, Passage
from localensemble.study.study import Study
from tests.review.page.reviewed_study import ADA, Texts, browsing, disputed_study

pytestmark = pytest.mark.slow  # labels a study and opens its page

TEXT = "It is <heavy>, we waited 👍 and it shines."
QUOTED = (slice(6, 13), slice(25, 32))


@pytest.fixture(scope="module")
def quoted(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    texts = disputed_study(tmp_path_factory.mktemp("quoted"), [TEXT, f"{TEXT} Too."])
    with Ledger.open(texts.study / "study.sqlite", create=False) as ledger:
        labels = Study.load(ledger.reader).recorded
        places = tuple(Passage(one.start, one.stop, score=0.5) for one in QUOTED)
        for column, found in ((0, places[:1]), (2, places)):
            asked = AskedForPassages(
                labels.rater_keys[column], labels.variable_keys["stone"], labels.item_set, "{}"
            )
            ledger.append_passages({0: ItemPassages(found), 1: ItemPassages(found)}, asked=asked)
    return texts


@pytest.fixture
def marked() -> list[str]:
    quotes = ("&lt;heavy&gt;", TEXT[QUOTED[1]])
    return [f'<span class="quoted">{quote}</span>' for quote in quotes]


def test_a_blind_page_marks_nothing_before_the_answer(quoted: Texts, marked: list[str]) -> None:
    with browsing(quoted) as browser:
        page = browser.start().body.decode()
        assert "&lt;heavy&gt;" in page
        assert 'class="quoted"' not in page
        assert "<q>" not in page
        browser.answer(1)
        after = browser.page.body.decode()
        assert [one for one in marked if one not in after] == []
        assert after.count("<q>&lt;heavy&gt;</q>") == 2


def test_a_page_with_labels_marks_what_raters_quoted(quoted: Texts, marked: list[str]) -> None:
    with browsing(quoted, replace(ADA, reviewer="Bo", not_blind=True)) as browser:
        page = browser.start().body.decode()
        assert [one for one in marked if one not in page] == []


def test_a_report_marks_quotes_only_with_texts(quoted: Texts) -> None:
    plain = write_report(quoted.study).html.read_text(encoding="utf-8")
    assert "heavy&gt;" not in plain
    with_texts = write_report(quoted.study, items=quoted.items).html.read_text(encoding="utf-8")
    assert "<mark>&lt;heavy&gt;</mark>" in with_texts
    assert "<q>&lt;heavy&gt;</q>" in with_texts

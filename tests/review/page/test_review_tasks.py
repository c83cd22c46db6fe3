"""Double coding, adjudication, control items and existing labels on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localensemble.api.import_ratings import RatingsOptions, import_ratings
from localensemble.api.review_page.open_review import (
    NO_TABLES,
    ReviewOptions,
    ReviewTables,
    opened_review,
)
from localensemble.core.errors import InputError
from localensemble.findings.people.people_findings import PeopleFindings, people_findings
from localensemble.review.page.control_cautions import control_cautions
from localensemble.review.page.review_session import ReviewSession
from localensemble.review.plan.review_plan import ReviewPlan, plan_of
from localensemble.study.study import Study
from localensemble.tables.rating_columns import NamedColumns
from tests.review.page.reviewed_study import (
    CATEGORIES,
    RATERS,
    Browser,
    Shown,
    Texts,
    decisions_in,
    disputed_study,
)

pytestmark = pytest.mark.slow  # opens a study and its page for every test

MILD, BRIGHT, HEAVY = range(3)


@contextmanager
def session(
    texts: Texts,
    *,
    plan: ReviewPlan = ReviewPlan(),  # noqa: B008
    tables: ReviewTables = NO_TABLES,
    adjudicate: bool = False,
) -> Iterator[ReviewSession]:
    options = ReviewOptions(plan=plan, adjudicate=adjudicate)
    with opened_review(texts.study, items=texts.items, options=options, tables=tables) as opened:
        yield opened


def arrive(opened: ReviewSession, name: str, *, visitor: int = 1) -> Browser:
    browser = Browser(opened, visitor=visitor)
    browser.post("/reviewer", {"name": name})
    return browser


def item_of(page: Shown) -> int | None:
    found = re.fullmatch(r"/items/(\d+)(?:/labels)?", page.path)
    return int(found[1]) if found else None


def read_all(browser: Browser, *, answers: dict[int, int] | None = None) -> list[int]:
    """Answer everything that is offered, mild unless told otherwise; return the items."""
    read: list[int] = []
    page = browser.start()
    while (position := item_of(page)) is not None:
        assert position not in read
        read.append(position)
        page = browser.answer((answers or {}).get(position, MILD))
        if page.path.endswith("/labels"):
            page = browser.keep()
    return read


def table(texts: Texts, name: str, labels: dict[int, int]) -> Path:
    path = texts.items.parent / name
    rows = [f"n-{position},{CATEGORIES[category]}" for position, category in labels.items()]
    path.write_text("\n".join(["id,stone", *rows]) + "\n", encoding="utf-8")
    return path


def found(texts: Texts) -> PeopleFindings:
    with Study.open(texts.study) as study:
        return people_findings(study, decisions=study.decide())[0]


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    return disputed_study(tmp_path, [f"text {n}" for n in range(30)], settled=20)


def test_items_that_are_not_double_coded_leave_the_queue_after_one_answer(texts: Texts) -> None:
    plan = ReviewPlan(double_coded=0.5, seed=2)
    with session(texts, plan=plan) as opened:
        first = read_all(arrive(opened, "Anne"))
        second = read_all(arrive(opened, "Ben", visitor=2))
        third = read_all(arrive(opened, "Cleo", visitor=3))

    assert sorted(first) == list(range(10))
    assert 0 < len(second) < 10
    assert third == []
    assert found(texts).double_coding.items == len(second)
    assert plan_of(decisions_in(texts.study, first[0])[0].origin) == plan


def test_the_agreement_between_people_grows_on_the_page_without_names(texts: Texts) -> None:
    with session(texts, plan=ReviewPlan(double_coded=1.0)) as opened:
        anne, ben = arrive(opened, "Anneliese"), arrive(opened, "Benedikt", visitor=2)
        read_all(anne)
        assert "No item has two answers yet" in anne.get("/").text
        read_all(ben, answers={3: HEAVY, 4: BRIGHT})
        section = (
            anne.get("/").text.partition('id="agreement-heading"')[2].partition("</section>")[0]
        )
    assert "10 items" in section
    assert "2 people" in section
    assert "Benedikt" not in section
    with session(texts) as opened:
        assert "agreement-heading" not in arrive(opened, "Cleo").get("/").text


def test_a_third_person_settles_what_two_differ_on_and_sees_no_names(texts: Texts) -> None:
    with session(texts, plan=ReviewPlan(double_coded=1.0)) as opened:
        read_all(arrive(opened, "Anneliese"))
        read_all(arrive(opened, "Benedikt", visitor=2), answers={3: HEAVY, 4: BRIGHT})
    with session(texts, adjudicate=True) as opened:
        assert read_all(arrive(opened, "Anneliese")) == []
        other = arrive(opened, "Cleopatra", visitor=2)
        page = other.start()
        while item_of(page) != 3:
            page = other.post(f"{page.path}/later")
        assert "Anneliese" not in page.text
        assert "Benedikt" not in page.text
        assert re.search(r"Reviewer A</th><td[^>]*>(mildstone|heavystone)", page.text)
        assert "Rater A" not in page.text
        other.answer(HEAVY)
        decided = decisions_in(texts.study, 3)[-1]

    assert (decided.role, decided.shown, decided.category) == ("adjudication", "answers", HEAVY)
    assert found(texts).double_coding.conflicts == 1
    assert found(texts).double_coding.adjudicated == 1


def test_the_page_is_finished_only_when_nothing_waits_for_anybody(texts: Texts) -> None:
    with session(texts, plan=ReviewPlan(double_coded=1.0)) as opened:
        anne, ben = arrive(opened, "Anne"), arrive(opened, "Ben", visitor=2)
        read_all(anne)
        page = anne.get("/").text
        assert "10 items still wait for another reviewer" in page
        assert "Finished" not in page
        assert "finalize" not in page
        read_all(ben, answers={3: HEAVY})
        page = ben.get("/").text
        assert "differ on 1 item." in page
        assert "review --adjudicate" in page
        assert "finalize" not in page
    with session(texts, adjudicate=True) as opened:
        assert "finalize" not in arrive(opened, "Ben").get("/").text
        cleo = arrive(opened, "Cleo", visitor=2)
        read_all(cleo, answers={3: HEAVY})
        page = cleo.get("/").text
        assert "Finished" in page
        assert "finalize" in page


def test_nobody_settles_an_own_item_by_its_address(texts: Texts) -> None:
    with session(texts, plan=ReviewPlan(double_coded=1.0)) as opened:
        read_all(arrive(opened, "Anne"))
        read_all(arrive(opened, "Ben", visitor=2), answers={3: HEAVY})
    with session(texts, adjudicate=True) as opened:
        browser = arrive(opened, "Ben")
        assert browser.get("/items/3").status == 404
        assert "Another person must settle them" in browser.get("/").text


def test_control_items_come_unmarked_and_their_answers_decide_nothing(texts: Texts) -> None:
    known = table(texts, "gold.csv", dict.fromkeys(range(10, 30), BRIGHT))
    plan = ReviewPlan(control_share=0.5, seed=1)
    with session(texts, plan=plan, tables=ReviewTables(control=known)) as opened:
        read = read_all(arrive(opened, "Anne"))

    control = [position for position in read if position >= 10]
    assert sorted(set(read) - set(control)) == list(range(10))
    assert len(control) > 2
    assert read[-1] < 10
    assert {decisions_in(texts.study, one)[0].role for one in control} == {"control"}
    with Study.open(texts.study) as study:
        final = study.final_labels(study.decide())[0]
    assert not final.by_person[control].any()
    (test,) = found(texts).control
    assert (test.reviewer, test.items, test.correct) == ("Anne", len(control), 0)


@pytest.mark.parametrize(("text", "cautions"), [("text {:02}", 0), ("text {}", 1)])
def test_control_items_of_another_length_are_told_before_the_review(
    tmp_path: Path, text: str, cautions: int
) -> None:
    texts = disputed_study(tmp_path, [text.format(n) for n in range(30)], settled=20)
    known = table(texts, "gold.csv", dict.fromkeys(range(10, 30), BRIGHT))
    with session(texts, tables=ReviewTables(control=known)) as opened:
        told = control_cautions(opened.task, opened.texts)
    assert ["length" in one for one in told] == [True] * cautions
    with session(texts) as opened:
        assert control_cautions(opened.task, opened.texts) == ()


def shape(page: Shown) -> str:
    """Return the question of a page without what belongs to its item: id, text and field names."""
    main = page.text.partition("<main")[2].partition("<nav")[0]
    return re.sub(r"n-\d+|text \d+|/items/\d+|-[0-9a-f]{8}|[\d,]+ of \d+", "", main)


def test_the_page_of_a_control_item_looks_like_every_other(texts: Texts) -> None:
    known = table(texts, "gold.csv", dict.fromkeys(range(10, 30), BRIGHT))
    plan = ReviewPlan(control_share=0.5, seed=1)
    shapes: dict[bool, set[str]] = {True: set(), False: set()}
    totals: set[str] = set()
    places: list[int] = []
    with session(texts, plan=plan, tables=ReviewTables(control=known)) as opened:
        browser = arrive(opened, "Anne")
        page = browser.start()
        while (position := item_of(page)) is not None:
            place, total = re.findall(r"(\d+) of (\d+)", page.text)[-1]
            places.append(int(place))
            totals.add(total)
            shapes[position >= 10].add(shape(page))
            browser.answer(MILD)
            page = browser.keep()

    assert len(shapes[True]) == 1
    assert shapes[True] == shapes[False]
    assert places == list(range(1, len(places) + 1))
    assert totals == {str(len(places))}


def test_what_comes_next_lists_control_items_like_others(texts: Texts) -> None:
    known = table(texts, "gold.csv", dict.fromkeys(range(10, 30), BRIGHT))
    plan = ReviewPlan(control_share=0.5, seed=1)
    with session(texts, plan=plan, tables=ReviewTables(control=known)) as opened:
        browser = arrive(opened, "Anne")
        listed = [int(one) for one in re.findall(r'href="/items/(\d+)"', browser.get("/").text)]
        read = read_all(browser)

    assert listed == read[: len(listed)]
    assert any(position >= 10 for position in listed)


def test_after_a_restart_no_control_item_comes_again(texts: Texts) -> None:
    known = table(texts, "gold.csv", dict.fromkeys(range(10, 30), BRIGHT))
    plan = ReviewPlan(control_share=0.5, seed=1)
    tables = ReviewTables(control=known)
    first: list[int] = []
    with session(texts, plan=plan, tables=tables) as opened:
        browser = arrive(opened, "Anne")
        page = browser.start()
        while len(first) < 6 and (position := item_of(page)) is not None:
            first.append(position)
            browser.answer(MILD)
            page = browser.keep()
    with session(texts, plan=plan, tables=tables) as opened:
        second = read_all(arrive(opened, "Anne"))

    assert any(position >= 10 for position in first)
    assert not set(first) & set(second)
    assert sorted(one for one in first + second if one < 10) == list(range(10))


def test_an_undone_control_answer_asks_again(texts: Texts) -> None:
    known = table(texts, "gold.csv", dict.fromkeys(range(10, 30), BRIGHT))
    plan = ReviewPlan(control_share=1.0)
    with session(texts, plan=plan, tables=ReviewTables(control=known)) as opened:
        browser = arrive(opened, "Anne")
        position = item_of(browser.start())
        assert position is not None
        assert position >= 10
        browser.answer(MILD)
        assert item_of(browser.post("/undo")) == position
        browser.answer(BRIGHT)

    assert [one.kind for one in decisions_in(texts.study, position)] == [
        "category",
        "undone",
        "category",
    ]
    assert {one.role for one in decisions_in(texts.study, position)} == {"control"}


def test_against_existing_labels_only_what_differs_is_asked_and_no_side_is_shown(
    texts: Texts,
) -> None:
    # The study says mild of the last 20; the existing labels say heavy of 4 of them.
    existing = dict.fromkeys(range(10, 30), MILD) | dict.fromkeys((11, 15, 20, 28), HEAVY)
    tables = ReviewTables(against=table(texts, "earlier.csv", existing))
    with session(texts, tables=tables) as opened:
        browser = arrive(opened, "Anne")
        page = browser.start()
        asked: list[int] = []
        while (position := item_of(page)) is not None:
            asked.append(position)
            assert "Rater A" not in page.text
            page = browser.answer(MILD if position < 20 else HEAVY)
            assert not page.path.endswith("/labels")
        assert "Rater A" not in browser.get(f"/items/{asked[0]}").text

    assert sorted(asked) == [11, 15, 20, 28]
    assert asked != sorted(asked)
    compared = found(texts).existing
    assert compared is not None
    assert (compared.before, compared.after) == (0.8, 0.9)


def test_an_audit_of_agreements_is_asked_among_the_disagreements(texts: Texts) -> None:
    existing = dict.fromkeys(range(10, 30), MILD) | dict.fromkeys((11, 15, 20, 28), HEAVY)
    tables = ReviewTables(against=table(texts, "earlier.csv", existing))
    with session(texts, plan=ReviewPlan(audit_share=0.25), tables=tables) as opened:
        asked = read_all(arrive(opened, "Anne"))

    assert len(asked) == 8
    compared = found(texts).existing
    assert compared is not None
    assert (compared.audited, compared.confirmed) == (4, 4)
    # Clopper and Pearson for 4 of 4: .025 ** .25.
    assert compared.confirmed_low == pytest.approx(0.3976, abs=5e-5)


def test_two_tasks_at_once_are_refused(texts: Texts) -> None:
    tables = ReviewTables(against=texts.items, control=texts.items)
    with pytest.raises(InputError, match="--against and --control"), session(texts, tables=tables):
        pass
    with (
        pytest.raises(InputError, match="--audit-share"),
        session(texts, plan=ReviewPlan(audit_share=0.1)),
    ):
        pass


def test_a_study_without_texts_promises_none(tmp_path: Path) -> None:
    texts = disputed_study(tmp_path, ["a grey stone"])
    with session(texts) as opened:
        assert "only the text" in arrive(opened, "Ada").get("/").text
    import_ratings(
        tmp_path / "ratings.csv",
        output=tmp_path / "bare",
        options=RatingsOptions(level="nominal", columns=NamedColumns(item="id", raters=RATERS)),
    )
    with opened_review(tmp_path / "bare") as opened:
        shown = arrive(opened, "Ada").get("/").text
    assert "only the id and the codebook" in shown
    assert "text" not in re.sub(r"<[^>]*>", "", shown).lower()

"""A pilot states which raters are one, what would be accepted, and what it rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from localensemble.codebook.load import load_codebook
from localensemble.codebook.non_answers import USUAL_NON_ANSWERS, NonAnswers
from localensemble.core.prompts import Prompt
from localensemble.piloting.pilot_items import choose_items
from localensemble.piloting.sentences import advice, heading, outlook
from localensemble.tables.item_file import ItemFile
from tests.piloting.pilots import (
    TEXTS,
    USUAL,
    constant,
    fickle,
    first_listed,
    fitness,
    honest,
    item_text,
    of_variable,
    outside,
    piloted,
)
from tests.studies import study_files


def mixes_staff_and_food(prompt: Prompt, answers: Sequence[str]) -> Sequence[float]:
    chosen = set(item_text(prompt).split())
    if chosen & {"staff", "food"}:
        chosen ^= {"staff", "food"}
    return [0.9 if answer in chosen else 0.03 for answer in answers]


def test_twin_raters_are_named_as_a_pair(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "other": honest, "third": fickle})
    (pair,) = found.twins
    assert (pair.first, pair.second, pair.same, pair.compared) == ("one", "other", 100, 100)
    assert any("one and other" in one and "100 of 100" in one for one in advice(found))


def test_raters_that_always_give_one_answer_are_no_twins_for_that(tmp_path: Path) -> None:
    assert piloted(tmp_path, {"one": constant, "other": constant}).twins == ()


def test_what_would_be_accepted_is_counted_with_and_without_an_unfit_rater(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "away": outside})
    topic = of_variable(found)
    assert (topic.acceptance.accepted, topic.acceptance.items) == (0, 50)
    assert topic.without is not None
    assert (topic.without.raters, topic.without.accepted) == (("one",), 50)
    assert topic.without.interval.low == pytest.approx(0.025 ** (1 / 50))


def test_a_budget_concerns_the_whole_study_and_is_left_out_by_name(tmp_path: Path) -> None:
    policies = [{"policy": "budget", "items": 1}]
    found = piloted(tmp_path, {"one": honest, "other": honest}, policies=policies)
    assert of_variable(found).acceptance.left_out == ("budget",)
    assert of_variable(found).acceptance.accepted == 50


def test_agreement_bounds_how_many_labels_can_be_right(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "mixed": mixes_staff_and_food})
    topic = of_variable(found)
    # They agree on the 10 of 50 items about something else.
    assert topic.most_right == pytest.approx((1 + 0.2) / 2)
    assert topic.alpha.value is not None
    assert topic.alpha.value < 0.3
    assert any("Agreement is not accuracy" in one for one in outlook(found))


def test_two_categories_that_nobody_keeps_apart_are_named(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "mixed": mixes_staff_and_food})
    pair = of_variable(found).confused
    assert pair is not None
    assert (pair.first, pair.second) == ("staff", "food")
    assert pair.pairs == pair.differing >= 30
    assert any('"staff" and "food" apart' in one for one in advice(found))
    agreeing = piloted(tmp_path / "other", {"one": honest, "other": honest})
    assert [one.confused for one in agreeing.variables] == [None, None]


def test_raters_that_do_not_read_confuse_no_categories(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "first": first_listed})
    assert of_variable(found).confused is None


def test_accuracy_is_shown_beside_the_most_frequent_category(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "first": first_listed}, gold=True)
    known = fitness(found, "one").accuracy
    assert known is not None
    assert (known.right, known.items) == (50, 50)
    assert of_variable(found).priors.most_frequent == 20
    text = " ".join(outlook(found))
    assert "always the most frequent category 40%" in text
    assert "too few to tell raters apart" in text


def test_the_time_for_the_table_leaves_out_what_is_not_asked(tmp_path: Path) -> None:
    texts = [*TEXTS, *USUAL_NON_ANSWERS, " "]
    found = piloted(tmp_path, {"one": honest}, texts=texts, count=1000)
    assert (found.items, found.table_items, found.non_answers) == (120, 126, 6)
    assert "6 items that answer nothing" in heading(found)
    assert any("Time for all 126 items: one " in one for one in outlook(found))


def test_items_are_spread_and_those_with_a_gold_label_come_first(tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    table, codebook = ItemFile.open(files.items), load_codebook(files.codebook)
    non_answers = NonAnswers.of(codebook.no_answer)
    spread = choose_items(table, count=4, non_answers=non_answers)
    assert [item.position for item in spread.items] == [0, 30, 60, 90]
    first = choose_items(table, count=4, non_answers=non_answers, first={7, 9})
    assert {7, 9} < {item.position for item in first.items}
    assert len(first.items) == 4
    chosen = choose_items(table, count=2, non_answers=non_answers, first={3, 4, 5, 6})
    assert [item.position for item in chosen.items] == [3, 5]


def test_the_findings_are_json_without_any_text(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": honest, "away": outside}, gold=True)
    written = json.dumps(found.as_json(), allow_nan=False)
    assert not any(text in written for text in TEXTS)


def test_a_rule_that_a_pilot_cannot_apply_is_named(tmp_path: Path) -> None:
    budget = {"policy": "budget", "items": 5}
    for policies, named in ((USUAL, False), ([*USUAL, budget], True)):
        found = piloted(tmp_path, {"one": honest, "two": honest}, policies=policies)
        assert any("budget can make that fewer" in one for one in outlook(found)) == named

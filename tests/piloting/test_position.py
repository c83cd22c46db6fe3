"""The order of the categories shows whether a rater reads the texts or the list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from localensemble.piloting.position import LEAST_PAIRS, probe_position
from localensemble.piloting.sentences import advice, outlook, rows
from tests.piloting.pilots import (
    constant,
    fickle,
    first_listed,
    fitness,
    honest,
    last_listed,
    outside,
    piloted,
)


def test_a_rater_that_always_takes_the_first_category_is_flagged(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"reader": honest, "first": first_listed})
    for variable in ("topic", "urgent"):
        probe = fitness(found, "first", variable).position
        assert (probe.pairs, probe.flips) == (50, 50)
        assert (probe.first, probe.first_reversed) == (1.0, 1.0)
        assert probe.interval is not None
        assert probe.interval.low == pytest.approx(0.025 ** (1 / 50))
        assert probe.reading == "first"
    assert found.drop == ("first",)
    (sentence,) = (one for one in advice(found) if "the category that is listed first" in one)
    assert sentence.startswith("first prefers ")
    assert "orders: 2" in sentence


def test_a_rater_that_always_takes_the_last_category_is_flagged(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"reader": honest, "last": last_listed})
    assert fitness(found, "last").signs == ("last",)
    assert (fitness(found, "last").position.first, found.drop) == (0.0, ("last",))


def test_a_rater_with_one_answer_flips_nothing_and_is_uninformative(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"reader": honest, "one": constant})
    for variable, answer in (("topic", "food"), ("urgent", "no")):
        one = fitness(found, "one", variable)
        assert (one.position.flips, one.position.reading) == (0, "uninformative")
        assert (one.commonest, one.signs) == (answer, ("one answer",))
    assert found.drop == ("one",)


def test_one_answer_is_no_sign_where_nobody_tells_the_items_apart(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"one": constant, "same": constant})
    assert fitness(found, "one").position.reading == "uninformative"
    assert (fitness(found, "one").signs, found.drop) == ((), ())
    assert any("Either the texts are alike" in one for one in advice(found))


def test_a_rater_that_reads_the_texts_is_neither(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"reader": honest, "other": honest})
    for variable in ("topic", "urgent"):
        probe = fitness(found, "reader", variable).position
        assert (probe.flips, probe.reading) == (0, "")
    assert (found.drop, found.none_fit) == ((), False)


def test_many_flips_without_a_favored_place_are_inconsistent(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"reader": honest, "fickle": fickle})
    assert fitness(found, "fickle").position.reading == "inconsistent"
    assert any("Sharpen the definitions" in one for one in advice(found))
    # The first line must not say the opposite of the one that names the rater.
    assert "below" in advice(found)[0]


@pytest.mark.parametrize(("pairs", "reading"), [(19, ""), (20, "first")])
def test_fewer_than_twenty_pairs_are_shown_but_nothing_is_read_off(
    pairs: int, reading: str
) -> None:
    first = np.zeros(pairs, dtype=np.int16)
    probe = probe_position(first, turned=first + np.int16(2), category_count=3)
    assert (probe.flips, probe.first, probe.first_reversed) == (pairs, 1.0, 1.0)
    assert (probe.reading, probe.reliable) == (reading, pairs >= LEAST_PAIRS)


def test_a_pilot_with_few_items_says_that_it_cannot_tell(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"reader": honest, "first": first_listed}, count=12)
    assert found.drop == ()
    assert "Too few items" in advice(found)[0]
    assert all("unreliable" in row[-2] for row in rows(found))


def test_items_without_a_label_in_both_orders_are_no_pairs() -> None:
    nothing = np.full(30, -1, dtype=np.int16)
    probe = probe_position(nothing, turned=nothing, category_count=3)
    assert (probe.pairs, probe.interval, probe.first, probe.commonest) == (0, None, None, None)


def test_a_rater_outside_the_codebook_is_named_with_a_remedy(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"reader": honest, "second": honest, "away": outside})
    assert fitness(found, "away").signs == ("outside",)
    assert fitness(found, "away").outside.above == 50
    text = " ".join(advice(found))
    assert "away does not answer with the categories" in text
    assert "unfit: [away]" in text
    assert "50 of 50 items (100%" in text
    assert "on topic instead of 0" in text


def test_where_no_rater_is_fit_nobody_is_dropped(tmp_path: Path) -> None:
    found = piloted(tmp_path, {"away": outside, "first": first_listed})
    assert (found.drop, found.none_fit) == ((), True)
    assert any("No rater is fit for this codebook:" in one for one in advice(found))
    assert not any("agree with" in one for one in outlook(found))

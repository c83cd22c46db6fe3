"""Averaging over category orders: what is asked, what is averaged, what it costs and mends."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.codebook.listed_orders import category_orders
from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Category, Level, Variable
from localensemble.consensus.rules import decision_rules
from localensemble.core.items import Item
from localensemble.core.labels import ItemId, LabelStatus, RaterName
from localensemble.core.prompts import Prompt
from localensemble.engines.protocol import ScoreFailure, Scores
from localensemble.engines.scripted import Script, ScriptedEngine
from localensemble.labeling.category_orders import (
    average,
    depends_on_order,
    order_cost,
)
from localensemble.labeling.labeling_plan import LabelingPlan, NamedEngine
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.labeling.run import run_labeling
from localensemble.labeling.scoring import Questions, label_block
from localensemble.labeling.tally import Progress
from localensemble.ledger.ledger import Ledger
from localensemble.prompting.template import load_template
from localensemble.study.binding import identities
from localensemble.study.order_changes import OrderChanges, order_changes
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile
from tests.studies import StudyFiles, recorded, study_files

NAMES = ("ant", "bee", "cow", "dog", "elk", "fox", "gnu")


def variable(count: int, level: Level = "nominal") -> Variable:
    return Variable(
        "animal", level, "Which animal?", tuple(Category(name, name) for name in NAMES[:count])
    )


def listed_names(prompt: Prompt) -> list[str]:
    """The categories in the order in which a prompt lists them."""
    lines = prompt.messages[-1].text.splitlines()
    return [line.removeprefix("- ").partition(":")[0] for line in lines if line.startswith("- ")]


def item_text(prompt: Prompt) -> str:
    segments = [one for message in prompt.messages for one in message.segments]
    return next(one.text for one in segments if one.origin == "item")


def favors_the_first(prompt: Prompt, answers: tuple[str, ...]) -> list[float]:
    """Know the right category a little, and favor the first of the list strongly."""
    weights = [4.0 * (answer == listed_names(prompt)[0]) for answer in answers]
    weights = [
        weight + (2.0 if answer in item_text(prompt) else 1.0)
        for weight, answer in zip(weights, answers, strict=True)
    ]
    return [0.9 * weight / sum(weights) for weight in weights]


def ask(script: Script, asked: Variable, texts: list[str], *, orders: int) -> list[int | None]:
    items = [Item(ItemId(str(n)), text, n) for n, text in enumerate(texts)]
    questions = Questions((asked,), load_template(), "codebook_first", orders=orders)
    labels = label_block(ScriptedEngine(script), items, questions=questions)[asked.name]
    return [label.category for label in labels]


@pytest.mark.parametrize("count", [2, 3, 5, 7])
def test_a_model_that_favors_the_first_place_gets_its_accuracy_back(count: int) -> None:
    asked, texts = variable(count), [f"a {name} was here" for name in NAMES[:count]]
    assert ask(favors_the_first, asked, texts, orders=1) == [0] * count
    assert ask(favors_the_first, asked, texts, orders=count) == list(range(count))


@given(count=st.integers(2, 7), at_most=st.integers(1, 12))
def test_no_category_stands_first_in_two_orders(count: int, at_most: int) -> None:
    orders = category_orders(variable(count), at_most=at_most)
    assert len({order[0] for order in orders}) == len(orders) == min(count, at_most)
    assert all(sorted(order) == list(range(count)) for order in orders)
    assert orders[0] == tuple(range(count))
    assert orders[1:2] in ((), (orders[0][::-1],))


def test_an_ordinal_variable_is_asked_up_and_down_only() -> None:
    assert category_orders(variable(4, "ordinal"), at_most=9) == ((0, 1, 2, 3), (3, 2, 1, 0))


def test_three_orders_of_five_are_the_stated_the_reversed_and_one_in_the_middle() -> None:
    found = category_orders(variable(5), at_most=3)
    assert found == ((0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 3, 4, 0, 1))


@st.composite
def distributions(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[list[float]]]:
    count = draw(st.integers(2, 6))
    orders = draw(st.lists(st.permutations(range(count)), min_size=2, max_size=6))
    weights = st.lists(st.floats(1e-6, 1.0), min_size=count + 1, max_size=count + 1)
    drawn = [draw(weights) for _ in orders]
    # The last weight is what lies outside of the codebook.
    shares = [[weight / sum(one) for weight in one] for one in drawn]
    return [tuple(order) for order in orders], shares


@given(distributions())
def test_the_average_equals_one_computed_category_by_category(
    drawn: tuple[list[tuple[int, ...]], list[list[float]]],
) -> None:
    orders, shares = drawn
    results = [Scores(tuple(math.log(share) for share in one[:-1]), one[-1], 10) for one in shares]
    found = average(results, orders=orders)
    assert isinstance(found, Scores)
    for category, log_probability in enumerate(found.log_probabilities):
        total = 0.0
        for order, one in zip(orders, shares, strict=True):
            total += one[order.index(category)]
        assert math.exp(log_probability) == pytest.approx(total / len(orders), rel=1e-12)
    mass = sum(one[-1] for one in shares) / len(shares)
    assert found.off_codebook_mass == pytest.approx(mass, rel=1e-12)
    assert 1.0 - sum(map(math.exp, found.log_probabilities)) == pytest.approx(mass, abs=1e-12)


def test_one_order_is_returned_as_it_is() -> None:
    alone = Scores((-1.0, -2.0), 0.5, 7)
    assert average([alone], orders=[(0, 1)]) is alone
    assert depends_on_order([alone], orders=[(0, 1)]) is None


def test_probabilities_too_small_for_a_float_are_averaged_by_their_logarithms() -> None:
    tiny = [Scores((-2000.0, -1000.0), 1.0, 7), Scores((-1000.0, -3000.0), 1.0, 7)]
    found = average(tiny, orders=[(0, 1), (1, 0)])
    assert isinstance(found, Scores)
    assert found.log_probabilities == pytest.approx((-2000.0 - math.log(2), -1000.0))


def test_a_category_that_is_impossible_in_every_order_stays_impossible() -> None:
    results = [Scores((-1.0, -math.inf), 0.0, 7), Scores((-math.inf, -1.0), 0.0, 7)]
    found = average(results, orders=[(0, 1), (1, 0)])
    assert isinstance(found, Scores)
    assert found.log_probabilities == (-1.0, -math.inf)


def test_a_bound_in_one_order_is_a_bound_in_the_average() -> None:
    results = [Scores((-1.0, -2.0), 0.1, 7, (False, True)), Scores((-1.0, -2.0), 0.1, 7)]
    found = average(results, orders=[(1, 0), (0, 1)])
    assert isinstance(found, Scores)
    assert found.censored == (True, False)


def test_a_failure_in_one_order_fails_the_item_with_its_reason() -> None:
    def script(prompt: Prompt, answers: tuple[str, ...]) -> list[float] | ScoreFailure:
        if listed_names(prompt)[0] == "cow" and "broken" in item_text(prompt):
            return ScoreFailure("not_finite: the model returned an invalid number")
        return [0.5, 0.2, 0.1]

    items = [Item(ItemId(text), text, n) for n, text in enumerate(["fine", "broken"])]
    questions = Questions((variable(3),), load_template(), "codebook_first", orders=3)
    fine, broken = label_block(ScriptedEngine(script), items, questions=questions)["animal"]
    assert fine.status == LabelStatus.ASSIGNED
    assert fine.depends_on_order is True
    assert broken.status == LabelStatus.FAILED
    assert broken.reason.startswith("not_finite")
    assert broken.depends_on_order is None


def test_an_answer_that_follows_the_category_does_not_depend_on_the_order() -> None:
    orders = [(0, 1, 2), (2, 1, 0)]
    same = [Scores((-1.0, -2.0, -3.0), 0.1, 7), Scores((-3.0, -2.0, -1.0), 0.1, 7)]
    assert depends_on_order(same, orders=orders) is False
    assert depends_on_order([same[0], same[0]], orders=orders) is True


def test_categories_that_are_equally_probable_do_not_count_as_a_change() -> None:
    results = [Scores((-1.0, -1.0), 0.1, 7), Scores((-1.0, -2.0), 0.1, 7)]
    assert depends_on_order(results, orders=[(0, 1), (1, 0)]) is False


@pytest.mark.parametrize(
    ("levels", "at_most", "words"),
    [
        ([(5, "nominal")], 1, ()),
        ([(5, "nominal")], 3, ("3 times,", "about 3 times")),
        ([(5, "nominal"), (2, "binary")], 3, ("up to 3 times", "about 2.5 times")),
        ([(2, "binary")], 5, ("2 times,", "about 2 times")),
    ],
)
def test_the_cost_is_stated(
    levels: list[tuple[int, Level]], at_most: int, words: tuple[str, ...]
) -> None:
    sentences = order_cost([variable(*one) for one in levels], at_most=at_most)
    assert len(sentences) == bool(words)
    assert all(word in " ".join(sentences) for word in words)


def label_all(
    files: StudyFiles, *, orders: int | None, stop_after: int = 10**9, limit: int | None = None
) -> None:
    def stop(progress: Progress) -> None:
        if progress.items_done >= stop_after:
            raise KeyboardInterrupt

    plan = LabelingPlan(
        items=ItemFile.open(files.items),
        codebook=load_codebook(files.codebook),
        engines=(NamedEngine(RaterName("one"), ScriptedEngine),),
        template=load_template(),
        layout=None,
        rules=decision_rules({"method": "majority"}, []),
        limit=limit,
    )
    if orders is not None:
        plan = replace(plan, orders=orders)
    files.study.mkdir(exist_ok=True)
    with Ledger.open(files.study / "study.sqlite", create=True) as ledger:
        run_labeling(plan, ledger=ledger, on_progress=stop)


def found_changes(files: StudyFiles) -> dict[str, OrderChanges]:
    with Study.open(files.study) as study:
        labels = study.recorded
        found = order_changes(labels.reader.runs())
        names = {key: name for name, key in labels.variable_keys.items()}
        return {names[variable]: one for (_, variable), one in found.items()}


def test_one_order_changes_no_identity_and_no_digit(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(80)]
    plain, one = study_files(tmp_path / "a", texts), study_files(tmp_path / "b", texts)
    label_all(plain, orders=None)
    label_all(one, orders=1)
    assert recorded(plain.study) == recorded(one.study)
    with Study.open(plain.study) as first, Study.open(one.study) as second:
        assert identities(first.recorded) == identities(second.recorded)
        assert "orders" not in dict(identities(first.recorded)["one"].settings)
    assert found_changes(one) == {}


def test_orders_make_another_rater_and_those_that_nobody_is_asked_do_not(tmp_path: Path) -> None:
    found = {}
    for orders in (1, 2, 3, 9):
        files = study_files(tmp_path / str(orders), ["a text", "another"])
        label_all(files, orders=orders)
        with Study.open(files.study) as study:
            found[orders] = identities(study.recorded)["one"].sha256
    assert len(set(found.values())) == 3
    # The longest variable has three categories.
    assert found[3] == found[9]


def test_changes_are_counted_once_over_interrupted_and_continued_runs(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(2 * BLOCK_SIZE + 7)]
    files, other = study_files(tmp_path / "a", texts), study_files(tmp_path / "b", texts)
    label_all(other, orders=3)
    whole = found_changes(other)
    assert {name: one.items for name, one in whole.items()} == {
        "topic": len(texts),
        "urgent": len(texts),
    }
    # Scores from a hash of the prompt know nothing, so another order often gives another answer.
    assert 0 < whole["topic"].changed < len(texts)
    with pytest.raises(KeyboardInterrupt):
        label_all(files, orders=3, stop_after=BLOCK_SIZE)
    label_all(files, orders=3, limit=BLOCK_SIZE + 5)
    label_all(files, orders=3)
    label_all(files, orders=3)
    assert found_changes(files) == whole

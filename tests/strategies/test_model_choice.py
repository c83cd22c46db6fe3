"""Models are ranked by what they did in a pilot, and refused for a reason."""

from __future__ import annotations

import itertools

from localensemble.strategies.model_choice import COLUMNS, ListedModel, rank_models

WANTED = ("negative", "neutral", "positive")


def listed(
    name: str,
    right: int,
    *,
    items: int = 50,
    size: int = 100,
    categories: tuple[str, ...] = WANTED,
    gives_several: bool = False,
) -> ListedModel:
    return ListedModel(name, categories, gives_several, size, right, items)


def test_the_better_comes_first_and_of_equals_the_smaller() -> None:
    models = [listed("big", 40, size=300), listed("small", 40, size=100), listed("best", 45)]
    ranked = rank_models(models, categories=WANTED)
    assert [(one.rank, one.model.name) for one in ranked] == [
        (1, "best"),
        (2, "small"),
        (3, "big"),
    ]


def test_the_order_of_the_manifest_does_not_matter() -> None:
    models = [
        *(listed(name, 40) for name in "cab"),
        listed("d", 44, items=55),
        listed("x", 50, gives_several=True),
    ]
    results = {rank_models(order, categories=WANTED) for order in itertools.permutations(models)}
    assert len(results) == 1
    # 44 of 55 are as many as 40 of 50, so the name decides.
    assert [one.model.name for one in results.pop()] == ["a", "b", "c", "d", "x"]


def test_a_model_with_other_categories_is_refused_whatever_its_accuracy() -> None:
    two = listed("two", 50, categories=("negative", "positive"))
    four = listed("four", 50, categories=(*WANTED, "mixed"))
    ranked = rank_models([two, four, listed("fit", 1)], categories=WANTED)
    assert [one.model.name for one in ranked] == ["fit", "four", "two"]
    assert [one.refused for one in ranked] == [None, "other_categories", "other_categories"]
    assert "mixed" in ranked[1].reason
    assert "neutral" in ranked[2].reason
    assert (ranked[1].rank, ranked[1].accuracy, ranked[1].interval) == (None, None, None)


def test_the_order_of_categories_is_free_and_several_at_once_are_refused() -> None:
    turned = listed("turned", 40, categories=WANTED[::-1])
    several = listed("several", 50, gives_several=True)
    ranked = rank_models([several, turned], categories=WANTED)
    assert [one.refused for one in ranked] == [None, "several_at_once"]


def test_a_model_without_a_pilot_is_refused() -> None:
    (one,) = rank_models([listed("new", 0, items=0)], categories=WANTED)
    assert one.refused == "not_piloted"


def test_the_table_has_accuracy_with_its_exact_interval() -> None:
    # Clopper-Pearson for 45 of 50, as in the tables of R's binom.test: 0.7819 to 0.9667.
    one, other = rank_models(
        [listed("best", 45), listed("x", 1, gives_several=True)], categories=WANTED
    )
    assert one.row == ("1", "best", "45", "50", "0.900", "0.782", "0.967", "100", "")
    assert other.row == ("", "x", "1", "50", "", "", "", "100", other.reason)
    assert len(one.row) == len(other.row) == len(COLUMNS)


def test_a_model_of_unknown_size_comes_after_its_equals() -> None:
    unknown = ListedModel("a", WANTED, False, None, 40, 50)
    ranked = rank_models([unknown, listed("b", 40)], categories=WANTED)
    assert [one.model.name for one in ranked] == ["b", "a"]
    assert ranked[1].row[7] == ""

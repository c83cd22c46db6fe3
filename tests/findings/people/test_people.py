"""Promises about what people's decisions show, on decisions made up for each promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.people.anchoring import Anchoring, anchoring
from localensemble.findings.people.answer_histories import Place, answer_histories
from localensemble.findings.people.codebook_problems import codebook_problems
from localensemble.findings.people.double_coding import DoubleCoding, double_coding
from localensemble.findings.people.people_and_models import PeopleAndModels, people_and_models
from tests.study.people.decided import VARIABLE, Said, rows, said

ANNE, BEN, CLEO = 1, 2, 3
NAMES = {ANNE: "Anne", BEN: "Ben", CLEO: "Cleo"}
NONE = -1


def compared(
    people: list[int], *, consensus: list[int], raters: dict[str, list[int]] | None = None
) -> PeopleAndModels:
    by_rater = raters or {"a": consensus}
    columns = np.array([*by_rater.values()], np.int16).T
    return people_and_models(
        LabelMatrix(columns, VARIABLE.answers, tuple(by_rater)),
        consensus=np.array(consensus, np.int16),
        escalated=np.ones(len(people), np.bool_),
        people=np.array(people, np.int16),
    )


def anchored(*decisions: Said, consensus: tuple[int, ...] = (0, 0, 0, 0)) -> Anchoring:
    histories = answer_histories(rows(*decisions), item_count=len(consensus))
    return anchoring(histories, consensus=np.array(consensus, np.int16))


def double_coded(*decisions: Said, item_count: int = 10) -> DoubleCoding:
    given = rows(*decisions)
    return double_coding(
        answer_histories(given, item_count=item_count),
        adjudications=answer_histories(given, item_count=item_count, role="adjudication"),
        variable=VARIABLE,
        names=NAMES,
        item_count=item_count,
    )


def test_an_undone_answer_is_forgotten_and_other_roles_are_apart() -> None:
    given = rows(
        said(0, ANNE, 1),
        said(0, ANNE, "undone"),
        said(1, ANNE, 1),
        said(1, ANNE, 2, shown="labels"),
        said(1, ANNE, 0, role="control"),
        said(9, ANNE, 0),
    )
    histories = answer_histories(given, item_count=9)

    assert list(histories) == [Place(1, ANNE)]
    assert [one.category for one in histories[Place(1, ANNE)]] == [1, 2]
    assert list(answer_histories(given, item_count=9, role="control")) == [Place(1, ANNE)]


def test_people_overrule_the_consensus_where_they_decide_otherwise() -> None:
    found = compared(
        [0, 0, 1, 2, 0, NONE],
        consensus=[0, 1, 1, NONE, 0, 0],
        raters={"a": [0, 0, 1, 2, 0, 0], "b": [1, 1, NONE, 0, 0, 0]},
    )

    assert (found.overruled, found.consensus.items) == (1, 4)
    assert found.overruled_share == 0.25
    # Clopper and Pearson for 1 of 4: .0063 to .8059.
    assert found.overruled_low == pytest.approx(0.0063, abs=5e-5)
    assert found.overruled_high == pytest.approx(0.8059, abs=5e-5)
    assert [(one.who, one.same, one.items) for one in found.raters] == [("a", 5, 5), ("b", 1, 4)]
    assert (found.most_frequent, found.always.same, found.always.items) == ("staff", 3, 5)


def test_the_sentence_says_that_reviewed_items_are_no_random_sample() -> None:
    sentence = compared([0, 1], consensus=[0, 0]).sentence()

    assert "1 of 2 items (50.0%" in sentence
    assert "not the accuracy on all items" in sentence


def test_nothing_is_shared_out_where_nobody_has_decided() -> None:
    found = compared([NONE, NONE], consensus=[0, 1])

    assert (found.overruled_share, found.always.share, found.most_frequent) == (None, None, "")
    assert "yet" in found.sentence()


def test_overruling_is_undefined_without_a_consensus() -> None:
    found = compared([0, 1], consensus=[NONE, NONE], raters={"a": [0, 0]})

    assert found.overruled_share is None
    assert "has a consensus" in found.sentence()
    assert found.raters[0].share == 0.5


def test_answers_that_change_after_the_reveal_are_counted_by_direction() -> None:
    found = anchored(
        said(0, ANNE, 1, shown="item"),
        said(0, ANNE, 0, shown="labels"),  # to the consensus
        said(1, ANNE, 0, shown="item"),
        said(1, ANNE, 2, shown="labels"),  # away from it
        said(2, ANNE, 1, shown="item"),
        said(2, ANNE, 2, shown="labels"),  # neither
        said(3, ANNE, 0, shown="item"),
        said(3, ANNE, 0, shown="labels"),  # stays
        said(3, BEN, 1, shown="item"),  # never revealed
    )

    assert (found.pairs, found.changed) == (4, 3)
    assert (found.toward, found.away, found.elsewhere) == (1, 1, 1)
    assert found.changed_share == 0.75
    # Clopper and Pearson for 3 of 4: .1941 to .9937.
    assert found.interval_low == pytest.approx(0.1941, abs=5e-5)
    assert found.interval_high == pytest.approx(0.9937, abs=5e-5)
    assert "3 of 4 blind answers" in found.sentence()


def test_a_change_without_a_consensus_goes_neither_way() -> None:
    found = anchored(
        said(0, ANNE, 1, shown="item"), said(0, ANNE, 0, shown="labels"), consensus=(NONE,)
    )

    assert (found.toward, found.away, found.elsewhere) == (0, 0, 1)


@pytest.mark.parametrize(
    "decisions",
    [
        (said(0, ANNE, 1, shown="labels"), said(0, ANNE, 0, shown="labels")),
        (said(0, ANNE, "cannot_decide", shown="item"), said(0, ANNE, 0, shown="labels")),
        (said(0, ANNE, 1, shown="item"), said(0, ANNE, "codebook_unclear", shown="labels")),
        (
            said(0, ANNE, 1, shown="item"),
            said(0, ANNE, "undone"),
            said(0, ANNE, 0, shown="labels"),
        ),
    ],
)
def test_only_a_blind_category_followed_by_another_after_the_reveal_is_a_pair(
    decisions: tuple[Said, ...],
) -> None:
    found = anchored(*decisions)

    assert (found.pairs, found.changed_share) == (0, None)
    assert "unknown" in found.sentence()


def test_times_are_those_of_first_answers_with_and_without_labels_in_view() -> None:
    given = rows(
        said(0, ANNE, 1, shown="item"),
        said(0, ANNE, 1, shown="labels"),
        said(1, ANNE, 1, shown="item"),
        said(2, ANNE, 1, shown="labels"),
        said(3, ANNE, 1, shown="item"),
    )
    given = replace(given, seconds=np.array([10.0, 2.0, 20.0, 5.0, np.nan]))
    found = anchoring(answer_histories(given, item_count=4), consensus=np.zeros(4, np.int16))

    assert (found.blind_seconds, found.blind_timed) == (15.0, 2)
    assert (found.shown_seconds, found.shown_timed) == (5.0, 1)


def test_agreement_between_people_rests_on_first_answers_that_saw_no_labels() -> None:
    pairs = [(0, 0), (0, 0), (1, 1), (1, 1), (2, 2), (0, 1)]
    decisions = [
        one
        for item, (first, second) in enumerate(pairs)
        for one in (
            said(item, ANNE, first, shown="item"),
            # After the reveal everyone agrees; that must not count.
            said(item, ANNE, 0, shown="labels"),
            said(item, BEN, second, shown="item"),
            said(item, BEN, 0, shown="labels"),
        )
    ]
    single = said(8, ANNE, 2, shown="item")
    shown = (said(9, ANNE, 2, shown="item"), said(9, BEN, 1, shown="labels"))

    found = double_coded(*decisions, single, *shown)

    assert (found.items, found.reviewers) == (6, 2)
    assert found.agreement is not None
    # By hand: 5 of 6 agree, shares 5/12, 5/12 and 1/6, chance .5 * (35/144 + 35/144 + 5/36) =
    # .3125, AC1 (.8333 - .3125) / .6875.
    assert found.agreement.coefficient("AC1").value == pytest.approx(0.757576, abs=1e-6)
    assert "2 people on 6 items" in found.sentence()


def test_conflicts_are_counted_until_a_third_person_settles_them() -> None:
    open_conflict = (said(0, ANNE, 0), said(0, BEN, 1))
    without_category = (said(1, ANNE, 0), said(1, BEN, "cannot_decide"))
    settled = (said(2, ANNE, 0), said(2, BEN, 1), said(2, CLEO, 1, role="adjudication"))
    agreed_since = (said(3, ANNE, 0), said(3, BEN, 1), said(3, BEN, 0))

    found = double_coded(*open_conflict, *without_category, *settled, *agreed_since)

    assert (found.conflicts, found.adjudicated) == (2, 1)
    assert "2 left to settle" in found.sentence()


def test_agreement_is_undefined_in_words_where_no_item_was_answered_twice() -> None:
    found = double_coded(said(0, ANNE, 0), said(1, BEN, 0))

    assert (found.items, found.agreement) == (0, None)
    assert "two reviewers" in found.undefined_because
    assert "undefined" in found.sentence()


def test_one_category_everywhere_has_agreement_but_kappa_has_no_value() -> None:
    found = double_coded(*(said(item, one, 0) for item in range(5) for one in (ANNE, BEN)))

    assert found.agreement is not None
    assert found.agreement.coefficient("AC1").value == 1.0
    assert found.agreement.coefficient("Fleiss kappa").value is None


def test_problems_with_the_codebook_are_counted_by_what_the_raters_said() -> None:
    given = rows(
        said(0, ANNE, "codebook_unclear"),
        said(0, BEN, "cannot_decide"),
        said(1, ANNE, "codebook_unclear"),
        said(2, ANNE, "codebook_unclear"),
        said(2, ANNE, 1),
        said(3, ANNE, "cannot_decide"),
    )
    consensus = np.array([1, 1, 0, NONE], np.int16)

    found = codebook_problems(
        answer_histories(given, item_count=4), consensus=consensus, categories=VARIABLE.answers
    )

    assert [(one.category, one.cannot_decide, one.codebook_unclear) for one in found] == [
        ("access", 1, 2),
        ("", 1, 0),
    ]

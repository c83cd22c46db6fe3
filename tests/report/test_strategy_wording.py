"""The report says what a strategy asked, and never that everyone was asked about everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.findings.strategy.strategy_findings import StrategyFindings, VariableCalls
from localensemble.findings.study_findings import StudyFindings
from localensemble.report.strategy_wording import (
    compared_items,
    plain_voting_sentence,
    rests_on,
    strategy_sentence,
)
from tests.studies import SCRIPTED, study_files

RULES = """\
consensus: {method: chain}
escalation: []
strategy: {name: chain}
"""


def test_the_sentence_counts_the_calls_made_and_saved() -> None:
    calls = VariableCalls("topic", (("a", 100), ("b", 60)), 100, None)
    strategy = StrategyFindings("chain", (("route", '"random"'), ("seed", "3")), (calls,))
    sentence = strategy_sentence(strategy)
    assert "chain (route random and seed 3)" in sentence
    assert "160 of 200" in sentence
    assert "20.0%" in sentence


def test_a_strategy_of_a_study_without_items_saved_nothing() -> None:
    assert StrategyFindings("chain", (), ()).saved == 0.0


@pytest.mark.parametrize(
    ("name", "settings", "key"),
    [
        ("early_stop", (("exact", "true"),), "the same labels."),
        ("early_stop", (("exact", "false"),), "almost equally probable"),
        ("chain", (), "not known"),
    ],
)
def test_plain_voting_is_known_only_where_it_follows(
    name: str, settings: tuple[tuple[str, str], ...], key: str
) -> None:
    assert key in plain_voting_sentence(StrategyFindings(name, settings, ()))


@pytest.mark.slow  # labels a small study and writes its report
def test_a_report_has_a_section_on_the_strategy(tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"text {n}" for n in range(30)], ensemble=SCRIPTED + RULES)
    options = LabelOptions(ensemble=files.ensemble)
    done = label(files.items, codebook=files.codebook, study=files.study, options=options)
    page = done.folder.report.read_text(encoding="utf-8")
    assert 'id="strategy"' in page
    assert "120 of 180" in page
    assert "Every rater was given every item" not in page
    assert "Every rater assigned every" not in page
    assert "Every rater gave every item" not in page


def with_calls(
    calls: VariableCalls, *, used: Sequence[int], raters: tuple[str, ...] = ("a", "b")
) -> StudyFindings:
    """Return what the wording reads of findings: one variable for each number of items used."""
    variables = [
        SimpleNamespace(
            name=f"{calls.variable}{number or ''}",
            agreement=SimpleNamespace(counts=SimpleNamespace(used=one), raters=raters),
        )
        for number, one in enumerate(used)
    ]
    strategy = StrategyFindings("chain", (), (calls,))
    found = SimpleNamespace(variables=variables, item_count=36, strategy=strategy)
    return cast(StudyFindings, found)


@pytest.mark.parametrize(
    ("used", "shown"),
    [((36,), "36 items"), ((3,), "3 of 36 items"), ((3, 36), "3 to 36 of 36 items")],
)
def test_the_items_on_which_agreement_rests_are_counted(used: tuple[int, ...], shown: str) -> None:
    calls = VariableCalls("topic", (("a", 36), ("b", 20)), 36, 3)
    assert compared_items(with_calls(calls, used=used)) == shown


@pytest.mark.parametrize(
    ("compared", "used", "shown"),
    [(3, 3, "3 items drawn at random"), (None, 36, "all items"), (None, 20, "20 items with sever")],
)
def test_each_rater_has_the_items_that_its_agreement_rests_on(
    compared: int | None, used: int, shown: str
) -> None:
    calls = VariableCalls("topic", (("a", 36), ("b", 20)), 36, compared)
    assert shown in rests_on(with_calls(calls, used=(used,)), calls, "b")


def test_a_rater_whose_items_depend_on_others_is_not_compared() -> None:
    calls = VariableCalls("topic", (("a", 36), ("b", 36), ("judge", 5)), 36, None)
    assert "not compared" in rests_on(with_calls(calls, used=(36,)), calls, "judge")

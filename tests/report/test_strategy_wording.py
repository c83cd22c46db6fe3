"""The report says what a strategy asked, and never that everyone was asked about everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.findings.strategy.strategy_findings import StrategyFindings, VariableCalls
from localensemble.report.strategy_wording import strategy_sentence
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

"""The record of a run: written and read in one place, also as 0.1.0 wrote it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.consensus.rules import decision_rules
from localensemble.core.engine_origin import EngineOrigin
from localensemble.core.errors import InputError, LedgerError
from localensemble.ledger.records import ItemSetKey, RaterKey, VariableKey
from localensemble.ledger.verify import verify
from localensemble.study.recorded_deidentification import RecordedDeidentification
from localensemble.study.run_record import RecordedPrompt, RecordedShots, RunSettings, RunSummary
from localensemble.study.strategy.recorded_strategy import RecordedStrategy
from localensemble.study.study import Study

CODEBOOK = Codebook(
    "talk", "", "", (Variable("topic", "nominal", "", (Category("a", ""), Category("b", ""))),)
)
RULES = decision_rules({"method": "majority"}, [{"policy": "control_missed"}])


def settings(**others: Any) -> RunSettings:
    return RunSettings(
        codebook=CODEBOOK,
        rules=RULES,
        stated_rules=RULES.content,
        raters=("ann", "bo"),
        items_sha256="0" * 64,
        **others,
    )


def test_shots_by_category_are_recorded_as_before() -> None:
    shots = RecordedShots(("g-1",), 2, 5, "2" * 64, "3" * 64)
    assert set(shots.as_json()) == {"ids", "per_category", "seed", "gold_sha256", "sha256"}


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"limit": 3, "cautions": ("Beware.",), "control": {"topic": {"i-1": "a"}}},
        {"ratings_sha256": "1" * 64, "decides_again": 7, "program_version": "0.1.0"},
        {"engines": {"ann": EngineOrigin("words", "word-engine", "1.0", "word_engine", "4" * 64)}},
        {"shots": RecordedShots(("g-1", "g-7"), 2, 5, "2" * 64, "3" * 64)},
        {
            "shots": RecordedShots(
                *((), 0, 0, "2" * 64, "3" * 64, 4, "retrieved", "all-minilm-l6-v2", "5" * 64),
                groups=16,
                table_sha256="6" * 64,
            )
        },
        {"suspected_texts": {"4" * 64: ("turn_mark", "given_answer")}},
        {"deidentified": RecordedDeidentification("7" * 64, "", "", {"ward": "8" * 64}, 3, 0, {})},
        {"suspected_texts": {}},
        {"strategy": RecordedStrategy("early_stop", {"audit": 0.1, "seed": 0}, RULES.content)},
        {"prompt": RecordedPrompt("own", {"system": "s", "readouts": {"option": {"system": "o"}}})},
    ],
)
def test_settings_are_read_as_they_were_written(others: dict[str, Any]) -> None:
    written = settings(**others).as_json()
    read = RunSettings.from_json(json.loads(json.dumps(written)))
    assert read.as_json() == written
    assert read.codebook == CODEBOOK
    for name, value in others.items():
        assert getattr(read, name) == value


def test_settings_that_state_no_rules_are_read_as_they_were_written() -> None:
    written = replace(settings(), stated_rules=None).as_json()
    assert RunSettings.from_json(written).stated_rules is None


def test_a_summary_is_read_as_it_was_written() -> None:
    summary = RunSummary(ItemSetKey(3), 20, (RaterKey(5), RaterKey(6)), {"topic": VariableKey(4)})
    assert RunSummary.from_json(json.loads(json.dumps(summary.as_json()))) == summary


def test_a_study_of_0_1_0_keeps_its_control_items_and_its_policy(tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(Path(__file__).parent / "made_by_0_1_0", older)
    before = (older / "study.sqlite").read_bytes()
    with Study.open(older) as study:
        assert study.run.settings.program_version == "0.1.0"
        assert [policy.name for policy in study.rules.policies] == ["control_missed"]
        assert [int(known) for known in study.control["topic"][:5]] == [
            study.codebook.variable("topic").answers.index(name)
            for name in ("food", "staff", "food", "staff", "food")
        ]
        topic = study.decide()[0]
        wrong = (study.control["topic"] >= 0) & (study.control["topic"] != topic.categories)
        assert wrong.any()
        assert topic.escalated[wrong].all()
    assert (older / "study.sqlite").read_bytes() == before
    assert verify(older / "study.sqlite").broken is None


def test_a_study_is_a_value_with_names_for_everything(tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(Path(__file__).parent / "made_by_0_1_0", older)
    with Study.open(older) as study:
        assert study.labels("topic").indices.shape == (len(study.items), len(study.raters))
        assert study.items[0] == "i-0"
        unanimous = study.with_rules(decision_rules({"method": "unanimous"}, []))
        assert unanimous.rules.method.name == "unanimous"
        assert study.rules.method.name == "majority"
        assert len(unanimous.decide()) == len(study.codebook.variables)


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text("id,a,b\n1,x,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="localensemble import"):
        Study.open(table)
    with pytest.raises(LedgerError):
        Study.open(tmp_path)

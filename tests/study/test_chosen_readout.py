"""The choice of a readout is kept with the run and says what it was made by."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from localensemble.ledger.ledger import Ledger
from localensemble.study.chosen_readout import ReadoutChoice, ReadoutMeasure
from localensemble.study.run_record import RunSettings, recorded_readouts
from tests.study.test_run_record import settings

MEASURES = (
    ReadoutMeasure("name", 0.99, 0.5, 64),
    ReadoutMeasure("option", 0.54, 0.0, 64),
    ReadoutMeasure("prefilled", 0.27, 0.25, 64),
)
CHOICE = ReadoutChoice("ann", "prefilled", 32, MEASURES, "0" * 64, "1" * 64)


def test_a_choice_is_read_with_the_run_as_it_was_written() -> None:
    written = settings(readouts=(CHOICE,)).as_json()
    assert RunSettings.from_json(json.loads(json.dumps(written))).readouts == (CHOICE,)
    plain = settings().as_json()
    assert isinstance(plain, dict)
    assert "readouts" not in plain


def test_a_choice_holds_for_its_model_and_template_only() -> None:
    assert CHOICE.holds_for("0" * 64, "1" * 64)
    assert not CHOICE.holds_for("2" * 64, "1" * 64)
    assert not CHOICE.holds_for("0" * 64, "2" * 64)


def test_the_sentence_names_the_rater_the_readout_and_all_medians() -> None:
    assert CHOICE.sentence.startswith('ann: readout "prefilled"')
    assert "least outside the codebook" in CHOICE.sentence
    assert "32 items" in CHOICE.sentence
    for number in ("name 0.99", "option 0.54", "prefilled 0.27"):
        assert number in CHOICE.sentence
    kept = replace(CHOICE, readout="name", measures=(replace(MEASURES[0], off_codebook_mass=0.3),))
    kept = replace(kept, measures=(*kept.measures, *MEASURES[1:]))
    assert "much less outside the codebook" in kept.sentence


def test_the_newest_choice_for_a_rater_counts_whether_its_run_finished_or_not(
    tmp_path: Path,
) -> None:
    newer = replace(CHOICE, readout="option")
    with Ledger.open(tmp_path / "study.sqlite", create=True) as ledger:
        assert recorded_readouts(ledger.reader) == {}
        for readouts in ((CHOICE,), (newer, replace(CHOICE, rater="bo")), ()):
            ledger.start_run(settings(readouts=readouts).as_json())
        found = recorded_readouts(ledger.reader)
    assert {name: one.readout for name, one in found.items()} == {
        "ann": "option",
        "bo": "prefilled",
    }

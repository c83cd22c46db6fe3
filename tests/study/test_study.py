"""A study is its newest finished run; what is newer, changed or missing is spoken of."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import localensemble.study.study_labels as labels_module
from localensemble.consensus.rules import decision_rules
from localensemble.core.errors import InputError, LedgerError
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import AskedForPassages, RunStatus
from localensemble.study.item_sets import register_item_set
from localensemble.study.provenance import provenance
from localensemble.study.run_record import RecordedShots, RunSettings, decides_again, has_ratings
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile
from tests.ledger.studies import items, passages, rater, register, register_variables
from tests.studies import change_behind_triggers, study_files
from tests.study.certificates import (
    calibration,
    calibration_of,
    certificate,
    certificate_of,
    pool_of_study,
)
from tests.study.conftest import ITEMS
from tests.study.ratings import record, wide


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    """A study of three raters and four items."""
    return record(wide(tmp_path, "xxx", "xxy", "yyy", "y.."), tmp_path / "study").path


def test_a_ledger_in_which_nothing_has_finished_is_no_study_yet(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "study.sqlite", create=True):
        pass
    with pytest.raises(LedgerError) as refused:
        Study.open(tmp_path)
    assert "localensemble label" in refused.value.hint
    # The file was let go of: a writer may have it.
    with Ledger.open(tmp_path / "study.sqlite", create=False) as ledger:
        item_set, variables = register(ledger, items(2)), register_variables(ledger)
        key = ledger.register_rater(rater("one"))
        asked = AskedForPassages(key, next(iter(variables.values())), item_set, "{}")
        ledger.append_passages(passages(1), asked=asked)
    with pytest.raises(LedgerError, match="passages of texts") as refused:
        Study.open(tmp_path)
    assert "spans agree" in refused.value.hint


def test_a_study_in_which_a_label_was_changed_is_refused(rated: Path) -> None:
    change_behind_triggers(
        rated / "study.sqlite", lambda opened: opened.execute("UPDATE label SET category = 1")
    )
    with pytest.raises(LedgerError):
        Study.open(rated)


def test_ratings_that_were_cut_off_are_continued_by_import(tmp_path: Path) -> None:
    folder = record(wide(tmp_path, "xx", "xy"), tmp_path / "study")
    with Ledger.open(folder.ledger, create=False) as ledger:
        cut_off = ledger.reader.runs()[0].settings
        ledger.start_run(cut_off)
    with Study.open(folder.path) as study:
        assert "`localensemble import`" in study.cautions[-1]
    with Ledger.open(tmp_path / "begun.sqlite", create=True) as ledger:
        ledger.start_run(cut_off)
        with pytest.raises(LedgerError) as refused:
            Study.load(ledger.reader)
    assert "`localensemble import`" in refused.value.hint


@pytest.mark.parametrize(
    ("status", "words"),
    [("interrupted", "interrupted"), ("failed", "failed"), (None, "cut off"), ("finished", None)],
)
def test_a_newer_run_that_has_not_finished_is_a_caution(
    rated: Path, status: RunStatus | None, words: str | None
) -> None:
    with Ledger.open(rated / "study.sqlite", create=False) as ledger:
        finished = ledger.reader.runs()[0]
        run = ledger.start_run(finished.settings)
        if status is not None:
            ledger.finish_run(run, status=status, summary=finished.summary)
    with Study.open(rated) as study:
        cautions = study.cautions[1:]
        assert study.run.key == (finished.key if words else run)
    assert len(cautions) == (words is not None)
    assert all(words is not None and words in caution for caution in cautions)


def test_deciding_again_makes_no_labels_and_ends_no_caution(rated: Path) -> None:
    with Ledger.open(rated / "study.sqlite", create=False) as ledger:
        (finished,) = ledger.reader.runs()
        interrupted = ledger.start_run(finished.settings)
        ledger.finish_run(interrupted, status="interrupted", summary={})
        settings = RunSettings.from_json(finished.settings)
        again = ledger.start_run(replace(settings, decides_again=finished.key).as_json())
        ledger.finish_run(again, status="finished", summary=finished.summary)
    with Study.open(rated) as study:
        assert study.run.key == again
        assert "interrupted" in study.cautions[-1]


def test_runs_are_told_apart_by_where_their_labels_come_from(rated: Path, of_models: Path) -> None:
    for folder, ratings in ((rated, True), (of_models, False)):
        with LedgerReader.open(folder / "study.sqlite") as reader:
            (run,) = reader.runs()
        assert has_ratings(run) is ratings
        assert not decides_again(run)


def test_certificates_apply_while_everything_they_name_stays_the_same(rated: Path) -> None:
    with Study.open(rated) as study:
        held = certificate_of(study, variable="v")
        certified = study.with_rules(study.rules.with_certificates([held]))
        (decided,) = certified.decide()
        # Accepted with a support of at least 0.7.
        assert decided.escalated.tolist() == [False, True, False, False]
        other = certificate(dict(held.hashes) | {"label table": "0" * 64}, variable="v")
        with pytest.raises(InputError, match="label table"):
            study.with_rules(study.rules.with_certificates([other])).decide()


def test_a_calibration_changes_probabilities_and_never_a_label(of_models: Path) -> None:
    with Study.open(of_models) as study:
        calibrated = study.with_rules(study.rules.with_calibrations([calibration_of(study)]))
        own, changed = (
            one.recorded.block("topic", start=0, stop=ITEMS, probabilities=True)
            for one in (study, calibrated)
        )
        assert own.probabilities is not None
        assert changed.probabilities is not None
        roots = np.sqrt(own.probabilities)
        assert changed.probabilities == pytest.approx(roots / roots.sum(axis=2, keepdims=True))
        assert np.array_equal(own.category, changed.category)
        urgent = calibrated.recorded.block("urgent", start=0, stop=3, probabilities=True)
        same = study.recorded.block("urgent", start=0, stop=3, probabilities=True)
        assert np.array_equal(urgent.probabilities, same.probabilities)  # type: ignore[arg-type]
        topic, _ = calibrated.decide()
        plain, _ = study.decide()
        assert np.array_equal(topic.categories, plain.categories)
        decided = np.flatnonzero(topic.categories >= 0)
        assert len(decided) > ITEMS / 2
        chosen = changed.probabilities[decided, :, topic.categories[decided]]
        assert topic.mean_probability[decided] == pytest.approx(np.nanmean(chosen, axis=1))


def test_a_rater_that_is_not_calibrated_keeps_its_probabilities(of_models: Path) -> None:
    with Study.open(of_models) as study:
        rules = study.rules.with_calibrations([calibration({"second": "0" * 64})])
        mixed = study.with_rules(rules).recorded.block("topic", start=0, stop=9, probabilities=True)
        own = study.recorded.block("topic", start=0, stop=9, probabilities=True)
        assert mixed.probabilities is not None
        assert own.probabilities is not None
        same = [
            np.array_equal(mixed.probabilities[:, place], own.probabilities[:, place])
            for place in range(3)
        ]
        assert same == [True, False, True]
        with pytest.raises(InputError, match="first, second, third"):
            study.with_rules(rules).decide()


def test_a_pool_decides_its_variable_alone_and_for_its_raters_alone(of_models: Path) -> None:
    with Study.open(of_models) as study:
        pooled = study.with_rules(study.rules.with_pools([pool_of_study(study)]))
        topic, urgent = pooled.decide()
        second = study.labels("topic").indices[:, study.raters.index("second")]
        np.testing.assert_array_equal(topic.categories, second)
        np.testing.assert_array_equal(urgent.categories, study.decide()[1].categories)
        with pytest.raises(InputError, match="third") as refused:
            pooled.with_rules(pooled.rules.with_unfit(["third"])).decide()
        assert "--gold" in refused.value.hint
        certificate_of(pooled)
        with pytest.raises(InputError, match="decision rules"):
            study.with_rules(study.rules.with_certificates([certificate_of(pooled)])).decide()


def test_items_are_a_sequence_read_in_blocks(rated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_module, "BLOCK_ITEMS", 3)
    with Study.open(rated) as study:
        assert (len(study.items), study.items[1:]) == (4, ("2", "3", "4"))
        assert (study.items[3], study.items[0]) == ("4", "1")
        with pytest.raises(IndexError):
            study.items[4]


def test_no_text_of_an_item_enters_the_ledger(tmp_path: Path) -> None:
    items = ItemFile.open(study_files(tmp_path, ["confidential one", "confidential two"]).items)
    with Ledger.open(tmp_path / "study.sqlite", create=True) as ledger:
        first = register_item_set(ledger, items)
        assert register_item_set(ledger, items) == first
        assert ledger.reader.item_ids(first, start=0, stop=2) == ("i-0", "i-1")
    assert b"confidential" not in (tmp_path / "study.sqlite").read_bytes()


def test_provenance_names_everything_by_hash_and_the_newest_event(of_models: Path) -> None:
    with Study.open(of_models) as study:
        given, isolated = (
            provenance(
                study,
                input_columns=("id", "text"),
                egress_guard={"on": True, "attempts": 2},
                interfaces=interfaces,
            ).content
            for interfaces in (None, ("lo",))
        )
        assert given["item_set"] == {
            "sha256": study.recorded.reader.item_sets()[0].sha256,
            "items": ITEMS,
            "items_labeled": ITEMS,
            "columns": ["id", "text"],
        }
        head = list(study.recorded.reader.history())[-1].sha256
    assert given["ledger_head_sha256"] == head
    assert given["egress_guard"] == {"on": True, "attempts": 2}
    assert given["isolation"] == {"isolated": False}
    assert isolated["isolation"] == {"isolated": True, "interfaces": ["lo"]}
    raters = given["raters"]
    assert isinstance(raters, list)
    assert len({rater["sha256"] for rater in raters}) == 3


def test_rules_that_were_never_recorded_leave_the_study_as_it_is(
    tmp_path: Path, rated: Path
) -> None:
    copy = Path(shutil.copytree(rated, tmp_path / "copy"))
    before = (copy / "study.sqlite").read_bytes()
    with Study.open(copy) as study:
        (first,) = study.with_rules(decision_rules({"method": "unanimous"}, [])).decide()
        (second,) = study.decide()
        assert first.categories.tolist() == [0, -1, 1, 1]
        assert second.categories.tolist() == [0, 0, 1, 1]
    assert (copy / "study.sqlite").read_bytes() == before
    with pytest.raises(sqlite3.ProgrammingError):
        study.recorded.reader.runs()


def test_shots_are_known_by_the_ids_that_the_run_keeps(of_models: Path) -> None:
    with Study.open(of_models) as study:
        assert not study.shots
        shots = RecordedShots(("g-1", "g-2"), 1, 0, "0" * 64, "1" * 64)
        settings = replace(study.run.settings, shots=shots)
        held = replace(study, run=replace(study.run, settings=settings))
        assert set(held.shots) == {"g-1", "g-2"}


def test_items_whose_gold_labels_trained_a_rater_are_known_by_their_texts(tmp_path: Path) -> None:
    folder = record(wide(tmp_path, "xx", "xy", "yy"), tmp_path / "rated")
    with Study.open(folder.path) as study:
        assert study.is_trained_on().tolist() == [False] * len(study.items)
        hashes = study.recorded.reader.item_hashes(
            study.recorded.item_set, start=0, stop=len(study.items)
        )
        settings = replace(study.run.settings, trained_on=(hashes[0][1],))
        trained = replace(study, run=replace(study.run, settings=settings))
        expected = [content == hashes[0][1] for _, content in hashes]
        assert trained.is_trained_on().tolist() == expected
        assert RunSettings.from_json(settings.as_json()) == settings

"""Promises about what people decided: recorded once and for all, and read as it was written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from localensemble.core.errors import LedgerError
from localensemble.ledger.encode_decisions import decided_now
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import NewDecision, PersonDecision, ReviewerKey
from localensemble.ledger.verify import verify
from tests.ledger.studies import BEFORE_0002, Study, decision, items, register
from tests.ledger.test_crash import die_at_statement


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path / "study.sqlite")


def record(study: Study, *decisions: NewDecision, by: str = "AB") -> int:
    return study.ledger.append_decisions(
        decisions,
        reviewer=study.ledger.register_reviewer(by),
        item_set=study.item_set,
        origin="page",
    )


def test_a_reviewer_is_registered_once_whatever_the_spaces_accents_and_case(study: Study) -> None:
    first = study.ledger.register_reviewer("Zoe\u0308  Klein ")
    assert study.ledger.register_reviewer("Zo\u00eb Klein") == first
    assert study.ledger.register_reviewer("ZO\u00cb klein") == first
    second = study.ledger.register_reviewer("zoe klein")
    assert [(one.key, one.name) for one in study.reader.reviewers()] == [
        (first, "Zo\u00eb Klein"),
        (second, "zoe klein"),
    ]


@pytest.mark.parametrize("name", ["", " \t", "A\x00B", "A\u202eB"])
def test_a_name_that_nobody_could_read_is_refused(study: Study, name: str) -> None:
    with pytest.raises(LedgerError, match="name is empty or has characters") as raised:
        study.ledger.register_reviewer(name)
    assert "--reviewer" in (raised.value.hint or "")
    assert study.reader.reviewers() == ()


def test_a_decision_reads_as_it_was_written(study: Study) -> None:
    full = replace(
        decision(study.theme, 4, category=2), role="adjudication", shown="answers", seconds=-0.0
    )
    bare = NewDecision(
        position=4,
        variable=study.theme,
        kind="codebook_unclear",
        category=None,
        decided_at="2026-03-01T10:00:00.250+00:00",
    )
    assert record(study, full) == 1
    assert record(study, bare, by="Cleo") == 1
    ab, cleo = (one.key for one in study.reader.reviewers())
    first, second = study.reader.decisions_of_item(study.item_set, study.theme, 4)
    assert first == PersonDecision(**asdict(full), batch=first.batch, reviewer=ab, origin="page")
    assert second == PersonDecision(
        **asdict(bare), batch=second.batch, reviewer=cleo, origin="page"
    )
    assert first.batch < second.batch
    assert study.reader.decisions_of_item(study.item_set, study.tone, 4) == ()
    assert study.reader.decisions_of_item(study.item_set, study.theme, 99) == ()
    assert [*study.reader.decision_notes(study.item_set, study.theme)] == [first, second]


def test_all_decisions_are_read_as_columns_the_oldest_first(study: Study) -> None:
    study.ledger.close()
    study.decide()
    with LedgerReader.open(study.path) as reader:
        read_as_columns(study, reader)


def read_as_columns(study: Study, reader: LedgerReader) -> None:
    rows = reader.person_decisions(study.item_set, study.theme)
    ab, cleo = (one.key for one in reader.reviewers())
    assert len(rows) == 12
    assert rows.position.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 2, 3, 4, 5]
    assert rows.reviewer.tolist() == [ab] * 8 + [cleo] * 4
    assert np.all(np.diff(rows.batch) >= 0)
    assert rows.answer.tolist() == [0] * 8 + [1] * 4
    assert rows.category.tolist() == [2] * 8 + [-1] * 4
    assert rows.role.tolist() == [0] * 12
    assert rows.shown.tolist() == [2] * 12
    assert rows.seconds.tolist() == [4.5] * 12
    assert [rows.position.dtype, rows.answer.dtype, rows.category.dtype] == ["i8", "u1", "i2"]


def test_labels_of_a_table_are_not_among_the_decisions_of_people(study: Study) -> None:
    answered = replace(decision(study.theme, 1), role="control")
    record(study, decision(study.theme, 0), answered)
    known = replace(decision(study.theme, 1, category=1), role="known")
    record(study, known, by="gold.csv")
    record(study, replace(decision(study.theme, 2), role="existing"), by="earlier.csv")

    rows = study.reader.person_decisions(study.item_set, study.theme)
    assert rows.position.tolist() == [0, 1]
    assert rows.role.tolist() == [0, 2]
    of_table = study.reader.reference_labels(study.item_set, study.theme, role="known")
    assert (of_table.position.tolist(), of_table.category.tolist()) == ([1], [1])
    existing = study.reader.reference_labels(study.item_set, study.theme, role="existing")
    assert existing.position.tolist() == [2]
    assert study.reader.decisions_of_item(study.item_set, study.theme, 2) == ()
    notes = [*study.reader.decision_notes(study.item_set, study.theme)]
    assert [one.position for one in notes] == [0, 1]


def test_seconds_that_are_unknown_are_nan_and_nothing_decided_is_no_rows(study: Study) -> None:
    assert len(study.reader.person_decisions(study.item_set, study.theme)) == 0
    record(study, replace(decision(study.theme, 0), seconds=None))
    assert np.isnan(study.reader.person_decisions(study.item_set, study.theme).seconds).all()


def test_a_decision_is_about_the_item_wherever_it_stands_in_another_table(study: Study) -> None:
    record(study, decision(study.theme, 4))
    others = items(10)[::-1][:6]
    turned = register(study.ledger, others)
    assert study.reader.person_decisions(turned, study.theme).position.tolist() == [5]
    shorter = register(study.ledger, others[:3])
    assert study.reader.person_decisions(shorter, study.theme).position.tolist() == []


def test_many_decisions_are_read_in_stretches(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    for position in (6, 1, 3):
        record(study, decision(study.theme, position), decision(study.tone, position))
    whole = study.reader.person_decisions(study.item_set, study.theme)
    notes = [*study.reader.decision_notes(study.item_set, study.theme)]
    monkeypatch.setattr("localensemble.ledger.read_people._STRETCH", 3)
    again = study.reader.person_decisions(study.item_set, study.theme)
    assert again.position.tolist() == whole.position.tolist() == [6, 1, 3]
    assert [*study.reader.decision_notes(study.item_set, study.theme)] == notes
    assert [one.position for one in notes] == [1, 3, 6]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "category", "category": None}, "kind category with category None"),
        ({"kind": "undone", "category": 1}, "kind undone with category 1"),
        ({"category": 3}, "category 3; expected 0 to 2"),
        ({"category": -1}, "category -1; expected 0 to 2"),
        ({"confidence": 4}, "confidence 4; expected 1 to 3"),
        ({"seconds": -1.0}, "-1.0 seconds"),
        ({"seconds": float("nan")}, "nan seconds"),
        ({"category_order": (0, 1, 1)}, "category order"),
        ({"decided_at": "yesterday"}, "expected UTC in ISO 8601"),
        ({"decided_at": "2026-03-01T09:30:00"}, "expected UTC in ISO 8601"),
        ({"decided_at": "2026-03-01T09:30:00+02:00"}, "expected UTC in ISO 8601"),
    ],
)
def test_a_decision_that_contradicts_itself_is_refused_with_the_whole_batch(
    study: Study, change: dict[str, object], said: str
) -> None:
    wrong = replace(decision(study.theme, 1), **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"Decision 1: .*{said}"):
        record(study, decision(study.theme, 0), wrong)
    assert len(study.reader.person_decisions(study.item_set, study.theme)) == 0


def test_two_decisions_on_one_cell_do_not_go_together(study: Study) -> None:
    with pytest.raises(ValueError, match="Decision 1: a second decision"):
        record(study, decision(study.theme, 0), decision(study.theme, 0, category=0))


def test_a_batch_with_an_unknown_item_is_refused_and_leaves_nothing(study: Study) -> None:
    study.ledger.register_reviewer("AB")
    before = [*study.reader.history()]
    with pytest.raises(LedgerError, match="Cannot record the 2 decisions"):
        record(study, decision(study.theme, 0), decision(study.theme, 10))
    assert [*study.reader.history()] == before
    assert record(study) == 0
    assert [*study.reader.history()] == before


def test_a_withdrawn_item_takes_no_decision_and_loses_those_it_had(study: Study) -> None:
    study.ledger.close()
    study.decide()
    study.withdraw("item-2")
    assert verify(study.path).counts["person_decision"] == 17
    with Ledger.open(study.path, create=False) as ledger:
        rows = ledger.reader.person_decisions(study.item_set, study.theme)
        assert sorted(rows.position.tolist()) == [0, 1, 3, 3, 4, 4, 5, 5, 6, 7]
        with pytest.raises(LedgerError, match="withdrawn"):
            ledger.append_decisions(
                [decision(study.theme, 2)],
                reviewer=ReviewerKey(int(rows.reviewer[0])),
                item_set=study.item_set,
                origin="page",
            )


def test_what_a_person_wrote_is_not_in_the_representation(study: Study) -> None:
    record(study, decision(study.theme, 0))
    (found,) = study.reader.decisions_of_item(study.item_set, study.theme, 0)
    assert found.note == "says so in line 0"
    assert "says so" not in repr(found)


def test_an_older_ledger_has_no_decisions_and_takes_them_once_it_is_migrated(
    tmp_path: Path,
) -> None:
    path = Path(shutil.copy(BEFORE_0002 / "study.sqlite", tmp_path))
    with LedgerReader.open(path) as reader:
        (item_set,) = reader.item_sets()
        (codebook,) = reader.codebooks()
        variable = next(iter(codebook.variables.values()))
        assert reader.reviewers() == ()
        assert len(reader.person_decisions(item_set.key, variable)) == 0
        assert [*reader.decision_notes(item_set.key, variable)] == []
        assert reader.decisions_of_item(item_set.key, variable, 0) == ()
    with Ledger.open(path, create=False) as ledger:
        key = ledger.register_reviewer("AB")
        ledger.append_decisions(
            [decision(variable, 0)], reviewer=key, item_set=item_set.key, origin="page"
        )
        assert len(ledger.reader.decisions_of_item(item_set.key, variable, 0)) == 1
    assert verify(path).broken is None


def test_the_present_time_is_a_time_that_a_decision_can_have(study: Study) -> None:
    assert record(study, replace(decision(study.theme, 0), decided_at=decided_now())) == 1


@pytest.mark.slow  # starts processes and kills them
def test_appending_killed_at_any_statement_records_all_of_it_or_nothing(tmp_path: Path) -> None:
    whole = Study(tmp_path / "study.sqlite")
    record(whole, decision(whole.theme, 0))
    whole.ledger.close()
    left = []
    for statement in range(30, 47, 2):
        path = tmp_path / f"killed-{statement}.sqlite"
        shutil.copy(whole.path, path)
        command = [sys.executable, "-m", "tests.ledger.test_decisions", str(path), str(statement)]
        subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
        found = verify(path)
        assert found.broken is None, statement
        left.append(found.counts["person_decision"])
        append_three(path)
        assert verify(path).broken is None
    assert set(left) == {1, 4}


def append_three(path: Path) -> None:
    """Append three more decisions to a ledger in which only the first item is decided."""
    with Ledger.open(path, create=False) as ledger:
        (item_set,) = ledger.reader.item_sets()
        (codebook,) = ledger.reader.codebooks()
        ledger.append_decisions(
            [decision(codebook.variables["theme"], position) for position in (1, 2, 3)],
            reviewer=ledger.register_reviewer("AB"),
            item_set=item_set.key,
            origin="page",
        )


if __name__ == "__main__":
    die_at_statement(int(sys.argv[2]))
    append_three(Path(sys.argv[1]))

"""Ratings are recorded once, as they were given; their hash names the labels alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localensemble.study.rating_table.recorded_ratings as recorded_module
from localensemble.codebook.model import AlwaysReview, Category, Codebook, Variable
from localensemble.consensus.rules import decision_rules
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.labels import ItemId
from localensemble.core.raters import TABLE_ENGINE
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import verify
from localensemble.study.folder import StudyFolder
from localensemble.study.rating_table.recorded_ratings import AlignedRatings, hash_of_items
from localensemble.study.study import Study
from localensemble.study.study_labels import label_states
from tests.study.ratings import record, wide

RATERS = ("ann", "bo", "cy", "di", "ed")


def aligned(
    indices: list[list[int]],
    *,
    raters: tuple[str, ...] = RATERS,
    order: list[int] | None = None,
    categories: tuple[str, ...] = ("staff", "food"),
) -> AlignedRatings:
    """Align labels of one variable whose second category is always reviewed."""
    order = list(range(len(indices))) if order is None else order
    items = tuple((ItemId(f"i-{n}"), "0" * 64) for n in order)
    first, second, *more = categories
    variable = Variable(
        "topic",
        "nominal",
        "",
        (
            Category(first, ""),
            Category(second, "", AlwaysReview()),
            *(Category(name, "") for name in more),
        ),
    )
    given = np.array(indices, dtype=np.int16)[order]
    given = given[:, [RATERS.index(name) for name in raters]]
    return AlignedRatings(
        codebook=Codebook("t", "", "", (variable,)),
        raters=raters,
        items=items,
        items_sha256=hash_of_items(items),
        matrices={"topic": LabelMatrix(given, variable.answers, raters)},
    )


def events(folder: StudyFolder, kind: str) -> int:
    with LedgerReader.open(folder.ledger) as reader:
        return sum(event.kind == kind for event in reader.history())


GIVEN = [[0, 0, 0, 1, 1], [1, 1, -1, 0, 1], [0, -1, -1, -1, -1], [0, 1, 0, 0, 0]]


def test_the_hash_names_labels_whatever_the_order_of_items_and_raters() -> None:
    sha256 = aligned(GIVEN).sha256
    assert len(sha256) == 64
    assert aligned(GIVEN, order=[2, 0, 3, 1]).sha256 == sha256
    assert aligned(GIVEN, raters=tuple(reversed(RATERS))).sha256 == sha256


def test_the_hash_changes_with_any_label_item_rater_or_category() -> None:
    corrected = [[1, *GIVEN[0][1:]], *GIVEN[1:]]
    other_gap = [[-1, *GIVEN[0][1:]], *GIVEN[1:]]
    found = [
        aligned(GIVEN),
        aligned(corrected),
        aligned(other_gap),
        aligned(GIVEN[:3]),
        aligned(GIVEN, raters=RATERS[:4]),
        aligned(GIVEN, categories=("food", "staff")),
        aligned(GIVEN, categories=("staff", "food", "other")),
    ]
    assert len({labels.sha256 for labels in found}) == len(found)


def test_a_cell_without_a_label_is_a_label_that_nobody_recorded(tmp_path: Path) -> None:
    with Study.open(record(aligned(GIVEN), tmp_path / "study").path) as study:
        block = study.recorded.block("topic", start=0, stop=4, probabilities=True)
        assert label_states(block)[2].tolist() == [0, 4, 4, 4, 4]
        assert block.probabilities is None
        assert study.labels("topic").indices.tolist() == GIVEN


def test_raters_of_a_table_carry_its_hash_in_the_place_of_a_model(tmp_path: Path) -> None:
    labels = aligned(GIVEN)
    with Study.open(record(labels, tmp_path / "study").path) as study:
        assert study.ratings_sha256 == labels.sha256
        assert study.items_sha256 == labels.items_sha256
        raters = [record.rater for record in study.recorded.reader.raters()]
        assert [rater.name for rater in raters] == list(RATERS)
        assert {rater.identity.engine for rater in raters} == {TABLE_ENGINE}
        assert {rater.identity.model_sha256 for rater in raters} == {labels.sha256}


def test_blocks_are_recorded_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_module, "_ITEMS_AT_ONCE", 3)
    folder = record(aligned(GIVEN), tmp_path / "study")
    # The last block of the fourth item has labels of all raters, the first one, too.
    assert events(folder, "labels_appended") == 10
    with Study.open(folder.path) as study:
        assert study.labels("topic").indices.tolist() == GIVEN
    assert verify(folder.ledger).broken is None


def test_the_same_ratings_are_not_recorded_twice(tmp_path: Path) -> None:
    folder = record(aligned(GIVEN), tmp_path / "study")
    appended = events(folder, "labels_appended")
    record(aligned(GIVEN), folder.path)
    assert events(folder, "labels_appended") == appended == 5
    assert events(folder, "run_finished") == 2


def test_a_rater_without_any_label_appends_nothing(tmp_path: Path) -> None:
    silent = [[0, 1, 0, 0, -1], [1, 1, 1, 1, -1]]
    folder = record(aligned(silent), tmp_path / "study")
    assert events(folder, "labels_appended") == 4
    with Study.open(folder.path) as study:
        assert study.labels("topic").indices.tolist() == silent


def test_recording_that_was_cut_off_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Ledger.append_block
    calls: list[int] = []

    def cut_off(ledger: Ledger, *arguments: Any, **named: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(ledger, *arguments, **named)

    folder = tmp_path / "study"
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append_block", cut_off)
        with pytest.raises(KeyboardInterrupt):
            record(aligned(GIVEN), folder)
    assert events(StudyFolder(folder), "labels_appended") == 2
    record(aligned(GIVEN), folder)
    assert events(StudyFolder(folder), "labels_appended") == 5
    assert verify(StudyFolder(folder).ledger).broken is None
    with Study.open(folder) as study:
        assert study.labels("topic").indices.tolist() == GIVEN
        assert study.cautions == ()


def test_one_rater_of_five_with_a_safety_category_sends_the_item_to_a_person(
    tmp_path: Path,
) -> None:
    rows = [[0] * 5 for _ in range(20)]
    for item in range(0, 20, 4):
        rows[item][item % 5] = 1
    with Study.open(record(aligned(rows), tmp_path / "study").path) as study:
        (topic,) = study.decide()
    assert topic.categories.tolist() == [0] * 20
    assert np.flatnonzero(topic.escalated).tolist() == [0, 4, 8, 12, 16]
    assert {topic.codes(item) for item in range(0, 20, 4)} == {("always_review",)}


@pytest.mark.parametrize("method", ["majority", "unanimous", "dawid_skene", "mace"])
def test_the_order_of_the_raters_of_a_table_decides_nothing(tmp_path: Path, method: str) -> None:
    letters = ["xxy", "yyy", "x.y", "zxz", "xxx", "yxy", "zzz", "..y", "xyz", "xxy"]
    rules = decision_rules({"method": method}, [{"policy": "support_below", "limit": 0.7}])
    found = []
    for name, turned in (("a", False), ("b", True)):
        labels = wide(tmp_path, *letters)
        if turned:
            labels = AlignedRatings(
                labels.codebook,
                labels.raters[::-1],
                labels.items,
                labels.items_sha256,
                {
                    one: LabelMatrix(
                        matrix.indices[:, ::-1], matrix.categories, matrix.raters[::-1]
                    )
                    for one, matrix in labels.matrices.items()
                },
            )
        with Study.open(record(labels, tmp_path / name, rules=rules).path) as study:
            (decided,) = study.decide()
        found.append((labels.sha256, decided.categories.tolist(), decided.escalated.tolist()))
    assert found[0] == found[1]

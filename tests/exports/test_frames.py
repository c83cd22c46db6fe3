"""DataFrames of a study hold what its tables hold, with the same columns and dtypes always."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from localensemble.core.errors import InputError
from localensemble.core.labels import LabelStatus
from localensemble.exports.frames import (
    DECISION_STATES,
    LABEL_STATES,
    decisions_frame,
    labels_frame,
    queue_frame,
)
from localensemble.exports.rows import DecidedStudy, RaterLabel, study_rows
from localensemble.study.study import Study
from tests.exports.conftest import ITEMS, LONG_ITEM, RATINGS
from tests.studies import StudyFiles, read_table

LABEL_DTYPES = {
    "item": "string",
    "variable": "string",
    "rater": "string",
    "category": "string",
    "status": pd.CategoricalDtype(LABEL_STATES),
    "probability": "float64",
    "off_codebook_mass": "float64",
    "reason": "string",
}
DECISION_DTYPES = {
    "item": "string",
    "variable": "string",
    "label": "string",
    "status": pd.CategoricalDtype(DECISION_STATES),
    "origin": "string",
    "consensus": "string",
    "support": "float64",
    "mean_probability": "float64",
    "margin": "float64",
    "doubt": "float64",
    "reasons": "string",
    "reason_codes": "string",
}
PAIN = pd.CategoricalDtype(["none", "some", "much"], ordered=True)
TOPIC = pd.CategoricalDtype(["staff", "=food", "other"], ordered=False)


def has_dtypes(frame: pd.DataFrame, dtypes: dict[str, object]) -> bool:
    return list(frame.columns) == list(dtypes) and all(
        frame[name].dtype == dtype for name, dtype in dtypes.items()
    )


def or_none(value: Any) -> Any:
    return None if pd.isna(value) else value


def test_columns_and_dtypes_do_not_depend_on_the_labels(labeled: Study, rated: Study) -> None:
    for study in (labeled, rated):
        decisions = study.decide()
        assert has_dtypes(labels_frame(study), LABEL_DTYPES)
        assert has_dtypes(decisions_frame(study, decisions), DECISION_DTYPES)
        assert has_dtypes(queue_frame(study, decisions), DECISION_DTYPES)


def test_an_empty_frame_has_the_same_columns_and_dtypes(labeled: Study) -> None:
    nothing = [replace(one, escalated=np.zeros(ITEMS, np.bool_)) for one in labeled.decide()]
    for frame in (
        queue_frame(labeled, nothing),
        decisions_frame(labeled, []),
        queue_frame(labeled, []),
    ):
        assert len(frame) == 0
        assert has_dtypes(frame, DECISION_DTYPES)
        assert frame.index.equals(pd.RangeIndex(0))
    of_pain = DECISION_DTYPES | {"label": PAIN, "consensus": PAIN}
    assert has_dtypes(queue_frame(labeled, nothing, "pain"), of_pain)
    assert has_dtypes(decisions_frame(labeled, [], "pain"), of_pain)


@pytest.mark.parametrize(("variable", "dtype"), [("pain", PAIN), ("topic", TOPIC)])
def test_one_variable_has_categories_of_the_codebook_ordered_where_it_is_ordinal(
    labeled: Study, variable: str, dtype: pd.CategoricalDtype
) -> None:
    decisions = labeled.decide()
    labels = labels_frame(labeled, variable)
    assert has_dtypes(labels, LABEL_DTYPES | {"category": dtype})
    assert len(labels) == ITEMS * 3
    for frame in (
        decisions_frame(labeled, decisions, variable),
        queue_frame(labeled, decisions, variable),
    ):
        assert has_dtypes(frame, DECISION_DTYPES | {"label": dtype, "consensus": dtype})
        assert set(frame["variable"]) == {variable}


def test_ordered_categories_can_be_compared(labeled: Study) -> None:
    labels = labels_frame(labeled, "pain")
    at_least_some = labels[labels["category"] >= "some"]
    assert set(at_least_some["category"]) == {"some", "much"}


def test_the_labels_are_those_of_the_typed_rows(labeled: Study, decided: DecidedStudy) -> None:
    rows = list(study_rows(decided))
    expected = [
        (str(row.item.id), row.variables[place].variable, given)
        for place in range(3)
        for row in rows
        for given in row.variables[place].raters
    ]
    found = [
        (
            row.item,
            row.variable,
            RaterLabel(
                row.rater,
                None if row.status == "missing" else LabelStatus(row.status),
                or_none(row.category),
                or_none(row.probability),
                or_none(row.off_codebook_mass),
                or_none(row.reason),
            ),
        )
        for row in labels_frame(labeled).itertuples()
    ]
    assert found == expected


def test_a_failed_label_has_a_reason_and_nothing_else(labeled: Study) -> None:
    labels = labels_frame(labeled)
    failed = labels[labels["status"] == "failed"]
    assert set(failed["item"]) == {f"i-{LONG_ITEM}"}
    assert len(failed) == 9
    assert failed["reason"].str.startswith("too_long").all()
    assert failed[["category", "probability", "off_codebook_mass"]].isna().all(axis=None)
    others = labels[labels["status"] == "assigned"]
    assert others["reason"].isna().all()
    assert others[["category", "probability", "off_codebook_mass"]].notna().all(axis=None)


def test_gaps_of_ratings_are_missing_labels_without_numbers(rated: Study) -> None:
    labels = labels_frame(rated, rated.codebook.variables[0].name)
    assert labels["category"].dtype == pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
    given = [cell for _, *cells in RATINGS for cell in cells]
    assert [or_none(one) or "" for one in labels["category"]] == given
    assert list(labels["status"] == "missing") == [cell == "" for cell in given]
    assert labels[["probability", "off_codebook_mass", "reason"]].isna().all(axis=None)
    wide = labels.pivot(index="item", columns="rater", values="category")
    assert wide.loc["b", "bo"] == "high"


def test_the_decisions_are_those_of_the_labeled_table(
    files: StudyFiles, labeled: Study, decided: DecidedStudy
) -> None:
    frame = decisions_frame(labeled, decided.decisions)
    assert len(frame) == ITEMS * 3
    assert frame.index.equals(pd.RangeIndex(ITEMS * 3))
    table = {row["id"]: row for row in read_table(files.study / "labels.csv")}
    typed = {
        (str(row.item.id), one.variable): one
        for row in study_rows(decided)
        for one in row.variables
    }
    for row in frame.itertuples():
        one = typed[row.item, row.variable]
        assert or_none(row.label) == one.label
        assert or_none(row.consensus) == one.leading_category
        assert [
            or_none(value) for value in (row.support, row.mean_probability, row.margin, row.doubt)
        ] == [one.support, one.mean_probability, one.margin, one.doubt]
        for part in ("status", "reasons", "reason_codes"):
            assert getattr(row, part) == table[row.item][f"{row.variable}.{part}"]
        assert or_none(row.origin) == one.origin
        assert (or_none(row.origin) or "") == table[row.item][f"{row.variable}.origin"]


def test_the_queue_is_that_of_the_written_one(files: StudyFiles, labeled: Study) -> None:
    queue = queue_frame(labeled, labeled.decide())
    written = read_table(files.study / "escalations.csv")
    assert list(zip(queue["item"], queue["variable"], strict=True)) == [
        (row["id"], row["variable"]) for row in written
    ]
    assert set(queue["status"]) == {"escalated"}
    assert queue["label"].isna().all()
    assert queue.index.equals(pd.RangeIndex(len(written)))


def test_the_queue_of_one_variable_begins_with_its_most_doubtful_item(labeled: Study) -> None:
    decisions = labeled.decide()
    queue = queue_frame(labeled, decisions)
    of_topic = queue_frame(labeled, decisions, "topic")
    assert set(of_topic["item"]) == set(queue.loc[queue["variable"] == "topic", "item"])
    assert of_topic["doubt"].is_monotonic_decreasing


def test_an_unknown_variable_is_refused_with_the_nearest_name(labeled: Study) -> None:
    decisions = labeled.decide()
    for frame in (
        partial(labels_frame, labeled),
        partial(decisions_frame, labeled, decisions),
        partial(queue_frame, labeled, decisions),
    ):
        with pytest.raises(InputError) as refused:
            frame("topics")
        assert "topics" in str(refused.value)
        assert refused.value.hint is not None
        assert '"topic"' in refused.value.hint


def test_a_change_of_a_frame_does_not_change_the_decisions(labeled: Study) -> None:
    decisions = labeled.decide()
    before = decisions[0].doubt.copy()
    frame = decisions_frame(labeled, decisions, "topic")
    frame.loc[:, "doubt"] = -1.0
    assert np.array_equal(decisions[0].doubt, before)


def test_pandas_is_imported_only_when_a_frame_is_made() -> None:
    code = "import sys, localensemble.exports.frames; print('pandas' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "False"

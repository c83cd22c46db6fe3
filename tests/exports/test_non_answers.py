"""Every export gives a non-answer the same third status."""

from __future__ import annotations

from pathlib import Path

from localensemble.exports.frames import decisions_frame, queue_frame
from localensemble.exports.rows import DecidedStudy, variable_row
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from tests.labeling.test_run import label_all
from tests.studies import study_files

TEXTS = ["NA", "", *(f"comment {n}" for n in range(30))]


def test_rows_and_frames_agree_on_what_needs_no_label(tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    label_all(files)
    with Study.open(files.study) as study:
        decisions = study.decide()
        frame = decisions_frame(study, decisions, "topic")
        queue = queue_frame(study, decisions, "topic")
        items = items_of(study, files.items, id_column=None, text_column=None)
        decided = DecidedStudy.of(study, items=items, decisions=decisions)
        rows = [variable_row(decided, 0, item=item) for item in range(len(TEXTS))]
    statuses = [row.status for row in rows]
    assert statuses[:2] == ["no_answer", "no_answer"]
    assert set(statuses[2:]) <= {"accepted", "escalated"}
    assert (rows[0].label, rows[0].reasons, rows[0].reason_codes) == (None, (), ())
    assert list(frame["status"]) == statuses
    assert frame["label"][:2].isna().all()
    assert set(queue["status"]) <= {"escalated"}

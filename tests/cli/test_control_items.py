"""Control items: known beforehand, kept with the run, and no gold labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.studies import SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels a study for each test

RULES = SCRIPTED + (
    "consensus: {method: mean_probability}\nescalation: [{policy: control_missed}]\n"
)
REASON = "consensus differs from the control label"


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, [f"comment {n}" for n in range(40)], ensemble=RULES)


def control_table(folder: Path, label: str = "staff") -> Path:
    path = folder / "control.csv"
    path.write_text(
        "id,gold_topic\n" + "".join(f"i-{n},{label}\n" for n in range(12)), encoding="utf-8"
    )
    return path


def labeled(run: Run, files: StudyFiles) -> list[dict[str, str]]:
    ended = run(
        "label",
        files.items,
        *("-c", files.codebook, "-e", files.ensemble, "-o", files.study),
        *("--control", control_table(files.folder)),
    )
    assert ended.code == 0, ended.err
    return read_table(files.study / "labels.csv")


def test_a_control_item_with_another_consensus_goes_to_a_person(
    run: Run, files: StudyFiles
) -> None:
    rows = labeled(run, files)
    queue = {
        row["id"]: row["leading_category"]
        for row in read_table(files.study / "escalations.csv")
        if row["variable"] == "topic"
    }
    assert queue
    assert set(queue) <= {f"i-{n}" for n in range(12)}
    assert "staff" not in queue.values()
    assert {row["topic.reasons"] for row in rows} == {"", REASON}
    assert {row["urgent.reasons"] for row in rows} == {""}


def test_control_items_are_remembered_with_the_run(run: Run, files: StudyFiles) -> None:
    labeled(run, files)
    before = (files.study / "labels.csv").read_bytes()
    assert run("consensus", files.study, "--items", files.items).code == 0
    assert (files.study / "labels.csv").read_bytes() == before
    side_by_side = run("consensus", files.study, "--compare")
    assert "cannot" not in side_by_side.out.replace('"median" cannot', "")


def test_the_policy_is_refused_before_labeling_when_there_are_no_control_items(
    run: Run, files: StudyFiles
) -> None:
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert (ended.code, "needs control labels; there are none" in ended.err) == (2, True)
    assert not files.study.exists()


def test_control_items_cannot_be_gold_items_of_a_promise(run: Run, files: StudyFiles) -> None:
    labeled(run, files)
    gold = control_table(files.folder)
    ended = run("certify", files.study, "--gold", gold, "--variable", "topic")
    assert (ended.code, "are also used as control items" in ended.err) == (2, True)


@pytest.mark.parametrize("joined", [False, True])
def test_the_earlier_option_is_answered_with_the_line_to_type(
    run: Run, files: StudyFiles, joined: bool
) -> None:
    table = control_table(files.folder)
    given = [f"--golden={table}"] if joined else ["--golden", str(table)]
    ended = run("label", files.items, "-c", files.codebook, "-o", files.study, *given)
    assert ended.code == 2
    assert given[0].replace("--golden", "--control") in ended.err
    assert "localensemble label" in ended.err
    assert not files.study.exists()

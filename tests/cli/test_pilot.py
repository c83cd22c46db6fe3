"""`pilot` prints one screen, records no label, and its calibrations fit a later run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from localensemble.api import prepared_raters
from localensemble.engines.scripted import Script, ScriptedEngine
from localensemble.engines.settings import EngineSettings
from tests.cli.conftest import Run
from tests.piloting.pilots import TEXTS, constant, first_listed, honest
from tests.piloting.test_prior_correction import strong_prior
from tests.studies import StudyFiles, study_files

pytestmark = pytest.mark.slow  # runs whole pilots

SCRIPTS: dict[str, Script] = {"reader": honest, "first": first_listed, "one": constant}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Script]:
    """Give the scripted raters of an ensemble file a script by the name of their model."""
    known = dict(SCRIPTS)

    def opened(settings: EngineSettings) -> ScriptedEngine:
        assert settings.model_path is not None
        name = settings.model_path.stem
        return ScriptedEngine(known.get(name), seed=name)

    monkeypatch.setattr(prepared_raters, "open_engine", opened)
    return known


def ensemble(*models: str, rest: str = "") -> str:
    raters = "".join(f"  - {{model: {name}, engine: scripted}}\n" for name in models)
    return f"raters:\n{raters}{rest}"


def arguments(files: StudyFiles) -> tuple[object, ...]:
    return (files.items, "-c", files.codebook, "-e", files.ensemble)


def write_gold(files: StudyFiles, *, items: int) -> Path:
    path = files.folder / "gold.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        writer.writerows((f"i-{n}", text.split()[0]) for n, text in enumerate(TEXTS[:items]))
    return path


def test_unfit_raters_are_named_on_one_screen_and_nothing_is_written(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("reader", "first", "one"))
    before = sorted(files.folder.rglob("*"))
    ended = run("pilot", *arguments(files))
    assert ended.code == 0, ended.err
    assert sorted(files.folder.rglob("*")) == before
    assert "Pilot: 50 items of 120" in ended.out
    assert "unfit: [first, one]" in ended.out
    for part in (
        "prefers the category that is listed first",
        "one answer",
        "Time for all 120 items",
    ):
        assert part in ended.out
    assert len(ended.out.splitlines()) <= 40
    assert not any(text in ended.out + ended.err for text in TEXTS)


def test_the_line_to_type_takes_the_raters_out(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    rest = "unfit: [first, one]\n"
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("reader", "first", "one", rest=rest))
    ended = run("pilot", *arguments(files))
    assert ended.code == 0, ended.err
    assert "No rater shows a sign" in ended.out
    assert ended.out.count("  unfit ") == 4


def test_the_number_of_items_is_an_option(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("reader"))
    ended = run("pilot", *arguments(files), "--items", 12, "--details")
    assert "Pilot: 12 items of 120" in ended.out
    assert "Too few items" in ended.out
    assert "contextual" in ended.out


def test_of_many_rows_only_those_with_a_sign_are_shown_at_first(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    scripts |= {f"reader-{n}": honest for n in range(6)}
    names = [*(f"reader-{n}" for n in range(6)), "first"]
    files = study_files(tmp_path, TEXTS, ensemble=ensemble(*names))
    ended = run("pilot", *arguments(files))
    assert "12 rows without a sign" in ended.out
    assert "rows without a sign" not in run("pilot", *arguments(files), "--details").out


def test_a_table_without_answers_is_refused(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    files = study_files(tmp_path, ["NA", "..."], ensemble=ensemble("reader"))
    ended = run("pilot", *arguments(files))
    assert (ended.code, "none of its 2 items has a text" in ended.err) == (2, True)


def test_models_are_ranked_by_accuracy_and_overlapping_intervals_are_named(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    scripts["twin"] = honest
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("first", "twin", "reader"))
    gold = write_gold(files, items=60)
    ended = run("pilot", *arguments(files), "--gold", gold, "--rank")
    assert ended.code == 0, ended.err
    table = ended.out[ended.out.index("models by accuracy") :]
    # 50 of 50: Clopper-Pearson from 0.025 ** (1 / 50) = 0.929.
    ranked = [line.split() for line in table.splitlines() if line.split()[-1:] == ["50"]]
    assert [row[:2] for row in ranked] == [["reader", "1"], ["twin", "2"], ["first", "3"]]
    assert ranked[0][2:5] == ["1.000", "0.929", "1.000"]
    assert "50 gold labels do not tell reader from twin: their 95% intervals overlap" in table
    assert "Evaluate it on other gold labels" in table
    assert "models by accuracy" not in run("pilot", *arguments(files), "--gold", gold).out


def test_a_rank_needs_gold_labels(run: Run, scripts: dict[str, Script], tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("reader"))
    ended = run("pilot", *arguments(files), "--rank")
    assert (ended.code, "--gold" in ended.err) == (2, True)


@pytest.mark.slow  # labels two studies and writes their reports
def test_a_calibration_that_gold_recommends_is_written_and_label_applies_it(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    scripts["biased"] = strong_prior
    rest = "consensus: {method: mean_probability}\n"
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("biased", rest=rest))
    gold = write_gold(files, items=60)
    folder = tmp_path / "pilot"
    ended = run("pilot", *arguments(files), "--gold", gold, "-o", folder)
    assert ended.code == 0, ended.err
    calibration = folder / "rater-calibration-topic.json"
    assert f"--calibration {calibration}" in ended.out
    assert json.loads((folder / "pilot.json").read_text(encoding="utf-8"))["items"] == 50
    study = ("-o", files.study, "--gold", gold)
    plain = run("label", *arguments(files), "-o", tmp_path / "plain", "--gold", gold)
    applied = run(
        "label", *arguments(files), *study, "--calibration", calibration, "--foreign-files"
    )
    assert (plain.code, applied.code) == (0, 0), applied.err
    assert right(tmp_path / "plain") == (20, 60)
    assert right(files.study) == (60, 60)


def right(study: Path) -> tuple[int, int]:
    """Return how many consensus labels on the topic equal gold, and of how many."""
    findings = json.loads((study / "findings.json").read_text(encoding="utf-8"))
    evaluated = findings["variables"][0]["gold"]["evaluated"]
    consensus = next(one for one in evaluated if one["who"] == "consensus")["evaluation"]
    return consensus["correct"], consensus["items"]


def test_gold_labels_without_a_gain_write_no_calibration(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("reader"))
    folder = tmp_path / "pilot"
    ended = run("pilot", *arguments(files), "--gold", write_gold(files, items=60), "-o", folder)
    assert ended.code == 0, ended.err
    assert [one.name for one in folder.iterdir()] == ["pilot.json"]
    assert "reader 100% (93% to 100%)" in ended.out


def test_label_stops_at_an_unfit_rater_only_when_asked_to(
    run: Run, scripts: dict[str, Script], tmp_path: Path
) -> None:
    files = study_files(tmp_path, TEXTS, ensemble=ensemble("one", "reader"))
    label = ("label", *arguments(files), "-o", files.study)
    ended = run(*label, "--stop-unfit")
    assert ended.code == 6
    assert "one gave the same answer to all of its first 64 items" in " ".join(ended.err.split())
    assert "--unfit one" in ended.err
    assert not (files.study / "labels.csv").exists()
    ended = run(*label, "--stop-unfit", "--unfit", "one")
    assert ended.code == 0, ended.err
    assert "one: 120 items, 64 labeled earlier" in ended.err
    assert run(*label).code == 0

"""Asking in several category orders, from the ensemble file to the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localensemble.consensus.certificates.bounds import exact_interval
from tests.cli.conftest import Run
from tests.studies import SCRIPTED, StudyFiles, recorded, study_files

pytestmark = pytest.mark.slow  # labels and reports whole studies

TEXTS = [f"comment {n}" for n in range(40)]


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, TEXTS, ensemble=f"{SCRIPTED}prompt: {{orders: 3}}\n")


def label(run: Run, files: StudyFiles, *options: str, code: int = 0) -> str:
    given = ("-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run("label", files.items, *given, *options)
    assert ended.code == code, ended.err
    return ended.err + ended.out


def test_a_run_states_the_cost_before_and_the_position_bias_after(
    run: Run, files: StudyFiles
) -> None:
    printed = " ".join(label(run, files, "--details").split())
    assert "up to 3 times" in printed
    assert "2.5 times as long" in printed
    assert printed.index("2.5 times") < printed.index("Agreement of 3 raters")
    assert "another order of the categories changes its most probable category" in printed
    assert printed.count("Agreement with itself over") == 3


def test_the_position_bias_is_in_the_findings_and_the_report(run: Run, files: StudyFiles) -> None:
    label(run, files)
    topic = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))["variables"][0]
    for rater in topic["raters"]:
        bias = rater["position_bias"]
        interval = exact_interval(bias["changed"], items=40)
        assert bias["items"] == 40
        assert bias["share"] == bias["changed"] / 40
        assert (bias["interval_low"], bias["interval_high"]) == (interval.low, interval.high)
        assert bias["orders"] == 3
        assert bias["intra_rater"]["name"] == "AC1"
        assert bias["intra_rater"]["items_used"] == 40
        # Each of three categories stands first once.
        assert bias["first"]["expected"] == pytest.approx(1 / 3)
    page = (files.study / "report.html").read_text(encoding="utf-8")
    assert "Does the order of the categories change the answer?" in page
    assert "orders = 3" in page
    assert "listed in up to 3 orders" in page
    assert "AC1 with itself" in page


def test_one_order_says_nothing_about_position(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS, ensemble=f"{SCRIPTED}prompt: {{orders: 1}}\n")
    printed = label(run, files)
    assert "order of the categories" not in printed
    page = (files.study / "report.html").read_text(encoding="utf-8")
    assert "order of the categories" not in page


def test_other_orders_make_other_raters_in_the_same_study(run: Run, files: StudyFiles) -> None:
    label(run, files)
    files.ensemble.write_text(SCRIPTED, encoding="utf-8")
    assert "is not the rater that used this name before" in label(run, files)


@pytest.mark.parametrize("orders", ["0", "-1", "two", "1.5"])
def test_orders_that_cannot_be_asked_are_refused(run: Run, files: StudyFiles, orders: str) -> None:
    files.ensemble.write_text(f"{SCRIPTED}prompt: {{orders: {orders}}}\n", encoding="utf-8")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert "prompt.orders" in ended.err


@pytest.mark.parametrize("key", ["repeats: 3", "seeds: [1, 2]", "temperature: 0.7"])
def test_draws_that_would_change_nothing_are_refused(run: Run, files: StudyFiles, key: str) -> None:
    files.ensemble.write_text(f"{SCRIPTED}prompt: {{{key}}}\n", encoding="utf-8")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2
    assert "Nothing is drawn at random" in " ".join(ended.err.split())
    assert "prompt.orders" in ended.err


def test_estimate_states_the_cost(run: Run, files: StudyFiles) -> None:
    ended = run("estimate", files.items, "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 0, ended.err
    assert "2.5 times as long" in " ".join(ended.err.split())


def test_ask_averages_as_label_does(run: Run, files: StudyFiles) -> None:
    label(run, files)
    ended = run(
        "ask", "--items", files.items, "--id", "i-7", "-c", files.codebook, "-e", files.ensemble,
        "--json",
    )  # fmt: skip
    topic = json.loads(ended.out)["variables"][0]
    rows = {row[2]: row for row in recorded(files.study) if row[:2] == ("topic", "i-7")}
    for rater in topic["raters"]:
        averaged = json.loads(str(rows[rater["rater"]][5]))
        assert sorted(rater["probabilities"].values()) == pytest.approx(sorted(averaged))

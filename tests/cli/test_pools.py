"""Gold labels without a method choose how raters are pooled; the study keeps what they chose."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.studies import CODEBOOK, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels hundreds of items for every study

ITEMS = 160
TEXTS = [f"comment {n}" for n in range(ITEMS)]


def label(run: Run, files: StudyFiles, *more: object, code: int = 0) -> str:
    arguments = ("-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run("label", files.items, *arguments, *more)
    assert ended.code == code, ended.err
    return ended.out + ended.err


@pytest.fixture
def labeled(run: Run, tmp_path: Path) -> StudyFiles:
    files = study_files(tmp_path, TEXTS)
    label(run, files)
    return files


def gold(files: StudyFiles, *, rows: range = range(120)) -> Path:
    """Call the second rater right on four of five items."""
    path = files.folder / f"gold-{rows.start}-{rows.stop}.csv"
    table = read_table(files.study / "labels.csv")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        for n in rows:
            said = table[n]["topic.rater.second"]
            other = "food" if said == "staff" else "staff"
            writer.writerow((table[n]["id"], said if n % 5 else other))
    return path


def pool(run: Run, files: StudyFiles, *more: object) -> str:
    ended = run("consensus", files.study, "--gold", gold(files), "--items", files.items, *more)
    assert ended.code == 0, ended.err
    return ended.out + ended.err


def of_variable(table: list[dict[str, str]], start: str) -> list[list[str]]:
    return [[cell for name, cell in row.items() if name.startswith(start)] for row in table]


def findings(files: StudyFiles) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    return found


def test_gold_labels_fit_a_pool_and_a_variable_without_them_keeps_its_rule(
    run: Run, labeled: StudyFiles
) -> None:
    before = read_table(labeled.study / "labels.csv")
    out = pool(run, labeled)
    assert "topic is decided by" in out
    assert "urgent is still decided by majority" in out
    found = findings(labeled)
    (held,) = found["pools"]
    assert held["variable"] == "topic"
    assert held["gold_items"] == 120
    assert [one["rule"] for one in held["compared"]][-2:] == [
        "majority",
        "most_frequent_category",
    ]
    after = read_table(labeled.study / "labels.csv")
    assert of_variable(after, "urgent.") == of_variable(before, "urgent.")
    assert of_variable(after, "topic.rater.") == of_variable(before, "topic.rater.")
    assert of_variable(after, "topic.label") != of_variable(before, "topic.label")
    report = (labeled.study / "report.html").read_text(encoding="utf-8")
    assert held["sentence"][:40] in report


def test_figures_on_the_gold_labels_of_a_pool_are_called_too_good(
    run: Run, labeled: StudyFiles
) -> None:
    pool(run, labeled)
    ended = run("evaluate", labeled.study, "--gold", gold(labeled))
    assert any(
        "texts of 120 of these 120 gold labels" in one for one in findings(labeled)["cautions"]
    )
    assert "cross-validated accuracy" in " ".join((ended.out + ended.err).split())
    run("evaluate", labeled.study, "--gold", gold(labeled, rows=range(120, ITEMS)))
    assert not any("pool was fitted" in one for one in findings(labeled)["cautions"])


def test_gold_labels_that_a_pool_used_up_are_not_proposed_for_a_certificate(
    run: Run, labeled: StudyFiles
) -> None:
    pool(run, labeled)
    used = ("--gold", gold(labeled), "--random-sample")
    proposed = "certify " + str(labeled.study)
    ended = " ".join(run("evaluate", labeled.study, *used).out.split())
    assert "Caution: topic: the pool was fitted" in ended
    assert proposed not in ended
    found = {one["name"]: one for one in findings(labeled)["variables"]}
    assert found["topic"]["gold"]["used_items"] == 120
    fresh = gold(labeled, rows=range(100, ITEMS))
    run("evaluate", labeled.study, "--gold", fresh, "--random-sample")
    found = {one["name"]: one for one in findings(labeled)["variables"]}
    assert found["topic"]["gold"]["used_items"] == 20


def test_without_gold_the_pool_decides_until_another_method_is_chosen(
    run: Run, labeled: StudyFiles
) -> None:
    pool(run, labeled)
    kept = read_table(labeled.study / "labels.csv")
    label(run, labeled)
    assert read_table(labeled.study / "labels.csv") == kept
    policy = ("--policy", "{policy: support_below, limit: 0.1}")
    assert run("consensus", labeled.study, *policy, "--items", labeled.items).code == 0
    assert findings(labeled)["pools"]
    ended = run("consensus", labeled.study, "--method", "majority", "--items", labeled.items)
    assert 'drops its pool for "topic"' in ended.out + ended.err
    assert findings(labeled)["pools"] == []


def test_labels_and_gold_labels_in_another_order_give_the_same_pool(
    run: Run, labeled: StudyFiles
) -> None:
    pool(run, labeled)
    first = findings(labeled)["pools"]
    path = gold(labeled)
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join((head, *reversed(rows))) + "\n", encoding="utf-8")
    ended = run("consensus", labeled.study, "--gold", path, "--items", labeled.items)
    assert ended.code == 0
    assert findings(labeled)["pools"] == first


@pytest.mark.parametrize(
    "options",
    [("--method", "majority"), ("--method", "mean_probability", "--setting", "pooling=log")],
    ids=["method", "setting"],
)
def test_a_chosen_method_is_only_compared_with_the_gold_labels(
    run: Run, labeled: StudyFiles, options: tuple[str, ...]
) -> None:
    pool(run, labeled, *options)
    assert findings(labeled)["pools"] == []


def test_too_few_gold_labels_leave_the_rule_and_say_how_many_are_needed(
    run: Run, labeled: StudyFiles
) -> None:
    few = gold(labeled, rows=range(30))
    ended = run("consensus", labeled.study, "--gold", few, "--items", labeled.items)
    assert ended.code == 0
    out = " ".join((ended.out + ended.err).split())
    assert "topic is still decided by majority" in out
    assert "30 gold labels" in out
    assert "at least 50" in out
    assert findings(labeled)["pools"] == []


def test_another_rater_makes_the_pool_void(run: Run, labeled: StudyFiles) -> None:
    pool(run, labeled)
    unfit = run("consensus", labeled.study, "--unfit", "third")
    assert unfit.code == 2
    assert "third" in unfit.err
    again = run("consensus", labeled.study, "--unfit", "third", "--gold", gold(labeled))
    assert again.code == 0
    labeled.ensemble.write_text(
        labeled.ensemble.read_text(encoding="utf-8").replace(
            "{model: third,", "{model: third, name: fourth,"
        ),
        encoding="utf-8",
    )
    assert "fourth" in label(run, labeled, code=2)


def test_a_reworded_variable_makes_the_pool_void_and_the_pool_is_named(
    run: Run, labeled: StudyFiles
) -> None:
    pool(run, labeled)
    labeled.codebook.write_text(CODEBOOK.replace("It can wait.", "It may wait."), encoding="utf-8")
    said = " ".join(label(run, labeled, code=2).split())
    assert "pool does not apply" in said
    assert "--method majority" in said
    kept = ("--items", labeled.items, "--method", "majority")
    assert run("consensus", labeled.study, *kept).code == 0
    assert "The labels of topic are kept" in " ".join(label(run, labeled).split())


def test_a_certificate_leaves_out_the_gold_labels_of_the_pool(
    run: Run, labeled: StudyFiles
) -> None:
    pool(run, labeled)
    promise = ("--variable", "topic", "--alpha", "0.8", "--delta", "0.2")
    seen = run("certify", labeled.study, "--gold", gold(labeled), *promise)
    assert seen.code == 2
    assert "pool" in seen.err
    fresh = run("certify", labeled.study, "--gold", gold(labeled, rows=range(100, 135)), *promise)
    out = " ".join((fresh.out + fresh.err).split())
    assert fresh.code == 0, out
    assert "Left out 20 gold labels whose texts the pool" in out
    certificate = labeled.study / "certificate-topic.json"
    assert json.loads(certificate.read_text(encoding="utf-8"))["by"] == "method"
    applied = run(
        *("consensus", labeled.study, "--certificate", certificate, "--items", labeled.items)
    )
    assert applied.code == 0, applied.err
    assert findings(labeled)["pools"]


def test_the_text_of_a_gold_item_of_the_pool_is_no_fresh_evidence_under_another_id(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, [*TEXTS[:80], *TEXTS[:80]])
    label(run, files)
    known = ("--gold", gold(files, rows=range(80)), "--items", files.items)
    assert run("consensus", files.study, *known).code == 0
    copies = gold(files, rows=range(80, ITEMS))
    compared = run("evaluate", files.study, "--gold", copies, "--details")
    assert "fitted to the texts of 80 of these 80 gold labels" in " ".join(compared.out.split())
    promise = ("--variable", "topic", "--alpha", "0.8", "--delta", "0.2")
    certified = run("certify", files.study, "--gold", copies, *promise)
    assert (certified.code, "pool" in certified.err) == (2, True)

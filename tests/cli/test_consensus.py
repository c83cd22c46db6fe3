"""`consensus` decides again from the ledger alone and says what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.studies import SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels and decides studies in processes of their own

RATERS = ("first", "second", "third")
ORDINAL = """\
name: sounds
version: "1"
description: Comments about a clinic.
variables:
  - name: tone
    level: ordinal
    question: How does it sound?
    categories:
      - name: bad
        definition: It complains about something.
      - name: mixed
        definition: It does both, or neither.
      - name: good
        definition: It praises something or somebody.
"""


@pytest.fixture
def labeled(run: Run, tmp_path: Path) -> StudyFiles:
    files = study_files(tmp_path, [f"comment {n}" for n in range(60)])
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    return files


def written(files: StudyFiles) -> dict[str, bytes]:
    names = ("labels.csv", "escalations.csv", "findings.json", "manifest.json", "study.sqlite")
    return {name: (files.study / name).read_bytes() for name in names}


def test_without_the_items_decisions_are_shown_and_nothing_is_written(
    run: Run, labeled: StudyFiles
) -> None:
    before = written(labeled)
    ended = run("consensus", labeled.study, "--method", "unanimous")
    assert ended.code == 0
    assert "Decisions (unanimous)" in ended.out
    assert "Nothing was written" in ended.out
    assert written(labeled) == before


def test_with_the_items_the_tables_are_those_that_label_would_have_written(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    ended = run(
        "consensus", labeled.study, "--method", "mean_probability", "--items", labeled.items
    )
    assert (ended.code, "Wrote" in ended.out) == (0, True)
    other = study_files(
        tmp_path / "other",
        [f"comment {n}" for n in range(60)],
        ensemble=SCRIPTED + "consensus: {method: mean_probability}\n",
    )
    run("label", other.items, "-c", other.codebook, "-e", other.ensemble, "-o", other.study)
    for name in ("labels.csv", "escalations.csv"):
        assert (labeled.study / name).read_bytes() == (other.study / name).read_bytes()
    manifest = json.loads((labeled.study / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["rules"]["consensus"] == {"method": "mean_probability"}


def test_rules_that_were_written_are_those_of_every_later_command(
    run: Run, labeled: StudyFiles
) -> None:
    run("consensus", labeled.study, "--method", "dawid_skene", "--items", labeled.items)
    findings = labeled.study / "findings.json"
    decided = findings.read_text(encoding="utf-8")
    assert json.loads(decided)["consensus_method"] == "dawid_skene"
    run("consensus", labeled.study, "--items", labeled.items)
    assert findings.read_text(encoding="utf-8") == decided, "deciding alike records nothing new"
    assert run("ledger", "verify", labeled.study).code == 0


def test_labeling_again_decides_by_the_rules_that_were_chosen_last(
    run: Run, labeled: StudyFiles
) -> None:
    command = ("label", labeled.items, "-c", labeled.codebook, "-o", labeled.study, "-e")
    run("consensus", labeled.study, "--method", "unanimous", "--items", labeled.items)
    chosen = (labeled.study / "labels.csv").read_bytes()
    for _ in range(2):
        again = run(*command, labeled.ensemble)
        assert "the rules that were chosen last (unanimous; missing_raters" in again.err
        assert (labeled.study / "labels.csv").read_bytes() == chosen
    labeled.ensemble.write_text(
        SCRIPTED + "consensus: {method: mean_probability}\n", encoding="utf-8"
    )
    stated = run(*command, labeled.ensemble)
    assert "Now: mean_probability; missing_raters" in stated.err
    assert "Before: unanimous; missing_raters" in stated.err
    assert (labeled.study / "labels.csv").read_bytes() != chosen
    assert "ensemble file" not in run(*command, labeled.ensemble).err


def test_what_leaves_out_the_gold_labels_says_so(run: Run, labeled: StudyFiles) -> None:
    gold = labeled.folder / "gold.csv"
    gold.write_text("id,gold_topic\ni-1,staff\ni-2,food\n", encoding="utf-8")
    label = (
        *("label", labeled.items, "-c", labeled.codebook, "-e", labeled.ensemble),
        *("-o", labeled.study),
    )
    for command in (label, ("report", labeled.study)):
        run("evaluate", labeled.study, "--gold", gold)
        first, second = run(*command), run(*command)
        assert "give the gold table again (--gold)" in first.out + first.err
        assert "localensemble report" in first.out + first.err
        assert "--gold" not in second.out + second.err
        assert "--gold" not in run(*command, "--gold", gold).err


def test_methods_stand_side_by_side_with_their_accuracy(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    gold = tmp_path / "gold.csv"
    gold.write_text(
        "id,gold_topic\n" + "".join(f"i-{n},staff\n" for n in range(60)), encoding="utf-8"
    )
    before = written(labeled)
    ended = run("consensus", labeled.study, "--compare", "--gold", gold)
    assert ended.code == 0
    for method in ("majority", "unanimous", "mean_probability", "dawid_skene", "mace"):
        assert method in ended.out
    assert "topic: accuracy against the gold labels" in ended.out
    assert "urgent: accuracy against the gold labels" not in ended.out
    assert 'median is left out. The consensus method "median" cannot decide "topic"' in ended.out
    assert written(labeled) == before


def test_an_ordinal_variable_can_take_the_median(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(20)], codebook=ORDINAL)
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    ended = run("consensus", files.study, "--method", "median", "--items", files.items)
    assert (ended.code, "Decisions (median)" in ended.out) == (0, True)
    assert all(row["tone.status"] == "accepted" for row in read_table(files.study / "labels.csv"))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--method", "medain"), 'Did you mean "median"?'),
        (("--method", "median"), "its level is nominal"),
        (("--method", "majority", "--setting", "minimum_shar=1"), '"minimum_share"'),
        (("--method", "majority", "--setting", "minimum_share"), "expected name=value"),
        (("--method", "majority", "--setting", "minimum_share={"), "Cannot read the value"),
        (("--method", "majority", "--setting", "minimum_share=2"), "minimum_share = 2"),
        (("--method", "weighted"), 'needs the setting "accuracies"'),
        (("--setting", "accuracies={first: 0.8}", "--method", "weighted"), '"second"'),
        (("--certificate", "none.json", "--drop-certificates"), "not both"),
        (("--certificate", "none.json"), "Cannot read the certificate"),
    ],
)
def test_rules_that_do_not_fit_end_with_code_2_and_what_to_do(
    run: Run, labeled: StudyFiles, arguments: tuple[str, ...], found: str
) -> None:
    before = written(labeled)
    ended = run("consensus", labeled.study, "--items", labeled.items, *arguments)
    assert (ended.code, found in ended.err) == (2, True), ended.err
    assert written(labeled) == before


def test_settings_reach_the_method(run: Run, labeled: StudyFiles) -> None:
    strict = run("consensus", labeled.study, "--details", "--setting", "minimum_share=1.0")
    unanimous = run("consensus", labeled.study, "--details", "--method", "unanimous")
    # Unanimous calls three different labels no consensus, a majority calls them a tie.
    for variable in ("topic", "urgent"):
        rows = [
            [
                line.split()
                for line in ended.out.splitlines()
                if f"{variable} " in line and "%" in line
            ]
            for ended in (strict, unanimous)
        ]
        assert rows[0][-1] == rows[1][-1]
    weights = "accuracies={first: 0.99, second: 0.4, third: 0.4}"
    ended = run("consensus", labeled.study, "--method", "weighted", "--setting", weights)
    assert "Decisions (weighted)" in ended.out


def test_rules_of_an_ensemble_file_apply_and_an_unknown_policy_is_answered(
    run: Run, labeled: StudyFiles
) -> None:
    rules = labeled.folder / "rules.yaml"
    rules.write_text(SCRIPTED + "escalation:\n  - {policy: budget, items: 40}\n", encoding="utf-8")
    shown = run("consensus", labeled.study, "-e", rules, "--details")
    assert "40 escalated: among the 40 most doubtful" in shown.out
    assert "topic: an item can have several reasons" in shown.out
    for which in ("40 escalated items", "items among the 40 most doubtful"):
        found = re.search(
            rf"(\d+\.\d)% of the labels expected to be wrong are among the {which};", shown.out
        )
        assert found is not None
        # Two thirds of the items, the most doubtful first, hold more than their share.
        assert 100 * 40 / 60 < float(found[1]) < 100
    # All expected errors are among the escalated items if all are; that tells nothing.
    rules.write_text(SCRIPTED + "escalation:\n  - {policy: budget, items: 60}\n", encoding="utf-8")
    assert (
        "expected to be wrong" not in run("consensus", labeled.study, "-e", rules, "--details").out
    )
    rules.write_text(SCRIPTED + "escalation:\n  - {policy: buget, items: 40}\n", encoding="utf-8")
    ended = run("consensus", labeled.study, "-e", rules)
    assert ended.code == 2
    assert 'Did you mean "budget"?' in ended.err


def test_a_method_that_did_not_converge_is_a_caution_wherever_it_decided(
    run: Run, labeled: StudyFiles
) -> None:
    said = "topic: the method did not converge; do not rely on its consensus."
    method = ("--method", "dawid_skene", "--setting", "iterations=1")
    assert f"Caution: {said}" in run("consensus", labeled.study, *method).out
    run("consensus", labeled.study, *method, "--items", labeled.items)
    assert run("report", labeled.study).code == 0
    assert said in json.loads((labeled.study / "findings.json").read_text("utf-8"))["cautions"]
    assert said in (labeled.study / "report.html").read_text(encoding="utf-8")


def test_labels_that_no_rater_gave_are_a_caution_with_what_to_do(
    run: Run, labeled: StudyFiles
) -> None:
    method = ("--method", "dawid_skene", "--items", labeled.items)
    said = run("consensus", labeled.study, *method).out
    rows = read_table(labeled.study / "labels.csv")
    unchosen = [
        row
        for row in rows
        if row["topic.label"]
        and row["topic.label"] not in [row[f"topic.rater.{name}"] for name in RATERS]
    ]
    assert unchosen
    assert f"topic: no rater chose the category of {len(unchosen)} accepted label" in said
    policy = re.search(r"add (.+) to the policies", said)
    assert policy is not None
    assert (
        "no rater chose" not in run("consensus", labeled.study, *method, "--policy", policy[1]).out
    )

"""`sample`, `certify` and certificates: a promise, what it rests on, and when it is refused."""

from __future__ import annotations

import csv
import html
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from localensemble.catalog.located_models import LocatedModel
from localensemble.consensus.certificates.certificate import Certificate
from localensemble.ledger.read import LedgerReader
from tests.cli.conftest import Run
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels and decides studies in processes of their own

ITEMS = 300
POOLED = SCRIPTED + "consensus: {method: mean_probability}\n"
TEXTS = [f"comment {n}" for n in range(ITEMS)]
PROMISE = ("--variable", "topic", "--alpha", "0.1", "--delta", "0.1")


def label_arguments(files: StudyFiles) -> tuple[object, ...]:
    options = ("-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    return ("label", files.items, *options)


def label(run: Run, files: StudyFiles, *more: object) -> str:
    ended = run(*label_arguments(files), *more)
    assert ended.code == 0, ended.err
    return ended.err


@pytest.fixture(scope="module")
def labeled_once(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    files = study_files(tmp_path_factory.mktemp("labeled"), TEXTS, ensemble=POOLED)
    command = [sys.executable, "-m", "localensemble", *map(str, label_arguments(files))]
    subprocess.run(command, check=True, capture_output=True)
    return files


@pytest.fixture
def labeled(labeled_once: StudyFiles, tmp_path: Path) -> StudyFiles:
    shutil.copytree(labeled_once.folder, tmp_path, dirs_exist_ok=True)
    return StudyFiles(tmp_path)


def gold_table(files: StudyFiles, *, rows: int = 200, wrong_share: float = 0.5) -> Path:
    """Call the consensus right, but for the least probable share of the items."""
    path = files.folder / "gold.csv"
    table = read_table(files.study / "labels.csv")
    table.sort(key=lambda row: float(row["topic.mean_probability"]))
    wrong = {row["id"] for row in table[: int(wrong_share * ITEMS)]}
    table.sort(key=lambda row: row["id"])
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "gold_topic"))
        for row in table[:rows]:
            label = row["topic.label"]
            other = "food" if label == "staff" else "staff"
            writer.writerow((row["id"], other if row["id"] in wrong else label))
    return path


def certified(run: Run, files: StudyFiles) -> Path:
    ended = run("certify", files.study, "--gold", gold_table(files), *PROMISE)
    assert ended.code == 0, ended.err
    return files.study / "certificate-topic.json"


def test_a_certification_that_certifies_nothing_does_not_say_certified(
    run: Run, labeled: StudyFiles
) -> None:
    gold = gold_table(labeled, wrong_share=0.9)
    ended = run("certify", labeled.study, "--gold", gold, *PROMISE)
    assert (ended.code, "Tried on" in ended.out) == (1, True)
    assert "Certified" not in ended.out
    assert "passed: p is at most" in ended.out


def test_a_worksheet_is_blind_random_and_never_written_over(run: Run, labeled: StudyFiles) -> None:
    first, again, other = (labeled.folder / name for name in ("a.csv", "b.csv", "c.csv"))
    arguments = ("sample", labeled.study, "--items", labeled.items, "--n", "50")
    ended = run(*arguments, "--seed", "7", "-o", first)
    assert (ended.code, "50 of 300 items, drawn at random" in ended.out) == (0, True)
    assert "gold_topic: staff, food, other" in ended.out
    run(*arguments, "--seed", "7", "-o", again)
    run(*arguments, "--seed", "8", "-o", other)
    rows = read_table(first)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    assert list(rows[0]) == ["id", "text", "gold_topic", "gold_urgent"]
    assert len({row["id"] for row in rows}) == 50
    assert {row["gold_topic"] + row["gold_urgent"] for row in rows} == {""}
    positions = [int(row["id"].removeprefix("i-")) for row in rows]
    assert positions != sorted(positions), "who stops early has labeled a random sample"
    assert all(row["text"] == TEXTS[n] for row, n in zip(rows, positions, strict=True))
    assert f"Next: localensemble evaluate {labeled.study}" in ended.out
    assert "about 418 items" in ended.out
    assert "more than the 300 of this study" in " ".join(ended.out.split())
    assert "You drew 50 items" in ended.out
    refused = run(*arguments, "-o", first)
    assert (refused.code, "already exists" in refused.err) == (2, True)


def test_a_worksheet_is_drawn_from_the_table_that_was_labeled(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    other = study_files(tmp_path / "other", TEXTS[:-1])
    ended = run(
        "sample", labeled.study, "--items", other.items, "--n", "5", "-o", tmp_path / "w.csv"
    )
    assert (ended.code, "not the table that was labeled" in ended.err) == (2, True)
    assert not (tmp_path / "w.csv").exists()


def test_a_promise_is_printed_with_all_it_rests_on(run: Run, labeled: StudyFiles) -> None:
    ended = run("certify", labeled.study, "--gold", gold_table(labeled), *PROMISE)
    said = " ".join(ended.out.split())
    assert ended.code == 0
    assert "at most 10.0% are wrong, with confidence 90.0%" in said
    assert said.count("Assumed: ") >= 4
    assert "topic: share of each category in the whole study" in said
    values = json.loads((labeled.study / "certificate-topic.json").read_text(encoding="utf-8"))
    certificate = Certificate.from_values(values)
    assert certificate.sentence() in said
    file = labeled.study / "certificate-topic.json"
    assert f"localensemble consensus {labeled.study} --certificate {file} --items ITEMS" in said
    assert [name for name, _ in certificate.hashes] == [
        *("codebook", "decision rules"),
        *("model of first", "model of second", "model of third"),
        "prompt template",
        *("rater first", "rater second", "rater third"),
        "variable",
    ]


def test_an_applied_certificate_accepts_what_it_said(run: Run, labeled: StudyFiles) -> None:
    path = certified(run, labeled)
    certificate = Certificate.from_values(json.loads(path.read_text(encoding="utf-8")))
    assert 0 < certificate.pool_accepted < ITEMS
    before = read_table(labeled.study / "labels.csv")
    ended = run("consensus", labeled.study, "--certificate", path, "--items", labeled.items)
    assert ended.code == 0, ended.err
    assert certificate.sentence() in ended.out
    by_consensus = (labeled.study / "labels.csv").read_bytes()
    rows = read_table(labeled.study / "labels.csv")
    accepted = [row for row in rows if row["topic.status"] == "accepted"]
    assert len(accepted) == certificate.pool_accepted
    assert certificate.certified.threshold is not None
    assert all(
        float(row["topic.mean_probability"]) > certificate.certified.threshold - 1e-6
        for row in accepted
    )
    assert [row["urgent.status"] for row in rows] == [row["urgent.status"] for row in before]
    again = run(
        "label",
        labeled.items,
        *("-c", labeled.codebook, "-e", labeled.ensemble, "-o", labeled.study),
        *("--certificate", path),
    )
    page = html.unescape((labeled.study / "report.html").read_text(encoding="utf-8"))
    for shown in (ended.out, again.out, page):
        assert certificate.sentence() in shown
        assert all(assumption in shown for assumption in certificate.assumptions())
    assert f"score_below (limit = {certificate.certified.threshold}, by = " in page
    assert (labeled.study / "labels.csv").read_bytes() == by_consensus
    assert run("evaluate", labeled.study, "--gold", gold_table(labeled)).code == 0


def test_a_certificate_applies_to_new_items_of_the_same_raters(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    path = certified(run, labeled)
    fresh = study_files(tmp_path / "new", [f"note {n}" for n in range(40)], ensemble=POOLED)
    foreign = ("label", fresh.items, "-c", fresh.codebook, "-e", fresh.ensemble, "-o", fresh.study)
    refused = run(*foreign, "--certificate", path)
    assert (refused.code, "no record" in refused.err) == (2, True), refused.err
    assert not fresh.study.exists()
    label(run, fresh, "--certificate", path, "--foreign-files")
    page = html.unescape((fresh.study / "report.html").read_text(encoding="utf-8"))
    assert "The certificate for topic is foreign" in page
    assert "This certificate is foreign" in page
    reasons = {row["topic.reasons"] for row in read_table(fresh.study / "labels.csv")}
    assert any("mean probability below" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("codebook", "ensemble", "found"),
    [
        (CODEBOOK.replace("Meals and drinks.", "Meals."), POOLED, "codebook"),
        (CODEBOOK, POOLED.replace("model: third", "model: x, name: third"), 'rater "third"'),
    ],
    ids=["codebook", "other model"],
)
def test_a_certificate_is_refused_for_anything_else(
    run: Run, labeled: StudyFiles, tmp_path: Path, codebook: str, ensemble: str, found: str
) -> None:
    path = certified(run, labeled)
    other = study_files(tmp_path / "other", TEXTS[:20], codebook=codebook, ensemble=ensemble)
    ended = run(
        "label",
        other.items,
        *("-c", other.codebook, "-e", other.ensemble, "-o", other.study, "--certificate", path),
        "--foreign-files",
    )
    assert (ended.code, found in ended.err) == (2, True), ended.err
    assert not (other.study / "labels.csv").exists()


def test_a_method_that_learns_from_all_items_is_certified_for_these_items_only(
    run: Run, tmp_path: Path
) -> None:
    learning = SCRIPTED + "consensus: {method: dawid_skene}\n"
    files = study_files(tmp_path, TEXTS, ensemble=learning)
    label(run, files)
    path = certified(run, files)
    label(run, files, "--certificate", path)
    other = study_files(tmp_path / "other", TEXTS[:-1], ensemble=learning)
    arguments = (
        "-c",
        other.codebook,
        "-e",
        other.ensemble,
        "--certificate",
        path,
        "--foreign-files",
    )
    for items, limit in ((other.items, ()), (files.items, ("--limit", "200"))):
        ended = run("label", items, "-o", other.study, *arguments, *limit)
        assert (ended.code, "item set" in ended.err) == (2, True), ended.err
        assert not other.study.exists()


@pytest.mark.parametrize(
    ("entry", "value"),
    [(("certified", "alpha"), 0.01), (("certified", "chosen", "accepted"), 7), (("date",), "1999")],
    ids=["alpha", "accepted", "date"],
)
def test_an_edited_certificate_decides_nothing(
    run: Run, labeled: StudyFiles, entry: tuple[str, ...], value: object
) -> None:
    path = certified(run, labeled)
    values = json.loads(path.read_text(encoding="utf-8"))
    place = values
    for name in entry[:-1]:
        place = place[name]
    place[entry[-1]] = value
    path.write_text(json.dumps(values), encoding="utf-8")
    before = (labeled.study / "labels.csv").read_bytes()
    given = ("consensus", labeled.study, "--items", labeled.items, "--certificate", path)
    ended = run(*given)
    assert (ended.code, "no record" in ended.err) == (2, True), ended.err
    if entry != ("date",):
        ended = run(*given, "--foreign-files")
        assert (ended.code, "changed after it was made" in ended.err) == (2, True), ended.err
    assert (labeled.study / "labels.csv").read_bytes() == before


def test_another_method_needs_the_certificate_to_be_let_go(run: Run, labeled: StudyFiles) -> None:
    path = certified(run, labeled)
    run("consensus", labeled.study, "--certificate", path, "--items", labeled.items)
    refused = run("consensus", labeled.study, "--method", "majority")
    assert (refused.code, "changed since" in refused.err) == (2, True)
    let_go = run("consensus", labeled.study, "--method", "majority", "--drop-certificates")
    assert let_go.code == 0


def test_labeling_again_keeps_what_a_certificate_accepts(run: Run, labeled: StudyFiles) -> None:
    path = certified(run, labeled)
    run("consensus", labeled.study, "--certificate", path, "--items", labeled.items)
    accepted = (labeled.study / "labels.csv").read_bytes()
    label(run, labeled)
    assert (labeled.study / "labels.csv").read_bytes() == accepted


def test_a_certificate_that_does_not_hold_any_more_is_let_go_by_a_person_only(
    run: Run, labeled: StudyFiles
) -> None:
    path = certified(run, labeled)
    run("consensus", labeled.study, "--certificate", path, "--items", labeled.items)
    accepted = (labeled.study / "labels.csv").read_bytes()
    labeled.ensemble.write_text(SCRIPTED, encoding="utf-8")
    again = ("label", labeled.items, "-c", labeled.codebook, "-e", labeled.ensemble)
    ended = run(*again, "-o", labeled.study)
    assert (ended.code, "changed since" in ended.err) == (2, True), ended.err
    assert (labeled.study / "labels.csv").read_bytes() == accepted
    assert "--drop-certificates" in ended.err
    run("consensus", labeled.study, "--items", labeled.items, "--drop-certificates")
    said = label(run, labeled)
    assert "Now: majority; missing_raters (allowed = 0); off_codebook_mass_above" in said
    assert " Before: mean_probability; " in said
    assert (labeled.study / "labels.csv").read_bytes() != accepted


def test_a_certificate_of_other_raters_is_refused_before_any_model_is_loaded(
    run: Run, labeled: StudyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certified(run, labeled)
    values = json.loads(path.read_text(encoding="utf-8"))
    other = study_files(tmp_path / "other", TEXTS[:20], ensemble=POOLED)
    arguments = (
        *("label", other.items, "-c", other.codebook, "-e", other.ensemble),
        *("-o", other.study, "--certificate", path, "--foreign-files"),
    )

    def changed(name: str) -> None:
        hashes = [[one, "0" * 64 if one == name else sha256] for one, sha256 in values["hashes"]]
        path.write_text(json.dumps({**values, "hashes": hashes}), encoding="utf-8")

    # A scripted rater has no model file; as if it had one:
    with monkeypatch.context() as patched:
        patched.setattr(
            "localensemble.api.label.locate_rater",
            lambda rater, folder: LocatedModel(rater.name, Path(rater.model), "1" * 64, None),
        )
        ended = run(*arguments)
    assert (ended.code, "changed since" in ended.err) == (2, True)
    assert "model of second" in ended.err
    assert not other.study.exists()
    changed("rater first")
    ended = run(*arguments)
    assert (ended.code, 'does not apply to rater "first"' in ended.err) == (2, True), ended.err
    with LedgerReader.open(other.study / "study.sqlite") as reader:
        assert reader.raters() == (), "nobody has labeled anything"


def test_too_few_gold_labels_certify_nothing_and_say_how_many_would(
    run: Run, labeled: StudyFiles
) -> None:
    gold = gold_table(labeled, rows=15, wrong_share=0.0)
    ended = run("certify", labeled.study, "--gold", gold, *PROMISE)
    said = " ".join(ended.out.split())
    assert ended.code == 1
    assert "Nothing can be accepted" in said
    assert "such items are needed" in said
    assert "No certificate was written." in said
    assert not list(labeled.study.glob("certificate*"))


def test_conformal_risk_control_makes_its_own_weaker_promise(run: Run, labeled: StudyFiles) -> None:
    gold = gold_table(labeled)
    ended = run("certify", labeled.study, "--gold", gold, *PROMISE, "--method", "crc")
    assert "On average at most 10.0% of all items are" in " ".join(ended.out.split())


def test_rows_left_blank_are_spoken_of(run: Run, labeled: StudyFiles) -> None:
    gold = gold_table(labeled)
    lines = gold.read_text(encoding="utf-8").splitlines()
    blank = [line.split(",")[0] + "," for line in lines[1:6]]
    gold.write_text("\n".join([lines[0], *blank, *lines[6:]]) + "\n", encoding="utf-8")
    ended = run("certify", labeled.study, "--gold", gold, *PROMISE)
    assert "5 rows without a label" in ended.out


def test_gold_items_that_are_examples_in_the_codebook_are_refused(run: Run, tmp_path: Path) -> None:
    shown = CODEBOOK.replace(
        "  - name: urgent",
        "    examples:\n      - {text: comment 7, category: staff}\n"
        "      - {text: a meal, category: food}\n  - name: urgent",
    )
    files = study_files(tmp_path, TEXTS, codebook=shown, ensemble=POOLED)
    label(run, files)
    ended = run("certify", files.study, "--gold", gold_table(files, rows=ITEMS), *PROMISE)
    assert ended.code == 2
    assert '"i-7", are also used as examples in the codebook' in ended.err


def test_a_budget_and_a_promise_exclude_each_other(run: Run, tmp_path: Path) -> None:
    files = study_files(
        tmp_path, TEXTS, ensemble=POOLED + "escalation: [{policy: budget, items: 9}]\n"
    )
    label(run, files)
    ended = run("certify", files.study, "--gold", gold_table(files), *PROMISE)
    assert (ended.code, "cannot be combined with a certificate" in ended.err) == (2, True)


def test_a_plan_needs_no_study(run: Run) -> None:
    ended = run("certify", "--plan", "--alpha", "0.05", "--delta", "0.1")
    assert ended.code == 0
    assert ["0", "45"] in [line.split() for line in ended.out.splitlines()]
    assert "gold labels of random items" in ended.out
    hopeless = run("certify", "--plan", "--error-rate", "0.2")
    assert "no number of gold labels is enough" in hopeless.out


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--gold", "gold.csv"), "Give STUDY, --gold and --variable"),
        (("--gold", "gold.csv", "--variable", "topik"), 'Did you mean "topic"?'),
        (("--gold", "gold.csv", "--variable", "urgent"), 'no gold labels for "urgent"'),
        (("--gold", "gold.csv", "--variable", "topic", "--alpha", "5"), "alpha is 5"),
        (("--plan", "--accepted-share", "0"), "accepted share 0;"),
    ],
)
def test_what_cannot_be_certified_ends_with_code_2(
    run: Run,
    labeled: StudyFiles,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    found: str,
) -> None:
    gold_table(labeled)
    monkeypatch.chdir(labeled.folder)
    ended = run("certify", labeled.study, *arguments)
    assert (ended.code, found in ended.err) == (2, True), ended.err


def test_a_file_that_is_no_certificate_is_refused(run: Run, labeled: StudyFiles) -> None:
    path = labeled.folder / "broken.json"
    path.write_text("{}", encoding="utf-8")
    ended = run("consensus", labeled.study, "--certificate", path)
    assert (ended.code, "certificate" in ended.err) == (2, True)

"""Shots of each text in a study: recorded, the same after a resume, and their cost is told."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from localensemble.core.identity import sha256_file
from localensemble.study.study import Study
from tests.cli.conftest import Run
from tests.embeddings.tiny_bert import TinyBert, convert_tiny
from tests.encoders import install_encoder
from tests.studies import SCRIPTED, StudyFiles, read_table, recorded, study_files

pytestmark = pytest.mark.slow  # labels whole studies, with an encoder in a process of its own

pytest.importorskip("llama_cpp", reason="the encoder runs in llama.cpp")

SHOTS = "prompt: {shots: {gold: pool.csv, n: 2, select: retrieved}}\n"
# The tiny encoder knows these words.
WORDS = ("ward", "staff", "food", "clean", "kind")


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    install_encoder(convert_tiny(tmp_path, TinyBert.random(seed=1)))
    texts = [f"{one} {two} {one}" for one in WORDS for two in WORDS if one != two]
    files = study_files(tmp_path, [*texts, "n/a"], ensemble=f"{SCRIPTED}{SHOTS}")
    with (tmp_path / "pool.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", "gold_topic"))
        writer.writerows((f"p-{n}", f"{word} was good", "staff") for n, word in enumerate(WORDS))
        writer.writerow(("p-copy", texts[0].upper(), "food"))
    return files


def label(run: Run, files: StudyFiles, *arguments: object) -> str:
    ended = run(
        "label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study,
        *arguments,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    return ended.err


def test_a_study_records_which_examples_each_item_was_shown(run: Run, files: StudyFiles) -> None:
    said = label(run, files)
    assert "2 examples of its own" in said
    assert "1 row left out" in said
    rows = read_table(files.study / "shots.csv")
    by_item = defaultdict(list)
    for row in rows:
        assert row["shot_variable"] == "topic"
        by_item[row["id"]].append((row["shot_place"], row["shot_id"], float(row["shot_cosine"])))
    # The last item is a non-answer, so no rater is asked about it.
    assert set(by_item) == {f"i-{n}" for n in range(20)}
    for shown in by_item.values():
        assert [place for place, _, _ in shown] == ["1", "2"]
        assert shown[0][2] <= shown[1][2]
        assert "p-copy" not in [one for _, one, _ in shown]
    with Study.open(files.study) as study:
        shots = study.run.settings.shots
    assert shots is not None
    assert shots.table_sha256 == sha256_file(files.study / "shots.csv")
    assert (shots.select, shots.count, shots.embedder) == ("retrieved", 2, "all-minilm-l6-v2")
    ledger = (files.study / "study.sqlite").read_bytes()
    assert b"was good" not in ledger + (files.study / "shots.csv").read_bytes()


def test_a_part_labeled_first_gives_the_labels_and_examples_of_one_run(
    run: Run, files: StudyFiles
) -> None:
    label(run, files)
    whole, shots = recorded(files.study), (files.study / "shots.csv").read_bytes()
    files.study.rename(files.folder / "whole")
    label(run, files, "--limit", "7")
    label(run, files)
    assert recorded(files.study) == whole
    assert (files.study / "shots.csv").read_bytes() == shots


def test_a_withdrawn_item_leaves_the_table_of_examples(run: Run, files: StudyFiles) -> None:
    label(run, files)
    ended = run("withdraw", files.study, "--id", "i-3", "--items", files.items)
    assert ended.code == 0, ended.err
    left = {row["id"] for row in read_table(files.study / "shots.csv")}
    assert "i-3" not in left
    assert len(left) == 19


def test_other_ways_of_choosing_make_other_raters(run: Run, files: StudyFiles) -> None:
    label(run, files)
    for select in ("balanced", "random", "fixed"):
        files.ensemble.write_text(
            f"{SCRIPTED}{SHOTS.replace('retrieved', select)}", encoding="utf-8"
        )
        assert "is not the rater that used this name before" in label(run, files)


def test_the_estimate_says_what_examples_of_its_own_cost(run: Run, files: StudyFiles) -> None:
    ended = run("estimate", files.items, "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 0, ended.err
    assert ended.out.count("if all texts got the same examples") == 3
    files.ensemble.write_text(SCRIPTED, encoding="utf-8")
    ended = run("estimate", files.items, "-c", files.codebook, "-e", files.ensemble)
    assert "same examples" not in ended.out


def test_a_single_text_is_asked_with_its_own_examples(run: Run, files: StudyFiles) -> None:
    given = ("-c", files.codebook, "-e", files.ensemble)
    label(run, files)
    ended = run("ask", "--items", files.items, "--id", "i-3", *given, "--json")
    assert ended.code == 0, ended.err
    asked = json.loads(ended.out)
    labels = {row["id"]: row for row in read_table(files.study / "labels.csv")}
    (topic,) = [one for one in asked["variables"] if one["variable"] == "topic"]
    for rater in topic["raters"]:
        assert labels["i-3"][f"topic.rater.{rater['rater']}"] == rater["category"]
    assert run("ask", "kind staff", *given).code == 0
    shown = run("prompt", "show", *given).out
    assert "2 examples of its own" in " ".join(shown.split())
    assert "was good" not in shown


@pytest.mark.parametrize(
    ("shots", "words"),
    [
        ("{gold: pool.csv, n: 2, per_category: 1}", ("n", "per_category")),
        ("{gold: pool.csv, select: retrieved}", ("select", "without `n`")),
        ("{gold: pool.csv, n: 0}", ("prompt.shots.n",)),
        ("{gold: pool.csv, n: 2, select: nearest}", ("prompt.shots.select", "retrieved")),
        ("{gold: pool.csv, n: 2, select: fixed, embedder: x}", ("embedder", "no effect")),
        ("{gold: pool.csv, n: 2, groups: 4}", ("groups", "no effect")),
        ("{gold: pool.csv, n: 2, select: retrieved, groups: 1}", ("prompt.shots.groups",)),
        ("{gold: pool.csv, n: 2, select: retrieved, embedder: other}", ("other",)),
    ],
)
def test_shots_that_make_no_sense_are_refused(
    run: Run, files: StudyFiles, shots: str, words: tuple[str, ...]
) -> None:
    files.ensemble.write_text(f"{SCRIPTED}prompt: {{shots: {shots}}}\n", encoding="utf-8")
    ended = run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    assert ended.code == 2, ended.err
    assert all(word in ended.err for word in words), ended.err

"""Topics are combined by what raters quote; it resumes, and words stay out of the ledger."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.api.relevancy.score_topics import (
    RelevancyOptions,
    RelevancyProgress,
    score_topics,
)
from localensemble.findings.topics.topic_findings import (
    ScoredTopic,
    scored_topics,
    topic_findings,
    yes_or_no,
)
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import verify
from localensemble.study.study import Study
from tests.cli.conftest import Ended, Run
from tests.embeddings.tiny_bert import convert_tiny
from tests.studies import SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # opens a model in a process of its own

CODEBOOK = """\
name: topics
version: "1"
variables:
  - name: topic
    level: multi_label
    question: Is the text about {category}?
    categories:
      - {name: ward, definition: the ward and how clean it is}
      - {name: staff, definition: the staff and how kind they are}
  - name: tone
    level: binary
    question: Is it praise?
    categories:
      - {name: good, definition: It praises.}
      - {name: bad, definition: It does not.}
"""
WORDS = ("ward", "clean", "the staff", "a kind nurse", "we waited; for hours", "zanzibarquokka")
TEXTS = [f"{WORDS[n % 6]}, {WORDS[n // 6 % 6]} and {WORDS[n // 2 % 6]} - {n}." for n in range(40)]
TEXTS[7] = "👍!"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    return convert_tiny(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def labeled_once(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    files = study_files(tmp_path_factory.mktemp("topics"), TEXTS, codebook=CODEBOOK)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


@pytest.fixture
def labeled(labeled_once: StudyFiles, tmp_path: Path) -> StudyFiles:
    return StudyFiles(Path(shutil.copytree(labeled_once.folder, tmp_path / "first")))


def relevancy(run: Run, files: StudyFiles, encoder: Path, *more: object) -> Ended:
    return run(
        *("relevancy", files.study, "--items", files.items, "-e", files.ensemble),
        *("--embedder", encoder, *more),
    )


def topics(files: StudyFiles) -> tuple[ScoredTopic, ...]:
    with Study.open(files.study) as loaded:
        return scored_topics(loaded.recorded, loaded.codebook)


def recorded_yes(files: StudyFiles, position: int) -> int:
    with Study.open(files.study) as loaded:
        topic = loaded.codebook.variable("topic.ward")
        return int((yes_or_no(loaded.recorded, topic)[position] == 1).sum())


def recorded_passages(files: StudyFiles) -> list[object]:
    return [(one.variable.name, one.passages, one.scores.tolist()) for one in topics(files)]


def test_every_topic_gets_labels_scores_and_agreement(
    run: Run, labeled: StudyFiles, encoder: Path
) -> None:
    ended = relevancy(run, labeled, encoder)
    assert ended.code == 0, ended.err
    assert "topic.ward: " in ended.out
    assert "threshold" in ended.out
    assert "AC1 on labels" in ended.out
    assert "tone" not in ended.out
    shown = f"report {labeled.study} --items {labeled.items} --include-text"
    assert shown in ended.out.replace("\n", " ")
    # The next command works as it is printed.
    assert run(*shown.split(" ")).code == 0
    ward, staff = topics(labeled)
    assert (ward.variable.name, staff.variable.name) == ("topic.ward", "topic.staff")
    assert ward.raters == ("first", "second", "third")
    assert ward.not_asked == ()
    assert (ward.unquoted, ward.unscored) == (recorded_yes(labeled, 7), 0)
    # A yes to a text without any word counts as no.
    assert ward.labels[7].tolist().count(1) == 0
    assert np.all(ward.scores[ward.labels == 0] == 0)
    assert ward.scores.max() > 0
    for column, rater in enumerate(ward.passages):
        for row, found in rater.items():
            quoted = [TEXTS[row][one.start : one.stop] for one in found.passages]
            assert all(quote and quote == quote.strip() for quote in quoted)
            assert bool(quoted) == (ward.labels[row, column] == 1)
    assert verify(labeled.study / "study.sqlite").broken is None
    content = (labeled.study / "study.sqlite").read_bytes()
    assert b"zanzibarquokka" not in content


def test_raters_that_a_strategy_asked_about_few_items_are_refused(
    run: Run, tmp_path: Path, encoder: Path
) -> None:
    chosen = (
        "consensus: {method: majority}\nescalation: []\nstrategy: {name: early_stop, audit: 0.2}\n"
    )
    files = study_files(tmp_path, TEXTS, codebook=CODEBOOK, ensemble=f"{SCRIPTED}{chosen}")
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    ended = relevancy(run, files, encoder)
    assert ended.code == 2
    assert "early_stop" in ended.err
    assert topics(files) == ()


def test_run_again_it_asks_nothing_and_says_the_same(
    run: Run, labeled: StudyFiles, encoder: Path
) -> None:
    first = relevancy(run, labeled, encoder)
    with LedgerReader.open(labeled.study / "study.sqlite") as reader:
        before = len([*reader.history()])
    second = relevancy(run, labeled, encoder)
    assert second.out == first.out
    assert "quoted from" not in second.err
    with LedgerReader.open(labeled.study / "study.sqlite") as reader:
        assert len([*reader.history()]) == before


def test_stopped_at_any_place_it_goes_on_to_the_same_result(
    labeled: StudyFiles, encoder: Path, tmp_path: Path
) -> None:
    whole = StudyFiles(Path(shutil.copytree(labeled.folder, tmp_path / "whole")))
    options = RelevancyOptions(embedder=str(encoder), ensemble=labeled.ensemble)
    score_topics(whole.study, items=whole.items, options=options)
    for stop_at in (1, 2, 4):
        left = stop_at

        def stop(progress: RelevancyProgress) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            score_topics(labeled.study, items=labeled.items, options=options, on_progress=stop)
        assert verify(labeled.study / "study.sqlite").broken is None
    unfinished = topics(labeled)
    assert unfinished == () or unfinished[0].not_asked
    score_topics(labeled.study, items=labeled.items, options=options)
    assert recorded_passages(labeled) == recorded_passages(whole)


def test_a_study_without_topics_and_another_table_are_refused(
    run: Run, labeled: StudyFiles, encoder: Path, tmp_path: Path
) -> None:
    other = study_files(tmp_path / "other", ["another text"], codebook=CODEBOOK)
    ended = relevancy(run, StudyFiles(labeled.folder), encoder, "--id-column", "ward")
    assert ended.code == 2
    swapped = run("relevancy", labeled.study, "--items", other.items, "--embedder", encoder)
    assert (swapped.code, "not the table that was labeled" in swapped.err) == (2, True)
    plain = study_files(
        tmp_path / "plain",
        TEXTS[:3],
        codebook=CODEBOOK.split("  - name: topic")[0]
        + "  - name: tone"
        + CODEBOOK.split("  - name: tone")[1],
    )
    label(
        plain.items,
        codebook=plain.codebook,
        study=plain.study,
        options=LabelOptions(ensemble=plain.ensemble),
    )
    refused = relevancy(run, plain, encoder)
    assert (refused.code, "multi_label" in refused.err) == (2, True)


def test_items_without_a_label_are_in_no_count(run: Run, encoder: Path, tmp_path: Path) -> None:
    files = study_files(tmp_path, [*TEXTS[:6], ""], codebook=CODEBOOK)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    ended = relevancy(run, files, encoder)
    assert "of 6 items yes" in ended.out
    ward, staff = topic_findings(topics(files))
    assert (ward.items, staff.items) == (6, 6)
    assert (ward.label_counts, staff.label_counts) == ((6, 6, 6), (6, 6, 6))


def test_the_embedder_must_be_on_this_machine(run: Run, labeled: StudyFiles) -> None:
    ended = run("relevancy", labeled.study, "--items", labeled.items, "-e", labeled.ensemble)
    assert ended.code != 0
    assert "models pull all-minilm-l6-v2" in ended.err


def test_raters_declared_unfit_count_in_no_topic(
    run: Run, labeled: StudyFiles, encoder: Path
) -> None:
    relevancy(run, labeled, encoder)
    ended = run("consensus", labeled.study, "--items", labeled.items, "--unfit", "second")
    assert ended.code in (0, 3), ended.err
    assert topics(labeled)[0].raters == ("first", "third")


def test_the_report_and_its_numbers_have_the_topics(
    run: Run, labeled: StudyFiles, encoder: Path
) -> None:
    relevancy(run, labeled, encoder)
    assert run("report", labeled.study).code == 0
    found = json.loads((labeled.study / "findings.json").read_text(encoding="utf-8"))
    ward, staff = found["topics"]
    assert (ward["name"], staff["name"]) == ("topic.ward", "topic.staff")
    assert {"threshold", "outliers", "agreement_on_labels", "agreement_on_scores"} < ward.keys()
    page = (labeled.study / "report.html").read_text(encoding="utf-8")
    assert "Topics scored by relevancy" in page
    assert "zanzibarquokka" not in page

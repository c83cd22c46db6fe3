"""`ask` shows what each rater says about one text, as `label` would record it; it keeps nothing."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # asks several raters

SECRET = "Mrs Winterbottom"
TEXTS = [f"{SECRET} and comment {n}" for n in range(12)]


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, TEXTS)


def with_rules(files: StudyFiles, rules: str) -> StudyFiles:
    files.ensemble.write_text(SCRIPTED + rules, encoding="utf-8")
    return files


def answers(run: Run, files: StudyFiles, *asked: str) -> dict[str, Any]:
    """Return what `ask --json` prints, by variable."""
    ended = run("ask", *asked, "-c", files.codebook, "-e", files.ensemble, "--json")
    assert ended.code == 0, ended.err
    return {one["variable"]: one for one in json.loads(ended.out)["variables"]}


def test_every_rater_and_category_is_shown_the_most_probable_first(
    run: Run, files: StudyFiles
) -> None:
    ended = run("ask", TEXTS[0], "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 0
    for word in ("topic", "urgent", "first", "second", "third", "off-codebook mass"):
        assert word in ended.out
    topic = answers(run, files, TEXTS[0])["topic"]
    for rater in topic["raters"]:
        shares = list(rater["probabilities"].values())
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)
        assert rater["category"] == next(iter(rater["probabilities"]))
    totals = {
        name: sum(rater["probabilities"][name] for rater in topic["raters"])
        for name in ("staff", "food", "other")
    }
    places = [ended.out.index(name) for name in sorted(totals, key=lambda name: -totals[name])]
    assert places == sorted(places)


def test_the_decision_on_an_item_is_the_one_that_label_writes(run: Run, files: StudyFiles) -> None:
    with_rules(files, "escalation: [{policy: margin_below, limit: 0.3}, {policy: disagreement}]\n")
    run("label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study)
    fates = set()
    for row in read_table(files.study / "labels.csv"):
        asked = answers(run, files, "--items", str(files.items), "--id", row["id"])
        for name, one in asked.items():
            decision = one["consensus"]
            fates.add(decision["escalated"])
            assert decision["escalated"] == (row[f"{name}.status"] == "escalated")
            assert decision["left_out"] == []
            accepted = "" if decision["escalated"] else decision["category"]
            assert accepted == row[f"{name}.label"]
            assert "; ".join(decision["reasons"]) == row[f"{name}.reasons"]
            for rater in one["raters"]:
                assert rater["category"] == row[f"{name}.rater.{rater['rater']}"]
    assert fates == {True, False}


def test_a_text_and_the_same_text_in_a_table_get_the_same_answers(
    run: Run, files: StudyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = answers(run, files, TEXTS[3])
    assert answers(run, files, "--items", str(files.items), "--id", "i-3") == typed
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{TEXTS[3]}\n".encode())))
    assert answers(run, files, "-") == typed


def test_nothing_is_written_and_the_text_is_not_printed(run: Run, files: StudyFiles) -> None:
    before = sorted(files.folder.rglob("*"))
    for extra in ((), ("--json",)):
        ended = run("ask", TEXTS[0], "-c", files.codebook, "-e", files.ensemble, *extra)
        assert SECRET not in ended.out + ended.err
    assert sorted(files.folder.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        ("Mrs", "Winterbottom"),
        (f"-c{SECRET}",),
        (f"-{SECRET}",),
        (f"- {SECRET}",),
        ("--Winterbottom",),
        (f"--{SECRET}",),
        (SECRET, "--no-such-option"),
        (SECRET, "--id", "i-1"),
    ],
)
def test_no_error_repeats_the_words_of_a_text(
    run: Run, files: StudyFiles, words: tuple[str, ...]
) -> None:
    for given in (
        ("-c", files.codebook, "-e", files.ensemble, *words),
        (*words, "-c", files.codebook, "-e", files.ensemble),
    ):
        ended = run("ask", *given)
        assert ended.code == 2
        assert "Winterbottom" not in ended.out + ended.err


def test_a_text_that_begins_like_an_option_follows_two_dashes(run: Run, files: StudyFiles) -> None:
    options = ("-c", files.codebook, "-e", files.ensemble)
    assert run("ask", *options, "--", f"- {SECRET}").code == 0


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((), "no text"),
        (("--id", "i-1"), "--items"),
        (("--items", "items.csv"), "--id"),
        (("--items", "items.csv", "--id", "i-99"), "i-99"),
    ],
)
def test_what_is_missing_is_named(
    run: Run,
    files: StudyFiles,
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(files.folder)
    ended = run("ask", *asked, "-c", files.codebook, "-e", files.ensemble)
    assert (ended.code, words in ended.err) == (2, True)


def test_standard_input_that_is_not_utf_8_is_refused(
    run: Run, files: StudyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    ended = run("ask", "-", "-c", files.codebook, "-e", files.ensemble)
    assert (ended.code, "byte 3" in ended.err) == (2, True)


def test_a_rater_that_gives_no_category_is_named_with_its_reason(
    run: Run, files: StudyFiles
) -> None:
    ended = run("ask", " ", "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 3
    assert "first gave no category" in ended.out
    assert "empty_text" in ended.out


def test_an_unfit_rater_answers_but_does_not_count(run: Run, files: StudyFiles) -> None:
    asked = answers(run, with_rules(files, "unfit: [second]\n"), TEXTS[0])
    for one in asked.values():
        assert [rater["rater"] for rater in one["raters"]] == ["first", "second", "third"]
        assert one["consensus"]["labels_used"] == 2


def test_rules_that_compare_items_are_left_out_by_name(run: Run, files: StudyFiles) -> None:
    rules = "escalation:\n  - {policy: budget, items: 1}\n  - {policy: disagreement}\n"
    asked = answers(run, with_rules(files, rules), TEXTS[0])
    assert asked["topic"]["consensus"]["left_out"] == ["budget"]
    asked = answers(run, with_rules(files, "consensus: {method: dawid_skene}\n"), TEXTS[0])
    decision = asked["topic"]["consensus"]
    assert (decision["category"], decision["escalated"]) == (None, None)
    assert decision["left_out"][0] == "dawid_skene"
    assert "needs all items" in run("ask", TEXTS[0], "-c", files.codebook, "-e", files.ensemble).out


def test_a_required_agreement_is_a_matter_of_the_whole_study(run: Run, files: StudyFiles) -> None:
    required = "    required_agreement: {coefficient: AC1, at_least: 0.9, below: review}\n"
    line = "    level: nominal\n"
    files.codebook.write_text(CODEBOOK.replace(line, line + required, 1), encoding="utf-8")
    asked = answers(run, files, TEXTS[0])
    assert asked["topic"]["consensus"]["left_out"] == ["required_agreement"]
    assert asked["urgent"]["consensus"]["left_out"] == []


def test_rules_that_label_would_refuse_are_refused(run: Run, files: StudyFiles) -> None:
    with_rules(files, "consensus: {method: median}\n")
    ended = run("ask", TEXTS[0], "-c", files.codebook, "-e", files.ensemble)
    assert (ended.code, "median" in ended.err) == (2, True)


@pytest.mark.parametrize("text", ["n/a", "..."])
def test_nobody_is_asked_about_a_text_that_answers_nothing(
    run: Run, files: StudyFiles, text: str
) -> None:
    ended = run("ask", text, "-c", files.codebook, "-e", files.ensemble)
    assert ended.code == 3
    assert "first gave no category (failed): no_answer" in ended.out
    assert "the text answers nothing" in ended.out
    assert "reviews it" not in ended.out


@pytest.mark.slow  # runs the embedded models
def test_each_model_shows_its_own_words_on_request(run: Run, repository: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
    codebook = repository / "examples" / "patient_feedback.yaml"
    asked = ("ask", "The nurse was kind.", "-c", codebook)
    shown = run(*asked, "--own-words")
    assert shown.out.count(" writes: ") == 6
    printed = json.loads(run(*asked, "--own-words", "--json").out)
    for variable in printed["variables"]:
        for rater in variable["raters"]:
            # They were trained to write nothing else.
            assert rater["own_words"].startswith(rater["category"])
    unasked = json.loads(run(*asked, "--json").out)
    assert {one["own_words"] for one in unasked["variables"][0]["raters"]} == {None}


def test_a_rater_that_cannot_write_has_no_words(run: Run, files: StudyFiles) -> None:
    found = run("ask", TEXTS[0], "-c", files.codebook, "-e", files.ensemble, "--own-words")
    assert found.code == 0
    assert "writes" not in found.out

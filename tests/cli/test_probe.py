"""A probe is trained on gold labels, labels like any other rater, and certifies nothing it saw."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from localensemble.probes.probe import Probe
from localensemble.study.study import Study
from tests.cli.conftest import Ended, Run

pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra `learn`)")
pytestmark = pytest.mark.slow  # trains classifiers and labels whole studies

CODEBOOK = """\
name: small
version: "1"
variables:
  - name: topic
    level: nominal
    question: What is the text about?
    categories:
      - {name: staff, definition: The people who work there.}
      - {name: food, definition: Meals and drinks.}
"""
WORDS = {"staff": ("nurse", "doctor", "kind", "rude"), "food": ("soup", "tea", "cold", "meal")}
ITEMS, GOLD = 120, 80


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table whose texts show their topic by their words, and gold labels of some of them."""
    generator = random.Random(1)
    rows = []
    for number in range(ITEMS):
        topic = ("staff", "food")[number % 2]
        words = [generator.choice(WORDS[topic]) for _ in range(3)]
        rows.append((f"i-{number}", f"{' '.join(words)} number {number}", topic))
    write(tmp_path / "items.csv", ("id", "text"), [row[:2] for row in rows])
    write(
        tmp_path / "gold.csv", ("id", "gold_topic"), [(one, topic) for one, _, topic in rows[:GOLD]]
    )
    (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "ensemble.yaml").write_text(
        "raters:\n  - {model: topic.probe, engine: probe}\n", encoding="utf-8"
    )
    return tmp_path


def write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def train(run: Run, folder: Path, *arguments: object) -> Ended:
    return run(
        "probe", folder / "items.csv", "--gold", folder / "gold.csv",
        "-c", folder / "codebook.yaml", "-o", folder / "topic.probe", "--features", "words",
        *arguments,
    )  # fmt: skip


def test_the_file_that_a_probe_replaces_is_kept(run: Run, folder: Path) -> None:
    (folder / "topic.probe").write_text("another", encoding="utf-8")
    assert "topic.before-1.probe" in train(run, folder).out
    assert (folder / "topic.before-1.probe").read_text(encoding="utf-8") == "another"
    assert "before-" not in train(run, folder).out


def label(run: Run, folder: Path) -> Ended:
    return run(
        "label", folder / "items.csv", "-c", folder / "codebook.yaml",
        "-e", folder / "ensemble.yaml", "-o", folder / "study", "--gold", folder / "gold.csv",
    )  # fmt: skip


def test_a_probe_labels_texts_that_it_was_not_trained_on(run: Run, folder: Path) -> None:
    trained = train(run, folder)
    assert trained.code == 0, trained.err
    for shown in ("accuracy", "most frequent", "engine: probe", "80 texts", "0 set aside"):
        assert shown in f"{trained.out}{trained.err}"
    labeled = label(run, folder)
    assert labeled.code == 0, labeled.err
    findings = json.loads((folder / "study" / "findings.json").read_text(encoding="utf-8"))
    (rater,) = findings["variables"][0]["raters"]
    assert rater["accuracy"]["items"] == GOLD
    assert rater["accuracy"]["correct"] > 0.9 * GOLD


def test_the_same_gold_labels_make_the_same_rater(run: Run, folder: Path) -> None:
    train(run, folder)
    first = (folder / "topic.probe").read_bytes()
    train(run, folder)
    assert (folder / "topic.probe").read_bytes() == first
    train(run, folder, "--hold-out", "0.2")
    assert (folder / "topic.probe").read_bytes() != first


def test_a_certificate_uses_no_gold_label_that_the_probe_saw(run: Run, folder: Path) -> None:
    assert train(run, folder, "--hold-out", "0.5").code == 0
    probe = Probe.read(folder / "topic.probe")
    assert len(probe.folds) == len(probe.held_out) == GOLD / 2
    assert not probe.held_out & probe.folds.keys()
    assert label(run, folder).code == 0
    with Study.open(folder / "study") as study:
        assert int(study.is_trained_on().sum()) == GOLD / 2
    ended = run(
        "certify", folder / "study", "--gold", folder / "gold.csv", "--variable", "topic",
        "--alpha", "0.2", "--delta", "0.2",
    )  # fmt: skip
    printed = f"{ended.out}{ended.err}"
    assert "Left out 40 gold labels" in printed
    # The other texts are no random draw from the whole study.
    assert "80 items with other texts" in printed
    assert "corrected" not in printed
    certificate = json.loads(
        (folder / "study" / "certificate-topic.json").read_text(encoding="utf-8")
    )
    assert "40" in json.dumps(certificate)


def test_copies_with_other_spaces_are_no_unseen_gold(run: Run, folder: Path) -> None:
    """A table that was exported again, with a space after each text, has the same texts."""
    assert train(run, folder).code == 0
    lines = (folder / "items.csv").read_text(encoding="utf-8").splitlines()
    again = [lines[0], *(f"{line} " for line in lines[1:])]
    (folder / "items.csv").write_text("\n".join(again), encoding="utf-8")
    assert label(run, folder).code == 0
    with Study.open(folder / "study") as study:
        assert int(study.is_trained_on().sum()) == GOLD
    ended = run("certify", folder / "study", "--gold", folder / "gold.csv", "--variable", "topic")
    assert ended.code == 2


def test_combined_ids_find_their_gold_labels(run: Run, folder: Path) -> None:
    for name in ("items.csv", "gold.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            header, *rows = (tuple(row) for row in csv.reader(stream))
        parts = [("r1" if n < ITEMS / 2 else "r2", row[0], *row[1:]) for n, row in enumerate(rows)]
        write(folder / name, ("record", "event", *header[1:]), parts)
    ended = train(run, folder, "--id-column", "record,event")
    assert ended.code == 0, ended.err
    assert "80 texts" in ended.out


def test_without_gold_labels_set_aside_there_is_no_certificate(run: Run, folder: Path) -> None:
    train(run, folder)
    label(run, folder)
    ended = run("certify", folder / "study", "--gold", folder / "gold.csv", "--variable", "topic")
    assert ended.code == 2
    assert "--hold-out" in ended.err


def test_too_few_gold_labels_are_refused_and_nothing_is_written(run: Run, folder: Path) -> None:
    with (folder / "gold.csv").open(encoding="utf-8", newline="") as stream:
        rows = [tuple(row) for row in csv.reader(stream)][1:]
    write(folder / "gold.csv", ("id", "gold_topic"), rows[:5])
    ended = train(run, folder)
    assert ended.code == 2
    assert '"food" (2)' in ended.err
    assert not (folder / "topic.probe").exists()


def test_a_probe_of_another_codebook_is_refused_before_the_run(run: Run, folder: Path) -> None:
    train(run, folder)
    codebook = folder / "codebook.yaml"
    codebook.write_text(CODEBOOK.replace("name: food", "name: meals"), encoding="utf-8")
    ended = run(
        "label", folder / "items.csv", "-c", codebook, "-e", folder / "ensemble.yaml",
        "-o", folder / "study",
    )  # fmt: skip
    assert ended.code == 2
    for shown in ("topic", "trained for other", "localensemble probe"):
        assert shown in ended.err
    assert not (folder / "study").exists()


def test_a_probe_says_which_variables_it_does_not_know(run: Run, folder: Path) -> None:
    train(run, folder)
    mood = """\
  - name: mood
    level: nominal
    question: How does the writer feel?
    categories:
      - {name: good, definition: At ease.}
      - {name: bad, definition: Worried or angry.}
"""
    (folder / "codebook.yaml").write_text(CODEBOOK + mood, encoding="utf-8")
    ended = run(
        "label", folder / "items.csv", "-c", folder / "codebook.yaml",
        "-e", folder / "ensemble.yaml", "-o", folder / "study",
    )  # fmt: skip
    assert "not trained for the categories of mood" in ended.err
    with Study.open(folder / "study") as study:
        assert study.labels("topic").indices.min() >= 0
        assert study.labels("mood").indices.max() < 0


def test_the_encoder_must_be_here(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALENSEMBLE_MODELS", str(folder / "no-models"))
    ended = train(run, folder, "--features", "vectors")
    assert ended.code != 0
    assert "all-minilm-l6-v2" in ended.err


def test_evaluate_says_that_a_rater_was_trained_on_the_gold_labels(run: Run, folder: Path) -> None:
    train(run, folder)
    label(run, folder)
    ended = run(
        "evaluate", folder / "study", "--gold", folder / "gold.csv", "--items", folder / "items.csv"
    )  # fmt: skip
    assert ended.code == 0, ended.err
    findings = json.loads((folder / "study" / "findings.json").read_text(encoding="utf-8"))
    assert f"trained on {GOLD} of them" in findings["variables"][0]["gold"]["learned_sentence"]
    # A second one is not proposed.
    assert "localensemble probe" not in ended.out


def test_a_probe_of_other_categories_is_ranked_as_refused_and_never_asked(
    run: Run, folder: Path
) -> None:
    train(run, folder)
    other = CODEBOOK.replace("food", "meals")
    (folder / "codebook.yaml").write_text(other, encoding="utf-8")
    gold = (folder / "gold.csv").read_text(encoding="utf-8")
    (folder / "gold.csv").write_text(gold.replace(",food", ",meals"), encoding="utf-8")
    (folder / "ensemble.yaml").write_text(
        "raters:\n  - {model: topic.probe, engine: probe, name: old}\n"
        "  - {model: any, engine: scripted}\n",
        encoding="utf-8",
    )
    call = (
        "pilot", folder / "items.csv", "-c", folder / "codebook.yaml",
        "-e", folder / "ensemble.yaml", "--gold", folder / "gold.csv",
    )  # fmt: skip
    assert run(*call).code == 2
    ended = run(*call, "--rank")
    assert ended.code == 0, ended.err
    table = ended.out[ended.out.index("models by accuracy") :]
    assert "lacks meals" in table
    assert "also gives food" in table
    assert "\nany " in table

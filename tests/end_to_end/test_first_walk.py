"""A table and a codebook that the program has never seen: `init`, `label` and a report at once."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

from localensemble.catalog.installed import InstalledModel, ModelsFolder
from localensemble.core.encoder_name import ENCODER
from tests.end_to_end.conftest import Start
from tests.studies import read_table

pytestmark = pytest.mark.slow  # labels 300 texts with the encoder

SECONDS = 120
CODEBOOK = """\
name: garden-center
version: "1"
description: What customers of a garden center wrote.
variables:
  - name: subject
    level: nominal
    question: What is the message about?
    categories:
      - name: plants
        definition: Flowers, shrubs, trees and seeds, and how they grow.
      - name: tools
        definition: Machines and tools such as mowers, shears and hoses.
      - name: delivery
        definition: Transport of an order to the customer's house by van, and its date.
      - name: payment
        definition: Prices, invoices, cards and refunds.
"""
TEXTS = {
    "plants": (
        "The {} roses lost their leaves",
        "My {} seeds did not sprout",
        "The {} apple tree blooms well",
    ),
    "tools": (
        "The {} lawn mower does not start",
        "The {} shears are blunt",
        "A {} garden hose that leaks",
    ),
    "delivery": (
        "The {} van came two days late",
        "Nobody brought my {} order home",
        "When is my {} parcel shipped",
    ),
    "payment": (
        "The {} invoice was wrong",
        "My {} card was charged twice",
        "Please refund the {} price",
    ),
}
WORDS = ("first", "second", "last", "new", "old", "big", "small", "other", "cheap", "whole")


def rows() -> list[tuple[str, str, str]]:
    """Return id, text and subject of 300 messages."""
    found = [
        (subject, text.format(f"{one} {other}"))
        for one in WORDS
        for other in WORDS
        for subject, texts in TEXTS.items()
        for text in texts
    ]
    return [(f"m-{n}", text, subject) for n, (subject, text) in enumerate(found[:300])]


def test_a_foreign_table_is_labeled_and_reported_in_two_minutes(
    start: Start,
    real_encoder: InstalledModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ModelsFolder().record(real_encoder)
    monkeypatch.chdir(tmp_path)
    with Path("messages.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("id", "text"), *(row[:2] for row in rows())])
    begun = time.monotonic()
    process = start("init", "messages.csv")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert f"models on this machine: {ENCODER}" in out
    next_label = re.search(r"localensemble (label .+)", out)
    assert next_label is not None
    Path("codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    process = start(*next_label[1].split())
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert time.monotonic() - begun < SECONDS

    labeled = read_table(Path("study/labels.csv"))
    right = sum(
        given == row["subject.label"] for (_, _, given), row in zip(rows(), labeled, strict=True)
    )
    assert right / len(labeled) > 0.8, right
    # What cannot be known is said on the terminal and at the head of the report.
    assert "Only one rater labels" in err
    assert "Agreement of" not in out
    assert "Only gold labels can show how often these labels are right" in out
    report = Path("study/report.html").read_text(encoding="utf-8")
    head = report[: report.index("The verdict in detail")]
    for words in ("Only one rater labels", "accuracy unknown", "Agreement cannot be measured"):
        assert words in head

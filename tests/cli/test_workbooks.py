"""A study runs from Excel workbooks alone: items, codebook draft, gold labels."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from tests.cli.conftest import Run
from tests.studies import study_files

pytestmark = pytest.mark.slow  # labels a study


def workbook(path: Path, *rows: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_every_command_reads_items_and_gold_from_workbooks(run: Run, tmp_path: Path) -> None:
    texts = [f"comment {n}" for n in range(20)]
    files = study_files(tmp_path, texts)
    rows = [(f"i-{n}", text, f"ward {n % 3}") for n, text in enumerate(texts)]
    items = workbook(tmp_path / "items.xlsx", ("id", "text", "ward"), *rows)
    gold = workbook(tmp_path / "gold.xlsx", ("id", "gold_topic"), ("i-1", "staff"), ("i-2", "food"))
    rules = ("-c", files.codebook, "-e", files.ensemble)
    for line in (
        ("init", items, "-o", tmp_path / "start"),
        ("estimate", items, *rules),
        ("label", items, *rules, "-o", files.study, "--gold", gold),
        ("sample", files.study, "--items", items, "-o", tmp_path / "sheet.csv", "--n", 3),
        ("consensus", files.study, "--items", items, "--gold", gold, "--write"),
        ("evaluate", files.study, "--gold", gold),
        # The same ids and texts are the same items, from whichever file.
        ("report", files.study, "--include-text", "--items", files.items),
    ):
        ended = run(*line)
        assert ended.code == 0, (line[0], ended.err)
    labels = (files.study / "labels.csv").read_bytes()
    assert labels.startswith(b"\xef\xbb\xbfid,text,ward,topic.label,")

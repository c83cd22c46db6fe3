"""The embedded models give their labels again, and one altered label of a study is found."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.core.labels import Label
from localensemble.labeling.kept_labels import labels_of
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import BlockUsage
from localensemble.study.run_record import RunSummary, newest_finished, register_codebook

pytestmark = pytest.mark.slow  # labels with the embedded models

_LIMIT = 70
_BLOCK = 64
_WORK = BlockUsage(prompt_tokens=1, evaluated_tokens=1, seconds=0.1, peak_memory_bytes=1)


def _run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localensemble", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _altered(label: Label) -> Label:
    assert label.category is not None
    assert label.probabilities is not None
    return replace(
        label,
        category=len(label.probabilities) - 1 - label.category,
        probabilities=label.probabilities[::-1],
    )


def _copy(study: Path, target: Path, *, rater: str, variable: str, position: int) -> None:
    """Record a study again as its own run would have, but with one other label."""
    target.mkdir()
    with (
        LedgerReader.open(study / "study.sqlite") as reader,
        Ledger.open(target / "study.sqlite", create=True) as ledger,
    ):
        run = newest_finished(reader)
        assert run is not None
        before = run.summary
        (known,) = (one for one in reader.item_sets() if one.key == before.item_set)
        items = reader.item_hashes(known.key, start=0, stop=known.item_count)
        item_set = ledger.register_items([items], item_set_sha256=known.sha256)
        variables = register_codebook(ledger, run.settings.codebook)
        again = ledger.start_run(run.settings.as_json())
        keys = []
        for record in (one for key in before.raters for one in reader.raters() if one.key == key):
            keys.append(ledger.register_rater(record.rater))
            for start in range(0, before.item_count, _BLOCK):
                stop = min(start + _BLOCK, before.item_count)
                columns = {}
                for name, key in before.variables.items():
                    block = reader.label_block(
                        known.key,
                        variable=key,
                        raters=(record.key,),
                        start=start,
                        stop=stop,
                        probabilities=True,
                    )
                    column = list(labels_of(block))
                    if (record.rater.name, name) == (rater, variable) and start <= position < stop:
                        label = column[position - start]
                        assert label is not None
                        column[position - start] = _altered(label)
                    columns[variables[name]] = column
                ledger.append_block(
                    columns,
                    run=again,
                    rater=keys[-1],
                    item_set=item_set,
                    start=start,
                    usage=_WORK,
                )
        summary = RunSummary(item_set, before.item_count, tuple(keys), variables)
        ledger.finish_run(again, status="finished", summary=summary.as_json())


def test_the_labels_of_the_demo_are_equal_and_an_altered_one_is_found(
    tmp_path: Path, repository: Path
) -> None:
    items = repository / "examples" / "patient_feedback.csv"
    made = _run(tmp_path, "demo", "-o", "study", "--limit", _LIMIT)
    assert made.returncode in {0, 3}, made.stderr
    ended = _run(tmp_path, "replay", "study", "--items", items, "--sample", 20)
    assert ended.returncode == 0, ended.stderr
    assert "Labeled 20 of 70 items again" in ended.stdout
    assert "different" not in ended.stdout
    assert "within" not in ended.stdout

    with LedgerReader.open(tmp_path / "study" / "study.sqlite") as reader:
        run = newest_finished(reader)
        assert run is not None
        rater, variable = run.settings.raters[-1], run.settings.codebook.variables[0].name
        (item_id,) = reader.item_ids(run.summary.item_set, start=66, stop=67)
    _copy(tmp_path / "study", tmp_path / "copy", rater=rater, variable=variable, position=66)
    verified = _run(tmp_path, "ledger", "verify", "copy")
    assert "The ledger is intact" in verified.stdout
    ended = _run(tmp_path, "replay", "copy", "--items", items, "--sample", _LIMIT)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.count("1 different") == 1
    assert f"{item_id}, {variable}:" in ended.stdout
    assert "Nothing that the study records has changed" in ended.stdout

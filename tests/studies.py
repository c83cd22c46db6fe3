"""A small study to run in tests: its files, and what the ledger holds afterwards."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from localensemble.ledger.read import LedgerReader
from localensemble.study.study import Study

CODEBOOK = """\
name: small
version: "1"
description: Comments about a clinic.
variables:
  - name: topic
    level: nominal
    question: What is the text about?
    categories:
      - name: staff
        definition: The people who work there and how they behave.
      - name: food
        definition: Meals and drinks.
      - name: other
        definition: Anything else.
  - name: urgent
    level: binary
    question: Does somebody have to act today?
    categories:
      - name: "yes"
        definition: Somebody has to act today.
      - name: "no"
        definition: It can wait.
"""

SCRIPTED = """\
raters:
  - {model: first, engine: scripted}
  - {model: second, engine: scripted}
  - {model: third, engine: scripted}
"""


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """The files of a study in one folder."""

    folder: Path

    @property
    def items(self) -> Path:
        return self.folder / "items.csv"

    @property
    def codebook(self) -> Path:
        return self.folder / "codebook.yaml"

    @property
    def ensemble(self) -> Path:
        return self.folder / "ensemble.yaml"

    @property
    def study(self) -> Path:
        return self.folder / "study"


def study_files(
    folder: Path,
    texts: Sequence[str],
    *,
    ensemble: str = SCRIPTED,
    codebook: str = CODEBOOK,
) -> StudyFiles:
    """Write items, codebook and ensemble into a folder."""
    files = StudyFiles(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with files.items.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "text", "ward"))
        writer.writerows((f"i-{n}", text, f"ward {n % 3}") for n, text in enumerate(texts))
    files.codebook.write_text(codebook, encoding="utf-8")
    files.ensemble.write_text(ensemble, encoding="utf-8")
    return files


def recorded(study: Path) -> list[tuple[object, ...]]:
    """List every label of a study's last run, to the last digit."""
    with LedgerReader.open(study / "study.sqlite") as reader:
        labels = Study.load(reader).recorded
        ids = reader.item_ids(labels.item_set, start=0, stop=labels.item_count)
        rows: list[tuple[object, ...]] = []
        for variable in labels.variable_keys:
            block = labels.block(variable, start=0, stop=labels.item_count, probabilities=True)
            assert block.probabilities is not None
            for i, item_id in enumerate(ids):
                for j, rater in enumerate(labels.rater_names):
                    rows.append(
                        (
                            variable,
                            item_id,
                            rater,
                            int(block.status[i, j]),
                            int(block.category[i, j]),
                            repr(block.probabilities[i, j].tolist()),
                            repr(float(block.off_codebook_mass[i, j])),
                            block.reasons.get((i, j), ""),
                        )
                    )
        return rows


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a written CSV file as dictionaries."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def change_behind_triggers(ledger: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change a ledger as a forger would: without its triggers, which are then put back."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        change(connection)
        for _, definition in triggers:
            connection.execute(definition)
        connection.execute("COMMIT")

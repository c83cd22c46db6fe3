"""The files of a small study, each of whose texts holds a word that stands nowhere else."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

CANARY = "zebrafish"

_CODEBOOK = """
name: tones
version: "1"
variables:
  - name: tone
    level: nominal
    question: Which tone does the comment have?
    categories:
      - {name: praise, definition: The comment praises something.}
      - {name: complaint, definition: The comment complains about something.}
      - {name: neither, definition: The comment does neither.}
"""
_ENSEMBLE = """
raters:
  - {model: a.gguf, name: a, engine: scripted}
  - {model: b.gguf, name: b, engine: scripted}
  - {model: c.gguf, name: c, engine: scripted}
"""


def write_inputs(folder: Path, *, items: int) -> None:
    """Write items.csv, codebook.yaml and raters.yaml."""
    (folder / "codebook.yaml").write_text(_CODEBOOK, encoding="utf-8")
    (folder / "raters.yaml").write_text(_ENSEMBLE, encoding="utf-8")
    rows = ((f"i-{n}", f"{CANARY} number {n} was kind") for n in range(items))
    write_table(folder / "items.csv", ("id", "text"), rows)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(columns)
        table.writerows(rows)

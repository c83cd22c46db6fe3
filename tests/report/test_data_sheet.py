"""The record of processing states what the manifest knows, and leaves named blanks for the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localensemble.core.errors import InputError
from localensemble.report.data_sheet import data_sheet, write_data_sheet

SHA = "ab" * 32


def manifest(**others: object) -> dict[str, Any]:
    return {
        "localensemble": "0.2.0",
        "ledger_head_sha256": SHA,
        "item_set": {"sha256": SHA, "items": 1200, "items_labeled": 20, "columns": ["id", "note"]},
        "codebook": {"name": "pain", "version": "2", "sha256": SHA},
        "raters": [
            {
                "name": "a",
                "sha256": SHA,
                "identity": {
                    "engine": "words",
                    "engine_version": "1",
                    "model_name": "tiny",
                    "model_sha256": SHA,
                },
                "engine": {"package": "word-engine", "version": "1.0"},
            }
        ],
        "runs": [{"started_at": "2026-01-02", "finished_at": None, "status": "finished"}],
        "egress_guard": {"on": True, "attempts": 3, "self_test": "passed"},
        "isolation": {"isolated": False},
        "machine": {"system": "Linux", "processor": "x86_64", "python": "3.11"},
        **others,
    }


def test_what_is_known_is_filled_in() -> None:
    text = data_sheet(manifest())
    rater = "| a | tiny | words 1 | word-engine 1.0 |"
    counts = ("20 items labeled of 1,200", "3 attempts", "self-test: passed")
    for known in ("pain", "id, note", "2026-01-02", *counts, rater, SHA):
        assert known in text


def test_what_only_the_controller_knows_is_a_named_blank() -> None:
    rows = {
        line.split("|")[1].strip(): line
        for line in data_sheet(manifest()).splitlines()
        if line.startswith("| (") or line.startswith("| Legal")
    }
    letters = {name[:3] for name in rows if name.startswith("(")}
    assert letters == {"(a)", "(b)", "(c)", "(d)", "(e)", "(f)", "(g)"}
    for name, line in rows.items():
        assert "[to be completed: " in line, name


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({"egress_guard": {"on": False, "attempts": 0, "self_test": "failed"}}, "Not ruled out"),
        ({"isolation": {"isolated": True, "interfaces": []}}, "the run had no network"),
        ({"egress_guard": {"on": True, "attempts": 0}}, "self-test: not recorded"),
        ({"raters": []}, "| none |"),
    ],
)
def test_a_guard_that_was_off_is_not_called_a_measure(
    others: dict[str, object], expected: str
) -> None:
    assert expected in data_sheet(manifest(**others))


def test_de_identification_is_stated_as_recorded() -> None:
    recorded = {
        "sha256": SHA, "built_in_sha256": SHA, "presidio": "", "patterns": {}, "texts": 9,
        "changed": 2, "counts": {"NAME": 3},
    }  # fmt: skip
    text = data_sheet(manifest(deidentified=recorded))
    assert "3 identifiers (name 3) in 2 of 9 texts" in text
    assert "miss" in text
    assert "as they are" in data_sheet(manifest(deidentified=None))


def test_a_name_stays_in_its_cell() -> None:
    hostile = manifest(codebook={"name": "a | b\n# <b>\x1b[2J", "version": "1", "sha256": SHA})
    text = data_sheet(hostile)
    assert r"a \| b # \<b\>\\x1b\[2J" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("content", ["[]", "{}", "x", '{"item_set": 3}', "[" * 100_000])
def test_a_file_that_is_not_a_manifest_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="not the manifest of a study"):
        write_data_sheet(path, path=tmp_path / "data-sheet.md")
    assert not (tmp_path / "data-sheet.md").exists()


def test_a_missing_manifest_is_named_and_a_whole_one_is_written(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with pytest.raises(InputError, match="Cannot read"):
        write_data_sheet(path, path=tmp_path / "data-sheet.md")
    path.write_text(json.dumps(manifest()), encoding="utf-8")
    write_data_sheet(path, path=tmp_path / "data-sheet.md")
    assert (tmp_path / "data-sheet.md").read_text(encoding="utf-8") == data_sheet(manifest())

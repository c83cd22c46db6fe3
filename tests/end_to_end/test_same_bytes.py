"""The same command on one machine writes the same bytes, except for times, speed and memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.studies import recorded

pytestmark = pytest.mark.slow  # labels everything twice

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
"""
_ENSEMBLE = """
raters:
  - {model: a.gguf, name: a, engine: scripted}
  - {model: b.gguf, name: b, engine: scripted}
  - {model: c.gguf, name: c, engine: scripted}
"""
# What docs/results.md lists, and nothing else.
_DIFFERS = {
    "finished_at",
    "ledger_head_sha256",
    "peak_memory_bytes",
    "seconds",
    "started_at",
    "tokens_per_second",
}
_SAME_FILES = ("labels.csv", "escalations.csv")
_VARYING = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME"),
    (r'(?<=class="hash">)[0-9a-f]{16,64}', "HASH"),
    # The table of the engines' work: seconds, speed, and memory.
    (r"(<td>[\d,]+</td>)<td>[\d,.]+</td><td>[^<]*</td>", r"\1"),
    (r"<td>[\d,.]+ [MG]iB</td>", "MEMORY"),
)


def _run(folder: Path, *arguments: object) -> None:
    command = [sys.executable, "-m", "localensemble", *map(str, arguments)]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 3}, ended.stderr


def _without_varying(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_varying(one) for k, one in value.items() if k not in _DIFFERS}
    return [_without_varying(one) for one in value] if isinstance(value, list) else value


def _json(path: Path) -> Any:
    found = json.loads(path.read_text(encoding="utf-8"))
    # The hashes of files that differ.
    if isinstance(found.get("files"), dict):
        found["files"] = {name: found["files"].get(name) for name in _SAME_FILES}
    return _without_varying(found)


def _report(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    for pattern, instead in _VARYING:
        text = re.sub(pattern, instead, text)
    return text


def _assert_same(one: Path, other: Path) -> None:
    assert recorded(one) == recorded(other)
    for name in _SAME_FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes()
    for name in ("findings.json", "manifest.json"):
        assert _json(one / name) == _json(other / name)
    assert _report(one / "report.html") == _report(other / "report.html")


def test_the_demo_writes_the_same_bytes_twice(tmp_path: Path) -> None:
    studies = [tmp_path / name / "study" for name in ("one", "other")]
    for study in studies:
        study.parent.mkdir()
        _run(study.parent, "demo", "-o", study.name)
    _assert_same(*studies)


def test_a_study_of_a_thousand_rows_has_the_same_bytes_twice(tmp_path: Path) -> None:
    (tmp_path / "codebook.yaml").write_text(_CODEBOOK, encoding="utf-8")
    (tmp_path / "raters.yaml").write_text(_ENSEMBLE, encoding="utf-8")
    rows = "".join(f"i-{n},comment number {n}\n" for n in range(1_000))
    (tmp_path / "items.csv").write_text(f"id,text\n{rows}", encoding="utf-8")
    studies = [tmp_path / name / "study" for name in ("one", "other")]
    for study in studies:
        options = ("-c", "codebook.yaml", "-e", "raters.yaml", "-o", study)
        _run(tmp_path, "label", "items.csv", *options)
    _assert_same(*studies)

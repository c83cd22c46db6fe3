"""`spans extract` with an embedded model: literal passages, resumed after a kill."""

from __future__ import annotations

import csv
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localensemble.core.errors import LedgerError
from localensemble.core.resources import models_dir
from localensemble.ledger.connection import is_begun
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.verify import verify
from tests.cli.conftest import Run

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")
pytestmark = pytest.mark.slow  # runs an embedded model, and kills it

CODEBOOK = """\
name: notes
version: "1"
variables:
  - name: complaint
    type: spans
    question: What does the patient complain about?
    categories:
      - {name: Complaint, definition: What the patient complains about.}
"""
TEXTS = [f"😷 N° {n}: the café was cold, the nurse never came — дважды." for n in range(40)]


@pytest.fixture
def given(tmp_path: Path) -> list[object]:
    (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    model = next(models_dir().glob("le-llama-2m*.gguf"))
    (tmp_path / "ensemble.yaml").write_text(
        f"raters: [{{model: {model}, name: one, context_tokens: 512}}]\n", encoding="utf-8"
    )
    with (tmp_path / "notes.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("id", "text"), *enumerate(TEXTS)])
    options = ("-c", tmp_path / "codebook.yaml", "-e", tmp_path / "ensemble.yaml")
    return ["spans", "extract", tmp_path / "notes.csv", *options, "--threads", 1]


def test_every_passage_stands_where_the_table_says(
    run: Run, given: list[object], tmp_path: Path
) -> None:
    study = tmp_path / "study"
    ended = run(*given, "-o", study, "--limit", 6)
    assert ended.code == 0, ended.err
    assert "6 new calls" in ended.out
    assert re.search(r"\d spans? by one on complaint", ended.out)
    table, compare = study / "spans-complaint.csv", " ".join(ended.out.split())
    assert (
        f"Next: mark some items by hand, and compare: localensemble spans agree {table}" in compare
    )
    rows = read(study / "spans-complaint.csv")
    assert {row["item"] for row in rows} == set("012345")
    found = [row for row in rows if row["start"]]
    assert found
    for row in found:
        text = TEXTS[int(row["item"])]
        assert text[int(row["start"]) : int(row["stop"])] == row["passage"]
        assert 0 < float(row["probability"]) <= 1
    again = run(*given, "-o", study, "--limit", 6)
    assert "0 new calls" in again.out
    assert run("spans", "agree", study / "spans-complaint.csv", "--items", given[2]).code == 0
    assert b"nurse" not in (study / "study.sqlite").read_bytes()

    assert run("withdraw", study, "--id", "3").code == 0
    left = run(*given, "-o", study, "--limit", 5)
    assert "0 new calls" in left.out
    assert "3" not in {row["item"] for row in read(study / "spans-complaint.csv")}
    assert run("study", "shred", study, "--yes").code == 0
    assert not list(study.glob("*"))


def test_identifiers_are_never_shown_where_the_codebook_says_to_replace_them(
    run: Run, given: list[object], tmp_path: Path
) -> None:
    codebook = tmp_path / "codebook.yaml"
    codebook.write_text(f"{CODEBOOK}deidentify: {{}}\n", encoding="utf-8")
    ended = run(*given, "-o", tmp_path / "study")
    assert ended.code == 2
    assert "codebook.yaml" in ended.err
    assert "deidentify" in ended.err
    assert not (tmp_path / "study").exists()


def test_keys_that_change_no_passage_are_named(
    run: Run, given: list[object], tmp_path: Path
) -> None:
    chosen = tmp_path / "ensemble.yaml"
    plain = chosen.read_text(encoding="utf-8")
    shown = run(*given, "-o", tmp_path / "plain", "--limit", 1).out
    assert "does not use" not in shown
    second = "  - {model: le-gpt2-2m, name: two, role: verifier, context_tokens: 512}\n"
    first = plain.replace("[", "\n  - ").replace("]", "")
    shots = "prompt: {orders: 2, shots: {gold: gold.csv, n: 1, select: fixed}}\n"
    chosen.write_text(f"{first}{second}{shots}", encoding="utf-8")
    ended = run(*given, "-o", tmp_path / "study", "--limit", 1)
    words = " ".join((ended.out + ended.err).split())
    assert all(key in words for key in ("`role`", "`shots`", "`orders`", "does not use")), words


def test_a_run_killed_on_the_way_ends_as_an_undisturbed_one(
    run: Run, given: list[object], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(*given, "-o", whole).code == 0
    command = [sys.executable, "-m", "localensemble", *map(str, given), "-o", str(killed)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and not begun(killed):
        time.sleep(0.05)
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert was_running, "it ended before it could be killed"
    ended = run(*given, "-o", killed)
    assert ended.code == 0, ended.err
    assert verify(killed / "study.sqlite").ok
    assert (killed / "spans-complaint.csv").read_bytes() == (
        whole / "spans-complaint.csv"
    ).read_bytes()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def begun(study: Path) -> bool:
    """Tell whether the run has recorded passages."""
    if not is_begun(study / "study.sqlite"):
        return False
    try:
        with LedgerReader.open(study / "study.sqlite") as reader:
            sets = reader.item_sets()
            return bool(sets) and bool(reader.asked_for_passages(sets[0].key))
    except LedgerError:  # its tables are being made
        return False


def test_an_option_or_folder_that_cannot_be_used_is_named(
    run: Run, given: list[object], tmp_path: Path
) -> None:
    cut = run(*given, "-o", tmp_path / "cut", "--limit", 2, "--most-tokens", 8)
    assert cut.code in {0, 3}
    (tmp_path / "ensemble.yaml").write_text("raters: [{model: a, engine: scripted}]\n")
    ended = run(*given, "-o", tmp_path / "scripted")
    assert ended.code == 4
    assert "cannot find passages" in ended.err

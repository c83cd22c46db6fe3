"""`init` writes what a first run needs, and names what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from localensemble.api.models import add_model
from localensemble.engines.machine import Memory
from localensemble.labeling.ensemble import load_ensemble
from tests.catalog.file_server import gguf_bytes
from tests.cli.conftest import Run


@pytest.fixture
def items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder with a table, on a machine with 8 GB of memory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "localensemble.api.codebook.machine_memory", lambda: Memory(8 << 30, 8 << 30)
    )
    rows = "".join(f"n-{n},a note of some length {n},ward {n % 2}\n" for n in range(8))
    path = Path("notes.csv")
    path.write_text(f"id,text,ward\n{rows}", encoding="utf-8")
    return path


def add(name: str, size: int) -> None:
    path = Path(f"{name}.gguf")
    path.write_bytes(gguf_bytes(size))
    add_model(path, name=name, license="ours")


def test_the_ensemble_names_models_that_are_here_and_the_next_commands_are_printed(
    run: Run, items: Path
) -> None:
    for place, name in enumerate(("qwen-own", "gemma-own", "phi-own")):
        add(name, 3000 - place)
    ended = run("init", items)
    assert ended.code == 0, ended.err
    raters = load_ensemble(Path("ensemble.yaml")).raters
    assert [rater.model for rater in raters] == ["qwen-own", "gemma-own", "phi-own"]
    assert "le-llama" not in Path("ensemble.yaml").read_text(encoding="utf-8")
    assert "localensemble check codebook.yaml\n" in ended.out
    assert "localensemble pilot notes.csv -c codebook.yaml -e ensemble.yaml\n" in ended.out
    assert "localensemble label notes.csv -c codebook.yaml -e ensemble.yaml -o study" in ended.out
    assert "pull" not in ended.out
    assert "ward" in ended.out


def test_without_models_no_ensemble_is_written_and_the_set_to_pull_is_named(
    run: Run, items: Path
) -> None:
    ended = run("init", items)
    assert ended.code == 0
    assert Path("codebook.yaml").exists()
    assert not Path("ensemble.yaml").exists()
    assert "localensemble models pull --set 8\n" in ended.out
    assert "models bundle" in ended.out
    assert ended.out.index("models pull") < ended.out.index("localensemble label")


def test_a_second_call_adds_the_ensemble_and_keeps_the_codebook(run: Run, items: Path) -> None:
    run("init", items)
    Path("codebook.yaml").write_text("mine", encoding="utf-8")
    add("qwen-own", 1000)
    ended = run("init", items)
    assert (ended.code, "Kept codebook.yaml" in ended.out) == (0, True)
    assert Path("codebook.yaml").read_text(encoding="utf-8") == "mine"
    assert "agreement needs two" in ended.out
    ensemble = Path("ensemble.yaml").read_bytes()
    again = run("init", items)
    assert (again.code, "already exist" in again.err) == (2, True)
    assert Path("ensemble.yaml").read_bytes() == ensemble


def test_columns_that_were_named_are_in_the_next_commands(run: Run, items: Path) -> None:
    add("qwen-own", 1000)
    book = openpyxl.Workbook()
    book.active.append(("key", "words"))
    for n in range(4):
        book.active.append((f"n-{n}", f"a note {n}"))
    book.save("notes.xlsx")
    named = ("--id-column", "key", "--text-column", "words")
    ended = run("init", "notes.xlsx", *named, "-o", "start")
    assert ended.code == 0, ended.err
    assert Path("start/ensemble.yaml").exists()
    assert (
        "localensemble label notes.xlsx -c start/codebook.yaml -e start/ensemble.yaml "
        "--id-column key --text-column words -o start/study"
    ) in ended.out


@pytest.mark.slow  # runs two published models
def test_a_first_run_with_published_models_labels(
    run: Run, items: Path, real_model: Callable[[str], Path]
) -> None:
    for name in ("smollm2-135m-instruct", "gemma-3-270m"):
        add_model(real_model(name), name=f"own-{name}", license="see its page")
    ended = run("init", items)
    assert ended.code == 0, ended.err
    raters = load_ensemble(Path("ensemble.yaml")).raters
    # Gemma's base model has no chat template, so it comes second although it is larger.
    assert [rater.name for rater in raters] == ["own-smollm2-135m-instruct", "own-gemma-3-270m"]
    checked = run("check", "codebook.yaml")
    assert (checked.code, "Describe here" in checked.out) == (1, True)
    rules = ("-c", "codebook.yaml", "-e", "ensemble.yaml", "-o", "study", "--limit", "3")
    Path("codebook.yaml").write_text(
        Path("codebook.yaml").read_text(encoding="utf-8").replace("Describe here", "State"),
        encoding="utf-8",
    )
    assert run("label", items, *rules).code in {0, 3}
    assert Path("study/report.html").exists()


def test_a_folder_that_cannot_be_made_is_named(run: Run, items: Path) -> None:
    ended = run("init", items, "-o", items / "drafts")
    assert ended.code == 1
    assert 'drafts": a part of the path is a file, not a folder' in ended.err
    assert "Choose another path" in ended.err

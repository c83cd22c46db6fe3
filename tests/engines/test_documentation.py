"""What docs/engines.md shows is an engine that works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.studies import read_table, study_files

# Installs the engine of the page and runs its contract in processes of their own.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, built as the page says and unpacked as pip does."""
    folder = tmp_path_factory.mktemp("written")
    document = (repository / "docs" / "engines.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w+ ([\w.]+)\n(.*?)^```$", document, flags=re.M | re.S)
    assert len(blocks) == 5
    for name, text in blocks:
        (folder / name).write_text(text, encoding="utf-8")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    (wheel,) = (folder / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    for name in ("word_engine.py", "word_kind.py"):
        (folder / name).unlink()
    return folder


@pytest.fixture
def folder(installed: Path, tmp_path: Path) -> Path:
    """The installed engine beside the other files of the page."""
    for name in ("ensemble.yaml", "test_word_engine.py"):
        shutil.copy(installed / name, tmp_path)
    shutil.copytree(installed / "site", tmp_path, dirs_exist_ok=True)
    return tmp_path


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(folder), *(path for path in sys.path if path)])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=paths),
        timeout=120,
        check=False,
    )


def test_the_engine_shown_has_about_forty_lines(folder: Path) -> None:
    lines = (folder / "word_engine.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 45


def test_the_engine_shown_passes_the_contract_as_shown(folder: Path) -> None:
    ended = run_python(
        folder, "-m", "pytest", "-q", "-W", "error", "-c", os.devnull, "-p", "no:cacheprovider", "."
    )
    assert ended.returncode == 0, ended.stdout
    passed = re.search(r"(\d+) passed, 1 skipped", ended.stdout)
    assert passed is not None, ended.stdout
    assert int(passed[1]) >= 15


def test_an_engine_that_breaks_a_promise_fails_the_contract(folder: Path) -> None:
    engine = folder / "word_engine.py"
    text = engine.read_text(encoding="utf-8")
    engine.write_text(text.replace("1 / total, needed", "0.0, needed"), encoding="utf-8")
    ended = run_python(
        folder, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", "."
    )
    assert "1 failed" in ended.stdout
    assert "test_probabilities_are_probabilities_and_the_rest_is_what_is_left" in ended.stdout


def test_the_engine_shown_labels_a_table_by_its_name(folder: Path) -> None:
    ensemble = (folder / "ensemble.yaml").read_text(encoding="utf-8")
    texts = ["The staff were kind.", "The food was cold.", "Staff, staff and staff."]
    files = study_files(folder, texts, ensemble=ensemble)
    ended = run_python(
        folder,
        *("-m", "localensemble", "label", str(files.items), "-c", str(files.codebook)),
        *("-e", str(files.ensemble), "-o", str(files.study)),
    )
    # No text says "yes" or "no": equally likely answers are no label.
    assert ended.returncode == 3, ended.stderr
    labels = read_table(files.study / "labels.csv")
    assert [row["topic.rater.words"] for row in labels] == ["staff", "food", "staff"]


@pytest.fixture
def with_kind(folder: Path) -> Path:
    """The same, with the entry point that names the kind of engine."""
    (points,) = folder.glob("*.dist-info/entry_points.txt")
    text = points.read_text(encoding="utf-8")
    assert "word_engine:WordEngine" in text
    points.write_text(text.replace("word_engine:WordEngine", "word_kind:WORDS"), encoding="utf-8")
    return folder


def of_model(
    folder: Path, model: str, verb: str, *options: str
) -> subprocess.CompletedProcess[str]:
    ensemble = f"raters:\n  - {{model: {model}, engine: words}}\n"
    files = study_files(folder, ["The staff were kind.", "The food was cold."], ensemble=ensemble)
    return run_python(
        folder,
        *("-m", "localensemble", verb, str(files.items), "-c", str(files.codebook)),
        *("-e", str(files.ensemble), *options),
    )


def test_a_kind_from_another_package_names_its_raters_and_is_in_the_methods(
    with_kind: Path,
) -> None:
    study = with_kind / "study"
    ended = of_model(with_kind, "ours", "label", "-o", str(study))
    assert ended.returncode == 3, ended.stderr
    assert "topic.rater.words-of-ours" in read_table(study / "labels.csv")[0]
    page = (study / "report.html").read_text(encoding="utf-8")
    assert "of a variable by its words that occur in the text; the label is" in page
    assert "No text was truncated." in page


def test_a_kind_from_another_package_tells_its_memory(with_kind: Path) -> None:
    ended = of_model(with_kind, "ours", "estimate")
    assert ended.returncode == 0, ended.stderr
    assert "3 MiB" in ended.stdout
    assert "not known" not in ended.stdout


@pytest.mark.parametrize("verb", ["label", "estimate"])
def test_a_kind_from_another_package_refuses_early(with_kind: Path, verb: str) -> None:
    study = with_kind / "study"
    options = ("-o", str(study)) if verb == "label" else ()
    ended = of_model(with_kind, "nobody", verb, *options)
    assert ended.returncode == 2
    assert 'rater "words-of-nobody": unknown word list' in ended.stderr
    assert not study.exists()

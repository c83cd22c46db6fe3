"""The built wheel is complete: installed alone, it runs and finds what ships with it."""

from __future__ import annotations

import csv
import importlib.util
import os
import platform
import re
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import localensemble

pytestmark = pytest.mark.slow  # builds the wheel and runs the program from it


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=repository)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The Python of a fresh environment that holds the wheel."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    _run(sys.executable, "-m", "venv", "--without-pip", folder)
    windows = sys.platform == "win32"
    python = folder / ("Scripts/python.exe" if windows else "bin/python")
    _run(
        *(sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"),
        *("install", "--no-deps", "--no-index", wheel),
    )
    # The dependencies come from this environment, so that no network is needed. A folder
    # named in a .pth file does not have its own .pth files read: an editable
    # installation of this checkout there stays out of sight.
    inside = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    Path(inside.strip(), "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return python


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_wheel_holds_every_data_file_and_nothing_else(wheel: Path, repository: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    training = repository / "models" / "training"
    assert not any("training" in name.split("/") for name in names)
    for folder in ("examples", "models", "prompts"):
        for path in (repository / folder).rglob("*"):
            if path.is_file() and not path.is_relative_to(training):
                inside = path.relative_to(repository).as_posix()
                assert f"localensemble/_data/{inside}" in names
    for path in (repository / "localensemble" / "report" / "templates").iterdir():
        assert f"localensemble/report/templates/{path.name}" in names
    roots = {name.split("/")[0] for name in names}
    assert roots == {"localensemble", f"localensemble-{localensemble.__version__}.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "localensemble/py.typed" in names


def test_the_installed_program_says_its_version(installed: Path, tmp_path: Path) -> None:
    command = installed.with_name("localensemble" + installed.suffix)
    printed = _run(command, "--version", cwd=tmp_path)
    first, engine, python = printed.splitlines()
    assert re.search(rf"\b{re.escape(localensemble.__version__)}$", first)
    assert "llama-cpp-python" in engine
    assert platform.python_version() in python


def test_the_extra_for_everything_is_all_that_is_needed_to_run(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(name).decode("utf-8").splitlines()
    wanted = {
        found[1]
        for line in lines
        if (found := re.match(r"Requires-Dist: ([\w-]+).*; extra == 'all'", line))
    }
    assert wanted == {"llama-cpp-python", "pyarrow", "scikit-learn", "starlette", "uvicorn"}


def test_the_installed_program_lists_its_own_python_and_the_compiled_code(
    installed: Path, tmp_path: Path
) -> None:
    command = installed.with_name("localensemble" + installed.suffix)
    rows = list(csv.DictReader(_run(command, "doctor", "--allowlist", cwd=tmp_path).splitlines()))
    assert rows[0]["path"] == str(installed)
    assert {"python", "numpy", "scipy", "pandas"} <= {row["package"] for row in rows}


def test_the_installed_package_is_the_one_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = (
        "import localensemble.core.resources as r; print(r.__file__);"
        "print(r.prompt_template_path('label', 1)); print(r.examples_dir())"
    )
    for line in _run(installed, "-c", code, cwd=tmp_path).split():
        assert Path(line).resolve().is_relative_to(installed.parents[1].resolve())


def test_the_installed_program_labels_a_text_with_the_embedded_models(
    installed: Path, tmp_path: Path, repository: Path
) -> None:
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("needs llama-cpp-python")
    if not any((repository / "models").glob("*.gguf")):
        pytest.skip("this checkout has no embedded models")
    (tmp_path / "items.csv").write_text("id,text\n1,The nurses were kind and helped me a lot.\n")
    codebook = repository / "examples" / "patient_feedback.yaml"
    command = installed.with_name("localensemble" + installed.suffix)
    _run(command, "label", "items.csv", "-c", codebook, "-o", "study", cwd=tmp_path)
    with (tmp_path / "study" / "labels.csv").open(newline="", encoding="utf-8") as table:
        (row,) = csv.DictReader(table)
    assert row["text"] == "The nurses were kind and helped me a lot."
    raters = [name for name in row if name.startswith("sentiment.rater.")]
    assert len(raters) == 3
    assert {row[name] for name in raters} <= {"negative", "neutral", "positive"}

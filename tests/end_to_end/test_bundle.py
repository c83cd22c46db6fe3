"""A bundle made in one place installs and runs in another, without a network.

The packages come from the environment that runs the tests: it holds what the lock pins, but no
wheels, so wheels are made of what is installed and pinned by their own hashes in a copy of the
checkout. All else is as a user has it: the commands, pip, the installer.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from localensemble.bundle.wheels import COMPILED, Target, locked, this_python

pytestmark = [
    pytest.mark.slow,  # builds and installs wheels in environments of their own
    pytest.mark.skipif(sys.platform == "win32", reason="install.sh needs a POSIX shell"),
]
pytest.importorskip("llama_cpp", reason="needs llama-cpp-python")

PROJECT = ("LICENSE", "README.md", "pyproject.toml", "localensemble", "models", "prompts")


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle, and what its maker was told."""

    folder: Path
    sha256: str


def _run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.run(
        [str(part) for part in command],
        env=environment | variables,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def _wheel_of(name: str, folder: Path) -> Path:
    """Pack an installed package as a wheel again; nothing is compressed."""
    installed = importlib.metadata.distribution(name)
    info = next(file.parent for file in installed.files or () if file.name == "WHEEL")
    text = installed.read_text("WHEEL") or ""
    tags = [line.partition(": ")[2] for line in text.splitlines() if line.startswith("Tag: ")]
    parts = [sorted(set(part)) for part in zip(*(tag.split("-") for tag in tags), strict=True)]
    tag = "-".join(".".join(part) for part in parts)
    wheel = folder / f"{info.name.removesuffix('.dist-info')}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in installed.files or ():
            # Commands and caches are made anew where it is installed.
            if file.parts[0] != ".." and file.suffix != ".pyc":
                archive.write(str(file.locate()), file.as_posix())
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The packages of this environment as wheels, where they are those of the lock."""
    folder = tmp_path_factory.mktemp("wheels")
    for name, pin in locked(repository, target=Target(this_python())).items():
        version = pin.split()[0].split("==")[1]
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if found != version:
            pytest.skip(f"needs {name} {version} of the lock; found {found}")
        _wheel_of(name, folder)
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, repository: Path, wheels: Path) -> Path:
    """A copy of the checkout, whose lock pins these wheels."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in (*PROJECT, "examples", "requirements"):
        copy = shutil.copytree if (repository / name).is_dir() else shutil.copy
        copy(repository / name, folder / name)
    hashes = {}
    for wheel in wheels.glob("*.whl"):
        name = wheel.name.split("-")[0].lower().replace("_", "-").replace(".", "-")
        hashes[name] = sha256(wheel.read_bytes()).hexdigest()
    for path in (folder / "requirements").glob("*.txt"):
        lines: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"([a-z0-9.-]+)==", line):
                own = hashes.get(found[1], "0" * 64)
                lines += [line, f"    --hash=sha256:{own}"]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, checkout: Path, wheels: Path) -> Made:
    """A bundle with a model file of one's own and the files of a study."""
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("drive") / "usb"
    ensemble = home / "ensemble.yaml"
    ensemble.write_text("raters:\n  - {model: own}\n  - {model: le-gpt2-2m}\n", encoding="utf-8")
    program = (sys.executable, "-m", "localensemble", "models")
    there = {"PYTHONPATH": str(checkout), "HOME": str(home)}
    weights = checkout / "models" / "le-llama-2m.gguf"
    added = _run(*program, "add", weights, "--name", "own", "--license", "Apache-2.0", **there)
    assert added.returncode == 0, added.stderr
    (compiled,) = wheels.glob(f"{COMPILED.replace('-', '_')}-*.whl")
    ended = _run(
        *(*program, "bundle", "-o", folder, "--llama-cpp-wheel", compiled),
        *("-c", checkout / "examples" / "patient_feedback.yaml", "-e", ensemble),
        **there,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(wheels),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (digits,) = re.findall(r"SHA-256 of SHA256SUMS: ([0-9a-f]{64})", ended.stdout)
    return Made(folder, digits)


KINDS = {
    "weights": "models/own.gguf",
    "wheel": "wheels/numpy-*.whl",
    "own wheel": "wheels/localensemble-*.whl",
    "engine": "wheels/llama_cpp_python-*.whl",
    "chat template": "templates/own.jinja",
    "catalog entry": "catalog/own.json",
    "codebook": "codebooks/patient_feedback.yaml",
    "ensemble": "ensembles/ensemble.yaml",
    "prompt template": "prompts/label/v1.yaml",
    "prompt template for spans": "prompts/spans/v1.yaml",
    "installer script": "install.sh",
    "installer script for Windows": "install.ps1",
    "installer": "install.py",
    "words": "README.txt",
    "manifest": "manifest.json",
    "list of hashes": "SHA256SUMS",
}


@pytest.fixture
def flipped(made: Made, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a file of the bundle in which one bit is flipped, for the time of a test."""
    (path,) = made.folder.glob(KINDS[request.param])
    content = path.read_bytes()
    damaged = bytearray(content)
    # In the script, where a comment stands: what the shell does not run must be found, too.
    place = content.index(b"Needs Python") if path.name == "install.sh" else len(content) // 2
    damaged[place] ^= 1
    path.write_bytes(damaged)
    yield path.relative_to(made.folder).as_posix()
    path.write_bytes(content)


@pytest.mark.parametrize("flipped", KINDS, indirect=True)
def test_one_flipped_bit_is_found_and_its_file_named(
    made: Made, flipped: str, tmp_path: Path
) -> None:
    here = {"PYTHON": sys.executable}
    target = tmp_path / "there"
    ended = _run(
        *("sh", made.folder / "install.sh", "--sha256", made.sha256, "--to", target), **here
    )
    assert ended.returncode == 1
    found = "changed" if flipped == "SHA256SUMS" else "FAILED"
    assert f"{flipped}: {found}" in ended.stderr
    assert not target.exists()


def test_every_file_is_of_a_kind_that_was_tried(made: Made) -> None:
    patterns = {pattern for pattern in KINDS.values() if not pattern.startswith("wheels/")}
    tried = {path for pattern in patterns for path in made.folder.glob(pattern)}
    tried |= set((made.folder / "wheels").iterdir())
    assert {path for path in made.folder.rglob("*") if path.is_file()} == tried


@pytest.fixture
def without_network() -> tuple[str, ...]:
    """What runs a command where there is no network interface, or skip."""
    unshare = shutil.which("unshare")
    command = (unshare or "unshare", "--map-root-user", "--net")
    if unshare is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("needs unshare, and a kernel that lets users make network namespaces")
    return command


def test_it_installs_and_runs_elsewhere_without_a_network(
    made: Made, without_network: tuple[str, ...], tmp_path: Path
) -> None:
    drive = shutil.copytree(made.folder, tmp_path / "a drive")
    target, home = tmp_path / "in another place", tmp_path / "home"
    home.mkdir()
    there = {"HOME": str(home), "PYTHON": sys.executable, "PIP_INDEX_URL": "http://localhost:1"}
    ended = _run(
        *(*without_network, "sh", drive / "install.sh"),
        *("--to", target, "--sha256", made.sha256),
        **there,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "own: verified and ready" in ended.stdout
    # The drive is gone; what was installed does not need it.
    drive.rename(tmp_path / "taken away")

    program = target / ".venv" / "bin" / "localensemble"
    study = tmp_path / "study"
    ended = _run(*without_network, program, "demo", "--limit", "20", "-o", study, **there)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with (study / "labels.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 20
    manifest = json.loads((study / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["egress_guard"] == {"on": True, "attempts": 0, "self_test": "passed"}

    (tmp_path / "notes.csv").write_text("id,text\n1,The nurse was kind.\n", encoding="utf-8")
    ended = _run(
        *(*without_network, program, "label", tmp_path / "notes.csv", "-o", tmp_path / "own"),
        *("-c", target / "codebooks" / "patient_feedback.yaml"),
        *("-e", target / "ensembles" / "ensemble.yaml"),
        **there,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr

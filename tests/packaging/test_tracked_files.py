"""What is published names no machine, no package index, and every hash."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][^ ;]*)( ;[^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?P<more> \\)?$")

# A home folder or a drive of somebody's machine, and a package index under any name.
MACHINE_PATH = re.compile(r"(?<![\w.}~])/(?:home|root|Users|workspace|work|opt)/\w|\b[A-Z]:\\Users")
INDEX_ADDRESS = re.compile(r"https?://\S+/simple\b|file:///\w|--(?:extra-)?index-url[ =]\S*://")


@pytest.fixture(scope="module")
def tracked(repository: Path) -> tuple[Path, ...]:
    """The files that git knows, which are the files that are published."""
    if shutil.which("git") is None or not (repository / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True
    ).stdout
    return tuple(
        path
        for name in listed.decode().split("\0")
        if name and (path := repository / name).is_file()
    )


def _requirement_files(repository: Path) -> list[Path]:
    return sorted((repository / "requirements").glob("*.txt"))


def test_every_requirement_is_pinned_with_hashes_and_nothing_else(repository: Path) -> None:
    files = _requirement_files(repository)
    assert {file.stem for file in files} >= {
        *("build", "core", "llama-cpp", "reference", "test", "train")
    }
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[0] == "# Written by scripts/lock; do not edit."
        expects_hash = False
        for number, line in enumerate(lines[1:], start=2):
            found = HASH.match(line) if expects_hash else REQUIREMENT.match(line)
            assert found, f"{file.name}, line {number}"
            expects_hash = line.endswith("\\")
        assert not expects_hash


def test_one_package_has_one_version_in_all_newest_requirement_files(repository: Path) -> None:
    versions: dict[str, str] = {}
    for file in _requirement_files(repository):
        if file.stem == "reference":
            continue  # the oldest versions, for an environment of their own
        for line in file.read_text(encoding="utf-8").splitlines():
            if found := REQUIREMENT.match(line):
                pin = line.rstrip(" \\")
                # A package may be pinned twice for different Pythons: compare with the marker.
                key = f"{found['name']}{found[3] or ''}"
                assert versions.setdefault(key, pin) == pin, file.name


def test_every_direct_dependency_is_in_the_lock_of_its_extra(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = dict(project["optional-dependencies"])
    extras.pop("all")
    for file, wanted in {"core": [], **extras}.items():
        text = (repository / "requirements" / f"{file}.txt").read_text(encoding="utf-8")
        for requirement in [*project["dependencies"], *wanted]:
            name = re.split(r"[=<>!~\[; ]", requirement)[0].lower().replace(".", "-")
            assert re.search(rf"^{re.escape(name)}==", text, flags=re.MULTILINE), (file, name)


def test_the_reference_lock_pins_the_oldest_versions_we_promise(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = [*project["dependencies"], *project["optional-dependencies"]["reference"]]
    text = (repository / "requirements" / "reference.txt").read_text(encoding="utf-8")
    for requirement in promised:
        name, bound = re.split(r"[=>]=", requirement.partition(",")[0])
        name = name.lower().replace(".", "-")
        assert re.search(rf"^{re.escape(name)}=={re.escape(bound)}[. ]", text, re.MULTILINE), (
            f"{requirement}: delete requirements/reference.txt and run scripts/lock"
        )


def test_no_tracked_file_names_a_machine_or_a_package_index(tracked: tuple[Path, ...]) -> None:
    found = []
    for path in tracked:
        content = path.read_bytes()
        if b"\0" in content or path == Path(__file__):
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if MACHINE_PATH.search(line) or INDEX_ADDRESS.search(line):
                found.append(f"{path.name}, line {number}")
    assert found == []


def test_every_release_opens_with_the_results_it_changes(repository: Path) -> None:
    text = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert releases
    for release in releases:
        headings = re.findall(r"^### (.+)$", release, flags=re.MULTILINE)
        assert headings[0] == "Changed results", release.splitlines()[0]


def test_the_scripts_may_be_executed(tracked: tuple[Path, ...], repository: Path) -> None:
    scripts = [path for path in tracked if path.read_bytes().startswith(b"#!")]
    assert {"quickstart", "test", "check", "run"} <= {path.name for path in scripts}
    listed = subprocess.run(
        ["git", "ls-files", "--stage", *map(str, scripts)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {line.split()[0] for line in listed.splitlines()} == {"100755"}

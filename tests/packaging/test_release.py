"""A release is made only of a checkout that agrees with itself, and publishes nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "localensemble"
requires-python = ">=3.11"
dynamic = ["version"]

[tool.hatch.version]
path = "localensemble/__init__.py"
"""

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("git") is None, reason="needs git and a POSIX shell"
)


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """A small checkout that is ready for the release of 0.2.0, with tests that pass."""
    root = tmp_path / "checkout"
    for folder in ("scripts", "localensemble", ".venv/bin", "models"):
        (root / folder).mkdir(parents=True)
    for name in ("release", "sbom.py"):
        shutil.copy(repository / "scripts" / name, root / "scripts")
    shutil.copy(repository / "models" / "catalog.toml", root / "models")
    shutil.copytree(repository / "requirements", root / "requirements")
    (root / "scripts" / "test").write_text("#!/bin/sh\necho tested\n")
    (root / "scripts" / "test").chmod(0o755)
    python = root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (root / ".gitignore").write_text(".venv/\ndist/\n")
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "localensemble" / "__init__.py").write_text('__version__ = "0.2.0"\n')
    today = date.today().isoformat()
    (root / "CITATION.cff").write_text(f'version: 0.2.0\ndate-released: "{today}"\n')
    (root / "CHANGELOG.md").write_text(f"# Changelog\n\n## 0.2.0 - {today}\n")
    git(root, "init", "--quiet")
    git(root, "config", "user.name", "Nobody")
    git(root, "config", "user.email", "nobody@example.org")
    commit(root)
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Work")


def release(root: Path, version: str = "0.2.0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["./scripts/release", version], cwd=root, capture_output=True, text=True)


def test_a_release_is_tested_built_and_tagged(checkout: Path) -> None:
    ended = release(checkout)
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (0, "tested")
    built = sorted(path.name for path in (checkout / "dist").iterdir())
    published = [
        "localensemble-0.2.0-py3-none-any.whl",
        "localensemble-0.2.0.cdx.json",
        "localensemble-0.2.0.tar.gz",
    ]
    assert built == ["SHA256SUMS", *published]
    sums = (checkout / "dist" / "SHA256SUMS").read_text(encoding="utf-8")
    assert [line.split("  ")[1] for line in sums.splitlines()] == published
    for line in sums.splitlines():
        digest, name = line.split("  ")
        content = (checkout / "dist" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert line in ended.stdout
    bill = json.loads((checkout / "dist" / published[1]).read_text(encoding="utf-8"))
    assert bill["metadata"]["component"]["version"] == "0.2.0"
    assert {"numpy", "llama-cpp-python"} <= {one["name"] for one in bill["components"]}
    assert git(checkout, "tag").split() == ["v0.2.0"]
    assert git(checkout, "cat-file", "-t", "v0.2.0").strip() == "tag"
    assert "published nothing" in ended.stdout
    again = release(checkout)
    assert (again.returncode, "v0.2.0 already exists" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("localensemble/__init__.py", '__version__ = "0.1.0"\n', "__init__"),
        ("CITATION.cff", 'version: 0.2.0\ndate-released: "2020-01-01"\n', "CITATION"),
        ("CHANGELOG.md", "# Changelog\n\n## Unreleased\n", "CHANGELOG"),
        ("scripts/test", "#!/bin/sh\nexit 1\n", ""),
    ],
    ids=["package", "citation", "changelog", "tests"],
)
def test_a_checkout_that_does_not_agree_is_not_released(
    checkout: Path, file: str, content: str, named: str
) -> None:
    (checkout / file).write_text(content)
    commit(checkout)
    ended = release(checkout)
    assert ended.returncode == 1
    assert named in ended.stderr
    assert git(checkout, "tag") == ""
    assert not (checkout / "dist").exists()


def test_changes_that_are_not_committed_are_not_released(checkout: Path) -> None:
    (checkout / "left.txt").write_text("over\n")
    ended = release(checkout)
    assert (ended.returncode, "uncommitted" in ended.stderr) == (1, True)


@pytest.mark.parametrize("version", ["0.2", "v0.2.0", "0.2.0rc1", ""])
def test_a_version_is_three_numbers(checkout: Path, version: str) -> None:
    assert release(checkout, version).returncode == 1

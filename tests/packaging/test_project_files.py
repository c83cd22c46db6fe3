"""What people and services read about the project agrees with the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import localensemble

# Those of the Citation File Format 1.2.0 that are required, and those used here beside them.
CITATION_REQUIRED = frozenset({"authors", "cff-version", "message", "title"})
CITATION_OTHERS = frozenset({"abstract", "date-released", "keywords", "license", "type", "version"})


def _yaml(path: Path) -> Mapping[str, Any]:
    loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, Mapping)
    return loaded


@pytest.fixture(scope="module")
def citation(repository: Path) -> Mapping[str, Any]:
    """The citation as services read it."""
    return _yaml(repository / "CITATION.cff")


def test_the_citation_has_the_required_keys_and_no_unknown_ones(
    citation: Mapping[str, Any],
) -> None:
    assert citation["cff-version"] == "1.2.0"
    assert set(citation) >= CITATION_REQUIRED
    assert set(citation) <= CITATION_REQUIRED | CITATION_OTHERS
    assert citation["authors"] == [{"name": "The localensemble authors"}]
    assert citation["type"] == "software"
    assert all(isinstance(citation[key], str) for key in ("message", "title", "version"))


def test_the_citation_names_the_version_of_the_package(citation: Mapping[str, Any]) -> None:
    assert citation["version"] == localensemble.__version__


def test_the_citation_has_the_date_of_the_changelog(
    citation: Mapping[str, Any], repository: Path
) -> None:
    text = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {citation['version']} - {citation['date-released']}\n" in text


def test_releases_of_the_changelog_are_dated_and_the_newest_is_first(repository: Path) -> None:
    text = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    if headings[0] == "Unreleased":
        headings = headings[1:]
    dated = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) - (\d{4}-\d\d-\d\d)", one) for one in headings]
    assert all(dated)
    versions = [tuple(map(int, one.groups()[:3])) for one in dated if one]
    dates = [one[4] for one in dated if one]
    assert versions == sorted(set(versions), reverse=True)
    assert dates == sorted(dates, reverse=True)


def test_every_hook_before_a_commit_is_a_check_of_ours(repository: Path) -> None:
    script = (repository / "scripts" / "check").read_text(encoding="utf-8")
    checks = re.findall(r"^    ([a-z]+)\) ", script, flags=re.MULTILINE)
    (repo,) = _yaml(repository / ".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}
    assert [hook["entry"] for hook in repo["hooks"]] == [
        f"./scripts/check {check}" for check in checks
    ]
    assert f"set -- {' '.join(checks)}" in script


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_what_the_pages_link_to_and_call_exists(repository: Path, name: str) -> None:
    text = (repository / name).read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text)
    named += re.findall(r"(?:\./)?(scripts/\w+(?:\.py)?)", text)
    named += re.findall(r"`((?:docs|tests|examples)/[\w./]*)`", text)
    assert len(named) >= 3
    assert [one for one in named if not (repository / one).exists()] == []


def test_a_security_report_asks_for_no_text_and_names_no_address(repository: Path) -> None:
    text = (repository / "SECURITY.md").read_text(encoding="utf-8")
    assert "never to include" in text
    assert "@" not in text

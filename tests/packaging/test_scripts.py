"""The scripts name packages, tests and each other as they are."""

from __future__ import annotations

import re
from pathlib import Path


def test_packages_with_a_floor_of_coverage_exist_with_their_tests(repository: Path) -> None:
    script = (repository / "scripts" / "coverage").read_text(encoding="utf-8")
    floors = re.findall(r'^    "(\w+) (\d+) (tests/.+)"$', script, flags=re.MULTILINE)
    names = {package for package, _, _ in floors}
    assert names >= {"agreement", "consensus", "ledger", "study"}
    for package, floor, tests in floors:
        assert (repository / "localensemble" / package).is_dir()
        assert 0 < int(floor) <= 100
        assert f"tests/{package}" in tests.split()
        assert [test for test in tests.split() if not (repository / test).exists()] == []


def test_everything_that_is_tested_includes_the_checks_and_the_coverage(repository: Path) -> None:
    script = (repository / "scripts" / "test").read_text(encoding="utf-8")
    called = re.findall(r"\./(scripts/\w+)", script)
    assert {"scripts/setup", "scripts/check", "scripts/coverage"} <= set(called)
    assert [name for name in called if not (repository / name).is_file()] == []

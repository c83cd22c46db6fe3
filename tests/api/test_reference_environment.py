"""The reference packages are found, asked in a process of their own, and their failures told.

Stand-ins take the place of irrCAC and krippendorff; the last tests ask the real ones, where
`scripts/setup --reference` has installed them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localensemble.agreement import gwet_ac1, krippendorff_alpha
from localensemble.agreement.cross_check import CrossCheckPlan, plan_cross_check
from localensemble.api.cross_check import reference_environment as module
from localensemble.api.cross_check.reference_environment import (
    REFERENCE_VARIABLE,
    ReferencePython,
    cross_check,
    find_reference_python,
)
from localensemble.core.errors import InputError
from localensemble.privacy.egress import guard_state
from tests.agreement.matrices import random_matrix

pytestmark = pytest.mark.slow  # starts processes

HERE = ReferencePython(Path(sys.executable), ours=True)
PANDAS = "DataFrame = lambda cells: cells\n"
IRRCAC = """
class CAC:
    def __init__(self, cells, weights, categories, confidence_level, digits):
        {body}
    def gwet(self):
        return {{"est": dict(coefficient_value=0.5, se=0.5, confidence_interval=(0.0, 1.0),
                             p_value=0.5, pa=0.5, pe=0.5)}}
    krippendorff = gwet
"""
KRIPPENDORFF = "alpha = lambda **given: {value}\n"

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put stand-ins for the packages where a child of this environment finds them."""

    def write(*, body: str = "pass", value: str = "0.25", lacking: str = "") -> None:
        (tmp_path / "irrCAC").mkdir()
        (tmp_path / "irrCAC" / "__init__.py").touch()
        (tmp_path / "irrCAC" / "raw.py").write_text(IRRCAC.format(body=body), encoding="utf-8")
        (tmp_path / "krippendorff.py").write_text(KRIPPENDORFF.format(value=value), "utf-8")
        (tmp_path / "pandas.py").write_text(PANDAS, encoding="utf-8")
        for name in {"irrCAC", "krippendorff"} - {lacking}:
            about = tmp_path / f"{name}-1.5.dist-info"
            about.mkdir()
            (about / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n", encoding="utf-8"
            )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return write


def plan(seed: int = 1) -> CrossCheckPlan:
    matrix = random_matrix(seed)
    return plan_cross_check(matrix, [gwet_ac1(matrix), krippendorff_alpha(matrix, level="nominal")])


def test_every_variable_is_asked_about_in_one_process(install: Install) -> None:
    install()
    one, two = cross_check([plan(1), plan(2)], python=HERE)
    assert [check.package for check in one] == ["irrCAC", "irrCAC", "krippendorff"]
    assert [check.version for check in two] == ["1.5"] * 3
    ours = gwet_ac1(random_matrix(2)).value
    assert ours is not None
    assert two[0].largest_difference is not None
    assert two[0].largest_difference >= abs(ours - 0.5)


def test_what_a_package_cannot_compute_is_named_and_the_rest_is_compared(install: Install) -> None:
    install(value="1 / 0")
    ((irrcac, _, krippendorff),) = cross_check([plan()], python=HERE)
    assert irrcac.quantities
    assert krippendorff.not_compared_because == "krippendorff raised ZeroDivisionError"


def test_answers_that_do_not_come_in_time_are_told_and_those_before_are_kept(
    install: Install,
) -> None:
    install(value="__import__('time').sleep(60)")
    ((irrcac, _, krippendorff),) = cross_check([plan()], python=HERE, most_seconds=5)
    assert irrcac.quantities
    assert krippendorff.not_compared_because == "no answer within 5 s"


def test_a_process_that_dies_is_told(install: Install) -> None:
    install(value="__import__('os')._exit(3)")
    ((irrcac, _, krippendorff),) = cross_check([plan()], python=HERE)
    assert irrcac.quantities
    assert "code 3" in krippendorff.not_compared_because


def test_what_a_package_prints_is_no_answer(install: Install) -> None:
    install(body="print('hello')")
    ((irrcac, *_),) = cross_check([plan()], python=HERE)
    assert irrcac.quantities


def test_the_packages_are_guarded_against_the_network(install: Install) -> None:
    install(body="import socket; socket.create_connection(('192.0.2.1', 80))")
    before = guard_state().attempts
    ((irrcac, *_),) = cross_check([plan()], python=HERE)
    assert irrcac.largest_difference is None
    assert guard_state().attempts > before


def test_a_python_without_a_package_is_refused_with_what_to_do(install: Install) -> None:
    install(lacking="krippendorff")
    with pytest.raises(InputError, match="lacks krippendorff") as refused:
        cross_check([plan()], python=HERE)
    assert "setup --reference" in refused.value.hint
    assert REFERENCE_VARIABLE in refused.value.hint


def test_a_python_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did not start"):
        cross_check([plan()], python=ReferencePython(tmp_path / "python", ours=False))


def test_the_environment_that_is_named_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(REFERENCE_VARIABLE, str(tmp_path / "python"))
    assert find_reference_python() == ReferencePython(tmp_path / "python", ours=False)


def test_packages_of_this_environment_are_used_where_both_are_there(
    monkeypatch: pytest.MonkeyPatch, install: Install, tmp_path: Path
) -> None:
    monkeypatch.delenv(REFERENCE_VARIABLE, raising=False)
    install()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_reference_python() == HERE


def test_the_reference_environment_beside_the_checkout_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(REFERENCE_VARIABLE, raising=False)
    monkeypatch.setattr(module, "find_spec", lambda package: None)
    monkeypatch.setattr(module, "checkout_dir", lambda: tmp_path)
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    python = tmp_path / ".venv-reference" / inside
    python.parent.mkdir(parents=True)
    python.touch()
    assert find_reference_python() == ReferencePython(python, ours=False)


@pytest.mark.parametrize("checkout", [True, False])
def test_without_any_environment_it_is_said_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkout: bool
) -> None:
    monkeypatch.delenv(REFERENCE_VARIABLE, raising=False)
    monkeypatch.setattr(module, "find_spec", lambda package: None)
    monkeypatch.setattr(module, "checkout_dir", lambda: tmp_path if checkout else None)
    with pytest.raises(InputError, match="Cannot cross-check") as refused:
        find_reference_python()
    assert ("setup --reference" if checkout else "pip install irrCAC==") in refused.value.hint
    assert REFERENCE_VARIABLE in refused.value.hint


def test_the_real_packages_agree_with_ours(reference_python: ReferencePython) -> None:
    (checks,) = cross_check([plan()], python=reference_python)
    # Another SciPy finds quantiles of Student's t with a few digits fewer.
    assert all((check.largest_difference or 0) < 1e-7 for check in checks)
    assert all(check.quantities for check in checks)

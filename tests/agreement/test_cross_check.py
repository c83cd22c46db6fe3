"""Our numbers beside those of irrCAC and krippendorff, on data made to be awkward."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from localensemble.agreement import LEVELS, WEIGHT_SCHEMES
from localensemble.agreement import cross_check as module
from localensemble.agreement.cross_check import PACKAGES, CrossCheck, cross_check, version_of
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import matrix_of, random_matrix

# Both packages are asked for more digits; 1e-5 is what their rounding would give by default.
LARGEST_DIFFERENCE = 1e-9
needs_reference = pytest.mark.skipif(
    not all(version_of(package) for package in PACKAGES),
    reason="irrCAC and krippendorff are not installed (extra `reference`)",
)


def awkward_matrix(seed: int) -> LabelMatrix:
    generator = np.random.default_rng(1000 + seed)
    return random_matrix(
        seed,
        items=int(generator.integers(3, 60)),
        raters=int(generator.integers(2, 7)),
        category_count=int(generator.integers(2, 7)),
        gaps=float(generator.choice([0.0, 0.1, 0.3, 0.5])),
        copied=float(generator.choice([0.0, 0.5, 0.8, 0.95])),
    )


@needs_reference
def test_two_hundred_random_matrices_with_gaps_agree_with_the_reference_packages() -> None:
    compared: dict[tuple[str, str], int] = {}
    for seed in range(200):
        found = cross_check(
            awkward_matrix(seed),
            level=LEVELS[seed % len(LEVELS)],
            weights=WEIGHT_SCHEMES[seed % len(WEIGHT_SCHEMES)],
        )
        for check in found:
            if check.largest_difference is None:
                assert check.not_compared_because.startswith(
                    ("undefined here", "irrCAC raised ZeroDivisionError")
                ), check
                continue
            assert check.largest_difference <= LARGEST_DIFFERENCE, (seed, check)
            key = check.coefficient, check.package
            compared[key] = compared.get(key, 0) + 1
    assert compared["Fleiss kappa", "irrCAC"] > 190
    assert compared["Conger kappa", "irrCAC"] > 190
    assert compared["Brennan-Prediger", "irrCAC"] > 190
    assert compared["AC1", "irrCAC"] + compared["AC2", "irrCAC"] > 190
    assert compared["Krippendorff alpha", "irrCAC"] > 140
    assert compared["Krippendorff alpha", "krippendorff"] > 190


@needs_reference
def test_values_reach_the_reference_packages() -> None:
    matrix = random_matrix(3, category_count=5)
    found = cross_check(matrix, level="ratio", weights="ratio", values=[1, 2, 5, 9, 12])
    assert all(check.quantities for check in found)
    assert all((check.largest_difference or 0) <= LARGEST_DIFFERENCE for check in found)


def by_package(found: tuple[CrossCheck, ...], package: str) -> CrossCheck:
    return next(check for check in found if check.package == package)


def test_a_package_that_does_not_exist_has_no_version() -> None:
    assert version_of("no-such-package-anywhere") == ""
    assert version_of("numpy") == np.__version__


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "version_of", lambda package: "")
    found = cross_check(random_matrix(1), level="nominal")
    assert by_package(found, "irrCAC").not_compared_because == "irrCAC is not installed"
    assert by_package(found, "irrCAC").largest_difference is None
    assert by_package(found, "krippendorff").version == ""


class Packages:
    """Stand-ins that answer what a test wants, so that this runs without the packages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
        self.seen: dict[str, Any] = {}
        monkeypatch.setattr(module, "version_of", lambda package: "1.0")
        monkeypatch.setattr(module, "import_module", self.load)
        self.answer = answer

    def load(self, name: str) -> ModuleType | SimpleNamespace:
        return {
            "pandas": SimpleNamespace(DataFrame=lambda cells: cells),
            "irrCAC.raw": SimpleNamespace(CAC=self.table),
            "krippendorff": SimpleNamespace(alpha=lambda **given: self.answer()),
        }[name]

    def table(self, cells: object, **given: Any) -> SimpleNamespace:
        self.seen = given
        estimate = lambda: {  # noqa: E731
            "est": {
                "coefficient_value": self.answer(),
                "se": 0.5,
                "confidence_interval": (0.0, 1.0),
                "p_value": 0.5,
                "pa": 0.5,
                "pe": 0.5,
            }
        }
        names = ("gwet", "fleiss", "conger", "bp", "krippendorff")
        return SimpleNamespace(**dict.fromkeys(names, estimate))


def test_the_largest_difference_of_all_quantities_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packages = Packages(monkeypatch, lambda: -9.0)
    found = cross_check(random_matrix(1), level="nominal")
    ours = by_package(found, "krippendorff")
    assert ours.largest_difference is not None
    assert 9 < ours.largest_difference < 10
    assert ours.quantities == ("value",)
    assert ours.version == "1.0"
    assert packages.seen["categories"] == [1.0, 2.0, 3.0, 4.0]
    assert "standard_error" in by_package(found, "irrCAC").quantities


def test_what_the_packages_cannot_compute_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> float:
        raise ZeroDivisionError

    Packages(monkeypatch, fail)
    found = cross_check(random_matrix(1), level="ordinal")
    assert by_package(found, "irrCAC").not_compared_because == "irrCAC raised ZeroDivisionError"
    # irrCAC's ordinal weights are not Krippendorff's ordinal metric.
    assert [c.package for c in found if c.coefficient == "Krippendorff alpha"] == ["krippendorff"]


def test_a_number_that_is_not_finite_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    Packages(monkeypatch, lambda: float("nan"))
    found = cross_check(random_matrix(1), level="nominal")
    assert "no finite number" in by_package(found, "irrCAC").not_compared_because


def test_what_is_undefined_here_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    Packages(monkeypatch, lambda: 1.0)
    found = {
        (check.coefficient, check.package): check
        for check in cross_check(matrix_of("aa", "aa"), level="nominal")
    }
    undefined = found["Fleiss kappa", "irrCAC"]
    assert undefined.not_compared_because.startswith("undefined here: only the category")
    # Perfect agreement: they have no bound, so the interval is not compared.
    assert "interval_low" not in found["AC1", "irrCAC"].quantities

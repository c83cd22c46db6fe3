"""Compare our coefficients with the reference packages irrCAC and krippendorff, where installed.

They are oracles, not sources: nothing here is taken from them, and nothing else imports them.
irrCAC is always given its categories (on pandas 3 it otherwise counts a gap as one) and asked
for twelve digits. What differs by definition is not compared and is listed in
docs/decisions/0011-agreement-conventions.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.coefficients import ALL_COEFFICIENTS
from localensemble.agreement.krippendorff import krippendorff_alpha
from localensemble.agreement.methods import AgreementSettings
from localensemble.agreement.prepared import prepare
from localensemble.agreement.result import Coefficient, Level
from localensemble.agreement.weights import WeightScheme, category_values
from localensemble.core.label_matrix import LabelMatrix

PACKAGES = ("irrCAC", "krippendorff")

# irrCAC and krippendorff raise plain errors on degenerate tables.
_REFERENCE_ERRORS = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """How far one coefficient lies from one package's.

    Attributes:
        coefficient: our name.
        weights: name of the weights; for Krippendorff's alpha, its level.
        package: ``irrCAC`` or ``krippendorff``.
        version: of the package; empty when it is not installed.
        quantities: what was compared, for example ``("value", "standard_error")``.
        largest_difference: the largest absolute difference among them; None when nothing was
            compared.
        not_compared_because: why nothing was; empty otherwise.
    """

    coefficient: str
    weights: str
    package: str
    version: str
    quantities: tuple[str, ...] = ()
    largest_difference: float | None = None
    not_compared_because: str = ""


def cross_check(
    matrix: LabelMatrix,
    *,
    level: Level,
    weights: WeightScheme = "identity",
    values: Sequence[float] | None = None,
) -> tuple[CrossCheck, ...]:
    """Compute the coefficients that irrCAC and krippendorff know, theirs and ours.

    Args:
        matrix: N items by R raters.
        level: of Krippendorff's alpha.
        weights: a named scheme, for all other coefficients.
        values: the categories' increasing numbers; 1..K when None.
    """
    numbers = category_values(values, category_count=matrix.category_count)
    chosen = numbers.tolist()
    labels = prepare(matrix)
    settings = AgreementSettings(level=level, weights=weights, values=chosen)
    cells = _numeric_cells(matrix, numbers)
    # AC1 and AC2 are one method of irrCAC, without weights and with them.
    absent = "required" if weights == "identity" else "ignored"
    alpha = krippendorff_alpha.compute(labels, settings)
    found = [
        _with_irrcac(
            method.compute(labels, settings), method.irrcac, cells, numbers, weights=weights
        )
        for method in ALL_COEFFICIENTS
        if method.irrcac and method.uses_weights not in (absent, "level")
        for ours in [method.compute(labels, settings)]
    ]
    alpha_weights = {"nominal": "identity", "interval": "quadratic", "ratio": "ratio"}.get(level)
    if alpha_weights is not None:
        found.append(
            _with_irrcac(alpha, krippendorff_alpha.irrcac, cells, numbers, weights=alpha_weights)
        )
    found.append(_with_krippendorff(alpha, cells, numbers, level=level))
    return tuple(found)


def version_of(package: str) -> str:
    """Return the installed version of a package; empty when it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _numeric_cells(matrix: LabelMatrix, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, R) category values, NaN for a gap: what both packages read."""
    table = np.append(numbers, np.nan)
    return np.asarray(table[matrix.indices])


def _with_irrcac(
    ours: Coefficient,
    method: str,
    cells: NDArray[np.float64],
    numbers: NDArray[np.float64],
    *,
    weights: str,
) -> CrossCheck:
    def theirs() -> dict[str, float]:
        frame = import_module("pandas").DataFrame(cells)
        table = import_module("irrCAC.raw").CAC(
            frame, weights=weights, categories=numbers.tolist(), digits=12
        )
        found = getattr(table, method)()["est"]
        low, high = found["confidence_interval"]
        read = {
            "value": found["coefficient_value"],
            "standard_error": found["se"],
            "interval_low": low,
            "interval_high": high,
        }
        if method != "bp":
            # irrCAC's p-value of Brennan-Prediger is one-sided, all its others two-sided.
            read["p_value"] = found["p_value"]
        if method != "krippendorff":
            read |= {"observed_agreement": found["pa"], "expected_agreement": found["pe"]}
        return {name: float(number) for name, number in read.items()}

    return _compared(ours, package="irrCAC", theirs=theirs)


def _with_krippendorff(
    ours: Coefficient,
    cells: NDArray[np.float64],
    numbers: NDArray[np.float64],
    *,
    level: Level,
) -> CrossCheck:
    def theirs() -> dict[str, float]:
        value = import_module("krippendorff").alpha(
            reliability_data=cells.T,
            level_of_measurement=level,
            value_domain=numbers.tolist(),
        )
        return {"value": float(value)}

    return _compared(ours, package="krippendorff", theirs=theirs)


def _compared(
    ours: Coefficient, *, package: str, theirs: Callable[[], dict[str, float]]
) -> CrossCheck:
    def without(reason: str, version: str = "") -> CrossCheck:
        return CrossCheck(ours.name, ours.weights, package, version, not_compared_because=reason)

    version = version_of(package)
    if not version:
        return without(f"{package} is not installed")
    if ours.value is None:
        return without(f"undefined here: {ours.undefined_because}", version)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            numbers = theirs()
    except _REFERENCE_ERRORS as error:
        return without(f"{package} raised {type(error).__name__}", version)
    differences = {
        name: abs(mine - number)
        for name, number in numbers.items()
        if (mine := getattr(ours, name)) is not None and _comparable(ours, name)
    }
    if not all(np.isfinite(difference) for difference in differences.values()):
        return without(f"{package} returned no finite number", version)
    return CrossCheck(
        ours.name,
        ours.weights,
        package,
        version,
        quantities=tuple(differences),
        largest_difference=max(differences.values()),
    )


def _comparable(ours: Coefficient, name: str) -> bool:
    """Tell whether both mean the same: they have no bound for perfect agreement."""
    return ours.interval_method == "analytic" or not name.startswith("interval")

"""Ask irrCAC and krippendorff for their values, in a separate process.

The environment that has the two packages may lack localensemble and have older versions of
everything. This module therefore uses only the standard library, numpy and the two packages;
the network guard is on when it starts. It reads one JSON value from standard input and
writes one line for each answer, so that no answer is lost when time runs out.

irrCAC always receives the list of categories, because with pandas 3 it otherwise counts a
gap as a category. It is asked for twelve digits. It receives the labels as category numbers,
never as category names, ids or texts.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module, metadata
from typing import Any

PACKAGES = ("irrCAC", "krippendorff")

# irrCAC and krippendorff raise plain errors on degenerate tables.
_ERRORS = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)


def versions() -> dict[str, str]:
    """Return the version of each package; empty if the package is not installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = ""
    return found


def answers(asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the numbers that answer each question, or its failure, in the order asked.

    Args:
        asked: ``cells`` (N lists of R category indices, -1 for a gap), ``values`` (the number
            of each category), ``confidence_level``, and ``questions`` (each with ``package``,
            ``method`` and ``weights``).
    """
    import numpy

    cells = numpy.append(asked["values"], numpy.nan)[numpy.array(asked["cells"], dtype=int)]
    for question in asked["questions"]:
        ask = _ask_irrcac if question["package"] == "irrCAC" else _ask_krippendorff
        try:
            with warnings.catch_warnings(), numpy.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                yield {"numbers": ask(cells, asked, question)}
        except _ERRORS as error:
            yield {"failure": f"{question['package']} raised {type(error).__name__}"}


def _ask_irrcac(
    cells: Any, asked: Mapping[str, Any], question: Mapping[str, str]
) -> dict[str, float]:
    table = import_module("irrCAC.raw").CAC(
        import_module("pandas").DataFrame(cells),
        weights=question["weights"],
        categories=asked["values"],
        confidence_level=asked["confidence_level"],
        digits=12,
    )
    found = getattr(table, question["method"])()["est"]
    low, high = found["confidence_interval"]
    return {
        "value": float(found["coefficient_value"]),
        "standard_error": float(found["se"]),
        "interval_low": float(low),
        "interval_high": float(high),
        "p_value": float(found["p_value"]),
        "observed_agreement": float(found["pa"]),
        "expected_agreement": float(found["pe"]),
    }


def _ask_krippendorff(
    cells: Any, asked: Mapping[str, Any], question: Mapping[str, str]
) -> dict[str, float]:
    value = import_module("krippendorff").alpha(
        reliability_data=cells.T,
        level_of_measurement=question["weights"],
        value_domain=asked["values"],
    )
    return {"value": float(value)}


def main() -> None:
    """Write the versions, then the answers for every table read from standard input."""
    lines, sys.stdout = sys.stdout, sys.stderr

    def write(value: Mapping[str, Any]) -> None:
        lines.write(json.dumps(value) + "\n")
        lines.flush()

    tables = json.load(sys.stdin)
    installed = versions()
    write(installed)
    if all(installed.values()):
        for asked in tables:
            for answer in answers(asked):
                write(answer)

"""Ask irrCAC and krippendorff for their values: the program of a process of its own.

The environment that has the two packages need not have ours, and may hold older versions of
everything. This module therefore uses the standard library, numpy and the two packages alone;
the guard against the network is on when it starts. It reads one JSON value from standard
input and writes one line for each answer, so that answers are not lost when time runs out.

irrCAC is always given its categories, because with pandas 3 it otherwise counts a gap as
one, and is asked for twelve digits. Of the labels it gets the numbers of the categories, and
neither their names nor any id or text.
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
    """Return the version of each package, an empty one where it is not installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = ""
    return found


def answers(asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the numbers that each question asks for, or the failure, in their order.

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
    """Write the versions, then the answers to every table that standard input holds."""
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

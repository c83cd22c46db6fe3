"""Compare the speed of the agreement coefficients with irrCAC and krippendorff.

    scripts/bench/agreement.py [--reference-python PATH] [--items 100000 1000000] [--raters 5]

irrCAC needs an old scipy, so both packages have their own environment, which
`scripts/setup --reference` makes: its Python is .venv-reference/bin/python.

All get the same labels. Each side runs in its own process, warms up on a small matrix, and
reports the best of three runs. irrCAC is given its categories, as it requires.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
CATEGORIES = 5


def make_labels(items: int, raters: int) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """Draw five categories of unequal frequency, with 5% gaps and raters right 7 times in 10."""
    generator = np.random.default_rng(20240501)
    hidden = generator.choice(CATEGORIES, size=(items, 1), p=[0.4, 0.3, 0.15, 0.1, 0.05])
    guesses = generator.integers(0, CATEGORIES, size=(items, raters))
    cells = np.where(generator.random((items, raters)) < 0.7, hidden, guesses)
    cells[generator.random((items, raters)) < 0.05] = -1
    return cells.astype(np.int16)


def best_of_three(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure_ours(path: str) -> dict[str, Any]:
    """Time this package; the three coefficients share one pass over the items."""
    sys.path.insert(0, str(REPOSITORY))
    from localensemble.agreement import (
        Analytic,
        Bootstrap,
        Interval,
        fleiss_kappa,
        gwet_ac1,
        krippendorff_alpha,
        prepare,
    )
    from localensemble.core.label_matrix import LabelMatrix

    def matrix_of(cells: np.ndarray[Any, np.dtype[np.int16]]) -> LabelMatrix:
        names = tuple(f"rater-{j}" for j in range(cells.shape[1]))
        return LabelMatrix(cells, tuple(str(k) for k in range(CATEGORIES)), names)

    def three(matrix: LabelMatrix, how: Interval) -> dict[str, float | None]:
        labels = prepare(matrix)
        found = (
            gwet_ac1(labels, interval=how),
            fleiss_kappa(labels, interval=how),
            krippendorff_alpha(labels, level="nominal", interval=how),
        )
        return {one.name: one.value for one in found}

    three(matrix_of(make_labels(50, 5)), Analytic())
    matrix = matrix_of(np.load(path))
    how = Bootstrap(1000)
    coefficients: dict[str, Callable[..., object]] = {
        "AC1": gwet_ac1,
        "Fleiss kappa": fleiss_kappa,
        "Krippendorff alpha": partial(krippendorff_alpha, level="nominal"),
    }
    result: dict[str, Any] = {
        "values": three(matrix, Analytic()),
        "three": best_of_three(lambda: three(matrix, Analytic())),
        "three, 1,000 resamples": best_of_three(lambda: three(matrix, how)),
    }
    for name, function in coefficients.items():
        result[name] = best_of_three(partial(function, matrix))
        result[f"{name}, 1,000 resamples"] = best_of_three(partial(function, matrix, interval=how))
    return result


def measure_reference(path: str) -> dict[str, Any]:
    """Time irrCAC (value and interval) and krippendorff (value only)."""
    import krippendorff
    import pandas as pd
    from irrCAC.raw import CAC

    def numeric(cells: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.where(cells < 0, np.nan, cells + 1.0)

    def coefficient(frame: Any, method: str) -> float:
        table = CAC(frame, categories=[float(k + 1) for k in range(CATEGORIES)])
        return float(getattr(table, method)()["est"]["coefficient_value"])

    def alpha(cells: np.ndarray[Any, Any]) -> float:
        return float(krippendorff.alpha(reliability_data=cells.T, level_of_measurement="nominal"))

    warnings.simplefilter("ignore")
    small = numeric(make_labels(50, 5))
    for method in ("gwet", "fleiss", "krippendorff"):
        coefficient(pd.DataFrame(small), method)
    alpha(small)
    cells = numeric(np.load(path))
    frame = pd.DataFrame(cells)
    names = {"gwet": "AC1", "fleiss": "Fleiss kappa", "krippendorff": "Krippendorff alpha"}
    result: dict[str, Any] = {
        "values": {names[method]: coefficient(frame, method) for method in names}
    }
    for method, name in names.items():
        result[name] = best_of_three(partial(coefficient, frame, method))
    result["three"] = sum(result[name] for name in names.values())
    result["krippendorff package"] = best_of_three(lambda: alpha(cells))
    return result


def run(python: str, side: str, path: str) -> dict[str, Any] | None:
    """Measure one side in a new process; None if its packages are missing."""
    done = subprocess.run(
        [python, __file__, "--side", side, "--labels", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f} s"


def report(items: int, raters: int, ours: dict[str, Any], theirs: dict[str, Any] | None) -> None:
    print(f"\n{items:,} items by {raters} raters, {CATEGORIES} categories, 5% gaps")
    print(f"{'':34}{'localensemble':>16}{'irrCAC':>16}{'ratio':>10}")
    for key, title in (
        ("AC1", "AC1 with interval"),
        ("Fleiss kappa", "Fleiss kappa with interval"),
        ("Krippendorff alpha", "Krippendorff alpha with interval"),
        ("three", "all three"),
    ):
        other = theirs[key] if theirs else None
        ratio = f"{other / ours[key]:.0f} x" if other else "-"
        print(f"{title:34}{seconds(ours[key]):>16}{seconds(other):>16}{ratio:>10}")
    if theirs:
        own, alone = ours["Krippendorff alpha"], theirs["krippendorff package"]
        print(
            f"{'alpha, krippendorff (no interval)':34}{seconds(own):>16}{seconds(alone):>16}"
            f"{alone / own:>8.0f} x"
        )
        largest = max(abs(ours["values"][k] - theirs["values"][k]) for k in ours["values"])
        print(f"largest difference of the values: {largest:.1e} (irrCAC rounds to five digits)")
    for name, title in (
        ("AC1", "AC1"),
        ("Fleiss kappa", "Fleiss kappa"),
        ("Krippendorff alpha", "Krippendorff alpha"),
        ("three", "all three"),
    ):
        drawn = ours[f"{name}, 1,000 resamples"]
        print(
            f"{title + ', 1,000 resamples':34}{seconds(drawn):>16}"
            f"{drawn / ours[name]:>18.1f} x the analytic interval"
        )
    print(f"peak memory of our process, including input: {ours['peak_mb']:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference-python", default=sys.executable)
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--raters", type=int, default=5)
    parser.add_argument("--side", choices=("ours", "reference"), help=argparse.SUPPRESS)
    parser.add_argument("--labels", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        measure = measure_ours if given.side == "ours" else measure_reference
        result = measure(given.labels)
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as folder:
        for items in given.items:
            path = str(Path(folder) / f"{items}.npy")
            np.save(path, make_labels(items, given.raters))
            ours = run(sys.executable, "ours", path)
            if ours is None:
                sys.exit("localensemble cannot be imported here.")
            theirs = run(given.reference_python, "reference", path)
            report(items, given.raters, ours, theirs)
            if theirs is None:
                print("irrCAC and krippendorff are not installed; see --help.")


if __name__ == "__main__":
    main()

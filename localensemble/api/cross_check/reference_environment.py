"""Run irrCAC and krippendorff in an environment that has them.

irrCAC pins a release of SciPy that current Python versions cannot install. This module
decides which Python runs them: the one that `REFERENCE_VARIABLE` names, else our own if it
has both packages, else that of ``.venv-reference`` in the checkout. In each case the packages
run in a separate process without a network and with a time limit; a question that gets no
answer is reported as not compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from localensemble.agreement.cross_check import Answer, CrossCheck, CrossCheckPlan
from localensemble.api.cross_check.reference_packages import PACKAGES
from localensemble.core.errors import InputError
from localensemble.core.resources import checkout_dir
from localensemble.privacy.egress import guarded_launcher

REFERENCE_VARIABLE = "LOCALENSEMBLE_REFERENCE_PYTHON"
MOST_SECONDS = 600.0

_MODULE = "localensemble.api.cross_check.reference_packages"
_ROOT = Path(__file__).resolve().parents[3]
# The folder above our package is on the search path only while the launcher is imported: an
# installed package has packages of another environment beside it. Our other modules are then
# found through the package itself.
_START = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from localensemble.privacy.guarded_process import main; "
    "sys.path.pop(); main(sys.argv[2:])"
)


@dataclass(frozen=True, slots=True)
class ReferencePython:
    """A Python that should have both packages.

    Attributes:
        path: the interpreter.
        ours: whether it is the interpreter that runs this program.
    """

    path: Path
    ours: bool


def find_reference_python() -> ReferencePython:
    """Find the Python that should have both packages; `cross_check` finds out whether it does.

    Raises:
        InputError: there is no such Python.
    """
    named = os.environ.get(REFERENCE_VARIABLE, "").strip()
    if named:
        return ReferencePython(Path(named), ours=False)
    if all(find_spec(package) for package in PACKAGES):
        return ReferencePython(Path(sys.executable), ours=True)
    checkout = checkout_dir()
    if checkout is not None:
        inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        found = checkout / ".venv-reference" / inside
        if found.is_file():
            return ReferencePython(found, ours=False)
    raise InputError(
        "Cannot cross-check: irrCAC and krippendorff are not installed, and there is no reference "
        "environment.",
        hint=_how_to_make_one(),
    )


def cross_check(
    plans: Sequence[CrossCheckPlan],
    *,
    python: ReferencePython,
    most_seconds: float = MOST_SECONDS,
) -> tuple[tuple[CrossCheck, ...], ...]:
    """Ask about all variables in one process, and return the comparisons of each plan.

    Raises:
        InputError: this Python cannot be started or lacks a package.
    """
    asked = json.dumps([questions(plan) for plan in plans])
    lines, ending = _run(python.path, asked, ours=python.ours, limit=most_seconds)
    if not lines:
        raise InputError(
            f"Cannot cross-check: {python.path} did not start ({ending}).", hint=_how_to_make_one()
        )
    versions: Mapping[str, str] = json.loads(lines[0])
    lacking = [package for package in PACKAGES if not versions[package]]
    if lacking:
        raise InputError(
            f"Cannot cross-check: {python.path} lacks {' and '.join(lacking)}.",
            hint=_how_to_make_one(),
        )
    answered = iter([Answer(**json.loads(line)) for line in lines[1:]])
    without = Answer(failure=ending)
    return tuple(
        plan.compare([next(answered, without) for _ in plan.asked], versions=versions)
        for plan in plans
    )


def questions(plan: CrossCheckPlan) -> dict[str, object]:
    """Return what the packages are asked about one variable, as JSON values."""
    return {
        "cells": plan.cells.tolist(),
        "values": list(plan.values),
        "confidence_level": plan.confidence_level,
        "questions": [
            {"package": one.package, "method": one.method, "weights": one.weights}
            for one in plan.asked
        ],
    }


def _run(python: Path, asked: str, *, ours: bool, limit: float) -> tuple[list[str], str]:
    """Return the lines that arrived in time, and the reason why no more did."""
    _, attempts_file = guarded_launcher()
    # Another environment must not see the variables set for ours.
    alone = "-P" if ours else "-I"
    command = [str(python), alone, "-c", _START, str(_ROOT), attempts_file, _MODULE]
    try:
        ended = subprocess.run(
            command, input=asked.encode(), capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired as error:
        return _lines(error.stdout or b""), f"no answer within {limit:g} s"
    except OSError as error:
        return [], error.strerror or type(error).__name__
    errors = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return _lines(ended.stdout), errors[-1] if errors else f"it ended with code {ended.returncode}"


def _lines(output: bytes) -> list[str]:
    """Return the complete lines; whatever follows the last line break was cut off."""
    return output.decode("utf-8").split("\n")[:-1]


def _how_to_make_one() -> str:
    if checkout_dir() is not None:
        return (
            "Make a reference environment with `scripts/setup --reference`, which needs Python "
            f"3.11 or 3.12, or set {REFERENCE_VARIABLE} to a Python that has both packages."
        )
    return (
        "Install them into a Python 3.11 or 3.12 environment (`pip install irrCAC==0.4.4 "
        f"krippendorff`) and set {REFERENCE_VARIABLE} to its Python."
    )

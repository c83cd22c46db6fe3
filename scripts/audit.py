"""Look up the pinned packages in the public lists of known vulnerabilities.

    python scripts/audit.py

Needs pip-audit, which you install yourself (`pip install pip-audit`), and its data, which it
fetches from the Python Package Index; it sends the names and versions of the packages. Exit codes:
0 no known vulnerability, 1 at least one, 4 the audit could not be run. An audit that could not be
run says nothing about the packages.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NOT_RUN = 4
_SECONDS = 600


def main(command: Sequence[str] = (sys.executable, "-m", "pip_audit")) -> int:
    """Audit every requirement file; return the exit code."""
    found: dict[tuple[str, str, str], set[str]] = {}
    files = sorted((ROOT / "requirements").glob("*.txt"))
    audited: set[tuple[str, str]] = set()
    for path in files:
        packages, reason = _audited(command, path)
        if packages is None:
            sys.stderr.write(
                f"The audit was not run: {reason}\n"
                "This says nothing about the packages. Install pip-audit (`pip install "
                "pip-audit`) on a machine that reaches its data, and run this again there.\n"
            )
            return NOT_RUN
        for package in packages:
            audited.add((package["name"], package["version"]))
            for known in package["vulns"]:
                key = (package["name"], package["version"], known["id"])
                found.setdefault(key, set()).add(path.name)
    for (name, version, known), where in sorted(found.items()):
        sys.stdout.write(f"{name} {version}: {known} (requirements/{', '.join(sorted(where))})\n")
    sys.stdout.write(
        f"Audited {len(audited)} pinned releases of {len(files)} requirement files: "
        f"{len(found)} known vulnerabilities.\n"
    )
    return 1 if found else 0


def _audited(command: Sequence[str], path: Path) -> tuple[list[dict[str, Any]] | None, str]:
    """Return the packages of a file with what is known of each, or None and the reason."""
    options = ("--requirement", str(path), "--no-deps", "--disable-pip", "--format", "json")
    try:
        ended = subprocess.run(
            [*command, *options, "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"pip-audit did not answer ({type(error).__name__})."
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        lines = ended.stderr.strip().splitlines() or ["pip-audit gave no result"]
        return None, f"{lines[-1]} (requirements/{path.name})."
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        return None, f"pip-audit skipped {', '.join(skipped)} (requirements/{path.name})."
    return packages, ""


if __name__ == "__main__":
    sys.exit(main())

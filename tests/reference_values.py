"""What the keys of the reference list of agreement values mean."""

from __future__ import annotations

from localensemble.agreement import AgreementError, coefficient_named

# The reference list gives four digits.
TOLERANCE = 5.001e-5


def coefficient_of(key: str) -> str:
    """Return the coefficient without weights that a key means; empty if it means none."""
    try:
        return coefficient_named(key.removesuffix("_gwet")).name
    except AgreementError:
        return ""

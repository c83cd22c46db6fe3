"""Write estimates for people, with as many digits as their intervals support.

Decides the digits: two decimals where the interval spans 0.1 or more, otherwise three. Shares
follow the same rule as percentages. Everything that people read writes numbers with these
functions; files for programs keep full precision. No coefficient is below -1, so an interval from
very few items that goes on beyond is cut there, visibly. The minus sign is the hyphen of the
keyboard, because a spreadsheet reads a number with any other sign as text.
"""

from __future__ import annotations

UNDEFINED = "undefined"
_WIDE = 0.1
_LEAST = -1.0


def decimals(low: float | None, high: float | None) -> int:
    """Return how many decimals an interval supports; 3 if there is no interval."""
    # Half a millionth: the ends are differences of floating-point numbers.
    return 3 if low is None or high is None or high - low < _WIDE - 5e-7 else 2


def number(value: float | None, *, digits: int = 3) -> str:
    """Write a number with this many decimals; None becomes "undefined"."""
    if value is None:
        return UNDEFINED
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text


def estimate(value: float | None, low: float | None, high: float | None) -> str:
    """Write an estimate with the digits that its interval supports."""
    return number(value, digits=decimals(low, high))


def interval(low: float | None, high: float | None) -> str:
    """Write an interval with the digits that it supports; a missing one becomes "none"."""
    if low is None or high is None:
        return "none"
    digits = decimals(low, high)
    start = "below -1" if low < _LEAST else number(low, digits=digits)
    return f"{start} to {number(high, digits=digits)}"


def share(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a share as a percentage, with the digits that its interval supports."""
    return UNDEFINED if value is None else f"{value * 100:.{decimals(low, high) - 2}f}%"


def share_interval(low: float | None, high: float | None) -> str:
    """Write an interval of a share as percentages; a missing one becomes "none"."""
    if low is None or high is None:
        return "none"
    return f"{share(low, low, high)} to {share(high, low, high)}"

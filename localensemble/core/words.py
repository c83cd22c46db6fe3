"""Write counts, lists and times for a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun: ``1 item``, ``2,000 items``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """Write names as a list in a sentence."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def duration(seconds: float) -> str:
    """Write a time with the two units that matter."""
    if seconds < 1:
        return "under 1 s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def pace(items_per_second: float) -> str:
    """Write a speed: ``250 items/s``, ``2.5 items/s``, ``15.0 items/min``."""
    if items_per_second < 1:
        return f"{60 * items_per_second:,.1f} items/min"
    digits = 0 if items_per_second >= 10 else 1
    return f"{items_per_second:,.{digits}f} items/s"

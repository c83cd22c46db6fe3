"""Which key gives which answer, and which keys of commands are left.

Up to three questions have a row of keys each. With more questions, the digits answer the
current question. A key never means two things: an answer takes it from a command, which then
needs Shift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ROWS = ("1234567890", "qwertyuiop", "asdfghjkl")
COMMANDS: Mapping[str, str] = {
    "cannot_decide": "x",
    "codebook_unclear": "c",
    "flag": "f",
    "undo": "u",
    "next": "n",
    "previous": "p",
    "codebook": "h",
}


def answer_keys(counts: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the key of each category of each question; empty for a category without a key.

    Args:
        counts: the number of categories of each question, in order.
    """
    by_row = len(counts) <= len(ROWS)
    rows = ROWS if by_row else (ROWS[0],) * len(counts)
    return tuple(
        tuple(row[place] if place < len(row) else "" for place in range(count))
        for row, count in zip(rows, counts, strict=False)
    )


def command_keys(taken: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Return the key of each command: its letter, with Shift where an answer has the letter."""
    letters = {key for row in taken for key in row}
    return {
        name: f"Shift+{key.upper()}" if key in letters else key for name, key in COMMANDS.items()
    }

"""Turn decisions of people into rows of the ledger, and check them first."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from localensemble.core.errors import LedgerError
from localensemble.core.identity import canonical_json
from localensemble.ledger.records import NewDecision, VariableKey
from localensemble.ledger.schema import ANSWER_CODES, ROLE_CODES, SHOWN_CODES

HIGHEST_CONFIDENCE = 3


def decision_rows(
    decisions: Sequence[NewDecision], *, category_counts: Mapping[VariableKey, int]
) -> list[tuple[object, ...]]:
    """Turn decisions into rows: position, variable, and then the columns from ``answer`` on.

    Raises:
        ValueError: a decision contradicts itself or its variable, or two are about the same item
            and variable; the message gives its number, counted from 0.
    """
    seen: set[tuple[int, int]] = set()
    rows: list[tuple[object, ...]] = []
    for index, one in enumerate(decisions):
        problem = _contradiction(one, category_counts[one.variable])
        place = (one.position, one.variable)
        if place in seen:
            problem = "a second decision on the same item and variable"
        if problem:
            raise ValueError(f"Decision {index}: {problem}.")
        seen.add(place)
        rows.append(
            (
                one.position,
                one.variable,
                ANSWER_CODES[one.kind],
                one.category,
                ROLE_CODES[one.role],
                SHOWN_CODES[one.shown],
                one.decided_at,
                # SQLite does not store the sign of zero, so the digest must not see it either.
                None if one.seconds is None else float(one.seconds) + 0.0,
                one.confidence,
                one.error_type or None,
                one.note or None,
                None if one.category_order is None else canonical_json(list(one.category_order)),
            )
        )
    return rows


def decided_now() -> str:
    """Return the present time as ``decided_at`` has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _contradiction(one: NewDecision, category_count: int) -> str:
    """Return what is wrong with a decision; empty if nothing is."""
    if (one.kind == "category") != (one.category is not None):
        return f"kind {one.kind} with category {one.category}"
    if one.category is not None and not 0 <= one.category < category_count:
        return f"category {one.category}; expected 0 to {category_count - 1}"
    if one.confidence is not None and not 1 <= one.confidence <= HIGHEST_CONFIDENCE:
        return f"confidence {one.confidence}; expected 1 to {HIGHEST_CONFIDENCE}"
    if one.seconds is not None and not 0 <= one.seconds < math.inf:
        return f"{one.seconds} seconds; expected 0 or more"
    if one.category_order is not None and sorted(one.category_order) != [*range(category_count)]:
        return f"category order {one.category_order}; expected each of {category_count} once"
    try:
        is_utc = datetime.fromisoformat(one.decided_at).utcoffset() == timedelta(0)
    except ValueError:
        is_utc = False
    return "" if is_utc else f'time "{one.decided_at}"; expected UTC in ISO 8601'


def reviewer_name(name: str) -> str:
    """Return the name of a person as it is recorded: spaces made single, accents composed.

    Raises:
        LedgerError: the name is empty or has characters that cannot be shown.
    """
    tidy = " ".join(unicodedata.normalize("NFC", name).split())
    if not tidy or not tidy.isprintable():
        raise LedgerError(
            "Cannot record the reviewer: the name is empty or has characters that cannot be shown.",
            hint="Give a name or initials, for example `--reviewer AB`.",
        )
    return tidy

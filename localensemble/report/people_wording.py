"""Write in words how many items have a final label, and whose it is."""

from __future__ import annotations

from localensemble.core.words import counted, listed
from localensemble.findings.people.people_counts import PeopleCounts


def people_sentence(people: PeopleCounts, *, items: int) -> str:
    """State what people decided, and what is left for them to decide.

    Args:
        people: the counts of a variable.
        items: the number of items that need a label.
    """
    final = people.accepted + people.adjudicated
    whose = f"{people.accepted:,} from the consensus and {people.adjudicated:,} from people"
    if not people.open and not people.unresolved:
        return f"All {counted(items, 'item')} have a final label: {whose}."
    rest = []
    if people.unresolved:
        rest.append(f"people left {people.unresolved:,} unresolved")
    if people.open:
        wait = "waits" if people.open == 1 else "wait"
        rest.append(f"{people.open:,} {wait} for a person")
    have = "has" if final == 1 else "have"
    return f"{final:,} of {counted(items, 'item')} {have} a final label ({whose}); {listed(rest)}."


def people_lines(people: PeopleCounts) -> tuple[str, ...]:
    """Return one short line for each kind of item, for the text beside a picture."""
    lines = [
        f"{people.accepted:,} accepted",
        f"{people.adjudicated:,} decided by a person",
        f"{people.open:,} open",
    ]
    if people.unresolved:
        lines.append(f"{people.unresolved:,} unresolved")
    return tuple(lines)

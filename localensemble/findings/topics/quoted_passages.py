"""What raters quoted from one item, for pages that may show its text."""

from __future__ import annotations

from collections.abc import Mapping

from localensemble.ledger.records import Passage
from localensemble.study.study_labels import StudyLabels

Quoted = Mapping[str, tuple[tuple[Passage, ...], ...]]
"""Variable -> for each rater, the passages of one item; empty where there are none."""


def quoted_passages(labels: StudyLabels, position: int) -> Quoted:
    """Return the newest passages of each rater in the item at a position."""
    newest = {
        (one.rater, one.variable): one for one in labels.reader.asked_for_passages(labels.item_set)
    }
    found: dict[str, tuple[tuple[Passage, ...], ...]] = {}
    for name, variable in labels.variable_keys.items():
        columns = []
        for rater in labels.rater_keys:
            asked = newest.get((rater, variable))
            read = labels.reader.passages(asked, start=position, stop=position + 1) if asked else {}
            columns.append(read[position].passages if position in read else ())
        if any(columns):
            found[name] = tuple(columns)
    return found

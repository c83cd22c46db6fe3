"""Turn labels into rows of the ledger, and check them, because a record cannot be undone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from localensemble.core.labels import Label, LabelStatus
from localensemble.ledger.digests import LabelRow
from localensemble.ledger.schema import STATUS_CODES

# Probabilities are computed in double precision over at most a few hundred categories.
_SUM_TOLERANCE = 1e-6


def label_rows(
    labels: Sequence[Label], *, item_keys: Sequence[int], category_count: int
) -> list[LabelRow]:
    """Turn the labels of one variable into rows.

    Raises:
        ValueError: a label contradicts itself or the variable; the message gives its number,
            counted from 0.
    """
    blobs = iter(_packed(labels, category_count))
    rows: list[LabelRow] = []
    for index, (item_key, label) in enumerate(zip(item_keys, labels, strict=True)):
        problem = _contradiction(label, category_count)
        if problem:
            raise ValueError(f"Label {index}: {problem}.")
        mass = label.off_codebook_mass
        has_probabilities = label.probabilities is not None
        rows.append(
            (
                item_key,
                STATUS_CODES[label.status],
                label.category,
                _confidence(label),
                # SQLite does not store the sign of zero, so the digest must not see it either.
                None if mass is None else mass + 0.0,
                next(blobs) if has_probabilities else None,
                label.reason or None,
            )
        )
    return rows


def _confidence(label: Label) -> float | None:
    if label.category is None or label.probabilities is None:
        return None
    return float(label.probabilities[label.category]) + 0.0


def _contradiction(label: Label, category_count: int) -> str:
    """Return what is wrong with a label; empty if nothing is."""
    assigned = label.status is LabelStatus.ASSIGNED
    if assigned != (label.category is not None):
        return f"status {label.status} with category {label.category}"
    if label.category is not None and not 0 <= label.category < category_count:
        return f"category {label.category}; expected 0 to {category_count - 1}"
    if assigned == bool(label.reason):
        return f"status {label.status} " + ("with a reason" if assigned else "without a reason")
    mass = label.off_codebook_mass
    if mass is not None and not 0 <= mass <= 1:
        return f"off-codebook mass {mass}; expected 0 to 1"
    return ""


def _packed(labels: Sequence[Label], category_count: int) -> list[bytes]:
    """Pack the probabilities of the labels that have any, in order."""
    given = [(i, label.probabilities) for i, label in enumerate(labels) if label.probabilities]
    for index, label in enumerate(labels):
        if label.probabilities is not None and len(label.probabilities) != category_count:
            raise ValueError(
                f"Label {index}: {len(label.probabilities)} probabilities "
                f"for {category_count} categories."
            )
    if not given:
        return []
    values = np.array([probabilities for _, probabilities in given], dtype="<f8")
    sums = values.sum(axis=1)
    # NaN fails every comparison, so this also catches it.
    sound = (values >= 0).all(axis=1) & (np.abs(sums - 1) <= _SUM_TOLERANCE)
    if not sound.all():
        at = int(np.argmin(sound))
        raise ValueError(
            f"Label {given[at][0]}: probabilities sum to {sums[at]}, or one is outside 0 to 1."
        )
    width = category_count * 8
    packed = values.tobytes()
    return [packed[at : at + width] for at in range(0, len(packed), width)]

"""The signs of prompt injection that a run recorded, aligned with the items of its study.

The ledger keeps the hash of each suspected text and the codes of its signs, and never the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from localensemble.consensus.policies.suspected_injection import SuspectedInjection
from localensemble.consensus.rules import DecisionRules
from localensemble.core.injection_signs import InjectionSign, as_bits
from localensemble.core.words import counted
from localensemble.ledger.records import RaterKey, VariableKey
from localensemble.study.labels_without_signs import labels_without_signs
from localensemble.study.run_record import RunSettings
from localensemble.study.study_labels import BLOCK_ITEMS, StudyLabels


def with_signs(labels: StudyLabels, texts: Mapping[str, tuple[str, ...]] | None) -> StudyLabels:
    """Return the labels with the signs in the text of each item, and what changes without them.

    Args:
        labels: the labels of a study.
        texts: sha256 of each text with signs -> their codes; None if nobody looked for signs.
    """
    if texts is None:
        return labels
    bits = {text: as_bits(map(InjectionSign, codes)) for text, codes in texts.items()}
    found = np.zeros(labels.item_count, dtype=np.int64)
    known = labels_without_signs(labels.reader).changed if bits else {}
    places: dict[tuple[RaterKey, VariableKey], list[int]] = {key: [] for key in known}
    for start in range(0, labels.item_count if bits else 0, BLOCK_ITEMS):
        stop = min(start + BLOCK_ITEMS, labels.item_count)
        hashes = labels.reader.item_hashes(labels.item_set, start=start, stop=stop)
        found[start:stop] = [bits.get(content, 0) for _, content in hashes]
        for key, contents in known.items():
            places[key] += [
                start + place for place, (_, content) in enumerate(hashes) if content in contents
            ]
    return replace(
        labels,
        injection_signs=found,
        changed_without_signs={
            key: np.array(positions, dtype=np.int64) for key, positions in places.items()
        },
    )


def injection_cautions(settings: RunSettings, rules: DecisionRules) -> tuple[str, ...]:
    """Report a policy without signs to apply it to, and signs without a policy."""
    applied = any(isinstance(one, SuspectedInjection) for one in rules.policies)
    texts = settings.suspected_texts
    if applied and texts is None:
        return (_not_applied(settings),)
    if texts and not applied:
        one = len(texts) == 1
        return (
            f"{counted(len(texts), 'text')} {'shows' if one else 'show'} signs of prompt "
            f"injection, and the rules do not escalate {'it' if one else 'them'}. Add the policy "
            "suspected_injection.",
        )
    return ()


def _not_applied(settings: RunSettings) -> str:
    opening = f"The policy {SuspectedInjection.name} was not applied: "
    if settings.ratings_sha256 is not None:
        return f"{opening}the ratings were made elsewhere, so no texts were searched."
    return (
        f"{opening}this study was labeled by a version that did not look for signs of prompt "
        "injection. To look for them, decide again with the table of texts (`localensemble "
        "consensus STUDY --items FILE`, with the rules that you want)."
    )

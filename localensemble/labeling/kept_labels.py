"""Keep the labels of variables that a corrected codebook words as before.

The codebook is part of a rater's identity, so one changed word makes every rater another one. But a
prompt shows one variable. Where only other variables changed, a rater would be asked the same
again, so the labels that it gave under the earlier codebook are recorded for it as they are.
They are recorded as blocks without work (`usage`), in the places in which the rest is labeled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from localensemble.core.identity import sha256_text
from localensemble.core.labels import Label
from localensemble.core.raters import RaterIdentity
from localensemble.labeling.examples.shots import Shots
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import (
    MISSING,
    BlockPlace,
    LabelBlock,
    RaterKey,
    RunKey,
    VariableKey,
)
from localensemble.ledger.schema import STATUS_CODES
from localensemble.study.run_record import RunSettings, variables_content

_STATUSES = {code: status for status, code in STATUS_CODES.items()}


def under_other_codebooks(
    identity: RaterIdentity, *, shots: Shots, reader: LedgerReader
) -> tuple[RaterKey, ...]:
    """Find a rater as it was under other codebooks of the study, the newest first.

    Everything else is the same, the shots too.
    """
    found: dict[RaterKey, None] = {}
    # A run that was killed counts as soon as a later one of the same codebook has ended.
    for run in (one for one in reversed(reader.runs()) if one.status is not None):
        earlier = RunSettings.from_json(run.settings).codebook
        content_sha256 = sha256_text(variables_content(shots.shown(earlier).variables))
        known = reader.rater_key(replace(identity, codebook_sha256=content_sha256).sha256)
        if known is not None and content_sha256 != identity.codebook_sha256:
            found[known] = None
    return tuple(found)


def keep_labels(
    ledger: Ledger,
    rater: RaterKey,
    *,
    earlier: Sequence[RaterKey],
    run: RunKey,
    place: BlockPlace,
    of: Sequence[VariableKey],
) -> None:
    """Record for a rater the labels that it lacks and gave under earlier keys.

    Args:
        rater: its key.
        earlier: its keys under other codebooks.
        run: the run that records them.
        place: the items.
        of: the variables. One that is worded in another way has another key, so that no
            earlier label counts for it.
    """
    item_set = place.item_set
    for one in earlier:
        for start in range(place.start, place.stop, BLOCK_SIZE):
            stop = min(start + BLOCK_SIZE, place.stop)
            missing = ledger.reader.missing_labels(
                item_set, rater=rater, variables=of, start=start, stop=stop
            )
            kept = {}
            for variable, mask in missing.items():
                block = ledger.reader.label_block(
                    item_set,
                    variable=variable,
                    raters=(one,),
                    start=start,
                    stop=stop,
                    probabilities=True,
                )
                kept[variable] = [
                    label if is_missing else None
                    for label, is_missing in zip(labels_of(block), mask, strict=True)
                ]
            kept = {key: column for key, column in kept.items() if any(column)}
            if kept:
                ledger.append_block(kept, run=run, rater=rater, item_set=item_set, start=start)


def labels_of(block: LabelBlock) -> Iterator[Label | None]:
    """Yield the labels of a block of one rater, in order; None where it has none."""
    given = block.probabilities
    for row, code in enumerate(block.status[:, 0].tolist()):
        if code == MISSING:
            yield None
            continue
        category = int(block.category[row, 0])
        probabilities = () if given is None else tuple(given[row, 0].tolist())
        mass = float(block.off_codebook_mass[row, 0])
        yield Label(
            _STATUSES[code],
            category=None if category < 0 else category,
            probabilities=None if any(map(math.isnan, probabilities)) else probabilities or None,
            off_codebook_mass=None if math.isnan(mass) else mass,
            reason=block.reasons.get((row, 0), ""),
        )

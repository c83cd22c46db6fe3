"""Record the labels of a table of ratings, by people or other programs, in a ledger.

The record has the form of a study, so that everything that works on a study works on ratings:
their hash takes the place of a model's. A cell without a label is recorded as missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from localensemble.codebook.model import Codebook
from localensemble.consensus.rules import DecisionRules
from localensemble.core.identity import sha256_json, sha256_text
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.labels import ItemId, Label, LabelStatus, RaterName
from localensemble.core.raters import TABLE_ENGINE, Rater, RaterIdentity
from localensemble.ledger.digests import ItemSetHash
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import ItemSetKey, RaterKey, RunKey, VariableKey
from localensemble.study.run_record import (
    RunSettings,
    RunSummary,
    codebook_content,
    register_codebook,
)

_ITEMS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class AlignedRatings:
    """Labels of raters on items, aligned.

    Attributes:
        codebook: the variables and their categories.
        raters: the names of the R raters.
        items: (id, hash of the content) of N items; the hash of an empty text if unknown.
        items_sha256: hash of the table of items, or of ``items`` if there is no table.
        matrices: variable -> N items by R raters.
        cautions: sentences on why not to trust them; kept with the record.
        sha256: hash of every label with its item and rater, independent of their order.
    """

    codebook: Codebook
    raters: tuple[str, ...]
    items: tuple[tuple[ItemId, str], ...] = field(repr=False)
    items_sha256: str
    matrices: Mapping[str, LabelMatrix]
    cautions: tuple[str, ...] = ()
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        ids = [item_id for item_id, _ in self.items]
        rows = sorted(range(len(ids)), key=ids.__getitem__)
        columns = sorted(range(len(self.raters)), key=self.raters.__getitem__)
        content = {
            "items": [ids[row] for row in rows],
            "raters": [self.raters[column] for column in columns],
            "labels": {
                name: [
                    list(matrix.categories),
                    hashlib.sha256(
                        np.ascontiguousarray(
                            matrix.indices[np.ix_(rows, columns)], dtype="<i2"
                        ).tobytes()
                    ).hexdigest(),
                ]
                for name, matrix in self.matrices.items()
            },
        }
        object.__setattr__(self, "sha256", sha256_json(content))


def hash_of_items(items: tuple[tuple[ItemId, str], ...]) -> str:
    """Hash items that have no table of their own."""
    digest = ItemSetHash()
    for item_id, content_sha256 in items:
        digest.add(item_id, content_sha256)
    return digest.hexdigest()


def record_labels(labels: AlignedRatings, *, ledger: Ledger, rules: DecisionRules) -> None:
    """Record ratings as a finished run; leave what the ledger already holds unchanged.

    Args:
        labels: the ratings to record.
        ledger: a new ledger, or that of the same study.
        rules: the rules by which decisions are made.
    """
    item_set = ledger.register_items(
        _blocks(labels.items), item_set_sha256=hash_of_items(labels.items)
    )
    variables = register_codebook(ledger, labels.codebook)
    settings = RunSettings(
        codebook=labels.codebook,
        rules=rules,
        stated_rules=rules.content,
        raters=labels.raters,
        items_sha256=labels.items_sha256,
        cautions=labels.cautions,
        ratings_sha256=labels.sha256,
    )
    run = ledger.start_run(settings.as_json())
    keys = []
    for column, name in enumerate(labels.raters):
        key = ledger.register_rater(_rater(labels, name))
        _append(labels, column, key, ledger, run, item_set, variables)
        keys.append(key)
    summary = RunSummary(item_set, len(labels.items), tuple(keys), variables)
    ledger.finish_run(run, status="finished", summary=summary.as_json())


def _rater(labels: AlignedRatings, name: str) -> Rater:
    identity = RaterIdentity(
        engine=TABLE_ENGINE,
        engine_version="",
        model_name="",
        model_sha256=labels.sha256,
        chat_template_sha256="",
        prompt_template="",
        prompt_template_sha256="",
        codebook_sha256=sha256_text(codebook_content(labels.codebook)),
        layout="item_first",
        settings=(("rater", name),),
    )
    return Rater(RaterName(name), identity)


def _append(
    labels: AlignedRatings,
    column: int,
    rater: RaterKey,
    ledger: Ledger,
    run: RunKey,
    item_set: ItemSetKey,
    variables: Mapping[str, VariableKey],
) -> None:
    for start in range(0, len(labels.items), _ITEMS_AT_ONCE):
        stop = min(start + _ITEMS_AT_ONCE, len(labels.items))
        missing = ledger.reader.missing_labels(
            item_set, rater=rater, variables=tuple(variables.values()), start=start, stop=stop
        )
        appended = {
            key: [
                Label(LabelStatus.ASSIGNED, category=int(category))
                if category != GAP and gap
                else None
                for category, gap in zip(
                    labels.matrices[name].indices[start:stop, column], missing[key], strict=True
                )
            ]
            for name, key in variables.items()
        }
        if any(label is not None for given in appended.values() for label in given):
            ledger.append_block(appended, run=run, rater=rater, item_set=item_set, start=start)


def _blocks(
    items: tuple[tuple[ItemId, str], ...],
) -> Iterator[tuple[tuple[ItemId, str], ...]]:
    for start in range(0, len(items), _ITEMS_AT_ONCE):
        yield items[start : start + _ITEMS_AT_ONCE]

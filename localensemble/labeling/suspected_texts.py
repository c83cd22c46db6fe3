"""Look through the texts of a run for signs of prompt injection before they are labeled."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from localensemble.codebook.model import Codebook
from localensemble.core.identity import sha256_text
from localensemble.injection.signs_in_text import InjectionScan
from localensemble.study.study import Study
from localensemble.tables.item_file import ItemFile

_ROWS = 4096


def suspected_texts(
    items: ItemFile, *, codebook: Codebook, limit: int | None
) -> Mapping[str, tuple[str, ...]]:
    """Return the sha256 of each text with signs -> the codes of its signs, sorted by hash.

    Args:
        items: the items of the run.
        codebook: the codebook; the names of its categories are looked for.
        limit: look only at the first items; None looks at all.
    """
    scan = InjectionScan(codebook)
    rows = (row for block in items.blocks(_ROWS) for row in block)
    found = {}
    for row in islice(rows, limit):
        if signs := scan.signs(row.item.text):
            found[sha256_text(row.item.text)] = tuple(map(str, signs))
    return dict(sorted(found.items()))


def looked_through(study: Study, items: ItemFile) -> Study:
    """Return a study of models with the signs in its texts, if nobody has looked for them yet.

    Args:
        study: the study.
        items: the table that was labeled.
    """
    settings = study.run.settings
    if settings.suspected_texts is not None or settings.ratings_sha256 is not None:
        return study
    texts = suspected_texts(items, codebook=study.codebook, limit=settings.limit)
    return study.with_suspected_texts(texts)

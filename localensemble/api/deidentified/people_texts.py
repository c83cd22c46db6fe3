"""Show people texts without identifiers, on request: in exports, worksheets and on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from localensemble.api.deidentified.rater_texts import RaterTexts
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import InputError
from localensemble.core.options import Option
from localensemble.study.study_items import IdsOnly
from localensemble.tables.item_file import ItemFile

DeidentifyBy = Annotated[
    Path | None,
    Option(
        "Replace identifiers in texts with placeholders such as [DATE], as this codebook says "
        "under `deidentify`.",
        "--deidentify",
        metavar="CODEBOOK",
    ),
]


def people_texts(by: Path | None) -> RaterTexts:
    """Return how a codebook shows texts to people on request; None shows them as they are.

    Raises:
        InputError: the codebook does not say what to replace.
    """
    if by is None:
        return RaterTexts()
    texts = RaterTexts.of(load_codebook(by))
    if texts.deidentifier is None:
        raise InputError(
            f"{by.name}: found no key `deidentify`, which says what to replace in texts.",
            hint="Add `deidentify:` to the codebook, or leave out --deidentify.",
        )
    return texts


def without_identifiers(items: ItemFile | IdsOnly, by: Path | None) -> ItemFile | IdsOnly:
    """Return a table with de-identified texts and cells; its ids stay.

    Args:
        items: the table.
        by: the codebook that says what to replace; None returns the table as it is.

    Raises:
        InputError: the codebook does not say what to replace, or the table has no texts.
    """
    if by is None:
        return items
    texts = people_texts(by)
    if isinstance(items, IdsOnly):
        raise InputError(
            "Cannot de-identify texts: no table with texts is given.",
            hint="Give the table that was labeled (--items), or leave out --deidentify.",
        )
    return texts.table(items, cells=True)

"""Options that several verbs have, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from localensemble.core.options import Option
from localensemble.tables.delimited import TableSource

Certificates = Annotated[
    tuple[Path, ...],
    Option(
        "Accept by a threshold that `certify` certified; one file per variable.", "--certificate"
    ),
]
Calibrations = Annotated[
    tuple[Path, ...],
    Option(
        "Change the raters' probabilities as `calibrate` found; one file per variable.",
        "--calibration",
    ),
]
GoldTable = Annotated[TableSource | None, Option("A table with gold labels, to report accuracy.")]
GoldIdColumn = Annotated[
    str | None, Option("The column of the gold table that identifies an item.", "--id-column")
]
GroupColumn = Annotated[
    str | None,
    Option(
        "A column of the gold table (site, language): each group is evaluated by itself.",
        "--group",
        metavar="COLUMN",
    ),
]
RandomSample = Annotated[
    bool,
    Option(
        "State that the gold items were drawn at random from all items: the share of each "
        "category is estimated, corrected for label error."
    ),
]
CodebookFile = Annotated[Path, Option("The codebook (YAML).", "-c --codebook")]
StudyToWrite = Annotated[
    Path, Option("The study folder; made if missing.", "-o --output", folder=True)
]

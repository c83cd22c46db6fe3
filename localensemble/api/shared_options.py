"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from localensemble.core.options import Option
from localensemble.labeling.ensemble import EnsembleSource
from localensemble.tables.delimited import TableSource

EnsembleFile = Annotated[
    EnsembleSource | None,
    Option(
        "The ensemble file (YAML). [default: the models on this machine that `init` would choose]",
        "-e --ensemble",
    ),
]
RecordedEnsembleFile = Annotated[
    EnsembleSource | None,
    Option(
        "The ensemble file of the study; required if it names models by paths, sets "
        "context_tokens or shows shots. [default: what the study records]",
        "-e --ensemble",
    ),
]
DemoModels = Annotated[
    bool,
    Option(
        "Label with the embedded demo models, whatever the codebook: for learning the tool. "
        "[default: only on the codebooks of the examples]"
    ),
]
Certificates = Annotated[
    tuple[Path, ...],
    Option(
        "Accept labels by a certificate that `certify` wrote; one file per variable.",
        "--certificate",
    ),
]
Calibrations = Annotated[
    tuple[Path, ...],
    Option(
        "Apply a calibration that `calibrate` wrote; one file per variable.",
        "--calibration",
    ),
]
ForeignFiles = Annotated[
    bool,
    Option(
        "Trust certificates and calibrations that the study has no record of making. The report "
        "names them as foreign."
    ),
]
UnfitRaters = Annotated[
    tuple[str, ...],
    Option(
        "A rater that you declare unfit: its labels are kept, but count nowhere; repeatable.",
        "--unfit",
        metavar="NAME",
    ),
]
GoldTable = Annotated[
    TableSource | None, Option("A table with gold labels, used to report accuracy.")
]
GoldIdColumn = Annotated[
    str | None,
    Option(
        "The column of the gold table with the item ids, or columns to combine: A,B.",
        "--id-column",
    ),
]
IdColumnOfAll = Annotated[
    str | None,
    Option(
        "The column with the item ids in every table given, or columns to combine: A,B.",
        "--id-column",
    ),
]
GroupColumn = Annotated[
    str | None,
    Option(
        "A column of the gold table, such as site or language; each group is evaluated separately.",
        "--group",
        metavar="COLUMN",
    ),
]
RandomSample = Annotated[
    bool,
    Option(
        "State that the gold items were drawn at random from all items. The share of each "
        "category is then estimated and corrected for label errors."
    ),
]
CodebookFile = Annotated[Path, Option("The codebook (YAML).", "-c --codebook")]
StudyToWrite = Annotated[
    Path, Option("The study folder; created if missing.", "-o --output", folder=True)
]

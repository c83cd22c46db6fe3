"""What a person gives to a verb in Python, as what the verbs below take.

Decides that a DataFrame is read when it is given, so that later changes to it do not matter.
pandas is never imported here for a person who has not imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from localensemble.api.certificates.calibrate import Calibrated
from localensemble.api.certificates.certify import Certified
from localensemble.codebook.load import CodebookSource
from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.core.errors import InputError, LocalEnsembleError
from localensemble.labeling.ensemble import EnsembleSource
from localensemble.tables.delimited import TableSource
from localensemble.tables.stored_values import stored_text

__all__ = [
    "Category",
    "Codebook",
    "GivenCodebook",
    "GivenPath",
    "GivenRaters",
    "LocalEnsembleError",
    "Variable",
    "categories_given",
    "codebook_given",
    "ensemble_given",
    "files_given",
    "path_given",
    "several",
    "table_given",
    "table_given_if_any",
]

GivenPath = str | PathLike[str]
GivenCodebook = Codebook | Mapping[str, Any] | GivenPath
GivenRaters = Sequence[str | PathLike[str] | Mapping[str, Any]]


def path_given(path: GivenPath) -> Path:
    """Return a path; ``~`` is the home folder."""
    return Path(path).expanduser()


def table_given(table: Any, *, name: str) -> TableSource:
    """Return a table to read: a file, or a DataFrame that is read now.

    Args:
        table: a path or a DataFrame.
        name: what messages call a DataFrame.

    Raises:
        InputError: it is neither.
        TableError: the DataFrame cannot be read as a table.
    """
    if is_frame(table):
        # Not before: it imports pandas.
        from localensemble.tables.frames import table_of_frame

        return table_of_frame(table, name=name)
    if isinstance(table, str | PathLike):
        return path_given(table)
    raise InputError(
        f"{name}: expected a DataFrame or the path of a table, found {type(table).__name__}.",
        hint="Make a DataFrame of it: `pandas.DataFrame(...)`.",
    )


def table_given_if_any(table: Any, *, name: str) -> TableSource | None:
    """Return a table to read; None where none is given."""
    return None if table is None else table_given(table, name=name)


def categories_given(
    table: Any, categories: Sequence[object] | None, codebook: object
) -> tuple[str, ...] | None:
    """Return all categories: those named, else those of the ordered columns of a DataFrame.

    Raises:
        InputError: the categories have no order, or are one text.
    """
    if isinstance(categories, str | set | frozenset):
        raise InputError(
            f"categories: expected a list, found a {type(categories).__name__}.",
            hint='Write them in their order: ["low", "medium", "high"].',
        )
    if categories is not None:
        # As cells are written: 1.0 and 1 are one category.
        return tuple(map(stored_text, categories))
    if codebook is None and is_frame(table):
        from localensemble.tables.frames import ordered_categories

        return ordered_categories(table)
    return None


def is_frame(value: object) -> bool:
    """Tell whether a value is a DataFrame."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def codebook_given(codebook: GivenCodebook) -> CodebookSource:
    """Return a codebook to check: a file, a dictionary or a codebook built in Python.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(codebook, Codebook | Mapping):
        return codebook
    if isinstance(codebook, str | PathLike):
        return path_given(codebook)
    raise InputError(
        f"codebook: expected a path, a dictionary or a Codebook, found {type(codebook).__name__}.",
        hint="Give the path of a YAML file, or build the codebook: "
        "Codebook(name, version, description, variables).",
    )


def ensemble_given(
    raters: GivenRaters | None, ensemble: Mapping[str, Any] | GivenPath | None
) -> EnsembleSource | None:
    """Return an ensemble: a list of raters, a file, or its content; None where none is given.

    Raises:
        InputError: raters are given twice, or are one word.
    """
    if raters is not None and ensemble is not None:
        raise InputError(
            "raters and ensemble are both given.",
            hint="Name the raters in the ensemble, or leave out the ensemble.",
        )
    if isinstance(raters, str | PathLike):
        raise InputError(
            f'raters: expected a list, found "{fspath(raters)}".',
            hint=f'Write ["{fspath(raters)}"].',
        )
    if raters is not None:
        listed = [
            {"model": fspath(one)} if isinstance(one, str | PathLike) else dict(one)
            for one in raters
        ]
        return {"raters": listed}
    if isinstance(ensemble, str | PathLike):
        return path_given(ensemble)
    return ensemble


def several(values: Sequence[str] | str) -> tuple[str, ...]:
    """Return names as a tuple; a single text is one name."""
    return (values,) if isinstance(values, str) else tuple(map(str, values))


def files_given(given: Sequence[Certified | Calibrated | GivenPath]) -> tuple[Path, ...]:
    """Return the files of certificates or calibrations.

    Raises:
        InputError: a certificate certified nothing, so that there is no file.
    """
    listed_once = (given,) if isinstance(given, str | Path) else given
    files = []
    for one in listed_once:
        path = one.path if isinstance(one, Certified | Calibrated) else path_given(one)
        if path is None:
            raise InputError(
                "Cannot apply a certificate that certified nothing.",
                hint="Leave it out; all items of its variable go to a person.",
            )
        files.append(path)
    return tuple(files)

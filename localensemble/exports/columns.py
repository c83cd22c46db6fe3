"""The columns that a table of ours adds to the person's own, whatever the format."""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.core.errors import InputError
from localensemble.exports.rows import ItemTable

# The columns that are added, without those of raters. The README explains each of them.
LABEL_PARTS = (
    "label",
    "status",
    "support",
    "mean_probability",
    "off_codebook_mass",
    "reasons",
    "reason_codes",
    "rater_reasons",
)
QUEUE_COLUMNS = (
    "variable",
    "reasons",
    "reason_codes",
    "doubt",
    "support",
    "mean_probability",
    "off_codebook_mass",
    "leading_category",
    "rater_reasons",
)
# The id that a table without ids gets, so that decisions can be brought together by it.
ID_COLUMN = "id"


def check_columns(items: ItemTable, *, variables: Sequence[str], raters: Sequence[str]) -> None:
    """Refuse an input that already has a column which the output adds.

    Raises:
        InputError: names the columns.
    """
    added = {name for variable in variables for name in label_columns(variable, raters)}
    added |= {*added_id(items), *queue_columns(raters)}
    taken = sorted(set(items.columns) & added)
    if taken:
        raise InputError(
            f"{items.path.name}: it already has a column named "
            + ", ".join(f'"{name}"' for name in taken)
            + ", which the output adds.",
            hint="Rename that column in the input.",
        )


def label_columns(variable: str, raters: Sequence[str]) -> list[str]:
    """Name the columns of one variable in the table of labels."""
    parts = (*LABEL_PARTS, *(f"rater.{name}" for name in raters))
    return [f"{variable}.{part}" for part in parts]


def queue_columns(raters: Sequence[str]) -> list[str]:
    """Name the columns of the queue, without an id."""
    return [*QUEUE_COLUMNS, *(f"rater.{name}" for name in raters)]


def added_id(items: ItemTable) -> tuple[str, ...]:
    """Name the column for ids, where the items have none of their own."""
    return (ID_COLUMN,) if items.id_column is None else ()

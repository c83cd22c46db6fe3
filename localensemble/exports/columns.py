"""Define the columns that an exported table adds to those of the user, in every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from localensemble.codebook.model import Variable
from localensemble.core.errors import InputError
from localensemble.exports.multi_labels import listed_labels, multi_label_lists
from localensemble.exports.rows import ItemTable, VariableRow

# What a finished table adds for each variable.
FINAL_PARTS = ("label", "status", "origin")
# The added columns without those of raters. docs/results.md explains each of them.
LABEL_PARTS = (
    *FINAL_PARTS,
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
# Name of the id column added to a table without ids, so that decisions can be matched by id.
ID_COLUMN = "id"


def check_columns(
    items: ItemTable, *, variables: Sequence[Variable], raters: Sequence[str]
) -> None:
    """Refuse an input table that already has a column which the output adds.

    Raises:
        InputError: the table has such columns; the message names them.
    """
    added = {name for one in variables for name in label_columns(one.name, raters)}
    added |= {*multi_label_lists(variables).values()}
    added |= {*added_id(items), *queue_columns(raters)}
    taken = sorted(set(items.columns) & added)
    if taken:
        raise InputError(
            f"{items.path.name}: the table already has "
            + f"{'columns' if len(taken) > 1 else 'a column'} named "
            + ", ".join(f'"{name}"' for name in taken)
            + ", which the output adds.",
            hint=f"Rename {'them' if len(taken) > 1 else 'that column'} in the input.",
        )


def table_columns(
    variables: Sequence[Variable], *, columns_of: Callable[[str], Sequence[str]]
) -> list[str]:
    """Return the columns of all variables in a table of items.

    The list of a multi-label variable stands before the columns of its first yes/no variable.

    Args:
        variables: the variables, in codebook order.
        columns_of: returns the other columns of a variable, by its name.
    """
    lists = multi_label_lists(variables)
    return [
        name
        for variable in variables
        for name in (
            *([lists[variable.name]] if variable.name in lists else []),
            *columns_of(variable.name),
        )
    ]


def final_cells(
    one: VariableRow, *, item: Sequence[VariableRow], lists: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the cells of `FINAL_PARTS`, with the list of a multi-label variable before them.

    Args:
        one: the decision about the variable.
        item: the decisions about all variables of the item.
        lists: the columns of the lists, from `multi_label_lists`.
    """
    listed = (listed_labels(lists[one.variable], item),) if one.variable in lists else ()
    return (*listed, one.label or "", one.status, one.origin or "")


def label_columns(variable: str, raters: Sequence[str]) -> list[str]:
    """Return the columns of one variable in the table of labels."""
    parts = (*LABEL_PARTS, *(f"rater.{name}" for name in raters))
    return [f"{variable}.{part}" for part in parts]


def final_columns(variable: str) -> list[str]:
    """Return the columns of one variable in the finished table."""
    return [f"{variable}.{part}" for part in FINAL_PARTS]


def queue_columns(raters: Sequence[str]) -> list[str]:
    """Return the columns that the queue adds, without the id column."""
    return [*QUEUE_COLUMNS, *(f"rater.{name}" for name in raters)]


def added_id(items: ItemTable) -> tuple[str, ...]:
    """Return the id column to add, if no single column of the items has their ids."""
    if items.id_column is not None:
        return ()
    # A repeated "id" may be a part of the combined ids.
    return ("item_id",) if ID_COLUMN in items.columns else (ID_COLUMN,)

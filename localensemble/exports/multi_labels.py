"""Join the yes/no variables of a multi-label variable into one list of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localensemble.codebook.load import NO, YES
from localensemble.codebook.model import Variable
from localensemble.exports.rows import VariableRow

LIST_PART = "labels"
# Angle brackets, as in the words of raters: no category has this name.
NOTHING_APPLIES = "<none>"


def multi_label_lists(variables: Sequence[Variable]) -> Mapping[str, str]:
    """Return the column with the list of each multi-label variable.

    Returns:
        The name of its first yes/no variable -> the name of the column, ``problems.labels``.
    """
    lists: dict[str, str] = {}
    for variable in variables:
        stem, dot, _ = variable.name.partition(".")
        if (
            dot
            and set(variable.answers) == {YES, NO}
            and f"{stem}.{LIST_PART}" not in lists.values()
        ):
            lists[variable.name] = f"{stem}.{LIST_PART}"
    return lists


def listed_labels(column: str, rows: Sequence[VariableRow]) -> str:
    """Return the categories that apply to an item, with "; " between them.

    Empty unless every yes/no variable has its final label: a list with open variables would
    look complete.

    Args:
        column: the column of the list.
        rows: the decisions about all variables of the item.
    """
    stem = column.removesuffix(LIST_PART)
    own = [row for row in rows if row.variable.startswith(stem)]
    if any(row.label is None for row in own):
        return ""
    applied = [row.variable.removeprefix(stem) for row in own if row.label == YES]
    return "; ".join(applied) or NOTHING_APPLIES

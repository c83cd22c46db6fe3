"""Make pandas DataFrames of the rows of a study, whole columns at a time.

Columns, their order and their dtypes are the same for every study, even if a frame has no
rows. Rows are numbered from 0. pandas is imported only when a frame is made.

The columns ``label``, ``category`` and ``consensus`` name categories. In a frame of one named
variable they are Categorical: the categories of the codebook in its order, and ordered if the
variable is ordinal. In a frame of all variables they are strings, because categories of
different variables have no common order. A missing text is ``pd.NA``, a missing number NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import InputError
from localensemble.exports.rows import PERSON, consensus_origin, queue_order
from localensemble.study.decisions import Decisions
from localensemble.study.people.final_labels import FINAL_STATUSES, FinalLabels
from localensemble.study.study import Study
from localensemble.study.study_labels import (
    BLOCK_ITEMS,
    STATES,
    StudyLabels,
    label_states,
    state_name,
)

if TYPE_CHECKING:
    import pandas as pd

LABEL_STATES = (*(state_name(state, gap="missing") for state in STATES), "not_asked")
DECISION_STATES = FINAL_STATUSES


def labels_frame(study: Study, variable: str | None = None) -> pd.DataFrame:
    """Return the label of each rater for each item, one row per label.

    Rows are ordered by variable (as in the codebook), item and rater. A label that is
    missing or was not asked for has a row too, so there are V x N x R rows.

    Args:
        study: an open study.
        variable: the name of one variable; None for all variables.

    Returns:
        Columns and dtypes:

        - ``item`` string: the id.
        - ``variable``, ``rater`` string.
        - ``category``: Categorical or string, see above; missing unless assigned.
        - ``status`` Categorical of `LABEL_STATES`.
        - ``probability`` float64: the rater's own probability of its category, in [0, 1].
        - ``off_codebook_mass`` float64: probability outside the categories, in [0, 1].
        - ``reason`` string: why there is no category; missing if there is one.

    Raises:
        InputError: the study has no such variable.
    """
    import pandas as pd

    variables = _chosen(study.codebook, variable)
    items = _objects(study.items)
    raters = _objects(study.raters)
    parts = [_VariableLabels(study.recorded, one) for one in variables]
    labels = len(items) * len(raters)
    return pd.DataFrame(
        {
            "item": _strings(np.tile(np.repeat(items, len(raters)), len(parts))),
            "variable": _strings(np.repeat(_objects([one.name for one in variables]), labels)),
            "rater": _strings(np.tile(raters, len(items) * len(parts))),
            "category": _categories(
                [(one, part.categories) for one, part in zip(variables, parts, strict=True)],
                of=None if variable is None else variables[0],
            ),
            "status": pd.Categorical.from_codes(
                _joined([part.states for part in parts], np.int8), categories=LABEL_STATES
            ),
            "probability": _joined([part.probabilities for part in parts], np.float64),
            "off_codebook_mass": _joined([part.masses for part in parts], np.float64),
            "reason": _strings(_joined([part.reasons for part in parts], np.object_)),
        }
    )


def decisions_frame(
    study: Study, decisions: Sequence[Decisions], variable: str | None = None
) -> pd.DataFrame:
    """Return the decisions, one row per item and variable.

    Rows are ordered by variable (as in ``decisions``) and item: V x N rows.

    Args:
        study: an open study.
        decisions: the decisions that `Study.decide` returned for this study.
        variable: the name of one variable; None for all variables.

    Returns:
        Columns and dtypes:

        - ``item`` string: the id.
        - ``variable`` string.
        - ``label``: Categorical or string, see above: the final label; missing if there is
          none.
        - ``status`` Categorical of `DECISION_STATES`.
        - ``origin`` string: whose label it is: person, models, or raters of an imported table;
          missing without a label.
        - ``consensus``: Categorical or string: the leading category, even if it was not accepted.
        - ``support``, ``mean_probability``, ``margin``, ``doubt`` float64, as in `Decisions`.
        - ``reasons`` string: why the item is escalated, with "; " between reasons, as in
          ``labels.csv``; empty if it is not.
        - ``reason_codes`` string: their codes with spaces between them, as in ``labels.csv``.

    Raises:
        InputError: the study has no such variable.
    """
    import pandas as pd

    of = None if variable is None else _chosen(study.codebook, variable)[0]
    held = _of_variable(decisions, variable)
    items = _objects(study.items)
    finals = study.final_labels(held)
    reasons = [_reason_columns(one) for one in held]
    return pd.DataFrame(
        {
            "item": _strings(np.tile(items, len(held))),
            "variable": _strings(
                np.repeat(_objects([one.variable.name for one in held]), len(items))
            ),
            "label": _categories([(one.variable, one.categories) for one in finals], of=of),
            "status": pd.Categorical.from_codes(
                _joined([one.status.astype(np.int8) for one in finals], np.int8),
                categories=DECISION_STATES,
            ),
            "origin": _strings(_joined([_origins(study, one) for one in finals], np.object_)),
            "consensus": _categories([(one.variable, one.categories) for one in held], of=of),
            "support": _joined([one.support for one in held], np.float64),
            "mean_probability": _joined([one.mean_probability for one in held], np.float64),
            "margin": _joined([one.margin for one in held], np.float64),
            "doubt": _joined([one.doubt for one in held], np.float64),
            "reasons": _strings(_joined([texts for texts, _ in reasons], np.object_)),
            "reason_codes": _strings(_joined([codes for _, codes in reasons], np.object_)),
        }
    )


def queue_frame(
    study: Study, decisions: Sequence[Decisions], variable: str | None = None
) -> pd.DataFrame:
    """Return the open rows of `decisions_frame`, in the order of ``escalations.csv``.

    All open variables of an item stand together, and the most doubtful item comes first.
    Columns and dtypes are those of `decisions_frame`.

    Raises:
        InputError: the study has no such variable.
    """
    frame = decisions_frame(study, decisions, variable)
    held = _of_variable(decisions, variable)
    order = queue_order(held, study.final_labels(held))
    rows = order.variables * len(study.items) + order.items
    return frame.iloc[rows].reset_index(drop=True)


class _VariableLabels:
    """The labels of one variable, as columns of N x R cells ordered by item."""

    def __init__(self, labels: StudyLabels, variable: Variable) -> None:
        raters = len(labels.rater_names)
        size = labels.item_count * raters
        self.states = np.empty(size, dtype=np.int8)
        self.categories = np.empty(size, dtype=np.int16)
        self.probabilities = np.empty(size)
        self.masses = np.empty(size)
        self.reasons: NDArray[np.object_] = np.full(size, None, dtype=np.object_)
        for start in range(0, labels.item_count, BLOCK_ITEMS):
            stop = min(start + BLOCK_ITEMS, labels.item_count)
            block = labels.block(variable.name, start=start, stop=stop)
            cells = slice(start * raters, stop * raters)
            states = label_states(block).ravel()
            if labels.gap == "not_asked":
                states[states == STATES.index(None)] = LABEL_STATES.index("not_asked")
            self.states[cells] = states
            self.categories[cells] = block.category.ravel()
            self.probabilities[cells] = block.confidence.ravel()
            self.masses[cells] = block.off_codebook_mass.ravel()
            for (row, column), reason in block.reasons.items():
                self.reasons[(start + row) * raters + column] = reason


def _chosen(codebook: Codebook, variable: str | None) -> tuple[Variable, ...]:
    if variable is None:
        return codebook.variables
    names = [one.name for one in codebook.variables]
    if variable not in names:
        near = get_close_matches(variable, names, n=1)
        raise InputError(
            f'The study has no variable "{variable}"; it has '
            + ", ".join(f'"{name}"' for name in names)
            + ".",
            hint=f'Did you mean "{near[0]}"?' if near else "Name one of these.",
        )
    return (codebook.variable(variable),)


def _of_variable(decisions: Sequence[Decisions], variable: str | None) -> list[Decisions]:
    return [one for one in decisions if variable is None or one.variable.name == variable]


def _categories(
    columns: Sequence[tuple[Variable, NDArray[np.int16]]], *, of: Variable | None
) -> Any:
    """Return the category names of all rows; codes count from 0 in codebook order, -1 is missing.

    ``of`` is the variable that the caller named, for a Categorical; None makes strings.
    """
    import pandas as pd

    if of is not None:
        codes = _joined([codes for _, codes in columns], np.int16)
        dtype = pd.CategoricalDtype(of.answers, ordered=of.level == "ordinal")
        return pd.Categorical.from_codes(codes, dtype=dtype)
    parts = [_objects((*variable.answers, None))[codes] for variable, codes in columns]
    return _strings(_joined(parts, np.object_))


def _origins(study: Study, final: FinalLabels) -> NDArray[np.object_]:
    origins = np.full(len(final.status), None, dtype=np.object_)
    origins[final.categories >= 0] = consensus_origin(study)
    origins[final.by_person] = PERSON
    return origins


def _reason_columns(decided: Decisions) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return the reasons and their codes as text; items with the same reasons share one string."""
    _, first, which = np.unique(decided.reason_patterns(), return_index=True, return_inverse=True)
    texts = _objects("; ".join(decided.reasons(item)) for item in first)
    codes = _objects(" ".join(decided.codes(item)) for item in first)
    return texts[which], codes[which]


def _objects(values: Iterable[str | None]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=np.object_)


def _strings(values: NDArray[np.object_]) -> Any:
    import pandas as pd

    return pd.array(values, dtype="string")


def _joined(parts: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """Join columns; without columns, return an empty one of the dtype."""
    return np.concatenate([np.empty(0, dtype=dtype), *parts])

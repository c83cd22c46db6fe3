"""The verb ``le.relabel``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localensemble.api.notebook.given import (
    GivenCodebook,
    GivenPath,
    GivenRaters,
    codebook_given,
    ensemble_given,
    path_given,
    table_given,
)
from localensemble.api.relabeling.relabel_differences import (
    Relabeling,
    RelabelOptions,
    relabel_differences,
)
from localensemble.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def relabel(
    study: GivenPath,
    *,
    against: pd.DataFrame | GivenPath,
    items: pd.DataFrame | GivenPath,
    codebook: GivenCodebook,
    output: GivenPath,
    raters: GivenRaters | None = None,
    ensemble: Mapping[str, Any] | GivenPath | None = None,
    audit_share: float = 0.0,
    seed: int = 0,
    id_column: str | None = None,
    text_column: str | None = None,
    threads: int | None = None,
) -> Relabeling:
    """Let other raters label the items on which a study and existing labels differ.

    Each of the two has one vote, and the majority of the other raters has the third.

    Args:
        study: a study or its folder; it does not change.
        against: existing labels, ids and a column for each variable.
        items: the table that was labeled.
        codebook: the codebook of the study.
        output: the study folder of the other raters, also to resume.
        raters: the other raters, as ``label`` is given them.
        ensemble: an ensemble file or its content, in place of ``raters``.
        audit_share: share of the agreements to label again as well, from 0 to 1.
        seed: another seed draws other agreements.
        id_column: of the items; None lets the table decide.
        text_column: of the items; None lets the table decide.
        threads: processor threads per model; None uses all cores.

    Returns:
        For each variable (``variables``) the agreement before and after (``comparison``), the
        share won (``share_won``) and all of it in words (``sentences()``); ``items`` has each
        item that was labeled again.

    Raises:
        InputError: an input cannot be used, or no other raters are given.

    Undefined when: other raters have no majority on a disagreement; ``comparison.after`` is None,
        and ``after_range`` has what is possible.

    Example:
        >>> given = dict(against=gold, items=texts, codebook=codebook, raters=["le-gpt2-2m"])
        >>> le.relabel(study, **given, output="relabeled").variables
    """
    others = ensemble_given(raters, ensemble)
    if others is None:
        raise InputError(
            "Cannot label again without other raters.",
            hint="Give them with `raters` or `ensemble`, as to `label`.",
        )
    return relabel_differences(
        path_given(study),
        against=table_given(against, name="against"),
        items=table_given(items, name="items"),
        codebook=codebook_given(codebook),
        ensemble=others,
        output=path_given(output),
        options=RelabelOptions(audit_share, seed, id_column, text_column, threads),
    )

"""The verb ``le.replay``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localensemble.api.notebook.given import (
    GivenPath,
    GivenRaters,
    ensemble_given,
    path_given,
    table_given,
)
from localensemble.api.replay.replay_study import (
    USUAL_SAMPLE,
    USUAL_TOLERANCE,
    Replay,
    ReplayOptions,
    replay_study,
)

if TYPE_CHECKING:
    import pandas as pd


def replay(
    study: GivenPath,
    *,
    items: pd.DataFrame | GivenPath,
    sample: int = USUAL_SAMPLE,
    seed: int = 1,
    tolerance: float = USUAL_TOLERANCE,
    raters: GivenRaters | None = None,
    ensemble: Mapping[str, Any] | GivenPath | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
    deidentify: GivenPath | None = None,
    threads: int | None = None,
) -> Replay:
    """Label a random sample of a study's items again, and compare; nothing is written.

    Args:
        study: a study or its folder.
        items: the table that was labeled.
        sample: how many items to label again.
        seed: another seed draws other items.
        tolerance: the largest difference of a probability that is within tolerance.
        raters: the raters of the study as ``label`` was given them.
        ensemble: the ensemble file or its content, in place of ``raters``; with neither, models
            are found by their recorded hashes.
        id_column: of the items; None lets the table decide.
        text_column: of the items; None lets the table decide.
        deidentify: the codebook by which the texts were de-identified.
        threads: processor threads per model; None uses all cores.

    Returns:
        For each rater how many labels are equal, within tolerance or different, and what has
        changed since; ``verdict`` is the worst of them.

    Raises:
        InputError: the table is not the one labeled, or a rater cannot be made again.

    Example:
        >>> le.replay(study, items=texts, sample=20).verdict
    """
    options = ReplayOptions(
        sample=sample,
        seed=seed,
        tolerance=tolerance,
        ensemble=ensemble_given(raters, ensemble),
        id_column=id_column,
        text_column=text_column,
        deidentify=None if deidentify is None else path_given(deidentify),
        threads=threads,
    )
    return replay_study(path_given(study), items=table_given(items, name="items"), options=options)

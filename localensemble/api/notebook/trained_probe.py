"""Train a probe from DataFrames or paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from localensemble.api.before_a_run.train_probe import (
    LEAST_PER_CATEGORY,
    ProbeOptions,
    TrainedProbe,
)
from localensemble.api.before_a_run.train_probe import train_probe as trained
from localensemble.api.notebook.given import (
    GivenCodebook,
    GivenPath,
    codebook_given,
    path_given,
    table_given,
)
from localensemble.core.options import fitting

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainedProbe", "train_probe"]


def train_probe(
    items: pd.DataFrame | GivenPath,
    *,
    gold: pd.DataFrame | GivenPath,
    codebook: GivenCodebook,
    output: GivenPath,
    features: Literal["vectors", "words"] = "vectors",
    hold_out: float = 0.0,
    least_per_category: int = LEAST_PER_CATEGORY,
    id_column: str | None = None,
    text_column: str | None = None,
    threads: int | None = None,
) -> TrainedProbe:
    """Train a rater on the items that have gold labels, and write its file.

    Args:
        items: a DataFrame or the path of a table, one row per item.
        gold: a table with gold labels in columns ``gold_VARIABLE``; it can be the same.
        codebook: the path of a YAML file, its content as a dictionary, or a ``Codebook``.
        output: the file to write, such as ``topics.probe``.
        features: what the probe sees of a text: ``vectors`` of all-minilm-l6-v2, or its ``words``.
        hold_out: the share of the texts to set aside for certificates, from 0 to 0.9.
        least_per_category: the fewest gold labels that every category needs.
        id_column: column that identifies an item; None guesses it by name.
        text_column: column that holds the text; None guesses it by name, then by length.
        threads: processor threads of the encoder; None takes all cores.

    Returns:
        The file, and for each variable the accuracy on gold labels that a classifier had not seen.

    Raises:
        InputError: a table cannot be used, or a category has too few gold labels.
        EngineUnavailableError: scikit-learn is not installed.
        ModelFileError: the encoder has not been pulled.

    Undefined when: a variable has no gold label; the probe then refuses it.

    Example:
        >>> options = {"features": "words", "least_per_category": 0}
        >>> le.train_probe(texts, gold=gold, codebook=codebook, output="a.probe", **options)
    """
    options = ProbeOptions(
        features=features,
        hold_out=hold_out,
        least_per_category=least_per_category,
        id_column=id_column,
        text_column=text_column,
        threads=threads,
    )
    return trained(
        table_given(items, name="items"),
        gold=table_given(gold, name="gold"),
        codebook=codebook_given(codebook),
        output=path_given(output),
        options=fitting(options),
    )

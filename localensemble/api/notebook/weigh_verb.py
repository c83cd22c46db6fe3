"""Weigh free-text answers from a DataFrame or a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from localensemble.api.free_answers.weigh_answers import WeighedAnswers, WeighOptions
from localensemble.api.free_answers.weigh_answers import weigh_answers as weighed
from localensemble.api.notebook.given import GivenPath, table_given
from localensemble.core.encoder_name import ENCODER
from localensemble.core.options import fitting

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WeighedAnswers", "weigh_answers"]


def weigh_answers(
    answers: pd.DataFrame | GivenPath,
    *,
    similarity: Literal["meaning", "words"] = "meaning",
    embedder: str = ENCODER,
    id_column: str | None = None,
    rater_column: str | None = None,
    answer_column: str | None = None,
    threads: int | None = None,
) -> WeighedAnswers:
    """Choose among free-text answers of several raters by weighted consistency.

    Args:
        answers: a DataFrame or the path of a table, one answer in each row: item, rater, answer.
        similarity: ``meaning`` compares the vectors of a local model; ``words`` counts the words
            that two answers share.
        embedder: the model whose vectors are compared.
        id_column: column that identifies an item; None takes ``id``, ``item`` or ``item_id``.
        rater_column: column that names the rater; None takes ``rater``, ``model`` or ``annotator``.
        answer_column: column that holds the answer; None takes ``answer``, ``response`` or
            ``text``.
        threads: processor threads of the embedder; None takes all cores.

    Returns:
        The weight of each rater (``raters``) and the chosen answer to each item (``choices``), with
        its consistency.

    Raises:
        InputError: the table cannot be used, or a rater answered an item twice.
        ModelFileError: the embedder has not been pulled.

    Undefined when: an item has a single answer; its consistency is None.

    Example:
        >>> found = le.weigh_answers(answers, similarity="words")
        >>> [(one.rater, one.weight) for one in found.raters]
    """
    options = WeighOptions(
        similarity=similarity,
        embedder=embedder,
        id_column=id_column,
        rater_column=rater_column,
        answer_column=answer_column,
        threads=threads,
    )
    return weighed(table_given(answers, name="answers"), options=fitting(options))

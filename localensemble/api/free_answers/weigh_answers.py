"""Choose one of several raters' free-text answers to each item, by weighted consistency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.api.prompt.text_embedder import embedder_opener
from localensemble.core.encoder_name import ENCODER
from localensemble.core.errors import InputError
from localensemble.core.options import Option
from localensemble.core.words import counted
from localensemble.extraction.vocabulary import normalized_words
from localensemble.strategies.weighted_consistency import (
    NO_ANSWER,
    WeightedConsistency,
    weigh_by_consistency,
    word_f1,
)
from localensemble.tables.column_names import listed, refuse_missing
from localensemble.tables.delimited import TableFormat, TableSource, write_table
from localensemble.tables.table_files import TableFile, open_table_file

__all__ = [
    "AnswerChoice",
    "RaterWeight",
    "WeighOptions",
    "WeighedAnswers",
    "weigh_answers",
    "write_choices",
]

AnswerStatus = Literal["chosen", "single", "tie"]

_ROLES: Mapping[str, tuple[str, ...]] = {
    "id-column": ("id", "item", "item_id"),
    "rater-column": ("rater", "model", "annotator"),
    "answer-column": ("answer", "response", "text"),
}
_SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class WeighOptions:
    """Options of `weigh_answers`; every option has a default.

    Attributes:
        similarity: ``meaning`` compares the vectors of ``embedder``; ``words`` counts shared words.
        embedder: the local model whose vectors are compared.
        id_column: column that identifies an item; None takes ``id``, ``item`` or ``item_id``.
        rater_column: column that names the rater; None takes ``rater``, ``model`` or
            ``annotator``.
        answer_column: column that holds the answer; None takes ``answer``, ``response`` or
            ``text``.
        threads: processor threads of the embedder; None uses all cores.
    """

    similarity: Annotated[
        Literal["meaning", "words"],
        Option("How two answers are compared: by the vectors of a local model, or by their words."),
    ] = "meaning"
    embedder: Annotated[
        str, Option("The local model whose vectors are compared.", metavar="MODEL")
    ] = ENCODER
    id_column: Annotated[
        str | None, Option("The column that identifies an item. [default: id, item or item_id]")
    ] = None
    rater_column: Annotated[
        str | None,
        Option("The column that names the rater. [default: rater, model or annotator]"),
    ] = None
    answer_column: Annotated[
        str | None,
        Option("The column that holds the answer. [default: answer, response or text]"),
    ] = None
    threads: Annotated[int | None, Option("Processor threads. [default: all cores]", least=1)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class RaterWeight:
    """How consistent a rater is with the others.

    Attributes:
        rater: the rater.
        answers: items that it answered.
        compared: those of them that another rater answered, too.
        weight: its mean consistency, in [0, 1]; None if nothing could be compared.
        chosen: items for which its answer was chosen over others.
    """

    rater: str
    answers: int
    compared: int
    weight: float | None
    chosen: int


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """The chosen answer to one item.

    Attributes:
        id: the item.
        rater: the rater that gave the answer; empty for a tie.
        answer: the answer; empty for a tie.
        consistency: how consistent it is with the others, in [0, 1], also of tied answers; None
            for a single answer, which nothing confirms.
        answers: number of answers to the item.
        status: ``chosen``, ``single`` or ``tie``.
    """

    id: str
    rater: str
    answer: str = field(repr=False)
    consistency: float | None
    answers: int
    status: AnswerStatus


@dataclass(frozen=True, slots=True)
class WeighedAnswers:
    """The weights of the raters and the chosen answers.

    Attributes:
        raters: the raters, by name.
        choices: the items, in the order of the table.
        rounds: how often the weights were computed.
        converged: whether they stayed the same in the end.
        messages: sentences for the user.
        format: how to write a table that opens as the one read.
    """

    raters: tuple[RaterWeight, ...]
    choices: tuple[AnswerChoice, ...]
    rounds: int
    converged: bool
    messages: tuple[str, ...] = ()
    format: TableFormat = field(default_factory=TableFormat)


def weigh_answers(source: TableSource, *, options: WeighOptions = WeighOptions()) -> WeighedAnswers:
    """Weigh raters by how consistent their free-text answers are, and choose answers.

    Args:
        source: a table with one answer in each row: item, rater, answer. Blank answers count as
            missing.
        options: how answers are compared, and the columns.

    Raises:
        InputError: the table cannot be used, has two answers of one rater to one item, or has no
            answer.
        ModelFileError: the embedder has not been pulled.
    """
    table = open_table_file(source)
    answers = _read(table, _columns(table, options))
    # By name, so that the order of the rows decides nothing.
    raters = sorted({rater for given in answers.values() for rater in given})
    answered = np.array([[rater in given for rater in raters] for given in answers.values()])
    texts = [[given.get(rater, "") for rater in raters] for given in answers.values()]
    similarity = _similarity(texts, options)
    found = weigh_by_consistency(similarity, answered=answered)
    choices = tuple(
        _choice(item, raters, texts[row], found, row) for row, item in enumerate(answers)
    )
    return WeighedAnswers(
        _weights(raters, answered, found, choices),
        choices,
        found.rounds,
        found.converged,
        (*table.messages, *_messages(raters, choices, converged=found.converged)),
        table.format,
    )


def write_choices(found: WeighedAnswers, *, path: Path) -> None:
    """Write the chosen answer of each item to a CSV file; it has the text of the answers."""
    rows = (
        (
            (one.id, one.rater, one.answer),
            (
                "" if one.consistency is None else f"{one.consistency:.6f}",
                str(one.answers),
                one.status,
            ),
        )
        for one in found.choices
    )
    write_table(
        path,
        kept=("id", "rater", "answer"),
        added=("consistency", "answers", "status"),
        rows=rows,
        format=found.format,
    )


def _columns(table: TableFile, options: WeighOptions) -> tuple[str, str, str]:
    stated = (options.id_column, options.rater_column, options.answer_column)
    refuse_missing(
        table, [(role, name) for role, name in zip(_ROLES, stated, strict=True) if name is not None]
    )
    found = []
    for (role, usual), name in zip(_ROLES.items(), stated, strict=True):
        known = [column for column in table.columns if column.strip().casefold() in usual]
        if name is None and len(known) != 1:
            raise InputError(
                f"{table.path.name}: found {len(known)} columns named {listed(usual)}; expected "
                f"one. The columns are {listed(table.columns)}.",
                hint=f"Name the column: --{role}.",
            )
        found.append(name or known[0])
    item, rater, answer = found
    return item, rater, answer


def _read(table: TableFile, columns: tuple[str, str, str]) -> dict[str, dict[str, str]]:
    """Read the answers: item -> rater -> answer."""
    answers: dict[str, dict[str, str]] = {}
    nameless, doubled = [], []
    for number, (item, rater, answer) in enumerate(table.cells(columns), start=1):
        given = answers.setdefault(item.strip(), {})
        if not item.strip() or not rater.strip():
            nameless.append(number)
        elif answer.strip():
            if rater.strip() in given:
                doubled.append(number)
            given[rater.strip()] = answer
    for rows, what, hint in (
        (nameless, "have no item or no rater", "Fill in both columns in every row."),
        (
            doubled,
            "have a second answer of a rater to the same item",
            "Keep one answer of each rater to each item.",
        ),
    ):
        if rows:
            shown = ", ".join(map(str, rows[:_SHOWN_ROWS])) + (
                ", ..." if rows[_SHOWN_ROWS:] else ""
            )
            raise InputError(
                f"{table.path.name}: {counted(len(rows), 'row')} ({shown}) {what}.", hint=hint
            )
    kept = {item: given for item, given in answers.items() if given}
    if not kept:
        raise InputError(f"{table.path.name}: no row has an answer.", hint="Check --answer-column.")
    return kept


def _similarity(texts: Sequence[Sequence[str]], options: WeighOptions) -> NDArray[np.float64]:
    """Compare the answers to each item: (N, R, R), in [0, 1]."""
    different = list(dict.fromkeys(text for row in texts for text in row if text))
    count = len(texts[0])
    similarity = np.zeros((len(texts), count, count))
    if options.similarity == "words":
        words = {text: _words(text) for text in different}
        for place, row in enumerate(texts):
            similarity[place] = [
                [word_f1(words.get(one, ()), words.get(other, ())) for other in row] for one in row
            ]
        return similarity
    opened = embedder_opener(Path(), options.threads)(options.embedder)
    vectors = opened.vectors(different)
    known = np.vstack([vectors, np.zeros((1, vectors.shape[1]))])
    row_of = {text: number for number, text in enumerate(different)}
    for place, row in enumerate(texts):
        own = known[[row_of.get(text, -1) for text in row]]
        # Opposite directions mean unrelated texts, and a weight cannot be negative.
        similarity[place] = np.clip(own @ own.T, 0.0, 1.0)
        for one in range(count):
            for other in range(count):
                if row[one] == row[other]:
                    similarity[place, one, other] = 1.0
    return similarity


def _words(text: str) -> tuple[str, ...]:
    # Answers without a word, such as "+" and "-", are not all alike.
    return normalized_words(text) or (text.strip(),)


def _choice(
    item: str, raters: Sequence[str], texts: Sequence[str], found: WeightedConsistency, row: int
) -> AnswerChoice:
    count = sum(map(bool, texts))
    column = int(found.chosen[row])
    consistency = found.consistency[row]
    if count == 1:
        return AnswerChoice(item, raters[column], texts[column], None, 1, "single")
    best = float(np.nanmax(consistency))
    if column == NO_ANSWER:
        return AnswerChoice(item, "", "", best, count, "tie")
    return AnswerChoice(item, raters[column], texts[column], best, count, "chosen")


def _weights(
    raters: Sequence[str],
    answered: NDArray[np.bool_],
    found: WeightedConsistency,
    choices: Sequence[AnswerChoice],
) -> tuple[RaterWeight, ...]:
    compared = (~np.isnan(found.consistency)).sum(axis=0)
    return tuple(
        RaterWeight(
            rater,
            int(answered[:, place].sum()),
            int(compared[place]),
            None if np.isnan(found.weights[place]) else float(found.weights[place]),
            sum(one.status == "chosen" and one.rater == rater for one in choices),
        )
        for place, rater in enumerate(raters)
    )


def _messages(
    raters: Sequence[str], choices: Sequence[AnswerChoice], *, converged: bool
) -> tuple[str, ...]:
    single = sum(one.status == "single" for one in choices)
    tied = sum(one.status == "tie" for one in choices)
    messages = []
    if len(raters) < 3:
        messages.append(
            f"Found {counted(len(raters), 'rater')}. Where two raters differ, nothing shows which "
            "answer to choose; three or more are needed."
        )
    if single:
        messages.append(
            f"{counted(single, 'item')} with a single answer: it is kept without a consistency, "
            "because nothing confirms it."
        )
    if tied:
        messages.append(
            f"{counted(tied, 'item')} with a tie: different answers are equally consistent, so "
            "none is chosen."
        )
    if not converged:
        messages.append("The weights still changed when the computation was stopped.")
    return tuple(messages)

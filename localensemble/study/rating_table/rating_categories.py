"""Decide the categories of a variable in a table of labels, their order and their values.

They are declared, by a codebook or by name, or taken from the labels that occur. In that case a
message reports it, because AC1 and Brennan-Prediger depend on their number. Refuses labels outside
the declared categories, two spellings that look like one category, words like NA and numbers like
99 that may be gaps, and levels that do not fit the categories. At levels other than nominal,
labels that are numbers, such as ``1`` and ``1.0``, are one category.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from localensemble.agreement import AgreementError, Level, LevelError
from localensemble.core.command_lines import command_word
from localensemble.core.errors import TableError
from localensemble.study.category_spellings import (
    category_meant,
    joined_spellings,
    spelling_messages,
)
from localensemble.study.rating_table.category_overlap import disjoint_raters
from localensemble.tables.doubts.doubtful_labels import refuse_doubtful_labels
from localensemble.tables.doubts.lookalikes import loose_form
from localensemble.tables.doubts.missing_labels import may_be_missing, minus_one_sentence
from localensemble.tables.ratings import VariableRatings

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_MOST_SHOWN = 12
# Callers drop repeated messages, so this one is shown once for all variables.
_ALL_CATEGORIES = (
    "If there are other categories, name all of them with `--categories`: AC1 and "
    "Brennan-Prediger depend on their number."
)


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories of a variable.

    Attributes:
        names: their names, in order.
        values: their numeric values; None unless the level needs them.
        name_of: labels that spell a category's number differently, such as ``1.0`` for ``1``.
        messages: sentences for the user about what was taken from the labels.
    """

    names: tuple[str, ...]
    values: tuple[float, ...] | None
    name_of: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()


def choose_categories(
    labels: VariableRatings, *, level: Level, declared: Sequence[str] | None, source: str
) -> Categories:
    """Take the declared categories, or those that occur.

    Args:
        declared: the declared categories, in order; None takes those that occur.
        source: name of the table, for messages.

    Raises:
        TableError: a label is not a declared category, or the labels leave the categories unclear.
        LevelError: the categories have no order, or are not numbers.
    """
    where = f'{source}, variable "{labels.variable}"'
    declared = labels.answers or declared
    if declared is not None:
        found = category_values(_declared(declared), level=level, source=where)
        # At other levels than nominal a label is its number, however it is written.
        name_of = {} if level == "nominal" else _spellings(labels.words, found.names)
        meant = {
            word: name
            for word in labels.words
            if word not in found.names
            and word not in name_of
            and (name := category_meant(word, found.names)) is not None
        }
        messages = (
            *disjoint_raters(labels, name_of={**name_of, **meant}),
            *spelling_messages(meant, where=where),
            *_respelled(name_of, where),
        )
        name_of |= meant
        unknown = [word for word in labels.words if word not in found.names and word not in name_of]
        if unknown:
            raise TableError(
                f"{where}: the label is not a declared category in {labels.rows_with(unknown)}.",
                hint=f"The categories are {_listed(found.names)}. Write labels exactly like them; "
                "name cells that mean no label with `--gap`.",
            )
        return replace(found, name_of=name_of, messages=messages)
    refuse_doubtful_labels(labels, where=where)
    _refuse_gaps(labels, where)
    one_of = joined_spellings(labels.words)
    written = [*dict.fromkeys(one_of.get(word, word) for word in labels.words)]
    words: Sequence[str] = written
    numeric = all(map(_NUMBER.fullmatch, words))
    if level == "ordinal" and not numeric and len(words) > 2:
        raise LevelError(
            f"{where}: an ordinal variable needs the order of its {len(words)} categories.",
            hint="Name them from low to high: `--categories low,medium,high`.",
        )
    if numeric and level != "nominal":
        # At these levels a label is its number; the shortest of several spellings is kept.
        shortest = sorted(words, key=lambda word: (float(word), len(word), word))
        words = [one for i, one in enumerate(shortest) if not i or not _same(shortest[i - 1], one)]
    _refuse_alike(labels, words, where, meant=one_of)
    found = category_values(
        sorted(words, key=float if numeric else None), level=level, source=where
    )
    spelled = _spellings(written, found.names)
    name_of = {**spelled, **{word: spelled.get(name, name) for word, name in one_of.items()}}
    order = ", in the order of their numbers" if numeric and level != "nominal" else ""
    message = (
        f'Variable "{labels.variable}": took the {len(words)} labels that occur as its '
        f"categories{order}: {_listed(found.names)}."
    )
    asked = minus_one_sentence(words)
    message += f" {asked}" if asked else ""
    messages = (
        *disjoint_raters(labels, name_of=name_of),
        *([message, _ALL_CATEGORIES] if words else []),
        *spelling_messages(one_of, where=where),
        *_respelled(spelled, where),
    )
    return replace(found, name_of=name_of, messages=messages)


def category_values(names: Sequence[str], *, level: Level, source: str) -> Categories:
    """Find the numeric values of categories if the level needs them.

    The categories are then in the order of their numbers.

    Raises:
        LevelError: the categories are not numbers.
    """
    if level not in ("interval", "ratio"):
        return Categories(tuple(names), None)
    if not all(map(_NUMBER.fullmatch, names)):
        raise LevelError(
            f"{source}: level {level} needs numbers as categories, but some are not.",
            hint="Choose `--level nominal` or `--level ordinal`, or write numbers with a decimal "
            "point.",
        )
    ordered = tuple(sorted(names, key=float))
    values = tuple(map(float, ordered))
    if not all(map(math.isfinite, values)):
        raise LevelError(
            f"{source}: a number is too large to compute with at level {level}.",
            hint="Find the number and correct it.",
        )
    return Categories(ordered, values)


def _same(one: str, other: str) -> bool:
    return float(one) == float(other)


def _spellings(words: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Map words that are not categories to the category that is the same number."""
    by_number = {float(name): name for name in names if _NUMBER.fullmatch(name)}
    return {
        word: by_number[float(word)]
        for word in words
        if word not in names and _NUMBER.fullmatch(word) and float(word) in by_number
    }


def _respelled(name_of: Mapping[str, str], where: str) -> tuple[str, ...]:
    if not name_of:
        return ()
    shown = ", ".join(f'"{word}" as "{name}"' for word, name in [*name_of.items()][:_MOST_SHOWN])
    return (f"{where}: read numbers written in several ways as one: {shown}.",)


def _declared(declared: Sequence[str]) -> tuple[str, ...]:
    names = tuple(unicodedata.normalize("NFC", name).strip() for name in declared)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None or "" in names or not names:
        what = f'"{repeated}" is named twice' if repeated else "one is empty"
        raise AgreementError(
            f"Cannot use the declared categories: {what}.",
            hint="Name every category once: `--categories low,medium,high`.",
        )
    return names


def _refuse_gaps(labels: VariableRatings, where: str) -> None:
    gaps = may_be_missing(labels.words)
    if gaps:
        options = " ".join(f"--gap {command_word(word)}" for word in gaps[:_MOST_SHOWN])
        raise TableError(
            f"{where}: {_listed(gaps)} may be a category or a missing label, in "
            f"{labels.rows_with(gaps)}.",
            hint=f"If it is missing, add `{options}`; if not, name all categories with "
            "`--categories`.",
        )


def _refuse_alike(
    labels: VariableRatings, words: Sequence[str], where: str, *, meant: Mapping[str, str]
) -> None:
    for alike, what in (
        (_by_number(words), "the same number, written differently"),
        (
            _by_letters(words),
            "the same word except for case, spaces, letter forms or a sign at the end",
        ),
    ):
        if alike:
            others = [word for word in labels.words if meant.get(word, word) in alike[1:]]
            raise TableError(
                f"{where}: {_listed(alike)} are {what}; for example in {labels.rows_with(others)}.",
                hint="Write each category in one way; if they are different, name all with "
                "`--categories`.",
            )


def _by_number(words: Sequence[str]) -> list[str]:
    numbers = [word for word in words if _NUMBER.fullmatch(word)]
    return _alike(numbers, [repr(float(word)) for word in numbers])


def _by_letters(words: Sequence[str]) -> list[str]:
    return _alike(words, list(map(loose_form, words)))


def _alike(words: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Find the first words that share a key."""
    by_key: dict[str, list[str]] = {}
    for word, key in zip(words, keys, strict=True):
        by_key.setdefault(key, []).append(word)
    return next((found for found in by_key.values() if len(found) > 1), [])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:_MOST_SHOWN])
    more = len(names) - _MOST_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown

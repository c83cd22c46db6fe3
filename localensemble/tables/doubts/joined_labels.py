"""Recognize cells that hold several labels, and make one yes/no variable for each.

A rater who may choose several categories leaves ``pain sleep`` in one cell (KoBo), ``pain;sleep``
or a JSON list (Label Studio). Counted whole, every combination is a category of its own and raters
who share one of two choices disagree completely. Decides what is likely enough to ask about:
combinations of labels that also stand alone, not ordinary categories of two words such as
``very good``. What such cells mean is for the user to say.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from localensemble.core.errors import InputError, TableError
from localensemble.core.foreign_json import read_json
from localensemble.core.label_matrix import GAP
from localensemble.tables.ratings import GroupLabels, Ratings, VariableRatings

JSON_LISTS = "json"
WHOLE = "no"
_SEPARATORS = {
    "|": "a bar", ";": "a semicolon", "#": "a number sign", ",": "a comma",
    " ": "a blank", "/": "a slash", "+": "a plus sign", "&": "an ampersand",
    ":": "a colon", "_": "an underscore", "-": "a dash", ".": "a full stop",
    "\u2022": "a bullet", "\u00b7": "a raised dot",
    **{f" {word} ": f'the word "{word}"' for word in ("and", "und", "et", "en", "y")},
}  # fmt: skip
# Numbers with these between them are ranges, versions and codes.
_IN_NUMBERS = frozenset(":_-.")
# "mild-moderate" alone is a grade between two others.
_LEAST_COMBINATIONS = 2
# Ordinary categories rarely contain these.
_HARD = frozenset("|;#")
_ANSWERS = ("yes", "no")
# Label Studio; the last is Zooniverse's, and around those of a whole Label Studio result.
_KEYS = ("choices", "labels", "taxonomy", "value")


@dataclass(frozen=True, slots=True)
class Joined:
    """The words of a variable that combine others.

    Attributes:
        separator: what stands between the parts; ``json`` for lists.
        words: the combined words.
    """

    separator: str
    words: tuple[str, ...]


def find_joined(words: Sequence[str], *, declared: Collection[str] = ()) -> Joined | None:
    """Find words that combine other labels; None if there are none.

    Args:
        words: the different labels of a variable.
        declared: categories that somebody named; they are never doubted.
    """
    asked = [word for word in words if word not in declared]
    lists = tuple(word for word in asked if _listed_labels(word) is not None)
    if lists:
        return Joined(JSON_LISTS, lists)
    alone = {*words, *declared}
    for separator in _SEPARATORS:
        parts = {word: found for word in asked if len(found := split_label(word, separator)) > 1}
        if separator in _IN_NUMBERS:
            parts = {word: found for word, found in parts.items() if not _has_digit(word)}
        joined = [word for word, found in parts.items() if all(part in alone for part in found)]
        if separator in _IN_NUMBERS and len(joined) < _LEAST_COMBINATIONS:
            continue
        if not joined and not declared and separator in _HARD:
            joined = [word for word in parts if _recurs(word, parts, alone)]
        if not joined and not declared and separator in {" ", ","}:
            joined = _combined_freely(parts)
        if joined:
            return Joined(separator, tuple(joined))
    return None


def separate_labels(
    table: Ratings,
    *,
    separator: str | None,
    declared: Sequence[str] = (),
    whole: Collection[str] = (),
    name_of: Callable[[str, str], str] = lambda variable, category: f"{variable}.{category}",
) -> Ratings:
    """Make a yes/no variable of each category if cells hold several, or ask whether they do.

    Args:
        table: the labels as they were read.
        separator: what stands between two labels in a cell, ``json`` for lists, or ``no`` for
            cells that are whole categories. None refuses cells that seem to hold several.
        declared: categories that an option names; all of them are made variables.
        whole: categories that a codebook names; a cell with one of them is not doubted.
        name_of: names the variable of a category.

    Raises:
        InputError: the separator is empty.
        TableError: cells seem to hold several labels; the message names the rows.
    """
    if separator == "":
        raise InputError(
            "Cannot split labels: the separator is empty.",
            hint="Give the character between two labels: `--split-labels ';'`, or `json`.",
        )
    if separator == WHOLE:
        return table
    known = tuple(declared)
    if separator is None:
        for labels in table.variables:
            joined = find_joined(labels.words, declared={*known, *whole})
            if joined is not None:
                raise _asks(table, labels, joined)
        return table
    variables = [
        one for labels in table.variables for one in _yes_or_no(labels, separator, known, name_of)
    ]
    if not variables:
        raise TableError(
            f"{table.path.name}: found no label in the cells, split as "
            f"`--split-labels {separator}` asks.",
            hint="Check what the cells hold; name the categories with `--categories` if all of "
            "them are empty lists.",
        )
    how = "lists" if separator == JSON_LISTS else f'cells at "{separator}"'
    said = f"Split {how}: each category is a variable with the answers yes and no."
    return replace(table, variables=tuple(variables), messages=(*table.messages, said))


def split_label(word: str, separator: str) -> tuple[str, ...]:
    """Return the labels in a cell, each once."""
    listed = _listed_labels(word)
    if listed is not None:
        return listed
    if separator == JSON_LISTS:
        return (word,)
    parts = map(str.strip, word.split(separator))
    return tuple(dict.fromkeys(part for part in parts if part))


def _yes_or_no(
    labels: VariableRatings,
    separator: str,
    declared: Sequence[str],
    name_of: Callable[[str, str], str],
) -> Iterator[VariableRatings]:
    chosen = [split_label(word, separator) for word in labels.words]
    occurring = dict.fromkeys(part for parts in chosen for part in parts)
    for category in dict.fromkeys([*declared, *occurring]):
        # The last element is indexed by the gap, -1.
        answers = [0 if category in parts else 1 for parts in chosen]
        index = np.array([*answers, GAP], dtype=np.int32)
        yield VariableRatings(
            name_of(labels.variable, category),
            _ANSWERS,
            tuple(_answered(group, index) for group in labels.groups),
            answers=_ANSWERS,
        )


def _answered(group: GroupLabels, index: np.ndarray[tuple[int], np.dtype[np.int32]]) -> GroupLabels:
    gold = None if group.gold is None else index[group.gold]
    return replace(group, words=index[group.words], gold=gold)


def _asks(table: Ratings, labels: VariableRatings, joined: Joined) -> TableError:
    places = [labels.words.index(word) for word in joined.words]
    cells = sum(int(np.isin(group.words, places).sum()) for group in labels.groups)
    how, option = "as a list", JSON_LISTS
    if joined.separator != JSON_LISTS:
        how = f"with {_SEPARATORS[joined.separator]} between them"
        option = f"'{joined.separator}'"
    return TableError(
        f'{table.path.name}, variable "{labels.variable}": {cells:,} '
        f"{'cell seems' if cells == 1 else 'cells seem'} to hold several labels, {how}, in "
        f"{labels.rows_with(joined.words)}.",
        hint=f"If raters could choose several categories, add `--split-labels {option}`: each "
        f"category is then measured as yes or no. If each cell is one category, add "
        f"`--split-labels {WHOLE}`.",
    )


def _listed_labels(word: str) -> tuple[str, ...] | None:
    """Read a list as JSON or Python writes it, or ``{"choices": [...]}``; None for other words."""
    if not word.startswith(("[", "{", "(")):
        return None
    try:
        found = read_json(word)
    except ValueError:
        try:
            found = ast.literal_eval(word)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    found = [*found] if isinstance(found, tuple | set) else found
    texts = [*_texts(found)]
    objects = found if isinstance(found, list) else [found]
    if any(not isinstance(one, str | dict) for one in objects):
        return None
    if any(isinstance(one, dict) and not one.keys() & {*_KEYS} for one in objects):
        return None
    return tuple(dict.fromkeys(texts)) if isinstance(found, list | dict) else None


def _texts(found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield found.strip()
    elif isinstance(found, list):
        for one in found:
            yield from _texts(one)
    elif isinstance(found, dict):
        for key in _KEYS:
            yield from _texts(found.get(key))


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _recurs(word: str, parts: Mapping[str, Sequence[str]], alone: Collection[str]) -> bool:
    """Tell whether every part of a word also occurs in another word."""
    elsewhere = {part for other, found in parts.items() if other != word for part in found}
    return all(part in alone or part in elsewhere for part in parts[word])


def _combined_freely(parts: Mapping[str, Sequence[str]]) -> list[str]:
    """Find words of two parts that no grade and quality explain: ``a b``, ``b c`` and ``a c``.

    ``very good``, ``very bad``, ``quite good``, ``quite bad`` combine as well, but the words fall
    into two kinds, each of which stands only beside the other.
    """
    pairs = {word: found for word, found in parts.items() if len(found) == 2}
    beside: dict[str, set[str]] = {}
    for one, other in pairs.values():
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)
    return [word for word, (one, other) in pairs.items() if beside[one] & beside[other]]

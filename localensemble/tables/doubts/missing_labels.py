"""Recognize labels that may stand for a missing label: words like NA, and numbers like 99.

Decides only what is doubtful; the user decides what it means. A number is doubtful if surveys use
it for missing values and it lies far outside the others: 99 beside 1 to 5, or -9 beside 0 and 1.
Scales such as 0 to 10, 0 to 100 or -2 to 2 are not doubtful.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from localensemble.tables.doubts.lookalikes import plain_form
from localensemble.tables.doubts.missing_words import is_missing_word

_CODE = re.compile(r"-?(([6-9])\2*|9+[5-8])(\.0+)?|-[1-5](\.0+)?")
_DECIMAL_COMMA = re.compile(r"^([+-]?\d+),(\d{1,2})$")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
# A code of two or more digits is doubtful if it is this many times the largest other number.
_FAR = 5
_FAR_LONG = 3
# A code of one digit is doubtful behind a hole of this size, or below a scale of small numbers.
_HOLE = 3
_LARGEST_SCALE = 10
_MANY = 5
# A scale on both sides of 0 may reach this much further down than up, such as -5 to 4.
_EVEN = 1.25


def may_be_missing(words: Sequence[str]) -> list[str]:
    """Find the labels that may stand for a missing label, in the order given."""
    plain = {word: _DECIMAL_COMMA.sub(r"\1.\2", plain_form(word)) for word in words}
    numbers = {word: float(one) for word, one in plain.items() if _NUMBER.fullmatch(one)}
    named = [word for word in words if word not in numbers]
    doubtful = {word for word in named if is_missing_word(word)}
    doubtful |= _python_none(named)
    rest = [word for word in named if word not in doubtful]
    codes = {word: value for word, value in numbers.items() if _CODE.fullmatch(plain[word])}
    others = [value for word, value in numbers.items() if word not in codes]
    if rest and not others:
        # A lone number among words; words with digits may be codes of a classification.
        if not any(map(str.isdigit, "".join(rest))):
            doubtful |= {word for word, value in codes.items() if value < 0 or value > 5}
    elif not rest:
        doubtful |= _far_outside(numbers, codes)
    return [word for word in words if word in doubtful]


def minus_one_sentence(words: Sequence[str]) -> str:
    """Ask what -1 means beside only 0 and 1, where it may be a category or a missing label."""
    plain = {plain_form(word) for word in words}
    if plain != {"-1", "0", "1"}:
        return ""
    return "If -1 stands for a missing label and not for a category, add `--gap -1`."


def _python_none(named: Sequence[str]) -> set[str]:
    """Return "None" unless other words begin with a capital too, as in None, Mild, Severe."""
    capital = any(word[:1].isupper() for word in named if word != "None")
    return {"None"} if "None" in named and not capital else set()


def _far_outside(numbers: dict[str, float], codes: dict[str, float]) -> set[str]:
    """Find the codes far outside the other numbers."""
    values = frozenset(numbers.values())
    coded = frozenset(codes.values())
    found = {code for code in coded if abs(code) > 9 and _is_long_and_far(code, values, coded)}
    found |= _above_scale(values - found, coded)
    found |= _below_scale(values - found, coded)
    return {word for word, value in codes.items() if value in found}


def _is_long_and_far(code: float, values: frozenset[float], coded: frozenset[float]) -> bool:
    """Judge a code of two or more digits beside all numbers but codes as long as it: 98, 99."""
    digits = len(f"{abs(code):.0f}")
    others = {abs(one) for one in values if not (one in coded and len(f"{abs(one):.0f}") >= digits)}
    if len(others) < 2:
        return False
    if code < 0 and min(one for one in values if abs(one) in others) >= 0:
        return True
    return abs(code) >= (_FAR_LONG if digits > 3 else _FAR) * max(*others, 1.0)


def _above_scale(values: frozenset[float], coded: frozenset[float]) -> set[float]:
    """Find 8 or 9, and 7 beside them, behind all of a shorter run from 0 or 1."""
    scale = sorted(one for one in values if one >= 0)
    run = [one for place, one in enumerate(scale) if one == scale[0] + place]
    behind = set(scale[len(run) :])
    if len(run) < 2 or run[0] > 1 or not behind or not behind <= coded or max(behind) not in (8, 9):
        return set()
    # A scale from 1 to 7 is common, and one to 9 is not.
    far = min(behind) - run[-1] >= (_HOLE if run[0] else _HOLE + 1)
    return behind if far or (run == [*range(1, 8)] and behind == {9}) else set()


def _below_scale(values: frozenset[float], coded: frozenset[float]) -> set[float]:
    """Find numbers from -9 to -1 below a scale that does not itself reach below 0."""
    below = {one for one in values if one < 0}
    scale = values - below
    if not below or len(scale) < 2 or not below <= coded or (len(below) > 2 and max(below) > -7):
        return set()
    lowest, highest = -min(below), max(scale)
    both_ways = 0 in scale and lowest <= _EVEN * highest and (len(below) > 1 or lowest >= highest)
    if lowest == highest or both_ways:
        return set()
    small = min(scale) <= 1 and highest <= _LARGEST_SCALE and all(map(float.is_integer, scale))
    return below if small or min(scale) > 9 or len(scale) >= _MANY else set()

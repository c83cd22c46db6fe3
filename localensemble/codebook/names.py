"""Decide how variables and categories may be named, and when two names are the same.

Variable names become column names, so they are limited to letters, digits and underscores.
Category names are answer strings, shown to raters exactly as written.
"""

from __future__ import annotations

import re
import unicodedata

_VARIABLE_NAME = re.compile(r"[^\W\d_]\w*")
# The form of the cells that a table contains where a rater gave no category.
_STATUS = re.compile(r"<\w+>")
_MAX_VARIABLE_NAME = 64
_MAX_CATEGORY_NAME = 200
# The zero-width joiners belong to the spelling of Persian and Indic words and of emoji.
_JOINERS = "\u200c\u200d"


def clean_name(name: str) -> str:
    """Return the stored form of a name: composed (NFC), without outer white space."""
    return unicodedata.normalize("NFC", name).strip()


def fold(name: str) -> str:
    """Return a form that is equal for two names that a person would read as the same."""
    return clean_name(unicodedata.normalize("NFKC", name).casefold())


def column_name_problem(name: str) -> str:
    """Return why a name cannot be a column name; empty if it can."""
    if not name:
        return "the name is empty."
    if len(name) > _MAX_VARIABLE_NAME:
        return f"the name has {len(name)} characters; at most {_MAX_VARIABLE_NAME} are allowed."
    if not _VARIABLE_NAME.fullmatch(name):
        return (
            f'"{name}" cannot be a column name; expected a letter, then letters, digits and '
            "underscores."
        )
    return ""


def name_problem(name: str) -> str:
    """Return why a name cannot be a category; empty if it can."""
    if not name:
        return "the name is empty."
    if len(name) > _MAX_CATEGORY_NAME:
        return f"the name has {len(name)} characters; at most {_MAX_CATEGORY_NAME} are allowed."
    if any(
        unicodedata.category(character) in {"Zl", "Zp"} or character in "\r\n\x0b\x0c\x85"
        for character in name
    ):
        return "the name has a line break."
    if any(
        unicodedata.category(character) in {"Cc", "Cf", "Cn", "Co"} and character not in _JOINERS
        for character in name
    ):
        return "the name has an invisible character."
    if _STATUS.fullmatch(name):
        return f'"{name}" is reserved for a label status in the result tables.'
    return ""


def slug(name: str) -> str:
    """Turn a category name into its part of a column name."""
    folded = re.sub(r"\W+", "_", clean_name(name).lower()).strip("_")
    return unicodedata.normalize("NFC", folded)

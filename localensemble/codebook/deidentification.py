"""How a codebook wants identifiers in texts replaced before raters see them, as frozen values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from localensemble.core.errors import CodebookError

Identifiers = Literal["built_in", "presidio", "both", "none"]

MOST_PATTERNS = 200
_MOST_CHARACTERS = 1_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,39}")


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A regular expression of the codebook; a found text becomes the name in brackets.

    ``repr`` leaves out the expression: it may hold names of persons.
    """

    name: str
    pattern: str = field(repr=False)

    @property
    def placeholder(self) -> str:
        """What stands for a found text, such as ``[STUDY NUMBER]``."""
        return placeholder(self.name)


@dataclass(frozen=True, slots=True)
class Deidentification:
    """What to replace in texts before a rater sees them.

    Attributes:
        identifiers: whose patterns for common identifiers to use: the program's, those of the
            package presidio, both, or none.
        patterns: further patterns, which are applied first.
    """

    identifiers: Identifiers = "built_in"
    patterns: tuple[TextPattern, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", tuple(self.patterns))
        if problem := next(problems(self.identifiers, self.patterns), None):
            raise CodebookError(f"deidentify: {problem.found}", hint=problem.hint)


@dataclass(frozen=True, slots=True)
class PatternProblem:
    """What is wrong with a pattern: its place in the list, the key, and what to do.

    Attributes:
        place: None if the problem concerns no single pattern.
    """

    place: int | None
    key: str
    found: str
    hint: str


def placeholder(name: str) -> str:
    """Return what stands for a found text of this name."""
    return f"[{name.upper()}]"


def problems(identifiers: Identifiers, patterns: Sequence[TextPattern]) -> Iterator[PatternProblem]:
    """Find patterns that cannot be used."""
    if identifiers == "none" and not patterns:
        yield PatternProblem(
            None, "patterns", "nothing would be replaced.", "Add a pattern, or remove the key."
        )
    if len(patterns) > MOST_PATTERNS:
        yield PatternProblem(
            None,
            "patterns",
            f"there are {len(patterns):,} patterns; at most {MOST_PATTERNS} are allowed.",
            "Join patterns with |.",
        )
    seen: set[str] = set()
    for place, one in enumerate(patterns):
        if not _NAME.fullmatch(one.name):
            yield PatternProblem(
                place,
                "name",
                "a name has 1 to 40 letters, digits, spaces, - or _, and begins with a letter.",
                "It stands for a found text; write, for example, `name: study number`.",
            )
        if one.name.upper() in seen:
            yield PatternProblem(
                place, "name", "another pattern has the same name.", "Give it its own name."
            )
        seen.add(one.name.upper())
        if found := _fault(one.pattern):
            yield PatternProblem(
                place,
                "pattern",
                found,
                r"Write a regular expression of Python in single quotes, such as 'ST-\d{4}'.",
            )


def _fault(pattern: str) -> str:
    """Say what is wrong with a regular expression; empty if it can be used."""
    if not pattern.strip():
        return "the pattern is empty."
    if len(pattern) > _MOST_CHARACTERS:
        return f"the pattern has {len(pattern):,} characters; at most {_MOST_CHARACTERS:,}."
    try:
        form = re.compile(pattern)
    except re.error as error:
        return f"not a regular expression: {error.msg} at character {(error.pos or 0) + 1}."
    except (RecursionError, OverflowError):
        return "the regular expression is nested too deeply or too large."
    if form.match(""):
        return "the pattern also matches an empty text, so it would match everywhere."
    return ""

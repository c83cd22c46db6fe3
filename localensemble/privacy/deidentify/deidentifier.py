"""Replace identifiers in a text by the names of their kinds, such as ``[DATE]``.

Decides in which order patterns are applied: those of the codebook, the program's own, presidio's.
What is found first keeps its name. Everything is searched for in the whole text, so that no pattern
hides the rest of an identifier of which it found a part; and in what the others left, so that it
hides none beside it. Patterns miss identifiers, above all names.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from localensemble.core.identity import sha256_json, sha256_text
from localensemble.privacy.deidentify.bounded_patterns import BoundedPatterns
from localensemble.privacy.deidentify.presidio import LEAST_SCORE, PresidioRecognizers
from localensemble.privacy.deidentify.text_masks import (
    FoundIdentifier,
    TextMask,
    with_placeholders,
)
from localensemble.privacy.identifiers.kinds import identifiers_in, patterns_sha256

Found = tuple[int, int, str]
"""Where something is found, and its kind."""


@dataclass(frozen=True, slots=True)
class DeidentifiedText:
    """A text without the identifiers that were found, and how many of each kind there were."""

    text: str = field(repr=False)
    counts: Mapping[str, int]


class Deidentifier:
    """Patterns that are ready to search texts.

    Attributes:
        built_in_sha256: hash of the program's own patterns; empty if they are not used.
        presidio: version of the package presidio-analyzer; empty if it is not used.
        patterns: the name of each pattern of the codebook -> hash of its expression.
    """

    def __init__(self, *, built_in: bool, presidio: bool, patterns: Mapping[str, str]) -> None:
        self._kinds = tuple(name.upper() for name in patterns)
        self._own = BoundedPatterns(tuple(patterns), tuple(patterns.values()))
        self._presidio = PresidioRecognizers() if presidio else None
        self._known: dict[bytes, tuple[FoundIdentifier, ...]] = {}
        self.built_in_sha256 = patterns_sha256() if built_in else ""
        self.presidio = "" if self._presidio is None else self._presidio.version
        self.patterns = {name: sha256_text(one) for name, one in patterns.items()}

    @property
    def sha256(self) -> str:
        """The hash of everything that decides what is replaced, and by what."""
        return sha256_json(
            {
                "built_in": self.built_in_sha256,
                "presidio": [self.presidio, LEAST_SCORE] if self.presidio else [],
                "patterns": [[name, one] for name, one in self.patterns.items()],
            }
        )

    def replaced(self, text: str, *, where: str) -> DeidentifiedText:
        """Return a text with placeholders.

        Args:
            text: the text.
            where: what errors call it, such as ``row 7``.

        Raises:
            InputError: a pattern of the codebook takes too long on it.
        """
        found = self._found(text, where)
        return DeidentifiedText(with_placeholders(text, found), Counter(one.kind for one in found))

    def _found(self, text: str, where: str) -> tuple[FoundIdentifier, ...]:
        # Several parts of a run read the whole table. What was found is kept, without texts.
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in self._known:
            self._known[key] = self._searched(text, where)
        return self._known[key]

    def _searched(self, text: str, where: str) -> tuple[FoundIdentifier, ...]:
        mask = TextMask(text)
        for kind, spans in zip(self._kinds, self._own.spans(text, where=where), strict=False):
            for start, stop in spans:
                mask.take(start, stop, kind)
        if self.built_in_sha256:
            _take(mask, text, _built_in)
        if self._presidio is not None:
            _take(mask, text, self._presidio.found)
        return mask.found()


def _take(mask: TextMask, text: str, search: Callable[[str], Iterator[Found]]) -> None:
    """Take what is found in the whole text, then what is found in the parts that are left."""
    for start, stop, kind in search(text):
        mask.take(start, stop, kind)
    for begin, part in [*mask.left()]:
        for start, stop, kind in search(part):
            mask.take(begin + start, begin + stop, kind)


def _built_in(text: str) -> Iterator[Found]:
    return ((one.start, one.stop, one.placeholder) for one in identifiers_in(text))

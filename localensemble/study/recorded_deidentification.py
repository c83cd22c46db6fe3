"""What a run records of the de-identification of its texts: hashes and counts, nothing found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from localensemble.core.identity import JsonValue
from localensemble.core.words import counted, listed


@dataclass(frozen=True, slots=True)
class RecordedDeidentification:
    """How texts were de-identified before raters saw them.

    Attributes:
        sha256: hash of everything that decides what is replaced; it is in the raters' identity.
        built_in_sha256: hash of the program's own patterns; empty if they were not used.
        presidio: version of the package presidio-analyzer; empty if it was not used.
        patterns: name of each pattern of the codebook -> hash of its expression.
        texts: number of texts that were searched.
        changed: number of texts in which something was replaced.
        counts: kind of identifier -> how many were replaced.
    """

    sha256: str
    built_in_sha256: str
    presidio: str
    patterns: Mapping[str, str]
    texts: int
    changed: int
    counts: Mapping[str, int]

    @property
    def found(self) -> int:
        """The number of identifiers that were replaced."""
        return sum(self.counts.values())

    @property
    def means(self) -> str:
        """What was used, in words."""
        used = []
        if self.built_in_sha256:
            used.append("the program's patterns for the eighteen kinds of HIPAA's Safe Harbor")
        if self.presidio:
            used.append(f"pattern recognizers of presidio-analyzer {self.presidio}")
        if self.patterns:
            names = listed(list(self.patterns))
            used.append(f"{counted(len(self.patterns), 'pattern')} of the codebook ({names})")
        return listed(used)

    @property
    def kinds(self) -> str:
        """The kinds and their counts in words, the most frequent first."""
        ordered = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return ", ".join(f"{kind.lower()} {count:,}" for kind, count in ordered)

    @property
    def sentence(self) -> str:
        """What was done, and what it does not promise."""
        placed = f" ({self.kinds})" if self.found else ""
        be = "was" if self.found == 1 else "were"
        return (
            f"Before raters saw the texts, {counted(self.found, 'identifier')}{placed} in "
            f"{self.changed:,} of {counted(self.texts, 'text')} {be} replaced with placeholders, "
            f"found by {self.means}. Patterns miss identifiers, above all names, so the texts that "
            "the raters saw may still contain some."
        )

    def as_json(self) -> dict[str, JsonValue]:
        """Return the record as the ledger keeps it."""
        return cast(dict[str, JsonValue], asdict(self))

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None) -> RecordedDeidentification | None:
        """Read a record as the ledger keeps it; None without one."""
        return None if content is None else cls(**content)

"""The raters that something was fitted to, by the hashes that tell when one of them changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BoundRater:
    """One rater, with the hashes of its identity and model."""

    name: str
    identity_sha256: str
    model_sha256: str

    def as_values(self) -> dict[str, object]:
        """Return the rater as values that have a JSON form."""
        return {
            "name": self.name,
            "identity_sha256": self.identity_sha256,
            "model_sha256": self.model_sha256,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> BoundRater:
        """Read a rater back from ``as_values``."""
        return BoundRater(
            str(values["name"]), str(values["identity_sha256"]), str(values["model_sha256"])
        )


def changed_raters(
    bound: Iterable[BoundRater], identities: Mapping[str, str], *, unfit: Collection[str] = ()
) -> list[str]:
    """Return the names of the raters that are missing, new or not the same, in order.

    Args:
        bound: the raters as they were.
        identities: name of each rater now -> hash of its identity.
        unfit: raters that do not count, and may differ.
    """
    before = {rater.name: rater.identity_sha256 for rater in bound}
    names = {*before, *identities}.difference(unfit)
    return sorted(name for name in names if before.get(name) != identities.get(name))

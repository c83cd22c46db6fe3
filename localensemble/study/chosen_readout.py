"""The readout that was chosen for a rater, and what it was chosen by; kept in the run's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from localensemble.core.prompts import Readout
from localensemble.core.words import counted, listed


@dataclass(frozen=True, slots=True)
class ReadoutMeasure:
    """How a rater answers with one readout.

    Attributes:
        readout: the readout.
        off_codebook_mass: the median over items and variables; 1 if nothing could be scored.
        other_spellings: the share of the categories' probability that comes from other spellings
            than the exact ones, over all items and variables.
        scored: number of answers, one for each item and variable.
    """

    readout: Readout
    off_codebook_mass: float
    other_spellings: float
    scored: int


@dataclass(frozen=True, slots=True)
class ReadoutChoice:
    """The readout chosen for a rater whose ensemble file says ``auto``.

    Attributes:
        rater: the rater's name.
        readout: the readout that was chosen.
        items: number of items that it was chosen on.
        measures: one for each readout that could be chosen.
        model_sha256: hash of the model file; for another model, the choice does not hold.
        template_sha256: hash of all texts of the prompt template; for others, the choice does not
            hold.
    """

    rater: str
    readout: Readout
    items: int
    measures: tuple[ReadoutMeasure, ...]
    model_sha256: str
    template_sha256: str

    @property
    def sentence(self) -> str:
        """What was chosen and why, for the terminal."""
        masses = listed(
            [f"{one.readout} {one.off_codebook_mass:.2f}" for one in self.measures],
        )
        least = min(one.off_codebook_mass for one in self.measures)
        chosen = next(one for one in self.measures if one.readout == self.readout)
        why = "it leaves the least outside the codebook"
        if chosen.off_codebook_mass > least:
            why = "no other leaves much less outside the codebook"
        return (
            f'{self.rater}: readout "{self.readout}" was chosen, because {why} (median '
            f"off-codebook mass on {counted(self.items, 'item')}: {masses})."
        )

    def holds_for(self, model_sha256: str, template_sha256: str) -> bool:
        """Tell whether the choice was made for this model and prompt template."""
        return (self.model_sha256, self.template_sha256) == (model_sha256, template_sha256)

    def as_json(self) -> dict[str, object]:
        """Return the choice as the ledger keeps it."""
        return {**asdict(self), "measures": [asdict(one) for one in self.measures]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ReadoutChoice:
        """Read a choice as the ledger keeps it."""
        measures = tuple(ReadoutMeasure(**one) for one in content["measures"])
        return cls(**{**content, "measures": measures})

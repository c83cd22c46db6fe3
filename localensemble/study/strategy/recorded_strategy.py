"""The strategy of a run, as its record keeps it, and what it means for readers of the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.roles import Roles
from localensemble.core.identity import JsonValue, canonical_json
from localensemble.core.random_draw import labeled_by_all
from localensemble.core.words import counted


@dataclass(frozen=True, slots=True)
class RecordedStrategy:
    """The strategy by which a run chose the items that each rater was asked about.

    Attributes:
        name: its name in ensemble files.
        settings: its settings.
        rules: the rules that decided then. Under others, it might have asked about other items.
    """

    name: str
    settings: Mapping[str, JsonValue]
    rules: JsonValue

    def as_json(self) -> JsonValue:
        """Return the strategy as the ledger keeps it."""
        return {"name": self.name, "settings": dict(self.settings), "rules": self.rules}

    @classmethod
    def from_json(cls, value: JsonValue) -> RecordedStrategy:
        """Read a strategy as the ledger keeps it."""
        read = cast(Mapping[str, Any], value)
        return cls(read["name"], read["settings"], read["rules"])

    def labeled_by_all(self, item_ids: Sequence[str]) -> NDArray[np.bool_] | None:
        """Mark the items drawn for the audit, which every rater labels; None without one."""
        share, seed = self.settings.get("audit"), self.settings.get("seed")
        if not isinstance(share, int | float) or not isinstance(seed, int):
            return None
        return labeled_by_all(item_ids, share=share, seed=seed)

    def compared_raters(self, raters: Sequence[str]) -> tuple[str, ...]:
        """Return the raters whose agreement is measured: those that do not depend on others.

        An adjudicator sees what the labelers dispute, and a verifier what they propose.
        """
        roles = cast(Mapping[str, Any], self.rules)["consensus"].get("roles", {})
        return tuple(name for name in raters if roles.get(name, "labeler") == "labeler")

    def cautions(self, item_ids: Sequence[str], *, rules: JsonValue) -> tuple[str, ...]:
        """Return what readers of the labels should know.

        Args:
            item_ids: the ids of the items.
            rules: the rules that decide now.
        """
        compared = self.labeled_by_all(item_ids)
        if self.name == Roles.name:
            shown = "Agreement is measured among the labelers, which were asked about every item."
        elif compared is None:
            shown = (
                "Agreement is measured on the items that several raters labeled; on all items, it "
                "may be higher or lower."
            )
        else:
            count = int(np.count_nonzero(compared))
            shown = (
                f"Every coefficient of agreement rests on the {counted(count, 'item')} drawn at "
                f"random that every rater labeled (audit: {self.settings['audit']}), unless every "
                "rater was asked about all items of a variable."
            )
        found = f"The strategy {self.name} did not ask every rater about every item. {shown}"
        if _without_verifiers(rules):
            found += (
                " The verifiers were declared unfit, so nobody confirmed the labels: proposals "
                "that they did not confirm are accepted."
            )
        if canonical_json(rules) == canonical_json(self.rules):
            return (found,)
        return (
            found,
            f"The strategy {self.name} chose the items of each rater under other rules than those "
            "that decide now. Under these, it might have asked about other items: final labels may "
            "differ from those of raters that label everything. To ask for what is missing, run "
            "`localensemble label` again.",
        )


def _without_verifiers(rules: JsonValue) -> bool:
    """Tell whether rules give raters the role of a verifier, and all of these are unfit."""
    content = cast(Mapping[str, Any], rules or {})
    roles = content.get("consensus", {}).get("roles", {})
    verifiers = {name for name, role in roles.items() if role == "verifier"}
    return bool(verifiers) and verifiers <= set(content.get("unfit", ()))

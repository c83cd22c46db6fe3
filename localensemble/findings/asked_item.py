"""What every rater says about one item, and the decision under the ensemble's rules.

The text of the item is not among it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from localensemble.codebook.model import Variable
from localensemble.core.labels import Label, LabelStatus, RaterName
from localensemble.study.lone_item import LoneDecision


@dataclass(frozen=True, slots=True)
class AskedRater:
    """A rater and the label that it gives.

    Attributes:
        name: the rater.
        label: its label.
        other_spellings: the share of the categories' probability that comes from other spellings
            than the exact ones; None if only these are read.
        own_words: what its model writes when it is not bound to the categories; None if that
            was not asked for, or the rater cannot write.
        without_signs: its label of the text without the sentences that have signs of prompt
            injection; None if there are none, or nothing else.
    """

    name: RaterName
    label: Label
    other_spellings: float | None = None
    own_words: str | None = field(default=None, repr=False)
    without_signs: Label | None = None

    @property
    def changes_without_signs(self) -> bool:
        """Whether the label without these sentences names another category."""
        known = None if self.without_signs is None else self.without_signs.category
        return None not in (known, self.label.category) and known != self.label.category

    def ranked(self, variable: Variable) -> tuple[tuple[str, float], ...]:
        """Return each category with its probability, most probable first; empty if unknown."""
        found = zip(variable.answers, self.label.probabilities or (), strict=False)
        return tuple(sorted(found, key=lambda pair: -pair[1]))


@dataclass(frozen=True, slots=True)
class AskedVariable:
    """What every rater says about one variable, and the decision under the ensemble's rules."""

    variable: Variable
    raters: tuple[AskedRater, ...]
    decision: LoneDecision

    @property
    def ranked_categories(self) -> tuple[str, ...]:
        """The categories by the mean of the raters' probabilities, most probable first."""
        totals = dict.fromkeys(self.variable.answers, 0.0)
        for rater in self.raters:
            for category, probability in rater.ranked(self.variable):
                totals[category] += probability
        return tuple(sorted(totals, key=lambda category: -totals[category]))

    @property
    def unlabeled_sentences(self) -> tuple[str, ...]:
        """Why raters gave no category, a sentence for each of them."""
        return tuple(
            f"{rater.name} gave no category ({rater.label.status}): {rater.label.reason}."
            for rater in self.raters
            if rater.label.status is not LabelStatus.ASSIGNED
        )

    @property
    def consensus_line(self) -> str:
        """The consensus in one line."""
        decision, votes = self.decision, self.decision.labels_used
        if decision.no_answer:
            return f"Consensus ({decision.method}): none; the text answers nothing."
        if decision.escalated is None:
            return f"Consensus ({decision.method}): needs all items of a study."
        category, chosen = decision.category or "none", ""
        if decision.support is not None:
            chosen = f", chosen by {round(decision.support * votes)} of {votes}"
        fate = f"a person reviews it: {'; '.join(decision.reasons)}"
        if not decision.escalated:
            fate = "accepted"
        more = f" Not applied to one text: {', '.join(decision.left_out)}."
        line = f"Consensus ({decision.method}): {category}{chosen}; {fate}."
        return line + more * bool(decision.left_out)

    def as_json(self) -> dict[str, object]:
        """Return the answers as JSON values."""
        decision = self.decision
        return {
            "variable": self.variable.name,
            "raters": [
                {
                    "rater": rater.name,
                    "status": str(rater.label.status),
                    "category": _category(self.variable, rater.label),
                    "probabilities": dict(rater.ranked(self.variable)) or None,
                    "off_codebook_mass": rater.label.off_codebook_mass,
                    "other_spellings": rater.other_spellings,
                    "reason": rater.label.reason,
                    "own_words": rater.own_words,
                }
                for rater in self.raters
            ],
            "consensus": {
                "method": decision.method,
                "category": decision.category,
                "support": decision.support,
                "labels_used": decision.labels_used,
                "escalated": decision.escalated,
                "reasons": list(decision.reasons),
                "no_answer": decision.no_answer,
                "left_out": list(decision.left_out),
            },
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What all raters say about one text, which is not kept here.

    Attributes:
        item_id: the id of the item; None for a text that is not in a table.
        variables: one for each variable of the codebook, in order.
        messages: what was detected, and what you should know.
    """

    item_id: str | None
    variables: tuple[AskedVariable, ...]
    messages: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON values; the text is not among them."""
        return {
            "item": self.item_id,
            "variables": [variable.as_json() for variable in self.variables],
            "messages": list(self.messages),
        }


def _category(variable: Variable, label: Label) -> str | None:
    return None if label.category is None else variable.answers[label.category]

"""What a strategy left out, counted: the calls that were made, and those that were saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localensemble.core.identity import canonical_json
from localensemble.strategies.early_stop import EarlyStop
from localensemble.study.decisions import Decisions
from localensemble.study.study_labels import StudyLabels


@dataclass(frozen=True, slots=True)
class VariableCalls:
    """The calls on one variable.

    Attributes:
        variable: its name.
        made: rater -> the items that it was asked about, in the order of their turns.
        in_full: the items that every rater would be asked about without a strategy.
        compared: the items on which agreement is measured, drawn for the audit; None if
            there is no audit.
    """

    variable: str
    made: tuple[tuple[str, int], ...]
    in_full: int
    compared: int | None


@dataclass(frozen=True, slots=True)
class StrategyFindings:
    """The strategy of a study, and the calls it made on each variable."""

    name: str
    settings: tuple[tuple[str, str], ...]
    variables: tuple[VariableCalls, ...]

    @property
    def made(self) -> int:
        """The number of calls made."""
        return sum(count for one in self.variables for _, count in one.made)

    @property
    def in_full(self) -> int:
        """The number of calls if every rater had been asked about every item."""
        return sum(one.in_full * len(one.made) for one in self.variables)

    @property
    def keeps_labels(self) -> bool:
        """Whether the labels are those of a run in which every rater labels every item."""
        return self.name == EarlyStop.name

    @property
    def is_exact(self) -> bool:
        """Whether this also holds for categories that are almost equally probable."""
        return dict(self.settings).get("exact") != "false"

    @property
    def saved(self) -> float:
        """The share of these calls that was not made."""
        return 1 - self.made / self.in_full if self.in_full else 0.0


def strategy_findings(
    labels: StudyLabels, decisions: Sequence[Decisions]
) -> StrategyFindings | None:
    """Count what a strategy asked; None if every rater was asked about everything."""
    strategy = labels.strategy
    if strategy is None:
        return None
    variables = []
    for decided in decisions:
        name = decided.variable.name
        answering = labels.item_count - int(decided.no_answer.sum())
        compared = labels.compared_items(name)
        variables.append(
            VariableCalls(
                name,
                tuple(
                    (rater, answering - left_out)
                    for rater, left_out in zip(
                        labels.rater_names, labels.left_out(name), strict=True
                    )
                ),
                answering,
                None if compared is None else int(compared.sum()),
            )
        )
    settings = tuple((key, canonical_json(value)) for key, value in strategy.settings.items())
    return StrategyFindings(strategy.name, settings, tuple(variables))

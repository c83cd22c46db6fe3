"""Put in words what a strategy asked and left out."""

from __future__ import annotations

from localensemble.core.words import listed
from localensemble.findings.strategy.strategy_findings import StrategyFindings
from localensemble.findings.study_findings import StudyFindings


def strategy_sentence(strategy: StrategyFindings) -> str:
    """State which strategy chose the items of each rater, and the calls it saved."""
    settings = listed([f"{name} {value}".replace('"', "") for name, value in strategy.settings])
    stated = f" ({settings})" if settings else ""
    return (
        f"The raters labeled in turn, and the strategy {strategy.name}{stated} chose the items of "
        f"each: {strategy.made:,} of {strategy.in_full:,} labels were asked for, which saved "
        f"{strategy.saved:.1%} of the calls."
    )


def asked_for(findings: StudyFindings) -> int:
    """Count the labels that were asked for."""
    if findings.strategy is not None:
        return findings.strategy.made
    return findings.item_count * len(findings.raters) * len(findings.variables)

"""Put in words what a strategy asked and left out."""

from __future__ import annotations

from localensemble.core.words import counted, listed
from localensemble.findings.strategy.strategy_findings import StrategyFindings, VariableCalls
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


def plain_voting_sentence(strategy: StrategyFindings) -> str:
    """State what is known of the labels that all raters together would have given."""
    if strategy.keeps_labels:
        same = "If every rater had labeled every item, the same method would give the same labels"
        but = "" if strategy.is_exact else ", except where two are almost equally probable"
        return f"{same}{but}."
    return (
        "What plain voting of all raters would give is not known, because not all labeled every "
        "item. To compare, label into another folder without strategy and roles, and evaluate both "
        "against the same gold labels."
    )


def asked_for(findings: StudyFindings) -> int:
    """Count the labels that were asked for."""
    if findings.strategy is not None:
        return findings.strategy.made
    return findings.item_count * len(findings.raters) * len(findings.variables)


def compared_items(findings: StudyFindings) -> str:
    """Count the items on which agreement is measured: not all, if a strategy left some out."""
    every = counted(findings.item_count, "item")
    used = [one.agreement.counts.used for one in findings.variables]
    if findings.strategy is None or not used or min(used) == findings.item_count:
        return every
    least, most = min(used), max(used)
    return f"{least:,} of {every}" if least == most else f"{least:,} to {most:,} of {every}"


def rests_on(findings: StudyFindings, calls: VariableCalls, rater: str) -> str:
    """State on which items the agreement of a rater with others is measured."""
    agreement = next(one for one in findings.variables if one.name == calls.variable).agreement
    if rater not in agreement.raters:
        return "not compared: its items depend on others"
    used = counted(agreement.counts.used, "item")
    if calls.compared is not None:
        return f"{used} drawn at random, labeled by all"
    if agreement.counts.used == calls.in_full:
        return "all items"
    return f"{used} with several labels"

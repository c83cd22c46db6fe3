"""Write the verdict on a variable in two sentences: what was decided, and how far to trust it.

The words never contradict an interval: "more than" needs an interval that lies above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localensemble.core.estimates import estimate, interval, share, share_interval
from localensemble.core.words import counted, listed
from localensemble.findings.study_findings import Accuracy, VariableFindings
from localensemble.report.agreement_wording import (
    agreement_statement,
    agreement_word,
    leading_coefficient,
    no_band_because,
)
from localensemble.report.people_wording import people_sentence


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Two sentences about the variables that they hold for."""

    variables: tuple[str, ...]
    sentences: tuple[str, str]


def short_verdict(variables: Sequence[VariableFindings]) -> tuple[Paragraph, ...]:
    """Write two sentences for each variable; variables with the same sentences share them."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in variables:
        found.setdefault((decision_sentence(one), trust_sentence(one)), []).append(one.name)
    return tuple(Paragraph(tuple(names), sentences) for sentences, names in found.items())


def many_verdict(variables: Sequence[VariableFindings]) -> tuple[Paragraph, ...]:
    """Write two sentences about all variables together, then about the worst one.

    Args:
        variables: the variables, the worst first.
    """
    items = sum(one.accepted + one.escalated for one in variables)
    final = sum(one.final for one in variables)
    unresolved = sum(one.unresolved for one in variables)
    escalated = sum(one.escalated for one in variables)
    caused: dict[str, int] = {}
    for variable in variables:
        for one in variable.fitness:
            caused[one.rater] = caused.get(one.rater, 0) + one.escalated
    decided = any(one.people is not None for one in variables)
    # The causes are those of all escalations, so they say nothing about what is left of them.
    causing = [
        f'"{who}" ({n:,})' for who, n in caused.items() if 2 * n > max(escalated, 1) and not decided
    ]
    first = (
        f"{final:,} of {items:,} labels are final, "
        f"{f'people left {unresolved:,} unresolved, ' if unresolved else ''}and "
        f"{sum(one.open for one in variables):,} wait for a person"
        f"{f'; most are caused by {listed(causing)}' if causing else ''}."
    )
    beyond = sum(_beyond_chance(one) for one in variables)
    gold = [one for one in variables if _gold_known(one)]
    better = sum(_better_than_baseline(one) for one in gold)
    right = (
        f"on {better:,} of {counted(len(gold), 'variable')} with gold labels, accepted labels "
        "are right more often than one answer for all would be"
        if gold
        else "without gold labels, it is unknown whether the labels are right"
    )
    second = (
        f"Agreement beyond chance is established on {beyond:,} of "
        f"{counted(len(variables), 'variable')}; {right}."
    )
    everything = Paragraph((f"all {len(variables):,} variables",), (first, second))
    return (everything, *short_verdict(variables[:1]))


def _beyond_chance(variable: VariableFindings) -> bool:
    """Whether a word of praise is allowed: it needs an interval above 0, and fit raters."""
    outside = variable.confidence.mostly_outside(variable.accepted + variable.escalated)
    word = agreement_word(variable.agreement)
    return word not in (None, "poor") and not no_band_because(variable.agreement, outside=outside)


def _gold_known(variable: VariableFindings) -> bool:
    found = variable.accuracy_accepted
    return found is not None and found.value is not None and variable.gold is not None


def _better_than_baseline(variable: VariableFindings) -> bool:
    found, gold = variable.accuracy_accepted, variable.gold
    if found is None or gold is None:
        return False
    value = gold.baselines[1].evaluation.accuracy.value
    return value is not None and compared(found, value) == "more than"


def decision_sentence(variable: VariableFindings) -> str:
    """State how many items have a final label, what keeps the others back, and who causes it."""
    items = variable.accepted + variable.escalated
    if not items:
        return "No item needs a label: all are blank or non-answers."
    if variable.people is not None:
        return people_sentence(variable.people, items=items)
    if not variable.escalated:
        return f"All {counted(items, 'item')} have a final label."
    wait = "waits" if variable.escalated == 1 else "wait"
    if variable.accepted:
        first = (
            f"{variable.accepted:,} of {counted(items, 'item')} have a final label, and "
            f"{variable.escalated:,} {wait} for a person"
        )
    else:
        first = f"No item has a final label: all {variable.escalated:,} {wait} for a person"
    return f"{first}{_why(variable)}."


def _why(variable: VariableFindings) -> str:
    reasons = sorted(variable.reason_counts, key=lambda one: -one[1])
    text, count = reasons[0] if reasons else ("", 0)
    often = "" if count == variable.escalated else f" ({count:,})"
    why = f"; main reason: {text}{often}" if reasons else ""
    # A rater can cause most of the escalations for several reasons, none of them the first.
    causing = [
        f'"{one.rater}" ({one.escalated:,})'
        for one in variable.fitness
        if 2 * one.escalated > variable.escalated and one.rater not in text
    ]
    return f"{why}; caused by {listed(causing)}" if causing else why


def trust_sentence(variable: VariableFindings) -> str:
    """State how far the raters agree, and how often accepted labels are right, if it is known."""
    items = variable.accepted + variable.escalated
    agreement = agreement_statement(
        variable.agreement, outside=variable.confidence.mostly_outside(items)
    )
    coefficient = leading_coefficient(variable.agreement)
    if coefficient.value is not None:
        ends = interval(coefficient.interval_low, coefficient.interval_high)
        shown = "without an interval" if ends == "none" else ends
        value = estimate(coefficient.value, coefficient.interval_low, coefficient.interval_high)
        agreement += f" ({coefficient.name} {value}, {shown})"
    required = variable.required
    # If it is why items wait, the first sentence has it already.
    said = required is not None and required.below == "review" and bool(variable.reason_counts)
    if required is not None and not required.verdict.met and not said:
        agreement += f", and the required {required.verdict.requirement} is not met"
    return f"{agreement}; {_accuracy(variable)}."


def _accuracy(variable: VariableFindings) -> str:
    found = variable.accuracy_accepted
    if variable.gold is None or found is None or not variable.gold.baselines:
        return "without gold labels, it is unknown whether the labels are right"
    if found.value is None:
        return "no accepted item has a gold label, so it is unknown whether the labels are right"
    low, high = found.interval_low, found.interval_high
    right = (
        f"{share(found.value, low, high)} of {counted(found.items, 'accepted label')} with gold "
        f"are right ({share_interval(low, high)})"
    )
    always = variable.gold.baselines[1]
    value = always.evaluation.accuracy.value
    if value is None:
        return right
    category = always.who.removeprefix("always ").removesuffix(", accepted items")
    return f"{right}, {compared(found, value)} if all were {category} ({share(value)})"


def compared(accuracy: Accuracy, baseline: float) -> str:
    """Compare an interval with a baseline as both are shown: no word goes beyond the interval."""
    low, high = accuracy.interval_low, accuracy.interval_high
    if low is None or high is None:
        return "not shown to be more than"
    # A wide interval is shown with fewer digits than the baseline; neither reading may contradict.
    if min(_shown(share(low)), _shown(share(low, low, high))) > _shown(share(baseline)):
        return "more than"
    if max(_shown(share(high)), _shown(share(high, low, high))) < _shown(share(baseline)):
        return "less than"
    return "not shown to be more than"


def _shown(text: str) -> float:
    return float(text.removesuffix("%"))

"""Write findings as sentences and numbers as text.

Decides what the verdict states and how strongly. An undefined value is never shown as a number.
"""

from __future__ import annotations

from collections.abc import Sequence

from localensemble.core.estimates import estimate, interval, number, share, share_interval
from localensemble.core.words import counted, listed
from localensemble.findings.agreement import Coefficient
from localensemble.findings.confidence import VariableConfidence
from localensemble.findings.position_bias import PositionBias
from localensemble.findings.study_findings import StudyFindings, VariableFindings
from localensemble.report.people_wording import people_sentence
from localensemble.report.strategy_wording import asked_for

# Nobody reads a sentence with more names.
_MOST_NAMED = 20


def part(count: int, whole: int) -> str:
    """Write a count as a percentage of a whole; "none" if the whole is 0."""
    return share(count / whole) if whole else "none"


def p_value(value: float | None) -> str:
    """Write a p-value in the style of journals; None becomes "none"."""
    if value is None:
        return "none"
    return "<0.001" if value < 0.001 else number(value)


def shortened(name: str, longest: int = 24) -> str:
    """Leave out the middle of a long name: names that begin alike may end differently."""
    one_line = " ".join(name.split())
    if len(one_line) <= longest:
        return one_line
    end = longest // 2 - 1
    return f"{one_line[: longest - end - 1]}\N{HORIZONTAL ELLIPSIS}{one_line[-end:]}"


def coefficient_name(coefficient: Coefficient) -> str:
    """Return the name of a coefficient with its weights or level, for a table row."""
    if coefficient.weights in ("identity", ""):
        return coefficient.name
    return f"{coefficient.name} ({coefficient.weights})"


def quoted(names: Sequence[str]) -> str:
    """List names in quotes, at most twenty of them."""
    shown = [f'"{name}"' for name in names[:_MOST_NAMED]]
    rest = len(names) - len(shown)
    return listed([*shown, f"{rest:,} others"] if rest else shown)


def required_sentences(variable: VariableFindings) -> tuple[str, ...]:
    """State whether the raters agree as far as the codebook requires, and what follows."""
    if variable.required is None:
        return ()
    verdict = variable.required.verdict
    sentence = f"The codebook requires {verdict.requirement}: "
    sentence += f"{'met' if verdict.met else 'NOT MET'}; {verdict.because}."
    if not verdict.met:
        sentence += (
            " All items are escalated to a person."
            if variable.required.below == "review"
            else " The codebook asks only for this warning: the final labels stand."
        )
    return (sentence,)


def off_codebook_verdict(confidence: VariableConfidence, *, items: int) -> tuple[str, ...]:
    """Name each rater that mostly wants to answer something that is no category.

    One such rater is enough to escalate every item, so a reader must learn which one it is.
    """
    outside = confidence.mostly_outside(items)
    return tuple(
        f'"{rater.rater}" puts more than half of its probability outside the codebook on '
        f"{rater.mostly_off_codebook:,} of {counted(items, 'item')}: it does not answer as asked, "
        "and its labels may mean little. Try another model in its place."
        for rater in confidence.raters
        if rater.rater in outside
    )


def no_answer_sentences(variable: VariableFindings) -> tuple[str, ...]:
    """State how many items answer nothing, and what follows from it."""
    if not variable.no_answer:
        return ()
    one = variable.no_answer == 1
    return (
        f"{counted(variable.no_answer, 'item')} {'is' if one else 'are'} blank or a non-answer "
        "that the codebook lists under no_answer: no model was asked, no label is needed, and "
        f"agreement leaves {'it' if one else 'them'} out.",
    )


def decision_verdict(variable: VariableFindings) -> tuple[str, ...]:
    """State how many items have a final label, how many wait for a person, and the main reason."""
    items = variable.accepted + variable.escalated
    if not items:
        return no_answer_sentences(variable)
    if variable.people is not None:
        return (
            people_sentence(variable.people, items=items),
            *no_answer_sentences(variable),
        )
    if not variable.escalated:
        return (
            f"All {counted(items, 'item')} have a final label.",
            *no_answer_sentences(variable),
        )
    reasons = sorted(variable.reason_counts, key=lambda one: -one[1])
    why = f"; most frequent reason: {reasons[0][0]} ({reasons[0][1]:,})" if reasons else ""
    wait = "waits" if variable.escalated == 1 else "wait"
    return (
        f"{variable.accepted:,} of {counted(items, 'item')} "
        f"({part(variable.accepted, items)}) have a final label; "
        f"{variable.escalated:,} {wait} for a person{why}.",
        *no_answer_sentences(variable),
    )


def gold_verdict(variable: VariableFindings) -> tuple[str, ...]:
    """State how often the labels are right, if gold labels show it."""
    if variable.gold is None or variable.accuracy_accepted is None:
        return ()
    sentences = []
    accepted = variable.accuracy_accepted
    if accepted.value is None:
        sentences.append(
            "No accepted item has a gold label, so it is unknown how often accepted labels "
            "are right."
        )
    else:
        sentences.append(
            f"Of {counted(accepted.items, 'accepted label')} with a gold label, "
            f"{share(accepted.value, accepted.interval_low, accepted.interval_high)} are right "
            f"(95% interval {share_interval(accepted.interval_low, accepted.interval_high)})."
        )
        everywhere, same_items, *_ = variable.gold.baselines
        sentences.append(
            f"One answer for all of them ({everywhere.who}) would be right for "
            f"{share(same_items.evaluation.accuracy.value)}."
        )
    errors = variable.gold.shared_errors
    if errors.same_wrong:
        sentences.append(
            f"On {errors.same_wrong:,} of {counted(errors.items, 'gold item')} all raters give "
            "the same wrong label, so no disagreement points to these errors."
        )
    return tuple(sentences)


def study_verdict(findings: StudyFindings) -> tuple[str, ...]:
    """State what was labeled in the whole study, and what is not known."""
    raters = [rater.name for rater in findings.raters]
    kind = "model rater" if findings.ratings_sha256 is None else "rater"
    named = f" ({listed(raters)})" if len(raters) <= _MOST_NAMED else ""
    sentences = [
        f"{counted(len(raters), kind)}{named} labeled "
        f"{counted(findings.item_count, 'item')} on "
        f"{counted(len(findings.variables), 'variable')} of the codebook "
        f'"{findings.codebook}"{_version(findings)}.'
    ]
    if findings.ratings_sha256 is not None:
        sentences.append(
            "The labels come from a table of ratings. It is not known how they were made, or "
            "whether a rater without a label for an item ever saw the item."
        )
    sentences += unfit_sentences(findings)
    size = findings.record.item_set_size
    if size > findings.item_count:
        sentences.append(
            f"The run was limited: the table has {counted(size, 'item')}, of which the first "
            f"{findings.item_count:,} were labeled."
        )
    if findings.unlabeled and findings.ratings_sha256 is None:
        cells = asked_for(findings)
        sentences.append(
            f"{findings.unlabeled:,} of {cells:,} labels have no category; the reasons are listed "
            'under "What was left out".'
        )
    if not any(variable.gold for variable in findings.variables):
        sentences.append(
            "No gold labels were given, so nothing here shows how often the labels are right. "
            "Agreement is not accuracy."
        )
    return tuple(sentences)


def position_biases(findings: StudyFindings) -> tuple[tuple[str, str, PositionBias], ...]:
    """List the position bias of each rater on each variable, as far as it is known."""
    return tuple(
        (one.rater, variable.name, one.position_bias)
        for variable in findings.variables
        for one in variable.raters
        if one.position_bias is not None
    )


def position_sentences(findings: StudyFindings) -> tuple[str, ...]:
    """State for each rater how often the order of the categories changes its answer.

    Names the variable where this happens most, because a rater can have many variables.
    """
    worst: dict[str, tuple[str, PositionBias]] = {}
    for rater, variable, bias in position_biases(findings):
        if rater not in worst or bias.share > worst[rater][1].share:
            worst[rater] = (variable, bias)
    most = " most often" if len(findings.variables) > 1 else ""
    return tuple(
        f"{rater}: another order of the categories changes its most probable category{most} on "
        f"{variable}: {bias.changed:,} of {counted(bias.items, 'item')} "
        f"({share(bias.share, bias.interval_low, bias.interval_high)}, 95% interval "
        f"{share_interval(bias.interval_low, bias.interval_high)}).{_with_itself(bias)}"
        for rater, (variable, bias) in worst.items()
    )


def _with_itself(bias: PositionBias) -> str:
    found = bias.intra_rater
    if found is None or found.value is None:
        return ""
    low, high = found.interval_low, found.interval_high
    return (
        f" Agreement with itself over {bias.orders} orders: AC1 "
        f"{estimate(found.value, low, high)}, 95% interval {interval(low, high)}."
    )


def unfit_sentences(findings: StudyFindings) -> tuple[str, ...]:
    """State which raters a person declared unfit, and what that means."""
    if not findings.unfit:
        return ()
    declared, labels = ("was", "its") if len(findings.unfit) == 1 else ("were", "their")
    names = listed([f'"{name}"' for name in findings.unfit])
    return (
        f"{names} {declared} declared unfit: {labels} labels are in the ledger, but count neither "
        "in the consensus nor in the escalation and the agreement.",
    )


def _version(findings: StudyFindings) -> str:
    return f", version {findings.codebook_version}" if findings.codebook_version else ""

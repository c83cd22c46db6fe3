"""Findings in words: the verdict, the methods paragraph, and how a number is written.

Decides what is said and how strongly; refuses to round an undefined number into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localensemble.core.words import counted, listed
from localensemble.findings.agreement import (
    Agreement,
    Benchmark,
    Coefficient,
    CrossCheck,
    ErrorDependence,
    RaterProfile,
    ResampledCoefficient,
)
from localensemble.findings.agreement_report import ShownCoefficient
from localensemble.findings.study_findings import Accuracy, StudyFindings, VariableFindings

UNDEFINED = "undefined"
_SCALE = "Landis-Koch"
# What the words of the Landis-Koch scale mean, for somebody who does not know it. The word
# is what is reached with 95% probability, so each but the first and last says "or better".
_PLAIN = {
    "almost perfect": "The raters agree almost perfectly",
    "substantial": "The raters agree substantially or better",
    "moderate": "The raters agree moderately or better",
    "fair": "The raters agree fairly or better",
    "slight": "The raters agree slightly more than chance would make them, or better",
    "poor": "It is not shown that the raters agree more than chance would make them",
}
# A rater without whom agreement rises by less is not worth a sentence.
_NOTABLE_CHANGE = 0.05
# A sentence with more names is not read.
_MOST_NAMED = 20


def number(value: float | None) -> str:
    """Write a number with three decimals; a true minus sign; "undefined" for none."""
    if value is None:
        return UNDEFINED
    text = f"{value:.3f}"
    if text == "-0.000":
        text = "0.000"
    return text.replace("-", "\N{MINUS SIGN}")


def share(value: float | None) -> str:
    """Write a share as percent with one decimal; "undefined" for none."""
    return UNDEFINED if value is None else f"{value * 100:.1f}%"


def part(count: int, whole: int) -> str:
    """Write a count's share of a whole; "none" of nothing."""
    return share(count / whole) if whole else "none"


def interval(low: float | None, high: float | None) -> str:
    """Write an interval; "none" when there is none."""
    if low is None or high is None:
        return "none"
    return f"{number(low)} to {number(high)}"


def p_value(value: float | None) -> str:
    """Write a p-value as journals want it; "none" when there is none."""
    if value is None:
        return "none"
    return "<0.001" if value < 0.001 else number(value)


def most_frequent(rater: RaterProfile, categories: Sequence[str]) -> str:
    """Name the category a rater chose most often, the first of several; "" without a label."""
    if not rater.labels:
        return ""
    return categories[rater.category_labels.index(max(rater.category_labels))]


def coefficient_name(coefficient: Coefficient) -> str:
    """Name a coefficient with its weights or level, as a table row."""
    if coefficient.weights in ("identity", ""):
        return coefficient.name
    return f"{coefficient.name} ({coefficient.weights})"


def cross_check_summary(checks: Sequence[CrossCheck]) -> str:
    """State the largest difference from other packages, and how much was not compared."""
    packages = listed(sorted({f"{check.package} {check.version}" for check in checks}))
    differences = [one.largest_difference for one in checks if one.largest_difference is not None]
    if not differences:
        return f"Cross-check with {packages}: nothing could be compared."
    summary = (
        f"Cross-check with {packages}: the largest difference is {max(differences):.1e}, in "
        f"{counted(len(differences), 'comparison')}"
    )
    left = len(checks) - len(differences)
    return f"{summary}; {left:,} could not be made." if left else f"{summary}."


def check_result(check: CrossCheck) -> str:
    """List what was compared with another package, or say why nothing was."""
    if check.not_compared_because:
        return f"not compared: {check.not_compared_because}"
    return ", ".join(quantity.replace("_", " ") for quantity in check.quantities)


def why_missing(
    coefficients: Iterable[Coefficient], *, what: str = "an interval"
) -> tuple[str, ...]:
    """Say why values and intervals are missing, each reason once."""
    named: dict[str, list[str]] = {}
    for one in coefficients:
        if one.value is None:
            reason = f"undefined: {one.undefined_because}"
        elif one.interval_low is None:
            reason = f"without {what}: {one.interval_undefined_because}"
        else:
            continue
        named.setdefault(reason, []).append(coefficient_name(one))
    return tuple(
        f"{listed(names)} {'are' if len(names) > 1 else 'is'} {reason}."
        for reason, names in named.items()
    )


def resampling_notes(
    resampled: Iterable[ResampledCoefficient | ShownCoefficient],
) -> tuple[str, ...]:
    """Say why bootstrap and jackknife intervals are missing, and what a bootstrap left out."""
    held = list(resampled)
    drawn = [one.bootstrap for one in held if one.bootstrap is not None]
    left_out = [one.jackknife for one in held if one.jackknife is not None]
    missing = (
        sentence
        for what, found in (("a bootstrap interval", drawn), ("a jackknife interval", left_out))
        for sentence in why_missing((one for one in found if one.value is not None), what=what)
    )
    without: dict[int, list[str]] = {}
    for one in drawn:
        if one.resamples_undefined and one.interval_low is not None:
            without.setdefault(one.resamples_undefined, []).append(coefficient_name(one))
    return (
        *missing,
        *(
            f"In {counted(count, 'bootstrap draw')} {listed(names)} had no value; the interval is "
            "that of the other draws."
            for count, names in without.items()
        ),
    )


def leading_coefficient(agreement: Agreement) -> Coefficient:
    """Return the coefficient the verdict is about: AC1, or AC2 with weights."""
    weights = agreement.weights if agreement.leading == "AC2" else None
    return agreement.coefficient(agreement.leading, weights=weights)


def leading_benchmark(agreement: Agreement) -> Benchmark | None:
    """Return where the leading coefficient stands on the Landis-Koch scale."""
    return _benchmark(agreement, agreement.leading)


def _benchmark(agreement: Agreement, name: str) -> Benchmark | None:
    # With weights the same coefficient stands last; names of benchmarks carry no weights.
    for one in reversed(agreement.benchmarks):
        if one.scale == _SCALE and one.coefficient == name:
            return one
    return None


def agreement_verdict(agreement: Agreement) -> tuple[str, ...]:
    """Say in sentences how far the raters agree on one variable, and what stands out."""
    coefficient = leading_coefficient(agreement)
    if coefficient.value is None:
        return (f"Agreement cannot be measured: {coefficient.undefined_because}.",)
    percent = round(coefficient.confidence_level * 100)
    said = f"{coefficient.name} is {number(coefficient.value)}"
    scale = leading_benchmark(agreement)
    if coefficient.interval_low is None:
        said += f", without an interval: {coefficient.interval_undefined_because}"
    else:
        ends = interval(coefficient.interval_low, coefficient.interval_high)
        said += f" ({percent}% interval {ends})"
    # Side by side, because a high AC1 beside a low alpha is what nobody should overlook.
    beside = _beside(agreement.coefficient("Krippendorff alpha"))
    other = _benchmark(agreement, "Krippendorff alpha")
    if scale is None or scale.word is None:
        first = f"How far the raters agree cannot be said with confidence: {said}; {beside}."
    else:
        first = f"{_PLAIN[scale.word]}: {said}"
        if scale.word != "poor":
            first += f", {_band(scale.word)} on the {_SCALE} scale with "
            first += f"{scale.required_probability:.0%} probability"
        first += f"; {beside}"
        # Who reads one word only must not be left with the kinder one.
        if other is not None and other.word not in (None, scale.word):
            first += f", which is {_band(other.word)}"
        first += "."
    sentences = [first]
    if agreement.prevalence.explanation:
        sentences.append(agreement.prevalence.explanation)
    changes = [one for one in agreement.without_rater if one.change is not None]
    # Two raters have no agreement left when one of them is taken away.
    worst = max(changes, key=lambda one: one.change or 0.0, default=None)
    if worst is not None and (worst.change or 0.0) >= _NOTABLE_CHANGE:
        sentences.append(
            f'"{worst.rater}" disagrees with the others most: without it, '
            f"{agreement.leading} would be {number(worst.without.value)}."
        )
    return tuple(sentences)


def _band(word: str) -> str:
    return f'"{word}"' + ("" if word in ("poor", "almost perfect") else " or better")


def _beside(alpha: Coefficient) -> str:
    if alpha.value is None:
        return f"{alpha.name} is undefined"
    said = f"{alpha.name} is {number(alpha.value)}"
    if alpha.interval_low is None:
        return said
    return f"{said} ({interval(alpha.interval_low, alpha.interval_high)})"


def required_sentences(variable: VariableFindings) -> tuple[str, ...]:
    """Say whether raters agree as far as the codebook requires, and what follows."""
    if variable.required is None:
        return ()
    verdict = variable.required.verdict
    said = f"The codebook requires {verdict.requirement}: "
    said += f"{'met' if verdict.met else 'NOT MET'}; {verdict.because}."
    if not verdict.met:
        said += (
            " Every item goes to a person."
            if variable.required.below == "review"
            else " It asks for no more than this warning: the final labels stand."
        )
    return (said,)


def effective_raters(dependence: ErrorDependence) -> str:
    """Say how many raters with errors of their own these raters are worth."""
    if dependence.effective_raters is None:
        return f"The effective number of raters is undefined: {dependence.undefined_because}."
    return (
        f"The {dependence.raters} raters average out errors as well as "
        f"{dependence.effective_raters:.2f} independent ones would."
    )


def decision_verdict(variable: VariableFindings) -> tuple[str, ...]:
    """Say how many items are settled, how many wait for a person, and mostly why."""
    items = variable.accepted + variable.escalated
    if not variable.escalated:
        return (f"All {counted(items, 'item')} have a final label.",)
    reasons = sorted(variable.reason_counts, key=lambda one: -one[1])
    why = f", most often because: {reasons[0][0]} ({reasons[0][1]:,})" if reasons else ""
    wait = "waits" if variable.escalated == 1 else "wait"
    return (
        f"{variable.accepted:,} of {counted(items, 'item')} "
        f"({part(variable.accepted, items)}) have a final label; "
        f"{variable.escalated:,} {wait} for a person{why}.",
    )


def gold_verdict(variable: VariableFindings) -> tuple[str, ...]:
    """Say how often labels are right, where gold labels can tell."""
    if variable.gold is None or variable.accuracy_accepted is None:
        return ()
    sentences = []
    accepted = variable.accuracy_accepted
    if accepted.value is None:
        sentences.append("No accepted item has a gold label, so how often they are right is open.")
    else:
        sentences.append(
            f"Of {counted(accepted.items, 'accepted label')} with a gold label, "
            f"{share(accepted.value)} are right ({_accuracy_interval(accepted)})."
        )
    errors = variable.gold.shared_errors
    if errors.same_wrong:
        sentences.append(
            f"On {errors.same_wrong:,} of {counted(errors.items, 'gold item')} every rater gives "
            "the same wrong label: no disagreement reveals these."
        )
    return tuple(sentences)


def study_verdict(findings: StudyFindings) -> tuple[str, ...]:
    """Say what holds for the whole study: what was labeled, and what is not known."""
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
            "The labels come from a table of ratings: how they were made, and whether a rater was "
            "asked where none stands, is not known."
        )
    size = findings.record.item_set_size
    if size > findings.item_count:
        sentences.append(
            f"The run was limited: the table has {counted(size, 'item')}, of which the first "
            f"{findings.item_count:,} were labeled."
        )
    if findings.unlabeled and findings.ratings_sha256 is None:
        cells = findings.item_count * len(raters) * len(findings.variables)
        sentences.append(
            f"{findings.unlabeled:,} of {cells:,} labels have no category; why is listed under "
            '"What was left out".'
        )
    if not any(variable.gold for variable in findings.variables):
        sentences.append(
            "No gold labels were given: nothing here says how often the labels are right. "
            "Agreement is not accuracy."
        )
    return tuple(sentences)


def _version(findings: StudyFindings) -> str:
    return f", version {findings.codebook_version}" if findings.codebook_version else ""


def _accuracy_interval(accuracy: Accuracy) -> str:
    low, high = share(accuracy.interval_low), share(accuracy.interval_high)
    return f"95% interval {low} to {high}"

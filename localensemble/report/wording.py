"""Write findings as sentences and numbers as text.

Decides what the verdict states and how strongly. An undefined value is never shown as a number.
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
from localensemble.findings.confidence import VariableConfidence
from localensemble.findings.study_findings import Accuracy, StudyFindings, VariableFindings

UNDEFINED = "undefined"
_SCALE = "Landis-Koch"
# The words of the Landis-Koch scale as sentences, for readers who do not know it. The word is
# the band reached with 95% probability, so each but the first and last adds "or better".
_PLAIN = {
    "almost perfect": "The raters agree almost perfectly",
    "substantial": "The raters agree substantially or better",
    "moderate": "The raters agree moderately or better",
    "fair": "The raters agree fairly or better",
    "slight": "The raters agree slightly more than by chance, or better",
    "poor": "Agreement beyond chance is not established",
}
# If agreement rises by less without a rater, the rater does not get a sentence.
_NOTABLE_CHANGE = 0.05
# Nobody reads a sentence with more names.
_MOST_NAMED = 20


def number(value: float | None) -> str:
    """Write a number with three decimals and a true minus sign; None becomes "undefined"."""
    if value is None:
        return UNDEFINED
    text = f"{value:.3f}"
    if text == "-0.000":
        text = "0.000"
    return text.replace("-", "\N{MINUS SIGN}")


def share(value: float | None) -> str:
    """Write a share as a percentage with one decimal; None becomes "undefined"."""
    return UNDEFINED if value is None else f"{value * 100:.1f}%"


def part(count: int, whole: int) -> str:
    """Write a count as a percentage of a whole; "none" if the whole is 0."""
    return share(count / whole) if whole else "none"


def interval(low: float | None, high: float | None) -> str:
    """Write an interval; a missing one becomes "none"."""
    if low is None or high is None:
        return "none"
    return f"{number(low)} to {number(high)}"


def p_value(value: float | None) -> str:
    """Write a p-value in the style of journals; None becomes "none"."""
    if value is None:
        return "none"
    return "<0.001" if value < 0.001 else number(value)


def most_frequent(rater: RaterProfile, categories: Sequence[str]) -> str:
    """Return the category a rater chose most often, the first of several; "" without labels."""
    if not rater.labels:
        return ""
    return categories[rater.category_labels.index(max(rater.category_labels))]


def coefficient_name(coefficient: Coefficient) -> str:
    """Return the name of a coefficient with its weights or level, for a table row."""
    if coefficient.weights in ("identity", ""):
        return coefficient.name
    return f"{coefficient.name} ({coefficient.weights})"


def cross_check_summary(checks: Sequence[CrossCheck]) -> str:
    """State the largest difference from other packages, and how many values were not compared."""
    packages = listed(sorted({f"{check.package} {check.version}" for check in checks}))
    differences = [one.largest_difference for one in checks if one.largest_difference is not None]
    if not differences:
        return f"Cross-check with {packages}: no value could be compared."
    summary = (
        f"Cross-check with {packages}: the largest difference is {max(differences):.1e}, in "
        f"{counted(len(differences), 'comparison')}"
    )
    left = len(checks) - len(differences)
    return f"{summary}; {left:,} could not be made." if left else f"{summary}."


def check_result(check: CrossCheck) -> str:
    """List what was compared with another package, or the reason why nothing was."""
    if check.not_compared_because:
        return f"not compared: {check.not_compared_because}"
    return ", ".join(quantity.replace("_", " ") for quantity in check.quantities)


def why_missing(
    coefficients: Iterable[Coefficient], *, what: str = "an interval"
) -> tuple[str, ...]:
    """Explain why values and intervals are missing, each reason once."""
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
    """Explain why bootstrap and jackknife intervals are missing, and which draws were left out."""
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
            f"In {counted(count, 'bootstrap draw')} {listed(names)} had no value; the interval "
            "rests on the other draws."
            for count, names in without.items()
        ),
    )


def leading_coefficient(agreement: Agreement) -> Coefficient:
    """Return the coefficient the verdict is about: AC1, or AC2 with weights."""
    weights = agreement.weights if agreement.leading == "AC2" else None
    return agreement.coefficient(agreement.leading, weights=weights)


def _benchmark(agreement: Agreement, name: str) -> Benchmark | None:
    # Names of benchmarks do not include weights; the weighted coefficient comes last.
    for one in reversed(agreement.benchmarks):
        if one.scale == _SCALE and one.coefficient == name:
            return one
    return None


def agreement_verdict(agreement: Agreement) -> tuple[str, ...]:
    """State in sentences how far the raters agree on one variable, and what stands out."""
    coefficient = leading_coefficient(agreement)
    if coefficient.value is None:
        return (f"Agreement cannot be measured: {coefficient.undefined_because}.",)
    percent = round(coefficient.confidence_level * 100)
    measured = f"{coefficient.name} is {number(coefficient.value)}"
    word = _band_reached(agreement, agreement.leading)
    if coefficient.interval_low is None:
        measured += f", without an interval: {coefficient.interval_undefined_because}"
    else:
        ends = interval(coefficient.interval_low, coefficient.interval_high)
        measured += f" ({percent}% interval {ends})"
    # Alpha comes next to it, because nobody should overlook a low alpha beside a high AC1.
    beside = _beside(agreement.coefficient("Krippendorff alpha"))
    other = _band_reached(agreement, "Krippendorff alpha")
    without = no_band_because(agreement)
    if without and word != "poor":
        first = f"{without[0].upper()}{without[1:]}: {measured}; {_kappas(agreement)}{beside}."
    elif word is None:
        first = f"The level of agreement is uncertain: {measured}; {beside}."
    else:
        first = f"{_PLAIN[word]}: {measured}"
        if word != "poor":
            first += f", {_band(word)} on the {_SCALE} scale with 95% probability"
        first += f"; {beside}"
        # A reader who takes in only one word must not see only the kinder one.
        if other not in (None, word):
            first += f", which is {_band(other)}"
        first += "."
    sentences = [first, *same_answer_sentences(agreement)]
    if agreement.prevalence.explanation:
        sentences.append(agreement.prevalence.explanation)
    return (*sentences, *_furthest_from_the_others(agreement))


def no_band_because(agreement: Agreement) -> str:
    """Return why no word of a scale may praise this agreement; empty if one may.

    AC1 is high wherever almost all labels are one category, which raters reach without reading
    anything.
    """
    if leading_coefficient(agreement).value is None:
        return ""
    active = [one for one in agreement.by_rater if one.labels]
    if all(one.labels in one.category_labels for one in active):
        return "agreement beyond chance cannot be judged, because every rater gave only one answer"
    corrected = (
        agreement.coefficient("Fleiss kappa", weights=agreement.weights).value,
        agreement.coefficient("Krippendorff alpha").value,
    )
    if all(value is None or value <= 0.0 for value in corrected):
        return "whether the raters agree beyond chance is unclear"
    return ""


def band_word(agreement: Agreement, benchmark: Benchmark) -> str:
    """Return the word that a benchmark reaches, or why there is no verdict."""
    without = no_band_because(agreement)
    if without:
        return f"no verdict: {without}"
    return benchmark.word or f"no verdict: {benchmark.undefined_because}"


def same_answer_sentences(agreement: Agreement) -> tuple[str, ...]:
    """Name the raters that gave one answer to every item; agreement with them says little."""
    named: dict[tuple[str, int], list[str]] = {}
    for one in agreement.same_answer:
        named.setdefault((one.category, one.items), []).append(f'"{one.rater}"')
    sentences = [
        f"{listed(names[:_MOST_NAMED])}"
        + (f" and {len(names) - _MOST_NAMED:,} others" if len(names) > _MOST_NAMED else "")
        + f' gave the same answer to all {items:,} items: "{category}".'
        for (category, items), names in named.items()
    ]
    if sentences:
        sentences.append(
            "A rater that always answers alike may be right, or may not read the texts: only gold "
            "labels can tell."
        )
    return tuple(sentences)


def _furthest_from_the_others(agreement: Agreement) -> tuple[str, ...]:
    """Name the rater without which agreement rises most, unless only the others are at fault."""
    changes = [one for one in agreement.without_rater if one.change is not None]
    # With two raters, no agreement is left without one of them.
    worst = max(changes, key=lambda one: one.change or 0.0, default=None)
    if worst is None or (worst.change or 0.0) < _NOTABLE_CHANGE:
        return ()
    # Raters that always answer alike are no measure: disagreeing with them is no reason to go.
    varied = [
        one.rater
        for one in agreement.by_rater
        if one.labels and one.labels not in one.category_labels
    ]
    if len(varied) == 1:
        return (f'Only "{varied[0]}" gave different answers to different items.',)
    if worst.rater in varied and agreement.same_answer:
        return ()
    return (
        f'"{worst.rater}" disagrees with the others most: without it, '
        f"{agreement.leading} would be {number(worst.without.value)}. Agreement does not "
        "show who is right.",
    )


def _band_reached(agreement: Agreement, name: str) -> str | None:
    """Return the band of a coefficient; "poor" if its interval holds 0, whatever its estimate."""
    found = _benchmark(agreement, name)
    if found is None or found.word is None:
        return None
    weights = agreement.weights if name == "AC2" else None
    low = agreement.coefficient(name, weights=weights).interval_low
    return "poor" if low is not None and low <= 0.0 else found.word


def _kappas(agreement: Agreement) -> str:
    kappa = agreement.coefficient("Fleiss kappa", weights=agreement.weights)
    if kappa.value is None:
        return ""
    return f"{kappa.name} is {number(kappa.value)}, "


def _band(word: str) -> str:
    return f'"{word}"' + ("" if word in ("poor", "almost perfect") else " or better")


def _beside(alpha: Coefficient) -> str:
    if alpha.value is None:
        return f"{alpha.name} is undefined"
    measured = f"{alpha.name} is {number(alpha.value)}"
    if alpha.interval_low is None:
        return measured
    return f"{measured} ({interval(alpha.interval_low, alpha.interval_high)})"


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


def effective_raters(dependence: ErrorDependence) -> str:
    """State how many raters with independent errors these raters are worth."""
    if dependence.effective_raters is None:
        return f"The effective number of raters is undefined: {dependence.undefined_because}."
    return (
        f"The {dependence.raters} raters average out errors as well as "
        f"{dependence.effective_raters:.2f} independent raters would."
    )


def off_codebook_verdict(confidence: VariableConfidence, *, items: int) -> tuple[str, ...]:
    """Name each rater that mostly wants to answer something that is no category.

    One such rater is enough to escalate every item, so a reader must learn which one it is.
    """
    return tuple(
        f'"{rater.rater}" puts more than half of its probability outside the codebook on '
        f"{rater.mostly_off_codebook:,} of {counted(items, 'item')}: it does not answer as asked, "
        "and its labels may mean little. Try another model in its place."
        for rater in confidence.raters
        if 2 * rater.mostly_off_codebook > items
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
            f"{share(accepted.value)} are right ({_accuracy_interval(accepted)})."
        )
        everywhere, same_items = variable.gold.baselines
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
        cells = findings.item_count * len(raters) * len(findings.variables)
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


def _accuracy_interval(accuracy: Accuracy) -> str:
    low, high = share(accuracy.interval_low), share(accuracy.interval_high)
    return f"95% interval {low} to {high}"

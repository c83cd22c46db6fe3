"""Write agreement as sentences.

Decides what the verdict on agreement states and how strongly: no word of praise contradicts the
interval beside it, or rests on a rater that is unfit. An undefined value is never shown as a
number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localensemble.core.estimates import decimals, estimate, interval, number
from localensemble.core.words import counted, listed
from localensemble.findings.agreement import (
    Agreement,
    Coefficient,
    CrossCheck,
    ErrorDependence,
    RaterProfile,
    ResampledCoefficient,
    ScaleName,
    interval_word,
    too_few_items,
)
from localensemble.findings.agreement_report import ShownCoefficient
from localensemble.report.wording import coefficient_name, quoted

_SCALE: ScaleName = "Landis-Koch"
# The words of the Landis-Koch scale as sentences, for readers who do not know it. The word is
# the band that the whole interval reaches, so each but the first and last adds "or better".
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


def most_frequent(rater: RaterProfile, categories: Sequence[str]) -> str:
    """Return the category a rater chose most often, the first of several; "" without labels."""
    if not rater.labels:
        return ""
    return categories[rater.category_labels.index(max(rater.category_labels))]


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


def single_label_notes(agreement: Agreement) -> tuple[str, ...]:
    """Give both values of each coefficient that items with one label change notably."""
    effects = agreement.single_label_effects
    if not effects:
        return ()
    both = listed(
        [
            f"{coefficient_name(agreement.coefficient(one.name, weights=one.weights))} is "
            f"{number(one.value)} with them and {number(one.without)} without"
            for one in effects
        ]
    )
    items = counted(agreement.counts.with_one_label, "item")
    return (f"{items} with one label count in the category shares: {both}.",)


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


def reached_word(coefficient: Coefficient, *, scale: ScaleName = _SCALE) -> str | None:
    """Return the best word of a scale that the whole interval reaches.

    None without an interval, and if so few items were used that no word can be shown.

    The interval is taken as it is shown, so that no word contradicts the digits beside it.
    """
    low = coefficient.interval_low
    if low is None or too_few_items(coefficient):
        return None
    return interval_word(min(low, _as_shown(coefficient, low)), scale=scale)


def _as_shown(coefficient: Coefficient, end: float) -> float:
    """Return an end of an interval with the digits that a reader sees."""
    return round(end, decimals(coefficient.interval_low, coefficient.interval_high))


def _below_chance(coefficient: Coefficient) -> bool:
    """Return whether the whole interval, as shown, is below 0."""
    high = coefficient.interval_high
    return high is not None and _as_shown(coefficient, high) < 0.0


def agreement_statement(agreement: Agreement, *, outside: Sequence[str] = ()) -> str:
    """State in a clause how far the raters agree on one variable, without numbers.

    Args:
        agreement: the agreement.
        outside: raters that mostly answer outside the codebook.
    """
    coefficient = leading_coefficient(agreement)
    if coefficient.value is None:
        return f"Agreement cannot be measured: {coefficient.undefined_because}"
    if few := too_few_items(coefficient):
        return f"Agreement cannot be judged, because {few}"
    if _below_chance(coefficient):
        return "The raters agree less than by chance"
    if reached_word(coefficient) != "poor" and (
        without := no_band_because(agreement, outside=outside)
    ):
        return f"{without[0].upper()}{without[1:]}"
    word = agreement_word(agreement)
    return _PLAIN[word] if word else "The level of agreement is uncertain"


def agreement_word(agreement: Agreement) -> str | None:
    """Return the lower of the words that the leading coefficient and alpha reach.

    A reader who takes in only one word must not see the kinder one. None without an interval of
    the leading coefficient.
    """
    word = reached_word(leading_coefficient(agreement))
    other = reached_word(agreement.coefficient("Krippendorff alpha"))
    if word is None or other is None:
        return word
    return max(word, other, key=list(_PLAIN).index)


def agreement_verdict(agreement: Agreement, *, outside: Sequence[str] = ()) -> tuple[str, ...]:
    """State in sentences how far the raters agree on one variable, and what stands out.

    Args:
        agreement: the agreement.
        outside: raters that mostly answer outside the codebook.
    """
    statement = agreement_statement(agreement, outside=outside)
    coefficient = leading_coefficient(agreement)
    if coefficient.value is None:
        return (f"{statement}.",)
    percent = round(coefficient.confidence_level * 100)
    measured = f"{coefficient.name} is {_estimate(coefficient)}"
    if coefficient.interval_low is None:
        measured += f", without an interval: {coefficient.interval_undefined_because}"
    else:
        ends = interval(coefficient.interval_low, coefficient.interval_high)
        measured += f" ({percent}% interval {ends})"
    # Alpha comes next to it, because nobody should overlook a low alpha beside a high AC1.
    alpha = agreement.coefficient("Krippendorff alpha")
    word, other = reached_word(coefficient), reached_word(alpha)
    if word in (None, "poor"):
        first = f"{statement}: {measured}; {_beside(alpha)}."
    elif no_band_because(agreement, outside=outside):
        first = f"{statement}: {measured}; {_kappas(agreement)}{_beside(alpha)}."
    else:
        first = f"{statement}: {measured}, {_band(word or '')} on the {_SCALE} scale"
        first += f"; {_beside(alpha)}"
        # A reader who takes in only one word must not see only the kinder one.
        first += "." if other in (None, word) else f", which is {_band(other or '')}."
    sentences = [first, *same_answer_sentences(agreement)]
    spread = agreement.prevalence
    sentences += filter(None, (spread.explanation, spread.rare_warning))
    return (*sentences, *_furthest_from_the_others(agreement))


def no_band_because(agreement: Agreement, *, outside: Sequence[str] = ()) -> str:
    """Return why no word of a scale may praise this agreement; empty if one may.

    AC1 is high wherever almost all labels are one category, which raters reach without reading
    anything.

    Args:
        agreement: the agreement.
        outside: raters that mostly answer outside the codebook.
    """
    if leading_coefficient(agreement).value is None:
        return ""
    active = [one for one in agreement.by_rater if one.labels]
    if active and all(one.labels in one.category_labels for one in active):
        return "agreement beyond chance cannot be judged, because every rater gave only one answer"
    alike = [one.rater for one in agreement.same_answer]
    # Raters whose agreement is not measured say nothing about it.
    strayed = [name for name in outside if name in agreement.raters]
    for names, one, several in (
        (strayed, "answers outside the codebook", "answer outside the codebook"),
        (alike, "gives every item the same answer", "each give every item the same answer"),
    ):
        if names:
            return (
                f"agreement beyond chance cannot be judged, because {quoted(names)} "
                f"{one if len(names) == 1 else several}"
            )
    if _below_chance(leading_coefficient(agreement)):
        return ""  # The lowest word of every scale praises nothing.
    kappa = agreement.coefficient("Fleiss kappa", weights=agreement.weights).value
    alpha = agreement.coefficient("Krippendorff alpha")
    if alpha.value is None or (kappa or 0.0) <= 0.0 or reached_word(alpha) == "poor":
        return "whether the raters agree beyond chance is unclear"
    return ""


def band_word(
    agreement: Agreement, coefficient: Coefficient, scale: ScaleName, *, outside: Sequence[str] = ()
) -> str:
    """Return the word of a scale that an interval reaches, or why there is no verdict."""
    without = (
        coefficient.undefined_because
        or coefficient.interval_undefined_because
        or too_few_items(coefficient)
        or no_band_because(agreement, outside=outside)
    )
    return f"no verdict: {without}" if without else reached_word(coefficient, scale=scale) or ""


def same_answer_sentences(agreement: Agreement) -> tuple[str, ...]:
    """Name the raters that gave one answer to every item; agreement with them says little."""
    named: dict[tuple[str, int], list[str]] = {}
    for one in agreement.same_answer:
        named.setdefault((one.category, one.items), []).append(one.rater)
    sentences = [
        f'{quoted(names)} gave the same answer to all {items:,} items: "{category}".'
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
    # AC1 alone rises, too, when the others merely give one category more often.
    if (worst.kappa_change or 0.0) < _NOTABLE_CHANGE:
        return ()
    return (
        f'"{worst.rater}" disagrees with the others most: without it, '
        f"{agreement.leading} would be {_estimate(worst.without)} and Fleiss' kappa "
        f"{_estimate(worst.kappa_without)}. Agreement does not show who is right.",
    )


def _estimate(coefficient: Coefficient) -> str:
    return estimate(coefficient.value, coefficient.interval_low, coefficient.interval_high)


def _kappas(agreement: Agreement) -> str:
    kappa = agreement.coefficient("Fleiss kappa", weights=agreement.weights)
    if kappa.value is None:
        return ""
    return f"{kappa.name} is {_estimate(kappa)}, "


def _band(word: str) -> str:
    return f'"{word}"' + ("" if word in ("poor", "almost perfect") else " or better")


def _beside(alpha: Coefficient) -> str:
    if alpha.value is None:
        return f"{alpha.name} is undefined"
    measured = f"{alpha.name} is {_estimate(alpha)}"
    if alpha.interval_low is None:
        return measured
    return f"{measured} ({interval(alpha.interval_low, alpha.interval_high)})"


def effective_raters(dependence: ErrorDependence) -> str:
    """State how many raters with independent errors these raters are worth."""
    if dependence.effective_raters is None:
        return f"The effective number of raters is undefined: {dependence.undefined_because}."
    if dependence.effective_raters >= dependence.raters:
        return (
            f"The {dependence.raters} raters average out errors at least as well as "
            f"{dependence.raters} independent raters would."
        )
    return (
        f"The {dependence.raters} raters average out errors as well as "
        f"{dependence.effective_raters:.2f} independent raters would."
    )

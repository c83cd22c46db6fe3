"""What a pilot found, in plain words: first what to do, then what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localensemble.agreement import Coefficient
from localensemble.consensus.certificates.bounds import Interval
from localensemble.core.command_lines import command_word
from localensemble.core.words import counted, duration, listed
from localensemble.piloting.acceptance import Acceptance
from localensemble.piloting.fitness_signs import RaterFitness
from localensemble.piloting.pilot_findings import PilotFindings, VariablePilot
from localensemble.piloting.position import LEAST_PAIRS
from localensemble.piloting.prior_correction import PriorChoice
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.folder import StudyFolder

FEW_GOLD = 100
_WEIGHED = "mean_probability"


def heading(found: PilotFindings) -> str:
    """State what was asked."""
    left_out = ""
    if found.non_answers:
        left_out = f" Left out: {counted(found.non_answers, 'item')} that answer nothing."
    return (
        f"Pilot: {counted(found.items, 'item')} of {found.table_items:,}, spread over the table. "
        f"{counted(len(found.times), 'rater')} labeled each of them twice, with the categories in "
        f"the order of the codebook and in reverse.{left_out}"
    )


def advice(found: PilotFindings, *, folder: str = "") -> tuple[str, ...]:
    """State what to do, the most important first.

    Args:
        found: the findings.
        folder: where the calibrations were written; empty if they were not.
    """
    return (
        *_unfit(found),
        *_readouts(found),
        *_inconsistent(found),
        *_twins(found),
        *_confused(found),
        *_priors(found, folder),
    )


def outlook(found: PilotFindings) -> tuple[str, ...]:
    """State what a run would accept and take, and how far the raters agree."""
    readouts = (one.sentence for one in found.readouts)
    accepted = (_accepted(one, none_fit=found.none_fit) for one in found.variables)
    return (*readouts, *accepted, *_accuracies(found), _times(found))


def _unfit(found: PilotFindings) -> list[str]:
    every = [one.rater for one in found.variables[0].raters if one.rater not in found.unfit]
    names = every if found.none_fit else found.drop
    signs = [sentence for name in names for sentence in _signs(found, name)]
    if not signs:
        few = _few_pairs(found)
        but = ", but mind the answers below that change or are alike" * bool(_inconsistent(found))
        return [few or f"No rater shows a sign of being unfit{but}."]
    if found.none_fit:
        mended = any(_mends(one, found) for one in found.other_readouts)
        now = " with its present readout" if mended else ""
        return [
            *signs,
            f"No rater is fit for this codebook{now}: the labels would mean nothing. Choose other "
            f"models (`localensemble models list`){', or follow the advice below' * mended}, and "
            "repeat the pilot.",
        ]
    instead = [
        f"{_share(one.without)} on {one.variable} instead of {one.acceptance.accepted:,}"
        for one in found.variables
        if one.without is not None
    ]
    then = f" Then the rules would accept {listed(instead)}."
    alone = ""
    if len(left := found.variables[0].agreeing) == 1:
        alone = f" Only {left[0]} is left, and no other rater checks it."
    line = ", ".join((*found.unfit, *found.drop))
    drop = listed(found.drop)
    return [
        *signs,
        f"Replace {drop}, or drop {'it' if len(found.drop) == 1 else 'them'}: write "
        f"`unfit: [{line}]` into the ensemble file.{then if instead else ''}{alone}",
    ]


def _readouts(found: PilotFindings) -> list[str]:
    """Name the readout with which a rater outside the codebook would answer inside it."""
    sentences = []
    for one in found.other_readouts:
        masses = listed([f"{by.readout} {by.off_codebook_mass:.3f}" for by in one.measures])
        measured = f"median off-codebook mass on {counted(one.items, 'item')}: {masses}"
        if _mends(one, found):
            sentences.append(
                f"{one.rater} answered inside the codebook when asked in another way: add "
                f"`readout: {one.readout}` to it in the ensemble file instead of dropping it, and "
                f"repeat the pilot ({measured})."
            )
        else:
            sentences.append(f"No readout keeps {one.rater} inside the codebook ({measured}).")
    return sentences


def _mends(choice: ReadoutChoice, found: PilotFindings) -> bool:
    """Tell whether the chosen readout keeps most answers inside the codebook."""
    mass = {one.readout: one.off_codebook_mass for one in choice.measures}
    return mass[choice.readout] <= found.limit


def _signs(found: PilotFindings, rater: str) -> list[str]:
    """Describe each sign that a rater is unfit, over the variables that show it."""
    of = [
        (variable.variable, one)
        for variable in found.variables
        for one in variable.raters
        if one.rater == rater
    ]
    sentences = []
    outside = [
        f"{name} ({one.outside.above:,} of {one.outside.items:,} items, median "
        f"{one.outside.median:.3f})"
        for name, one in of
        if "outside" in one.signs
    ]
    if outside:
        sentences.append(
            f"{rater} does not answer with the categories: it puts a probability above "
            f"{found.limit:g} outside the codebook on {listed(outside)}."
        )
    # Where it does not answer with the categories, the rest follows from that.
    of = [(name, one) for name, one in of if "outside" not in one.signs]
    for place in ("first", "last"):
        biased = [f"{name} ({_flips(one)})" for name, one in of if place in one.signs]
        if biased:
            sentences.append(
                f"{rater} prefers the category that is listed {place}: its answer changes when the "
                f"categories are listed in reverse, on {listed(biased)}. Averaging over both "
                "orders may balance that: write `prompt: {orders: 2}` into the ensemble file, and "
                "repeat the pilot."
            )
    same = [
        f'{name} ("{one.commonest}" on {_percent(one.position.commonest_share)})'
        for name, one in of
        if "one answer" in one.signs
    ]
    if same:
        sentences.append(
            f"{rater} gives nearly every item the same answer in both orders, although others "
            f"tell the items apart: {listed(same)}."
        )
    return sentences


def _few_pairs(found: PilotFindings) -> str:
    pairs = [one.position.pairs for of in found.variables for one in of.raters]
    if min(pairs) >= LEAST_PAIRS:
        return ""
    return (
        f"Too few items to tell which raters are fit: {counted(min(pairs), 'item')} with a "
        f"category in both orders, but {LEAST_PAIRS} are needed. The numbers below are unreliable."
    )


def _inconsistent(found: PilotFindings) -> list[str]:
    sentences = []
    for variable in found.variables:
        of = [one for one in variable.raters if one.rater not in (*found.unfit, *found.drop)]
        names = [
            f"{one.rater} ({_flips(one)})" for one in of if one.position.reading == "inconsistent"
        ]
        if names:
            sentences.append(
                f"{variable.variable}: answers change with the order of the categories, but favor "
                f"no position: {listed(names)}. Sharpen the definitions, or "
                "average over both orders (`prompt: {orders: 2}` in the ensemble file)."
            )
        alike = [
            f'{one.rater} ("{one.commonest}")'
            for one in of
            if one.position.reading == "uninformative" and not one.signs
        ]
        if alike:
            sentences.append(
                f"{variable.variable}: nearly every item gets the same answer from "
                f"{listed(alike)}. Either the texts are alike, or they are not read; a few gold "
                "labels would show which."
            )
    return sentences


def _twins(found: PilotFindings) -> list[str]:
    return [
        f"{one.first} and {one.second} "
        + (
            "run the same model"
            if one.same_model
            else f"gave the same answer to {one.same:,} of {one.compared:,} questions"
        )
        + ": they count as one voice, not two. Leave out one of them."
        for one in found.twins
    ]


def _confused(found: PilotFindings) -> list[str]:
    return [
        f'{one.variable}: the raters do not keep "{pair.first}" and "{pair.second}" apart. When '
        f"two raters chose between these, they differed {pair.differing:,} of {pair.pairs:,} "
        "times. Add a rule to the codebook that decides between the two, or merge them."
        for one in found.variables
        if (pair := one.confused) is not None
    ]


def _priors(found: PilotFindings, folder: str) -> list[str]:
    sentences = []
    undecided = []
    for one in found.variables:
        if one.priors.choice is not None:
            sentences.append(_choice(one, one.priors.choice, found, folder))
        elif any(rater.raw != rater.contextual for rater in one.priors.raters):
            undecided.append(one.variable)
    if undecided:
        sentences.append(
            f"Contextual calibration would change labels of {listed(undecided)} (--details). Only "
            "gold labels can show whether it improves them: at least 20 of the pilot's items need "
            "one (--gold)."
        )
    return sentences


def _choice(variable: VariablePilot, choice: PriorChoice, found: PilotFindings, folder: str) -> str:
    name, test = variable.variable, choice.comparison
    if test is None:
        return (
            f"{name}: contextual calibration made no rater better on {choice.choosing:,} gold "
            "labels. Leave the probabilities as they are."
        )
    before, after = choice.right
    p_value = test.p_value.value
    tested = (
        f"{name}: contextual calibration of {listed(choice.raters)}, chosen on "
        f"{counted(choice.choosing, 'gold label')}, gets {after:,} of the {test.items:,} others "
        f"right instead of {before:,} (mean of the raters' probabilities; exact test: "
        + ("no difference" if p_value is None else f"p = {p_value:.2g}")
        + f", needed: at most {choice.limit:.2g})."
    )
    if not choice.recommended:
        more = " The gain may be due to chance; more gold labels may show it (--items)." * (
            after > before
        )
        return f"{tested}{more} Leave the probabilities as they are."
    if not folder:
        how = "Repeat the pilot with --output FOLDER, and label with the calibration it writes"
    else:
        path = StudyFolder(Path(folder)).rater_calibration(name)
        given = f"--calibration {command_word(str(path))}"
        how = f"Label with `{given} --foreign-files`"
    method = ""
    if found.method != _WEIGHED:
        method = f" and `consensus: {{method: {_WEIGHED}}}` in the ensemble file, which uses it"
    return f"{tested} {how}{method}."


def _accepted(variable: VariablePilot, *, none_fit: bool) -> str:
    accepted = f"{variable.variable}: the rules would accept {_share(variable.acceptance)}."
    if left_out := variable.acceptance.left_out:
        accepted += f" In a run, {listed(left_out)} can make that fewer."
    most = variable.most_right
    # Agreement of raters that do not read the texts shows nothing.
    if none_fit or len(variable.agreeing) < 2 or most is None:
        return accepted
    return (
        f"{accepted} Agreement of {listed(variable.agreeing)}: {_measured(variable)}. "
        "Agreement is not accuracy, but where raters differ, at most one is right, so at most "
        f"{_percent(most)} of their labels on these items are right."
    )


def _accuracies(found: PilotFindings) -> list[str]:
    sentences = []
    for one in found.variables:
        items = one.priors.gold_items
        if not items:
            continue
        right = [
            f"{rater.rater} {_percent(known.right / known.items)} {_range(known.interval)}"
            for rater in one.raters
            if (known := rater.accuracy) is not None
        ]
        few = " These are too few to tell raters apart." if items < FEW_GOLD else ""
        sentences.append(
            f"{one.variable}: accuracy on {counted(items, 'gold label')}: {listed(right)}; always "
            f"the most frequent category {_percent(one.priors.most_frequent / items)}.{few}"
        )
    return sentences


def _times(found: PilotFindings) -> str:
    each = [f"{one.rater} {duration(one.seconds)}" for one in found.times]
    total = f"; one after another {duration(found.seconds)}" * (len(each) > 1)
    return f"Time for all {found.table_items:,} items: {listed(each)}{total}."


def _share(found: Acceptance) -> str:
    share = found.accepted / found.items if found.items else 0.0
    interval = f"{_percent(found.interval.low)} to {_percent(found.interval.high)}"
    return f"{found.accepted:,} of {found.items:,} items ({_percent(share)}, {interval})"


def _measured(variable: VariablePilot) -> str:
    return listed([_coefficient("AC1", variable.ac1), _coefficient("alpha", variable.alpha)])


def _coefficient(name: str, found: Coefficient) -> str:
    if found.value is None:
        return f"{name} undefined"
    if found.interval_low is None or found.interval_high is None:
        return f"{name} {found.value:.2f}"
    return f"{name} {found.value:.2f} ({found.interval_low:.2f} to {found.interval_high:.2f})"


def _flips(one: RaterFitness) -> str:
    probe = one.position
    if probe.interval is None:
        return "no item"
    share = _percent(probe.flips / probe.pairs)
    return f"{share} of the items, {_range(probe.interval)[1:-1]}"


def _range(interval: Interval) -> str:
    return f"({_percent(interval.low)} to {_percent(interval.high)})"


def _percent(share: float | None) -> str:
    return "undefined" if share is None else f"{share:.0%}"


def rows(found: PilotFindings) -> Sequence[tuple[str, ...]]:
    """Return a row of words for each variable and rater, for a table.

    The third word is the sign; empty if there is none.
    """
    return [
        (
            variable.variable,
            one.rater,
            "unfit" if one.rater in found.unfit else ", ".join(one.signs) or one.position.reading,
            "unknown" if one.outside.median is None else f"{one.outside.median:.3f}",
            f"{one.outside.above:,} of {one.outside.items:,}",
            f"{one.commonest} {_percent(one.position.commonest_share)}",
            _flip_cell(one),
            f"{_percent(one.position.first)}, {_percent(one.position.first_reversed)}",
        )
        for variable in found.variables
        for one in variable.raters
    ]


def _flip_cell(one: RaterFitness) -> str:
    probe = one.position
    if probe.interval is None:
        return "undefined"
    unreliable = "" if probe.reliable else " unreliable"
    return f"{_percent(probe.flips / probe.pairs)} {_range(probe.interval)}{unreliable}"

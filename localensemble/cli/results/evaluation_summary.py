"""Show on one screen what gold labels say about a study, and what to do next.

Decides which numbers come first: how often accepted labels are right, beside an answer that
needs no model, how many are accepted, the best rater, and the most pressing caution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from localensemble.api.findings import (
    Evaluation,
    GoldComparison,
    StudyFindings,
    VariableFindings,
    counted,
    unfit_sentences,
)
from localensemble.cli.console import cut
from localensemble.core.command_lines import command_line
from localensemble.core.estimates import share, share_interval

# With more variables, each gets one line.
_MOST_IN_FULL = 3
_MOST_CAUTIONS = 2
# With fewer, the interval spans a third of the scale or more.
_FEW_GOLD_ITEMS = 30
_SAMPLE_SIZE = 400


def summary(findings: StudyFindings) -> tuple[str, ...]:
    """Return the lines of the first screen: what the gold labels show about each variable."""
    cautions = [f"Caution: {caution}" for caution in findings.cautions]
    lines = [
        *cut(cautions, most=_MOST_CAUTIONS, whole="--details lists them"),
        *unfit_sentences(findings),
    ]
    compared = [(one, one.gold) for one in findings.variables if one.gold is not None]
    if len(compared) <= _MOST_IN_FULL:
        for variable, gold in compared:
            lines += _in_full(variable, gold, items=findings.item_count)
    else:
        short = [_in_short(variable, gold) for variable, gold in compared]
        lines += cut(short, whole="--details lists them")
    return tuple(lines)


def next_step(findings: StudyFindings, *, study: Path, gold: Path) -> str:
    """Return one sentence on what to do next."""
    compared = [(one, one.gold) for one in findings.variables if one.gold is not None]
    if none := [one.name for one, _ in compared if not one.accepted]:
        compare = command_line(["localensemble", "consensus", str(study), "--compare"])
        return (
            f"Next: nothing is accepted on {_names(none)}; run `{compare}` to see what other "
            "rules would accept."
        )
    if step := _about_promises(findings, study=study):
        return step
    if unclear := [one.name for one, found in compared if _no_better_than_always(one, found)]:
        return (
            f"Next: improve the codebook or change the raters, because accepted labels of "
            f"{_names(unclear)} are not clearly better than one answer for all; `localensemble "
            "ask` shows what the raters make of single texts."
        )
    promised = {promise.variable for promise in findings.promises}
    open_to_promise = [one.name for one, _ in compared if one.name not in promised]
    if not open_to_promise:
        waiting = sum(one.escalated for one in findings.variables)
        return f"Next: review the {counted(waiting, 'row')} in {study / 'escalations.csv'}."
    if used_up := [
        found
        for one, found in compared
        if one.name == open_to_promise[0] and found.used_items >= found.gold_items
    ]:
        return (
            f"Next: label other items by hand before you run `localensemble certify`: all "
            f"{counted(used_up[0].gold_items, 'gold label')} of {open_to_promise[0]} trained a "
            "rater or fitted the pool, so no certificate can rest on them."
        )
    if any(found.prevalence for _, found in compared):
        certify = ["localensemble", "certify", str(study), "--gold", str(gold)]
        command = command_line([*certify, "--variable", open_to_promise[0]])
        return f"Next: run `{command}` to find which labels need no review."
    sample = ["localensemble", "sample", str(study), "--items", "ITEMS"]
    command = command_line([*sample, "--n", str(_SAMPLE_SIZE), "-o", "worksheet.csv"])
    return (
        f"Next: add --random-sample if the gold items were drawn at random; otherwise draw items "
        f"to label by hand with `{command}`."
    )


def _about_promises(findings: StudyFindings, *, study: Path) -> str:
    """Return the step for a promise that is withdrawn or unchecked; empty if all hold."""
    for promise in findings.promises:
        if promise.state == "withdrawn":
            drop = command_line(["localensemble", "consensus", str(study), "--items", "ITEMS"])
            return (
                f"Next: certify {promise.variable} again on items like these, or drop the "
                f"certificate with `{drop} --drop-certificates`."
            )
        if promise.state == "other texts" and promise.to_check:
            sample = ["localensemble", "sample", str(study), "--items", "ITEMS"]
            check = ["--check-certificate", promise.variable, "-o", "worksheet.csv"]
            return (
                f"Next: draw {counted(promise.to_check, 'accepted item')} to label by hand with "
                f"`{command_line([*sample, *check])}`, because the certificate was made on other "
                "texts."
            )
    return ""


def _in_full(variable: VariableFindings, gold: GoldComparison, *, items: int) -> list[str]:
    lines = [f"{variable.name}: {counted(gold.gold_items, 'gold label')}"]
    right = _right(gold.evaluated[-1].evaluation)
    if gold.baselines and right:
        always = gold.baselines[1].evaluation.accuracy.value
        right += f"; {gold.baselines[0].who} on the same items: {share(always)}"
    lines.append(f"  Accepted labels: {right or 'none has a gold label'}.")
    answered = items - variable.no_answer
    part = f" ({share(variable.accepted / answered)})" if answered else ""
    lines.append(
        f"  Accepted: {variable.accepted:,} of {counted(answered, 'item')}{part}; "
        f"{variable.escalated:,} escalated."
    )
    raters, consensus = gold.evaluated[:-2], gold.evaluated[-2]
    always_all = "".join(
        f"; {one.who}: {share(one.evaluation.accuracy.value)}" for one in gold.baselines[:1]
    )
    if raters:
        # Those that a strategy asked only about some items had the hard ones.
        most = max(_asked(one.evaluation) for one in raters)
        alike = [one for one in raters if _asked(one.evaluation) == most]
        best = max(alike, key=lambda one: _of_all(one.evaluation))
        lines.append(
            f"  Best rater: {best.who}, {_right(best.evaluation) or 'no label to compare'}. "
            f"Consensus: {_right(consensus.evaluation) or 'no label to compare'}"
            f"{'' if right else always_all}."
        )
    lines += [f"  {one}" for one in _learned(gold)]
    if caution := _caution(variable, gold):
        lines.append(f"  Caution: {caution}")
    return lines


def _learned(gold: GoldComparison) -> Iterator[str]:
    """Yield the line of the classifier, or the reason why there is none."""
    for baseline in gold.baselines[2:]:
        yield f"{baseline.who}: {_right(baseline.evaluation)}."
    if gold.learned_sentence and len(gold.baselines) == 2:
        yield gold.learned_sentence


def _in_short(variable: VariableFindings, gold: GoldComparison) -> str:
    right = _right(gold.evaluated[-1].evaluation) or "no accepted label has a gold label"
    always = f"; always one answer {share(gold.baselines[1].evaluation.accuracy.value)}"
    return f"{variable.name}: {right}{always if gold.baselines else ''}"


def _right(found: Evaluation) -> str:
    """Write how many labels are right; empty if there is no label to compare."""
    if found.interval is None:
        return ""
    low, high = found.interval.low, found.interval.high
    return (
        f"{found.correct:,} of {found.items:,} right, {share(found.accuracy.value, low, high)} "
        f"({share_interval(low, high)})"
    )


def _of_all(found: Evaluation) -> float:
    # Accuracy leaves out items without a label, which flatters raters that abstain often.
    items = _asked(found)
    return found.correct / items if items else 0.0


def _asked(found: Evaluation) -> int:
    """Count the items with a gold label about which a rater was asked."""
    return found.items + found.unlabeled


def _no_better_than_always(variable: VariableFindings, gold: GoldComparison) -> bool:
    """Tell whether the interval of the accepted labels holds what one answer would get."""
    interval = gold.evaluated[-1].evaluation.interval
    if interval is None or not gold.baselines:
        return False
    return interval.low <= (gold.baselines[1].evaluation.accuracy.value or 0.0)


def _caution(variable: VariableFindings, gold: GoldComparison) -> str:
    """Return the most pressing caution about one variable."""
    return next((found for look in _CAUTIONS if (found := look(variable, gold))), "")


def _agree_too_little(variable: VariableFindings, gold: GoldComparison) -> str:
    if variable.required is None or variable.required.verdict.met:
        return ""
    return "the raters agree less than the codebook requires."


def _no_better(variable: VariableFindings, gold: GoldComparison) -> str:
    if not _no_better_than_always(variable, gold):
        return ""
    return (
        "accepted labels are not clearly better than one answer for all; they may show nothing "
        "about the texts."
    )


def _learned_is_better(variable: VariableFindings, gold: GoldComparison) -> str:
    consensus = _of_all(gold.evaluated[-2].evaluation)
    if not any(_of_all(one.evaluation) > consensus for one in gold.baselines[2:]):
        return ""
    return "the classifier trained on the gold labels got more of them right than the consensus."


def _few_items(variable: VariableFindings, gold: GoldComparison) -> str:
    items = gold.evaluated[-1].evaluation.items
    # More gold labels do not help where nothing is accepted; the next step says what does.
    if items >= _FEW_GOLD_ITEMS or not variable.accepted:
        return ""
    return f"only {counted(items, 'accepted label')} can be compared; label more items by hand."


def _errors_in_common(variable: VariableFindings, gold: GoldComparison) -> str:
    errors = gold.shared_errors
    if not errors.same_wrong or len(variable.raters) < 2:
        return ""
    return (
        f"on {errors.same_wrong:,} of {counted(errors.items, 'gold item')} all raters choose the "
        "same wrong category; no disagreement points to these errors."
    )


def _not_at_random(variable: VariableFindings, gold: GoldComparison) -> str:
    if gold.prevalence:
        return ""
    return (
        "these numbers hold for the gold items; others may differ unless they were drawn at random."
    )


_CAUTIONS: tuple[Callable[[VariableFindings, GoldComparison], str], ...] = (
    _agree_too_little,
    _no_better,
    _learned_is_better,
    _few_items,
    _errors_in_common,
    _not_at_random,
)


def _names(names: Sequence[str]) -> str:
    return ", ".join(cut(names, most=_MOST_IN_FULL))

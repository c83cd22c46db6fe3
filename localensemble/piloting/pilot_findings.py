"""Everything that a pilot found, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from localensemble.agreement import Coefficient, gwet_ac1, krippendorff_alpha
from localensemble.codebook.model import Codebook
from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import EnsembleError
from localensemble.core.injection_signs import as_bits
from localensemble.core.label_matrix import LabelMatrix
from localensemble.injection.signs_in_text import InjectionScan
from localensemble.piloting.acceptance import Acceptance, expected_acceptance
from localensemble.piloting.asked_rater import AskedRater
from localensemble.piloting.confused_categories import ConfusedCategories, confused_categories
from localensemble.piloting.fitness_signs import RaterFitness, rater_fitness
from localensemble.piloting.pilot_items import PilotItems
from localensemble.piloting.prior_correction import PriorCorrection, correct_priors
from localensemble.piloting.twin_raters import TwinRaters, twin_raters
from localensemble.piloting.variable_answers import CategoryArray, VariableAnswers, variable_answers
from localensemble.study.chosen_readout import ReadoutChoice
from localensemble.study.required_verdict import AGREEMENT_LEVEL
from localensemble.study.unfit_signs import off_codebook_limit


@dataclass(frozen=True, slots=True)
class RaterTime:
    """A rater, and how long it would take for all items of the table."""

    rater: str
    seconds: float


@dataclass(frozen=True, slots=True)
class VariablePilot:
    """What the pilot found about one variable.

    Attributes:
        variable: the name of the variable.
        categories: its categories, in the order of the codebook.
        raters: one entry for each rater.
        agreeing: the raters whose agreement is measured: those that would be left, or all of them
            if every one shows a sign of being unfit.
        ac1: their AC1.
        alpha: their Krippendorff's alpha, at the level of the variable.
        most_right: the largest share of their labels that can be right, whatever is right: on an
            item on which they differ, only one category is. None without an item that two labeled.
        acceptance: what the ensemble's rules would accept.
        without: the same without the raters to drop; None if there are none.
        confused: two categories that nobody keeps apart; None if there are none to name.
        priors: the labels after a division by a prior.
    """

    variable: str
    categories: tuple[str, ...]
    raters: tuple[RaterFitness, ...]
    agreeing: tuple[str, ...]
    ac1: Coefficient
    alpha: Coefficient
    most_right: float | None
    acceptance: Acceptance
    without: Acceptance | None
    confused: ConfusedCategories | None
    priors: PriorCorrection


@dataclass(frozen=True, slots=True)
class PilotFindings:
    """What a pilot found.

    Attributes:
        items: items of the pilot.
        table_items: items of the table.
        non_answers: items of the table that answer nothing; no rater would be asked about them.
        limit: the off-codebook mass beyond which an item counts as answered outside.
        method: the consensus method of the ensemble's rules.
        times: how long each rater would take for all items, one after another.
        unfit: the raters that the ensemble file declares unfit.
        drop: other raters that show a sign of being unfit; empty if nobody would be left.
        none_fit: whether every rater shows such a sign.
        readouts: the readout chosen for each rater that leaves the choice to the program.
        other_readouts: for raters outside the codebook that state no readout, how they would
            answer with each.
        twins: pairs of the other raters that are one.
        variables: one entry for each variable.
    """

    items: int
    table_items: int
    non_answers: int
    limit: float
    method: str
    times: tuple[RaterTime, ...]
    unfit: tuple[str, ...]
    drop: tuple[str, ...]
    none_fit: bool
    readouts: tuple[ReadoutChoice, ...]
    other_readouts: tuple[ReadoutChoice, ...]
    twins: tuple[TwinRaters, ...]
    variables: tuple[VariablePilot, ...]

    @property
    def seconds(self) -> float:
        """Seconds for all raters to label all items, one after another."""
        return sum(one.seconds for one in self.times)

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON values; no text is among them."""
        return asdict(self)


def pilot_findings(
    raters: Sequence[AskedRater],
    *,
    chosen: PilotItems,
    codebook: Codebook,
    rules: DecisionRules,
    gold: Mapping[str, CategoryArray] | None,
) -> PilotFindings:
    """Read off the answers which raters are fit, and what a run would accept and take.

    Args:
        raters: what every rater said.
        chosen: the items of the pilot.
        codebook: the codebook.
        rules: the ensemble's rules.
        gold: variable -> (N,) gold categories of the items, -1 for none; None without a table.
    """
    limit = off_codebook_limit(rules)
    item_ids = [str(item.id) for item in chosen.items]
    scan = InjectionScan(codebook)
    suspected = [as_bits(scan.signs(item.text)) for item in chosen.items]
    answers = [
        variable_answers(variable, raters=raters, item_ids=item_ids, injection_signs=suspected)
        for variable in codebook.variables
    ]
    known = [None if gold is None else gold.get(one.variable.name) for one in answers]
    fitness = [
        rater_fitness(one, limit=limit, gold=of) for one, of in zip(answers, known, strict=True)
    ]
    counted = rules.fit([rater.name for rater in raters])
    priors = [
        correct_priors(one, kept=_readers(of, counted), gold=labels, variables=len(answers))
        for one, of, labels in zip(answers, fitness, known, strict=True)
    ]
    signs = _unfit(fitness, priors, counted)
    none_fit = len(signs) == len(counted)
    drop = () if none_fit else signs
    left = tuple(name for name in counted if name not in drop)
    return PilotFindings(
        items=len(chosen.items),
        table_items=chosen.answers + chosen.non_answers,
        non_answers=chosen.non_answers,
        limit=limit,
        method=rules.method.name,
        times=tuple(
            RaterTime(rater.name, rater.seconds_an_item * chosen.answers) for rater in raters
        ),
        unfit=rules.unfit,
        drop=drop,
        none_fit=none_fit,
        readouts=tuple(one for rater in raters if (one := rater.chosen_readout) is not None),
        other_readouts=tuple(one for rater in raters if (one := rater.other_readouts) is not None),
        twins=twin_raters([one for one in raters if one.name in left], answers=answers),
        variables=tuple(
            _variable(one, of_raters, corrected, left, drop, rules)
            for one, of_raters, corrected in zip(answers, fitness, priors, strict=True)
        ),
    )


def _variable(
    answers: VariableAnswers,
    fitness: tuple[RaterFitness, ...],
    priors: PriorCorrection,
    left: tuple[str, ...],
    drop: tuple[str, ...],
    rules: DecisionRules,
) -> VariablePilot:
    matrix = answers.among(left)
    return VariablePilot(
        variable=answers.variable.name,
        categories=answers.variable.answers,
        raters=fitness,
        agreeing=left,
        ac1=gwet_ac1(matrix),
        alpha=krippendorff_alpha(matrix, level=AGREEMENT_LEVEL[answers.variable.level]),
        most_right=_most_right(matrix),
        acceptance=expected_acceptance(answers, rules=rules),
        without=_without(answers, rules, drop),
        confused=confused_categories(matrix),
        priors=priors,
    )


def _readers(fitness: Sequence[RaterFitness], counted: Sequence[str]) -> tuple[str, ...]:
    """Return the raters that may read the texts; one answer to all may be a prior that hides it."""
    return tuple(
        one.rater for one in fitness if one.rater in counted and {*one.signs} <= {"one answer"}
    )


def _unfit(
    fitness: Sequence[Sequence[RaterFitness]],
    priors: Sequence[PriorCorrection],
    counted: Sequence[str],
) -> tuple[str, ...]:
    """Name the raters with a sign on a variable that its recommended calibration does not mend."""
    shown = {
        one.rater
        for of_variable, corrected in zip(fitness, priors, strict=True)
        for one in of_variable
        if one.signs and not ({*one.signs} == {"one answer"} and one.rater in corrected.mended)
    }
    return tuple(name for name in counted if name in shown)


def _without(
    answers: VariableAnswers, rules: DecisionRules, drop: tuple[str, ...]
) -> Acceptance | None:
    if not drop:
        return None
    try:
        return expected_acceptance(answers, rules=rules, without=drop)
    except EnsembleError:  # A rule names one of them.
        return None


def _most_right(matrix: LabelMatrix) -> float | None:
    counts = matrix.counts()
    shared = counts[counts.sum(axis=1) > 1]
    return float(np.mean(shared.max(axis=1) / shared.sum(axis=1))) if len(shared) else None

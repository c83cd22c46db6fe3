"""Define the coefficients of agreement and list them all.

Each takes a label matrix with gaps, drops no label, and returns a ``Coefficient``. K is the
number of categories the variable declares, not the number that happen to occur; only AC1,
AC2 and Brennan-Prediger depend on it. Gaps are never imputed.

Each coefficient is the function below its description, which turns patterns of labels and
agreement weights into sums. Tables, methods paragraphs, requirements, the cross-check and the
contract tests read the list; only the coefficients in it are offered.
"""

from __future__ import annotations

import difflib
import re
from functools import partial

from localensemble.agreement.estimators import (
    CountEstimator,
    Estimator,
    FleissChance,
    GwetChance,
    PercentEstimator,
    RaterEstimator,
    UniformChance,
)
from localensemble.agreement.krippendorff import krippendorff_alpha
from localensemble.agreement.methods import CoefficientMethod, Unweighted, Weighted, WeightedOnly
from localensemble.agreement.prepared import PreparedMatrix
from localensemble.agreement.result import AgreementError
from localensemble.agreement.weights import Weights

_HANDBOOK = "Gwet KL (2014). Handbook of Inter-Rater Reliability, 4th ed. Advanced Analytics."


@partial(
    Weighted,
    name="percent agreement",
    possessive="percent agreement",
    aliases=("percent",),
    chance="",
    citation=_HANDBOOK,
)
def percent_agreement(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Average over items the share of pairs of labels that agree, without correcting for chance.

    Has no p-value: chance alone would not give zero agreement, so there is nothing to test.

    Undefined when: no item has labels from two raters.
    Source: Gwet (2014), chapter 2; the observed agreement of every coefficient here but alpha.
    """
    return PercentEstimator(matrix.counts, weights)


@partial(
    Unweighted,
    name="AC1",
    possessive="Gwet's AC1",
    chance="guessing on the items that are hard to label",
    citation="Gwet KL (2008). Computing inter-rater reliability and its variance in the presence "
    "of high agreement. Br J Math Stat Psychol 61:29-48.",
    needs_two_categories=True,
    irrcac="gwet",
)
def gwet_ac1(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Measure agreement beyond the chance that raters guess on hard items.

    Stays near observed agreement when one category is very frequent, where the kappas fall.
    If a single category occurs everywhere and others are declared, the value is 1.

    Undefined when: no item has labels from two raters, or fewer than two categories are
        declared.
    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61:29-48;
        standard error with gaps: Gwet (2014), Handbook of Inter-Rater Reliability, 4th
        edition; reproduced in tests/golden/gwet_four_raters.json.
    """
    return CountEstimator(matrix.counts, weights, GwetChance(weights))


@partial(
    WeightedOnly,
    name="AC2",
    possessive="Gwet's AC2",
    chance="guessing on the items that are hard to label",
    citation=_HANDBOOK,
    needs_two_categories=True,
    irrcac="gwet",
)
def gwet_ac2(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Measure agreement beyond chance as AC1 does, giving near categories partial credit.

    Args:
        labels: N items by R raters.
        weights: the agreement weights, deliberately without a default; ``identity`` gives AC1.
        values: the categories' numbers; 1..K when None.
        interval: how to compute the interval; None chooses by the number of items.
        confidence_level: the confidence level of the interval.
    Undefined when: no item has labels from two raters, or fewer than two categories are
        declared.
    Source: Gwet (2014), chapters 3 and 4; reproduced in tests/golden/gwet_four_raters.json.
    """
    return CountEstimator(matrix.counts, weights, GwetChance(weights))


@partial(
    Weighted,
    name="Fleiss kappa",
    possessive="Fleiss' kappa",
    aliases=("fleiss",),
    chance="all raters drawing from the same category shares",
    citation="Fleiss JL (1971). Measuring nominal scale agreement among many raters. Psychol Bull "
    "76:378-382.",
    irrcac="fleiss",
)
def fleiss_kappa(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Measure agreement beyond the chance that all raters draw from the same category shares.

    Items may have any number of labels (Gwet's generalization). When all have the same number,
    the value equals that of Fleiss (1971). The standard error is Gwet's; that of Fleiss (1971)
    holds only when there is no agreement beyond chance.

    Undefined when: no item has labels from two raters, or a single category occurs (0/0).
    Source: Fleiss (1971), Psychological Bulletin 76:378-382; Gwet (2014), chapter 2;
        reproduced in tests/golden/fleiss_1971.json.
    """
    return CountEstimator(matrix.counts, weights, FleissChance(weights))


@partial(
    Weighted,
    name="Conger kappa",
    possessive="Conger's kappa",
    aliases=("conger",),
    chance="each rater drawing from its own category shares",
    citation="Conger AJ (1980). Integration and generalization of kappas for multiple raters. "
    "Psychol Bull 88:322-328.",
    tells_raters_apart=True,
    irrcac="conger",
)
def conger_kappa(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Measure agreement beyond the chance that each rater draws from its own category shares.

    Generalizes Cohen's kappa to any number of raters. The same raters must label all items;
    for a crowd whose members label a few items each, use Fleiss' kappa.

    Undefined when: no item has labels from two raters, or a single category occurs (0/0).
    Source: Conger (1980), Psychological Bulletin 88:322-328; Gwet (2014), chapter 2;
        reproduced in tests/golden/gwet_four_raters.json.
    """
    return RaterEstimator(matrix.rows, weights)


@partial(
    Weighted,
    name="Brennan-Prediger",
    possessive="the Brennan-Prediger coefficient",
    aliases=("bp",),
    chance="all declared categories being equally likely",
    citation="Brennan RL, Prediger DJ (1981). Coefficient kappa: some uses, misuses, and "
    "alternatives. Educ Psychol Meas 41:687-699.",
    needs_two_categories=True,
    irrcac="bp",
)
def brennan_prediger(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Measure agreement beyond the chance that every declared category is equally likely.

    Undefined when: no item has labels from two raters, fewer than two categories are
        declared, or the weights treat all categories as equal.
    Source: Brennan and Prediger (1981), Educational and Psychological Measurement 41:687-699;
        Gwet (2014), chapter 2; reproduced in tests/golden/gwet_four_raters.json.
    """
    return CountEstimator(matrix.counts, weights, UniformChance(weights))


@partial(
    Weighted,
    name="Cohen kappa",
    possessive="Cohen's kappa",
    aliases=("cohen",),
    chance="each rater drawing from its own category shares",
    citation="Cohen J (1960). A coefficient of agreement for nominal scales. Educ Psychol Meas "
    "20:37-46.",
    two_raters=True,
    tells_raters_apart=True,
)
def cohen_kappa(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Measure agreement of two raters beyond the chance that each draws from its own shares.

    Uses only items that both labeled, for the shares as well. The standard error is the
    large-sample one of Fleiss, Cohen and Everitt (1969), with N - 1 in place of N.

    Undefined when: not exactly two raters gave labels, no item has labels from both, or a
        single category occurs among them (0/0).
    Source: Cohen (1960), Educational and Psychological Measurement 20:37-46; weighted: Cohen
        (1968); reproduced in tests/golden/gwet_abstractors.json.
    """
    return RaterEstimator(matrix.rows, weights, least_labels=2)


@partial(
    Weighted,
    name="Scott pi",
    possessive="Scott's pi",
    aliases=("scott",),
    chance="both raters drawing from the same category shares",
    citation="Scott WA (1955). Reliability of content analysis: the case of nominal scale coding. "
    "Public Opin Q 19:321-325.",
    two_raters=True,
)
def scott_pi(matrix: PreparedMatrix, weights: Weights) -> Estimator:
    """Measure agreement of two raters beyond the chance that both draw from the same shares.

    Uses only items that both labeled, for the shares as well.

    Undefined when: not exactly two raters gave labels, no item has labels from both, or a
        single category occurs among them (0/0).
    Source: Scott (1955), Public Opinion Quarterly 19:321-325; Gwet (2014), chapter 2;
        reproduced in tests/golden/gwet_abstractors.json.
    """
    return CountEstimator(matrix.counts, weights, FleissChance(weights), least_labels=2)


ALL_COEFFICIENTS: tuple[CoefficientMethod, ...] = (
    percent_agreement,
    gwet_ac1,
    gwet_ac2,
    fleiss_kappa,
    conger_kappa,
    brennan_prediger,
    krippendorff_alpha,
    cohen_kappa,
    scott_pi,
)
"""Every coefficient, in the order in which tables show them."""


def method_named(name: str) -> CoefficientMethod:
    """Return the coefficient with this exact name.

    Raises:
        AgreementError: the name is unknown.
    """
    for method in ALL_COEFFICIENTS:
        if method.name == name:
            return method
    raise _unknown(name)


def coefficient_named(text: str) -> CoefficientMethod:
    """Find the coefficient a user typed: ``ac1``, ``Fleiss' kappa``, ``alpha``.

    Raises:
        AgreementError: the name is unknown; the hint suggests the nearest one.
    """
    typed = {
        _plain(name): method
        for method in ALL_COEFFICIENTS
        for name in (method.name, method.possessive, *method.aliases)
    }
    key = _plain(text)
    if key in typed:
        return typed[key]
    close = difflib.get_close_matches(key, typed, n=1)
    raise _unknown(text, suggestion=f'Did you mean "{typed[close[0]].name}"? ' if close else "")


def _plain(name: str) -> str:
    """Drop what people spell differently: case, hyphens, underscores and the possessive."""
    without = re.sub(r"['\u2019](s\b)?", "", name.lower())
    return " ".join(without.replace("-", " ").replace("_", " ").split())


def _unknown(name: str, *, suggestion: str = "") -> AgreementError:
    known = ", ".join(method.name for method in ALL_COEFFICIENTS)
    return AgreementError(f"Unknown coefficient {name!r}.", hint=f"{suggestion}Known: {known}.")

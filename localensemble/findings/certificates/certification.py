"""Certify an acceptance threshold on gold labels of a random sample of a study.

The promise is about the items that will be accepted and that nobody has read: those without a
gold label that no other policy sends to a person and whose score reaches the threshold. It ignores
a random audit, which draws at random from the accepted items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.consensus.certificates.category_prevalence import (
    CorrectedPrevalence,
    corrected_prevalence,
)
from localensemble.consensus.certificates.certificate import Certificate, certificate
from localensemble.consensus.certificates.threshold import (
    CertificationMethod,
    CertifiedThreshold,
    certify_threshold,
    control_risk,
    refuse_reused_items,
    threshold_grid,
)
from localensemble.consensus.methods.pooled import Pooled
from localensemble.consensus.policies.scores import ScoreName
from localensemble.consensus.protocol import BoolArray, ConsensusMethod, FloatArray
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text
from localensemble.findings.certificates.promises import profile_of, promise_findings
from localensemble.findings.evaluation import CategoryArray
from localensemble.findings.fitted_raters import has_used_text
from localensemble.study.binding import binding
from localensemble.study.decisions import decide
from localensemble.study.study import Study


@dataclass(frozen=True, slots=True)
class Promise:
    """The promise to certify.

    Attributes:
        method: ``fixed_sequence`` (Learn then Test) or ``conformal_risk_control``.
        alpha: tolerated error, above 0 and below 1.
        delta: chance that the promise fails; not used by conformal risk control.
        by: the score that the threshold applies to; None takes the pooled probability if a pool
            decides the variable, else the mean probability, or the support if raters gave no
            probabilities.
    """

    method: CertificationMethod
    alpha: float
    delta: float
    by: ScoreName | None = None


@dataclass(frozen=True, slots=True)
class Certification:
    """What the gold labels of a variable certify, and how frequent its categories are."""

    certificate: Certificate
    prevalence: tuple[CorrectedPrevalence, ...]


def certify_variable(
    loaded: Study,
    *,
    variable: Variable,
    gold: CategoryArray,
    promise: Promise,
    date: str,
    seen: BoolArray | None = None,
) -> Certification:
    """Find the lowest threshold that keeps a promise about one variable of a study.

    The candidate thresholds come from the scores of all items, never from gold labels.

    Args:
        loaded: the study; its certificates are ignored.
        variable: the variable.
        gold: (N,) gold categories of a random sample of the items, -1 elsewhere.
        promise: the promise to certify.
        date: ISO date.
        seen: (N,) items that trained a rater or fitted the pool, which the promise leaves out;
            None if there are none.

    Raises:
        InputError: gold items are also control items or examples in the codebook, or no item has
            the score.
        EnsembleError: the study has a budget, and no promise holds under one.
    """
    rules = loaded.rules.with_certificates(())
    method = rules.method_for(variable.name)
    _refuse_reused(loaded, variable, gold)
    decided = decide(
        loaded.recorded,
        variable=variable,
        method=method,
        policies=[policy for policy in rules.policies if policy.name != "random_audit"],
        control=loaded.control.get(variable.name),
    )
    by = promise.by or _usual_score(loaded, method)
    scores = decided.scores(by).copy()
    if len(scores) and np.isnan(scores).all():
        raise InputError(
            f'Cannot certify "{variable.name}": no item has a {by.replace("_", " ")}.',
            hint="Choose another score, for example --by support.",
        )
    own_scores = scores.copy()
    scores[decided.escalated] = np.nan
    known = gold >= 0
    unread = ~known if seen is None else ~(known | seen)
    certified = _certified(
        scores[known],
        wrong=decided.categories[known] != gold[known],
        grid=threshold_grid(scores),
        unread_scores=scores[unread],
        promise=promise,
    )
    accepted = np.zeros(len(scores), dtype=np.bool_)
    if certified.threshold is not None:
        accepted = scores >= certified.threshold
    issued = certificate(
        certified,
        variable=variable.name,
        by=by,
        consensus_method=method.name,
        consensus_settings=method.settings,
        gold_scores=scores[known],
        pool_scores=scores[known | unread],
        hashes=binding(
            loaded.recorded, rules=rules, variable=variable, items_sha256=loaded.items_sha256
        ),
        date=date,
        profile=profile_of(loaded.recorded, decided, scores=own_scores, accepted=accepted),
    )
    # A budget and a certificate exclude each other; better to fail now than when labeling.
    rules.with_certificates((issued,))
    prevalence = corrected_prevalence(decided.categories, gold=gold, categories=variable.answers)
    return Certification(issued, prevalence)


def withdrawn_promises(
    loaded: Study, *, variable: Variable, gold: CategoryArray
) -> tuple[str, ...]:
    """Return in words the promises that a study applies and that these gold labels contradict."""
    held = [one for one in loaded.rules.certificates if one.variable == variable.name]
    if not held:
        return ()
    decided = decide(
        loaded.recorded,
        variable=variable,
        method=loaded.rules.method_for(variable.name),
        policies=loaded.rules.policies_for(variable.name),
        control=loaded.control.get(variable.name),
    )
    found = [
        promise_findings(one, labels=loaded.recorded, decided=decided, gold=gold) for one in held
    ]
    return tuple(one.sentence for one in found if one.state == "withdrawn")


def _usual_score(loaded: Study, method: ConsensusMethod) -> ScoreName:
    if isinstance(method, Pooled):
        # The mean of the raters' probabilities would ignore the weights of the pool.
        return "method"
    return "mean_probability" if loaded.recorded.scored else "support"


def _certified(
    scores: FloatArray,
    *,
    wrong: BoolArray,
    grid: tuple[float, ...],
    unread_scores: FloatArray,
    promise: Promise,
) -> CertifiedThreshold:
    if promise.method == "conformal_risk_control":
        return control_risk(
            scores, wrong=wrong, grid=grid, alpha=promise.alpha, unread_scores=unread_scores
        )
    return certify_threshold(
        scores,
        wrong=wrong,
        grid=grid,
        alpha=promise.alpha,
        delta=promise.delta,
        unread_scores=unread_scores,
    )


def _refuse_reused(loaded: Study, variable: Variable, gold: CategoryArray) -> None:
    """Refuse gold items that raters saw or that are control items: they are not a random draw."""
    labels = loaded.recorded
    examples = labels.reader.positions_of_contents(
        labels.item_set, content_sha256=[sha256_text(example.text) for example in variable.examples]
    )
    control = loaded.control.get(variable.name)
    used = {
        "examples in the codebook": [place for place in examples if place < len(gold)],
        "control items": [] if control is None else np.flatnonzero(control >= 0).tolist(),
        "gold labels to calibrate the raters": _fitted_to(loaded, variable, gold),
    }
    for purpose, places in used.items():
        ids = [labels.item_ids[place] for place in places if gold[place] >= 0]
        refuse_reused_items(ids, used={purpose: ids})


def _fitted_to(loaded: Study, variable: Variable, gold: CategoryArray) -> list[int]:
    used = {
        item
        for one in loaded.rules.calibrations
        if one.variable == variable.name
        for item in one.used_items
    }
    seen = has_used_text(loaded.recorded, used=used)
    places: list[int] = np.flatnonzero((gold >= 0) & seen).tolist()
    return places

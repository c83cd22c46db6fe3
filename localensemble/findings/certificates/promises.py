"""What a certificate promises about the items it is applied to, and what contradicts it.

A certificate is a promise about the texts it was certified on. On others it promises nothing,
so the sentence says where it was certified, how these texts differ, and how many to label to
check it. Gold labels at hand come first: a promise that they contradict is withdrawn. So is one
that the answers of people to a random audit contradict, once all are given: the first ones are no
random part. They do not support a promise, because a reviewer has seen the label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.consensus.certificates.certificate import Certificate
from localensemble.consensus.certificates.pool_profile import (
    PoolDifference,
    PoolProfile,
    pool_differences,
    pool_profile,
)
from localensemble.consensus.certificates.sample_plan import items_to_check
from localensemble.consensus.certificates.unread_items import unread_p
from localensemble.consensus.policies.random_audit import audit_draw
from localensemble.consensus.protocol import BoolArray, CategoryArray, FloatArray
from localensemble.core.words import listed
from localensemble.study.decisions import Decisions
from localensemble.study.people.final_labels import FinalLabels
from localensemble.study.study_labels import StudyLabels

PromiseState = Literal["holds", "other texts", "checked here", "withdrawn"]

_FOREIGN = (
    " This certificate is foreign: the study has no record of making it. Its bound was computed "
    "again from its counts of gold labels; the counts themselves and its test of whether the gold "
    "items were drawn at random are as the file states them."
)
USUAL_DELTA = 0.1
"""Chance that a check fails to warn, for conformal risk control, which has no delta."""


@dataclass(frozen=True, slots=True)
class PromiseFindings:
    """What a certificate promises about one variable whose labels it accepts.

    Attributes:
        variable: the variable.
        by: the score of the threshold.
        limit: the certified threshold: items below it are escalated.
        sentence: the promise, or why there is none, with every number it rests on.
        assumptions: what it assumes, and any sign against it; empty if it is withdrawn.
        state: whether it holds; was certified on other texts; was checked on gold labels of
            these; or is withdrawn, because the gold labels or the audit at hand contradict it.
        gold_items: accepted items with a gold label, or answered for the audit that withdraws it;
            for conformal risk control, all gold items.
        gold_errors: number of accepted ones whose label differs from the gold label.
        to_check: number of accepted items to label to check it here; 0 if it needs no check.
        differences: how these texts differ from those of the certificate.
    """

    variable: str
    by: str
    limit: float | None
    sentence: str
    assumptions: tuple[str, ...]
    state: PromiseState = "holds"
    gold_items: int = 0
    gold_errors: int = 0
    to_check: int = 0
    differences: tuple[PoolDifference, ...] = ()

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence; empty if the promise holds."""
        if self.state == "other texts" and self.to_check:
            return (
                "To draw them: localensemble sample STUDY --items ITEMS --check-certificate "
                f"{self.variable} -o worksheet.csv"
            )
        if self.state == "withdrawn":
            return (
                "Certify again on items like these, or drop it: localensemble consensus STUDY "
                "--items ITEMS --drop-certificates"
            )
        return ""


@dataclass(frozen=True, slots=True)
class _GoldHere:
    """The gold labels on items that the certificate accepts, or on all for risk control.

    With ``audit``, the answers of people to the random audit of the accepted items instead.
    """

    items: int
    errors: int
    accepted: int
    audit: bool = False

    @property
    def interval(self) -> Interval:
        return exact_interval(self.errors, items=self.items)


def promise_findings(
    certificate: Certificate,
    *,
    labels: StudyLabels,
    decided: Decisions,
    gold: CategoryArray | None,
    foreign: bool = False,
    final: FinalLabels | None = None,
) -> PromiseFindings:
    """State what a certificate promises about the items that a study accepts by it.

    Args:
        certificate: the certificate.
        labels: the labels of the study.
        decided: the decisions on its variable, by its threshold.
        gold: (N,) gold categories, -1 for items without one; None without gold labels.
        foreign: whether the study has no record of making the certificate. Then it is about these
            texts only if its profile is theirs to the last digit.
        final: the final labels, with the answers of people; None without answers.
    """
    accepted = accepted_by_rules(decided)
    known = _gold_here(certificate, decided, accepted, gold)
    if known is None or not _contradicts(certificate, known):
        audit = _audit_here(certificate, decided, final)
        known = audit if audit is not None and _contradicts(certificate, audit) else known
    differences: tuple[PoolDifference, ...] = ()
    elsewhere = False
    if certificate.profile is not None:
        elsewhere = not is_pool(labels, certificate.profile)
        if elsewhere or foreign:
            scores = decided.scores(certificate.by)
            here = profile_of(labels, decided, scores=scores, accepted=accepted)
            # That a foreign certificate names these texts is believed only if it describes them.
            elsewhere = elsewhere or here != certificate.profile
        if elsewhere:
            differences = pool_differences(certificate.profile, here=here)
    state = _state(certificate, known, elsewhere=elsewhere)
    to_check = 0
    if state == "other texts":
        to_check = items_to_check(
            alpha=certificate.certified.alpha,
            delta=certificate.certified.delta or USUAL_DELTA,
            accepted=int(np.count_nonzero(accepted)),
        )
    return PromiseFindings(
        variable=certificate.variable,
        by=certificate.by,
        limit=certificate.certified.threshold,
        sentence=_sentence(
            certificate, state, known, differences=differences, elsewhere=elsewhere, check=to_check
        )
        + (_FOREIGN if foreign else ""),
        # What a withdrawn promise assumed is of no use to anyone.
        assumptions=() if state == "withdrawn" else certificate.assumptions(),
        state=state,
        gold_items=0 if known is None else known.items,
        gold_errors=0 if known is None else known.errors,
        to_check=to_check,
        differences=differences,
    )


def accepted_by_rules(decided: Decisions) -> BoolArray:
    """Return the items that every rule but a random audit accepts: bool (N,)."""
    draw = audit_draw(decided.reason_bits, reason_codes=decided.reason_codes)
    return draw.accepted & ~decided.no_answer


def profile_of(
    labels: StudyLabels, decided: Decisions, *, scores: FloatArray, accepted: BoolArray
) -> PoolProfile:
    """Describe the items of a study by the scores, categories and accepted share.

    Args:
        labels: the labels of the study.
        decided: the decisions on the variable.
        scores: (N,) the score of the threshold, before any rule escalates.
        accepted: (N,) the items that the threshold and the other rules accept.
    """
    answered = ~decided.no_answer
    categories = decided.categories[answered]
    names = decided.variable.answers
    counts = {name: int(np.count_nonzero(categories == k)) for k, name in enumerate(names)}
    counts[""] = int(np.count_nonzero(categories < 0))
    return pool_profile(
        scores[answered],
        category_counts=counts,
        accepted=int(np.count_nonzero(accepted & answered)),
        item_set_sha256=_item_set_sha256(labels),
        item_count=labels.item_count,
    )


def is_pool(labels: StudyLabels, profile: PoolProfile) -> bool:
    """Tell whether a study has the very items of a profile, or what a withdrawal left of them."""
    if _item_set_sha256(labels) == profile.item_set_sha256:
        return labels.item_count == profile.item_count
    held = {one.sha256 for one in labels.reader.item_sets()}
    left = bool(labels.reader.withdrawals()) and labels.item_count < profile.item_count
    return left and profile.item_set_sha256 in held


def _item_set_sha256(labels: StudyLabels) -> str:
    return next(one.sha256 for one in labels.reader.item_sets() if one.key == labels.item_set)


def _gold_here(
    certificate: Certificate,
    decided: Decisions,
    accepted: BoolArray,
    gold: CategoryArray | None,
) -> _GoldHere | None:
    if gold is None:
        return None
    among = gold >= 0
    wrong = among & accepted & (decided.categories != gold)
    if certificate.certified.method == "fixed_sequence":
        among = among & accepted
    items = int(np.count_nonzero(among))
    if not items:
        return None
    return _GoldHere(items, int(np.count_nonzero(wrong)), int(np.count_nonzero(accepted)))


def _audit_here(
    certificate: Certificate, decided: Decisions, final: FinalLabels | None
) -> _GoldHere | None:
    """Return what people answered to the audit; None until all is answered, or without one."""
    draw = audit_draw(decided.reason_bits, reason_codes=decided.reason_codes)
    if final is None or certificate.certified.method != "fixed_sequence" or not draw.drawn.any():
        return None
    if (final.open & draw.drawn).any():
        return None
    answered = draw.drawn & final.by_person & (final.categories >= 0)
    items = int(np.count_nonzero(answered))
    if not items:
        return None
    errors = int(np.count_nonzero(answered & (final.categories != decided.categories)))
    accepted = int(np.count_nonzero(draw.accepted & ~decided.no_answer))
    return _GoldHere(items, errors, accepted, audit=True)


def _contradicts(certificate: Certificate, known: _GoldHere) -> bool:
    return known.interval.low > certificate.certified.alpha


def _state(certificate: Certificate, known: _GoldHere | None, *, elsewhere: bool) -> PromiseState:
    certified = certificate.certified
    if known is not None and _contradicts(certificate, known):
        return "withdrawn"
    if not elsewhere:
        return "holds"
    if (
        known is not None
        and certified.delta is not None
        and _p(certificate, known) <= (certified.delta)
    ):
        return "checked here"
    return "other texts"


def _p(certificate: Certificate, known: _GoldHere) -> float:
    return unread_p(
        known.errors,
        items=known.items,
        unread=known.accepted - known.items,
        alpha=certificate.certified.alpha,
    )


def _sentence(
    certificate: Certificate,
    state: PromiseState,
    known: _GoldHere | None,
    *,
    differences: Sequence[PoolDifference],
    elsewhere: bool,
    check: int,
) -> str:
    if state == "withdrawn" and known is not None:
        return _withdrawn(certificate, known, elsewhere=elsewhere)
    found = "" if known is None else f" {_found(certificate, known)}."
    if state == "holds":
        texts = ""
        if certificate.profile is None and certificate.certified.threshold is not None:
            texts = (
                " The certificate does not record which texts it was certified on; about other "
                "texts, it promises nothing."
            )
        return f"{certificate.sentence()}{texts}{found}"
    lead = f"The certificate for {certificate.variable} was certified on other texts"
    matters = [one.words for one in differences if one.matters]
    alike = (
        f"These texts differ: {listed(matters)}."
        if matters
        else "The scores, accepted share and categories of these texts resemble those of the "
        "certificate, which does not show that labels are right as often."
    )
    if state == "checked here" and known is not None:
        return (
            f"{lead}, but gold labels of these texts support it: "
            f"{_found(certificate, known, lower=True)}. If they were drawn at random "
            "from the accepted items, at most "
            f"{certificate.certified.alpha:.1%} of the accepted items without a gold label are "
            f"wrong (p = {_p(certificate, known):.2g}). {alike}"
        )
    return (
        f"{lead}, so it promises nothing about these. {alike} To check it, label {check:,} of "
        f"the accepted items here, drawn at random.{found} On those other texts: "
        f"{certificate.sentence()}"
    )


def _withdrawn(certificate: Certificate, known: _GoldHere, *, elsewhere: bool) -> str:
    certified = certificate.certified
    where = "on other texts " if elsewhere else ""
    if certified.delta is None:
        promised = f"that on average at most {certified.alpha:.1%} of all items are accepted and"
    else:
        promised = f"that at most {certified.alpha:.1%} of the accepted items are"
    what = "audit" if known.audit else "gold labels"
    contradict = f"the {what} here contradict{'s' if known.audit else ''} it"
    return (
        f"The promise for {certificate.variable}, certified {where}on {certificate.date}, "
        f"{promised} wrong is withdrawn: {contradict}, because "
        f"{_found(certificate, known, lower=True)}. Items are still {certificate.accepted_if()}."
    )


def _found(certificate: Certificate, known: _GoldHere, *, lower: bool = False) -> str:
    risk = certificate.certified.method == "conformal_risk_control"
    which = "items with a gold label" if risk else "accepted items with a gold label"
    which = "accepted items that people answered for the audit" if known.audit else which
    what = "accepted and wrong" if risk else "wrong"
    are = f"{known.errors:,} {'is' if known.errors == 1 else 'are'} {what}"
    words = (
        f"of {known.items:,} {which}, {are} ({known.errors / known.items:.1%}, 95% interval "
        f"{known.interval.low:.1%} to {known.interval.high:.1%})"
    )
    return words if lower else words[0].upper() + words[1:]

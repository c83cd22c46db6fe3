"""A certified threshold bound to what it was certified for, and its promise in words.

``check`` refuses a certificate if one of its hashes differs: of a rater, the prompt, the
codebook, the decision rules, or, for a method that learns from all items, the item set. Other
texts are not refused, but the promise is about the items that the gold items were drawn from, so
the certificate keeps a profile of them. The caller gives the date, since no clock is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar, get_args

import numpy as np

from localensemble.consensus.certificates.derived_again import contradiction
from localensemble.consensus.certificates.pool_profile import PoolProfile
from localensemble.consensus.certificates.threshold import (
    Candidate,
    CertificationMethod,
    CertifiedThreshold,
    Obstacle,
    Outcome,
)
from localensemble.consensus.policies.scores import SCORE_NAMES, ScoreName
from localensemble.consensus.protocol import FloatArray
from localensemble.consensus.setting_fields import Settings
from localensemble.core.errors import InputError

Choice = TypeVar("Choice", bound=str)

_SHIFT_P_VALUE = 0.01
# The entry that binds the variable by what raters are asked; certificates made before it lack it.
VARIABLE = "variable"
_VERSION = 2
# Version 1 has neither the profile of the texts nor the number of unread items: its promise
# covers all accepted items, gold items included.
_READ_VERSIONS = (1, _VERSION)
# The name that the count of gold items has in every certificate written so far.
_GOLD_ITEMS = "calibration_items"

_SCORE_WORDS: Mapping[ScoreName, str] = {
    "support": "support",
    "method": "a method score",
    "mean_probability": "a mean probability",
    "margin": "a margin",
}

ASSUMPTIONS: tuple[str, ...] = (
    "the gold items were drawn at random from the items the threshold is applied to",
    "the people's labels are correct",
    "the gold items were used for nothing else: not for examples, control items or settings",
    "the raters, prompt, codebook and decision rules match the hashes in the certificate",
)


@dataclass(frozen=True, slots=True)
class ScoreShift:
    """How far the scores of gold items and of all items differ (Kolmogorov-Smirnov).

    Attributes:
        statistic: largest difference of the two cumulative shares, 0 to 1.
        p_value: small if both are unlikely to come from one distribution; None if one
            side has no scores.
        warning: a warning in words; empty if nothing suggests that the draw was not random.
    """

    statistic: float | None
    p_value: float | None
    warning: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certified threshold and everything it depends on.

    Attributes:
        variable: the variable whose labels are accepted.
        by: the score that the threshold is on.
        consensus_method: name of the method; ``consensus_settings`` are its settings.
        certified: the threshold, if any, with the whole grid.
        pool_items: number of items the promise is about, gold items included.
        pool_accepted: number of these items that the threshold accepts.
        shift: comparison of the scores of gold items and of the pool.
        hashes: (name, hash) of everything the certificate is bound to, in name order.
        date: ISO date of the certification.
        profile: what the items of the pool look like; None in a certificate of version 1.
    """

    variable: str
    by: ScoreName
    consensus_method: str
    consensus_settings: Settings
    certified: CertifiedThreshold
    pool_items: int
    pool_accepted: int
    shift: ScoreShift
    hashes: tuple[tuple[str, str], ...]
    date: str
    profile: PoolProfile | None = None

    def check(self, hashes: Mapping[str, str]) -> None:
        """Refuse to apply the certificate if anything it is bound to has changed.

        Raises:
            InputError: a hash differs, is missing or is new, or the certificate was edited.
        """
        self.refuse_edited("The certificate")
        unbound = {name: hashes[name] for name in (VARIABLE,) if name in hashes}
        bound = unbound | dict(self.hashes)
        differing = sorted(
            name for name in {*bound, *hashes} if bound.get(name) != hashes.get(name)
        )
        if differing:
            raise InputError(
                f'The certificate for "{self.variable}" does not apply; '
                f"changed since {self.date}: {', '.join(differing)}.",
                hint="Certify again, or drop it (`consensus --drop-certificates`). Its promise "
                "holds only while everything it names stays the same.",
            )

    def refuse_edited(self, where: str) -> None:
        """Refuse a certificate whose conclusions do not follow from its counts.

        Raises:
            InputError: names what does not follow.
        """
        found = contradiction(self.certified) or self._pool_contradiction()
        if found:
            raise InputError(
                f'{where} for "{self.variable}" contradicts itself: {found}. It was changed after '
                "it was made.",
                hint="Certify again, or drop it (`consensus --drop-certificates`).",
            )

    def sentence(self) -> str:
        """Return the promise in words, with every number it rests on."""
        certified, chosen = self.certified, self.certified.chosen
        if chosen is None:
            return (
                "Nothing can be accepted without review: no threshold was shown to keep errors "
                f"at or below {certified.alpha:.1%}. {self._measured('Tried')}; {self._needed()}."
            )
        return (
            f"{self.promise()} {self._measured('Certified')}: {chosen.accepted:,} of them "
            f"accepted, {chosen.errors:,} wrong{self._bound()}. It accepts "
            f"{self.pool_accepted:,} of {self.pool_items:,} items ({self._pool_share():.1%})"
            f"{self._unread_of_them()}."
        )

    def promise(self) -> str:
        """Return the promise alone, as a sentence; empty if nothing is certified."""
        certified, chosen = self.certified, self.certified.chosen
        if chosen is None:
            return ""
        if certified.delta is None:
            return (
                f"On average at most {certified.alpha:.1%} of all items are {self.accepted_if()} "
                "and wrong; this says nothing about the share of wrong labels among the accepted "
                "ones."
            )
        which = "items" if chosen.unread is None else "items without a gold label that are"
        return (
            f"Of the {which} {self.accepted_if()}, at most {certified.alpha:.1%} are wrong, "
            f"with confidence {1 - certified.delta:.1%}."
        )

    def accepted_if(self) -> str:
        """Return in words which items are accepted; empty if none are."""
        threshold = self.certified.threshold
        if threshold is None:
            return ""
        return f"accepted with {_SCORE_WORDS[self.by]} of at least {threshold:.6g}"

    def assumptions(self) -> tuple[str, ...]:
        """List what the promise assumes, and any sign against it."""
        signs = (self.shift.warning,) if self.shift.warning else ()
        return (*ASSUMPTIONS, *signs)

    def as_values(self) -> dict[str, object]:
        """Return the certificate as values that have a JSON form."""
        certified = {
            _GOLD_ITEMS if name == "gold_items" else name: value
            for name, value in asdict(self.certified).items()
        }
        values = {"version": _VERSION, **asdict(self), "certified": certified}
        if self.profile is None:
            # As in its file, so that the hash of what a study recorded stays the same.
            del values["profile"], certified["pool_items"]
            for candidate in (certified["chosen"], *certified["candidates"]):
                if candidate is not None:
                    del candidate["unread"]
            values["version"] = 1
        return values

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> Certificate:
        """Read a certificate back from ``as_values``.

        Raises:
            InputError: the values are not a certificate of this version.
        """
        try:
            return _read(values)
        except (KeyError, TypeError, ValueError, OverflowError) as exc:
            raise InputError(
                "Cannot read the certificate: an entry is missing or malformed.",
                hint="Certify again with this version.",
            ) from exc

    def _pool_contradiction(self) -> str:
        chosen = self.certified.chosen
        least = 0 if chosen is None else chosen.accepted
        if not least <= self.pool_accepted <= self.pool_items >= self.certified.gold_items:
            return (
                f"{self.pool_accepted:,} accepted of {self.pool_items:,} items do not fit "
                f"{least:,} accepted of {self.certified.gold_items:,} gold items"
            )
        expected = 0 if chosen is None else chosen.accepted + (chosen.unread or 0)
        counted = self.certified.pool_items
        if counted is not None and (counted, expected) != (self.pool_items, self.pool_accepted):
            return (
                f"{self.pool_accepted:,} accepted of {self.pool_items:,} items are not the "
                f"{expected:,} of {counted:,} that were counted"
            )
        if self.profile is not None and (found := self._profile_contradiction(self.profile)):
            return found
        if any(not 0 <= (one or 0) <= 1 for one in (self.shift.statistic, self.shift.p_value)):
            return "its comparison of scores has numbers that are not from 0 to 1"
        suspicious = self.shift.p_value is None or self.shift.p_value < _SHIFT_P_VALUE
        return "" if suspicious == bool(self.shift.warning) else "its warning does not fit its p"

    def _profile_contradiction(self, profile: PoolProfile) -> str:
        if found := profile.contradiction(self.certified.threshold):
            return found
        # The promise leaves out items that trained a rater, the profile those without an answer.
        left_out = profile.item_count - self.pool_items
        unanswered = profile.item_count - profile.items
        if left_out < 0 or not -unanswered <= profile.accepted - self.pool_accepted <= left_out:
            return (
                f"its profile has {profile.accepted:,} accepted of {profile.item_count:,} items; "
                f"the promise is about {self.pool_accepted:,} of {self.pool_items:,}"
            )
        return ""

    def _measured(self, how: str) -> str:
        certified = self.certified
        return (
            f"{how} on {self.date} for {self.variable} with {_method_in_words(certified)} on "
            f"{certified.gold_items:,} items drawn at random and labeled by people"
        )

    def _needed(self) -> str:
        certified = self.certified
        if not certified.candidates:
            return (
                "more such items would not help: the rules of the study escalate every item, "
                "so there was no threshold to try"
            )
        needed = certified.items_needed
        by_obstacle: Mapping[Obstacle, str] = {
            "nothing to accept": "more such items would not help: the other rules of the study "
            "leave nothing to accept",
            "nothing unread": "more such items would not help: every item that the other rules "
            "accept has a gold label, so nothing is left to accept without review",
            "too few": f"about {needed or 0:,} such items are needed if the error rate stays the "
            "same",
            "study too small": "more such items would not help: the other rules of the study "
            f"leave only {self._left_by_other_rules():,} items to accept, too few to show it",
            "too wrong": "more such items would not help: too many labels with the highest scores "
            "are wrong",
        }
        return by_obstacle[certified.obstacle or "too wrong"]

    def _left_by_other_rules(self) -> int:
        loosest = self.certified.candidates[-1]
        return loosest.accepted + (loosest.unread or 0)

    def _bound(self) -> str:
        chosen = self.certified.chosen
        if chosen is None or chosen.upper is None:
            return ""
        whom = "" if chosen.unread is None else " for items without a gold label:"
        return f" (upper bound{whom} {chosen.upper:.2%})"

    def _unread_of_them(self) -> str:
        chosen = self.certified.chosen
        if chosen is None or chosen.unread is None:
            return ""
        return f", {chosen.unread:,} of them without a gold label"

    def _pool_share(self) -> float:
        return self.pool_accepted / self.pool_items if self.pool_items else 0.0


def certificate(
    certified: CertifiedThreshold,
    *,
    variable: str,
    by: ScoreName,
    consensus_method: str,
    consensus_settings: Settings,
    gold_scores: FloatArray,
    pool_scores: FloatArray,
    hashes: Mapping[str, str],
    date: str,
    profile: PoolProfile | None = None,
) -> Certificate:
    """Bind a certified threshold to the hashes under which it holds.

    Args:
        certified: the outcome of the certification.
        variable: name of the variable.
        by: the score that the threshold is on.
        consensus_method: name of the consensus method.
        consensus_settings: settings of the consensus method.
        gold_scores: scores of the gold items, NaN without a consensus.
        pool_scores: scores of all items that the promise is about, gold items included.
        hashes: name of each thing the certificate is bound to -> its hash.
        date: ISO date of the certification.
        profile: what these items look like.
    """
    threshold = certified.threshold
    accepted = 0 if threshold is None else int(np.count_nonzero(pool_scores >= threshold))
    return Certificate(
        variable=variable,
        by=by,
        consensus_method=consensus_method,
        consensus_settings=consensus_settings,
        certified=certified,
        pool_items=len(pool_scores),
        pool_accepted=accepted,
        shift=score_shift(gold_scores, pool_scores=pool_scores),
        hashes=tuple(sorted(hashes.items())),
        date=date,
        profile=profile,
    )


def score_shift(gold_scores: FloatArray, *, pool_scores: FloatArray) -> ScoreShift:
    """Compare the scores of gold items with those of all items.

    A random draw resembles its pool; a large difference suggests that the draw was not random
    or the pool has changed. NaN counts as the lowest score, since a missing score also differs.
    """
    if not len(gold_scores) or not len(pool_scores):
        return ScoreShift(None, None, "the scores could not be compared: one side has none")
    if len(gold_scores) == len(pool_scores) == 1:
        # Too few for SciPy, and one score is compared with itself.
        return ScoreShift(0.0, 1.0, "")
    # SciPy's statistics take half a second to import.
    from scipy.stats import ks_2samp

    lowest = np.nanmin(np.append(pool_scores, 0.0)) - 1.0
    found = ks_2samp(
        np.nan_to_num(gold_scores, nan=lowest),
        np.nan_to_num(pool_scores, nan=lowest),
        method="asymp",
    )
    statistic, p_value = float(found.statistic), float(found.pvalue)
    warning = ""
    if p_value < _SHIFT_P_VALUE:
        warning = (
            "the scores of the gold items differ from those of all items "
            f"(Kolmogorov-Smirnov {statistic:.3f}, p = {p_value:.2g}), so the draw was probably "
            "not random"
        )
    return ScoreShift(statistic, p_value, warning)


def _method_in_words(certified: CertifiedThreshold) -> str:
    if certified.method == "fixed_sequence":
        unread = any(one.unread is not None for one in certified.candidates)
        test = "hypergeometric" if unread else "binomial"
        return f"Learn-then-Test (fixed sequence, exact {test})"
    return "conformal risk control"


def _read(values: Mapping[str, object]) -> Certificate:
    version = values["version"]
    if version not in _READ_VERSIONS or (version == 1) == ("profile" in values):
        raise ValueError("another version")
    certified = _mapping(values["certified"])
    shift = _mapping(values["shift"])
    listed, chosen = certified["candidates"], certified["chosen"]
    if not isinstance(listed, list | tuple):
        raise TypeError("candidates")
    return Certificate(
        variable=_text(values["variable"]),
        by=_one_of(SCORE_NAMES, values["by"]),
        consensus_method=_text(values["consensus_method"]),
        consensus_settings=_pairs(values["consensus_settings"]),
        certified=CertifiedThreshold(
            method=_one_of(get_args(CertificationMethod), certified["method"]),
            alpha=_number(certified["alpha"]),
            delta=_number_or_none(certified["delta"]),
            least_accepted=_count(certified["least_accepted"]),
            gold_items=_count(certified[_GOLD_ITEMS]),
            chosen=None if chosen is None else _candidate(chosen),
            candidates=tuple(_candidate(candidate) for candidate in listed),
            items_needed=(
                None if certified["items_needed"] is None else _count(certified["items_needed"])
            ),
            pool_items=_count_or_none(certified.get("pool_items")),
        ),
        pool_items=_count(values["pool_items"]),
        pool_accepted=_count(values["pool_accepted"]),
        shift=ScoreShift(
            _number_or_none(shift["statistic"]),
            _number_or_none(shift["p_value"]),
            _text(shift["warning"]),
        ),
        hashes=_pairs(values["hashes"]),
        date=_date(values["date"]),
        profile=None if version == 1 else _profile(values["profile"]),
    )


def _profile(value: object) -> PoolProfile:
    given = _mapping(value)
    quantiles, counts = given["score_quantiles"], given["category_counts"]
    if not isinstance(quantiles, list | tuple) or not isinstance(counts, list | tuple):
        raise TypeError("profile")
    return PoolProfile(
        item_set_sha256=_text(given["item_set_sha256"]),
        item_count=_count(given["item_count"]),
        items=_count(given["items"]),
        accepted=_count(given["accepted"]),
        score_quantiles=tuple(map(_number, quantiles)),
        scored=_count(given["scored"]),
        category_counts=tuple((_text(name), _count(count)) for name, count in counts),
    )


def _candidate(value: object) -> Candidate:
    given = _mapping(value)
    return Candidate(
        threshold=_number(given["threshold"]),
        accepted=_count(given["accepted"]),
        errors=_count(given["errors"]),
        unread=_count_or_none(given.get("unread")),
        p_value=_number(given["p_value"]),
        upper=_number_or_none(given["upper"]),
        outcome=_one_of(get_args(Outcome), given["outcome"]),
    )


def _one_of(choices: tuple[Choice, ...], value: object) -> Choice:
    for choice in choices:
        if choice == value:
            return choice
    raise ValueError("expected another word")


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError("expected names and values")
    return value


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("expected pairs")
    return tuple((_text(name), _text(text)) for name, text in value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _date(value: object) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", _text(value)):
        raise ValueError("expected an ISO date")
    return _text(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("expected a number")
    return float(value)


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _count_or_none(value: object) -> int | None:
    return None if value is None else _count(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("expected a whole number")
    if value < 0:
        raise ValueError("expected a count")
    return value

"""Settle what an item mentions: the union of what raters propose, verified, or left to a person.

A span is accepted if a vocabulary has it, under one id and in its category, or, without a
vocabulary, if more than half of the raters that read the item propose it. Whatever speaks against
it is a reason for a person to look: nothing is dropped. A person's answer decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from localensemble.core.spans import Span
from localensemble.extraction.vocabulary import Vocabulary, VocabularyMatch

Reason = Literal["overlaps", "unknown", "ambiguous", "fuzzy", "other_category", "disputed"]
"""Why a person must decide.

``overlaps``: another proposal touches it. ``unknown``: the vocabulary lacks it. ``ambiguous``: it
has several ids there. ``fuzzy``: it is only similar to a name. ``other_category``: it stands there
under another category. ``disputed``: without a vocabulary, no more than half of the raters propose
it. A required category of which the item has no span is asked about as ``missing``.
"""


@dataclass(frozen=True, slots=True)
class SettledSpan:
    """A proposed span and where it comes from.

    Attributes:
        span: the span.
        proposed_by: the raters that propose exactly this; empty if a person added it.
        match: what the vocabulary has; None without a vocabulary, or if it lacks it.
        required: whether its category is required.
        reasons: why a person must decide; empty if it is accepted.
        by_person: whether a person decided.
    """

    span: Span
    proposed_by: tuple[str, ...]
    match: VocabularyMatch | None = None
    required: bool = False
    reasons: tuple[Reason, ...] = ()
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class SettledItem:
    """What an item mentions.

    Attributes:
        accepted: the spans accepted, in order.
        open: the spans that a person must decide, in order.
        missing: the required categories without a span that is accepted or open.
    """

    accepted: tuple[SettledSpan, ...]
    open: tuple[SettledSpan, ...]
    missing: tuple[str, ...]


def settle_item(
    text: str,
    proposed: Mapping[str, Sequence[Span]],
    *,
    vocabulary: Vocabulary | None,
    required: Collection[str] = (),
    answers: Mapping[Span, bool] | None = None,
) -> SettledItem:
    """Settle the spans of one item.

    Args:
        text: the text of the item.
        proposed: the spans of each rater that read it.
        vocabulary: what proposals are verified against; None counts raters instead.
        required: the categories of which the item must have a span.
        answers: whether a person keeps a span; spans that nobody proposed are added.
    """
    decided = answers or {}
    raters: dict[Span, list[str]] = {span: [] for span, keeps in decided.items() if keeps}
    for rater, spans in proposed.items():
        for span in spans:
            raters.setdefault(span, []).append(rater)
    # What a person rejects is no longer in the way of the others.
    standing = [span for span in sorted(raters) if decided.get(span, True)]
    accepted: list[SettledSpan] = []
    to_decide: list[SettledSpan] = []
    for span in standing:
        match = None if vocabulary is None else vocabulary.match(text[span.start : span.stop])
        reasons: tuple[Reason, ...] = ()
        if span not in decided:
            reasons = _reasons(
                span,
                match,
                others=standing,
                vocabulary=vocabulary,
                is_majority=2 * len(raters[span]) > len(proposed),
            )
        settled = SettledSpan(
            span, tuple(raters[span]), match, span.category in required, reasons, span in decided
        )
        (to_decide if reasons else accepted).append(settled)
    there = {one.span.category for one in (*accepted, *to_decide)}
    missing = tuple(category for category in sorted(required) if category not in there)
    return SettledItem(tuple(accepted), tuple(to_decide), missing)


def _reasons(
    span: Span,
    match: VocabularyMatch | None,
    *,
    others: Sequence[Span],
    vocabulary: Vocabulary | None,
    is_majority: bool,
) -> tuple[Reason, ...]:
    found: list[Reason] = []
    if any(other != span and other.overlaps(span) for other in others):
        found.append("overlaps")
    if vocabulary is None:
        if not is_majority:
            found.append("disputed")
    elif match is None:
        found.append("unknown")
    else:
        if match.kind == "fuzzy":
            found.append("fuzzy")
        same = [one for one in match.entries if one.category in ("", span.category)]
        if not same:
            found.append("other_category")
        elif len({one.id for one in same}) > 1:
            found.append("ambiguous")
    return tuple(found)

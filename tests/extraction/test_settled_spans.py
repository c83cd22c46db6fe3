"""What raters propose is accepted if it is verified, and otherwise left to a person, never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.core.labels import ItemId
from localensemble.core.spans import Span, SpanMatrix
from localensemble.extraction.same_terms import as_terms
from localensemble.extraction.settled_spans import SettledItem, settle_item
from localensemble.extraction.vocabulary import Vocabulary
from localensemble.tables.spans.vocabulary_file import VocabularyEntry

TEXT = "😷 aspirin, asprin caused a cold; rash and mercury"
VOCABULARY = Vocabulary(
    [
        VocabularyEntry("D1", "aspirin", ("aspirin",), "Drug"),
        VocabularyEntry("E1", "rash", ("rash",), "Effect"),
        VocabularyEntry("E2", "cold", ("cold",), "Effect"),
        VocabularyEntry("E3", "cold", ("cold",), "Effect"),
        VocabularyEntry("X1", "mercury", ("mercury",), "Planet"),
    ]
)


def place(passage: str, category: str) -> Span:
    return Span(TEXT.index(passage), TEXT.index(passage) + len(passage), category)


def reasons(settled: SettledItem) -> dict[str, tuple[str, ...]]:
    return {TEXT[one.span.start : one.span.stop]: one.reasons for one in settled.open}


def test_a_vocabulary_accepts_what_it_has_and_queues_the_rest_with_reasons() -> None:
    proposed = {
        "ann": [place("aspirin", "Drug"), place("asprin", "Drug"), place("mercury", "Effect")],
        "ben": [place("cold", "Effect"), place("caused", "Effect"), place("rash and", "Effect")],
        "cy": [place("rash", "Effect")],
    }
    settled = settle_item(TEXT, proposed, vocabulary=VOCABULARY, required={"Drug", "Dose"})
    (aspirin,) = settled.accepted
    assert (aspirin.proposed_by, aspirin.required) == (("ann",), True)
    assert aspirin.match is not None
    assert aspirin.match.ids == ("D1",)
    assert reasons(settled) == {
        "asprin": ("fuzzy",),
        "mercury": ("other_category",),
        "cold": ("ambiguous",),
        "caused": ("unknown",),
        "rash": ("overlaps",),
        "rash and": ("overlaps", "unknown"),
    }
    assert settled.missing == ("Dose",)


def test_without_a_vocabulary_more_than_half_of_the_raters_decide() -> None:
    drug, effect = place("aspirin", "Drug"), place("rash", "Effect")
    proposed = {"a": [drug, effect], "b": [drug], "c": [drug], "d": [effect]}
    settled = settle_item(TEXT, proposed, vocabulary=None)
    assert [one.span for one in settled.accepted] == [drug]
    assert reasons(settled) == {"rash": ("disputed",)}


def test_a_person_decides_adds_and_clears_the_way() -> None:
    short, long, added = place("rash", "E"), place("rash and", "E"), place("cold", "E")
    proposed = {"a": [short], "b": [long]}
    settled = settle_item(
        TEXT, proposed, vocabulary=None, answers={short: True, long: False, added: True}
    )
    assert [(one.span, one.by_person) for one in settled.accepted] == [(added, True), (short, True)]
    assert settled.open == ()
    # A rejected span no longer overlaps the other, which is then only disputed.
    one_rejected = settle_item(TEXT, proposed, vocabulary=None, answers={long: False})
    assert reasons(one_rejected) == {"rash": ("disputed",)}


spans = st.builds(
    lambda start, length, category: Span(start, start + length, category),
    st.integers(0, 10),
    st.integers(1, 4),
    st.sampled_from(["Drug", "Effect"]),
)


@given(st.dictionaries(st.sampled_from("abc"), st.lists(spans, max_size=4)), st.booleans())
def test_nothing_that_is_proposed_is_lost(proposed: dict[str, list[Span]], verified: bool) -> None:
    vocabulary = VOCABULARY if verified else None
    settled = settle_item(TEXT, proposed, vocabulary=vocabulary, required={"Drug"})
    there = [one.span for one in (*settled.accepted, *settled.open)]
    assert sorted(there) == sorted({span for spans in proposed.values() for span in spans})
    for one in settled.accepted:
        assert not any(one.span.overlaps(other) for other in there if other != one.span)


@pytest.mark.parametrize(("one", "two", "same"), [("Rash", "rash", True), ("rash", "cold", False)])
def test_the_same_term_counts_once(one: str, two: str, same: bool) -> None:
    text = f"{one} and {two}"
    first, second = Span(0, 4, "E"), Span(9, 13, "E")
    matrix = SpanMatrix((ItemId("a"),), ("x", "y", "z"), (((first, second), (second,), None),))
    ((x, y, z),) = as_terms(matrix, (text,)).cells
    assert z is None
    assert (x, y) == (((first,), (first,)) if same else ((first, second), (second,)))

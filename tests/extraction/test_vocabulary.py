"""A vocabulary finds what people write in other letters, and never another number."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localensemble.extraction.vocabulary import Vocabulary, normalized_words
from localensemble.tables.spans.vocabulary_file import VocabularyEntry

DISEASES = (
    VocabularyEntry("D1", "type 1 diabetes", ("type 1 diabetes", "IDDM"), "Disease"),
    VocabularyEntry("D2", "hypothyroidism", ("hypothyroidism",), "Disease"),
    VocabularyEntry("D3", "céphalée", ("céphalée", "mal de tête"), "Disease"),
    VocabularyEntry("D4", "सिरदर्द", ("सिरदर्द",), "Disease"),
    VocabularyEntry("D5", "cold", ("cold", "common cold"), "Disease"),
    VocabularyEntry("D6", "cold (temperature)", ("cold",), "Sensation"),
    VocabularyEntry("C1", "hydrochlorothiazide", ("hydrochlorothiazide", "HCTZ"), "Drug"),
)
VOCABULARY = Vocabulary(DISEASES)


@pytest.mark.parametrize(
    ("phrase", "kind", "ids"),
    [
        ("IDDM", "exact", ("D1",)),
        ("Type 1 Diabetes", "normalized", ("D1",)),
        ("type-1 diabetes", "normalized", ("D1",)),
        (unicodedata.normalize("NFD", "Mal de Tête"), "normalized", ("D3",)),
        ("ＨＣＴＺ", "normalized", ("C1",)),
        ("hydrochlorthiazide", "fuzzy", ("C1",)),
        ("hydrochlorothiazied", "fuzzy", ("C1",)),
        ("hydrochlorothiazides", "fuzzy", ("C1",)),
        ("hydrochlorotiazide", "fuzzy", ("C1",)),
        ("hydrochlorothiaxide", "fuzzy", ("C1",)),
        ("type 1 diabetis", "fuzzy", ("D1",)),
        ("cold", "exact", ("D5", "D6")),
    ],
)
def test_a_phrase_is_looked_up_exactly_normalized_and_fuzzily(
    phrase: str, kind: str, ids: tuple[str, ...]
) -> None:
    match = VOCABULARY.match(phrase)
    assert match is not None
    assert (match.kind, match.ids) == (kind, ids)


@pytest.mark.parametrize(
    "phrase",
    [
        *("type 2 diabetes", "hyperthyroidism", "colt", "", "…", "IDDN", "tipe 1 diabetes"),
        *("type 11 diabetes", "shypothyroidism", "hydrochlorothiazide hydrochlorothiazide"),
    ],
)
def test_a_near_name_of_something_else_does_not_match(phrase: str) -> None:
    assert VOCABULARY.match(phrase) is None


def test_fuzzy_matching_can_be_left_out() -> None:
    assert Vocabulary(DISEASES, fuzzy=False).match("hydrochlorthiazide") is None


def test_terms_are_found_where_they_stand_behind_characters_of_many_bytes() -> None:
    text = "😷 Céphalée, puis सिरदर्द et COMMON COLD (HCTZ)"
    found = VOCABULARY.find(text)
    assert [text[one.span.start : one.span.stop] for one in found] == [
        "Céphalée",
        "सिरदर्द",
        "COMMON COLD",
        "HCTZ",
    ]
    assert [one.match.kind for one in found] == ["normalized", "exact", "normalized", "exact"]
    assert [one.span.category for one in found] == ["Disease", "Disease", "Disease", "Drug"]


def test_the_longest_term_is_found_and_parts_of_words_are_not() -> None:
    vocabulary = Vocabulary(
        [
            VocabularyEntry("1", "cancer", ("cancer",)),
            VocabularyEntry("2", "lung cancer", ("lung cancer",)),
            VocabularyEntry("3", "ADE", ("ADE",)),
        ],
        category="Disease",
    )
    text = "decade of lung-cancer; cancerous, cancer."
    found = vocabulary.find(text)
    assert [(text[a.span.start : a.span.stop], a.match.ids) for a in found] == [
        ("lung-cancer", ("2",)),
        ("cancer", ("1",)),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CD4+ and CD4- cells", [("CD4+", "P"), ("CD4-", "N")]),
        ("CD4\u2212, cd4+.", [("CD4\u2212", "N"), ("cd4+", "P")]),
        ("CD4 cells, CD4-related, CD4--", []),
        ("T-cell or T cell", [("T-cell", "T"), ("T cell", "T")]),
        ("C++, C, C+", [("C++", "Y"), ("C", "X")]),
    ],
)
def test_a_sign_at_the_end_of_a_word_counts(text: str, found: list[tuple[str, str]]) -> None:
    names = {"CD4+": "P", "CD4-": "N", "T-cell": "T", "C": "X", "C++": "Y"}
    vocabulary = Vocabulary([VocabularyEntry(id_, name, (name,)) for name, id_ in names.items()])
    matched = vocabulary.find(text)
    assert [(text[a.span.start : a.span.stop], *a.match.ids) for a in matched] == found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Nothing in the lung. Cancer of the breast.", 0),
        ("Is it the lung? Cancer, perhaps.", 0),
        ("lung\r\n\r\nCancer", 0),
        ("E.\n\nColi", 0),
        ("lung\ncancer", 1),
        ("Lung-cancer, E. coli and St. John's wort", 3),
    ],
)
def test_a_term_does_not_go_on_in_another_sentence(text: str, count: int) -> None:
    names = ("lung cancer", "E. coli", "St. John's wort")
    vocabulary = Vocabulary([VocabularyEntry(name, name, (name,)) for name in names])
    assert len(vocabulary.find(text)) == count


def test_a_name_of_two_categories_gives_a_span_of_each() -> None:
    found = VOCABULARY.find("a cold night")
    assert [one.span.category for one in found] == ["Disease", "Sensation"]
    assert {(one.span.start, one.span.stop) for one in found} == {(2, 6)}


def test_a_misspelled_term_is_found_in_a_text_without_the_words_around_it() -> None:
    text = "took hydrochlorthiazide in the morning"
    (found,) = VOCABULARY.find(text)
    assert text[found.span.start : found.span.stop] == "hydrochlorthiazide"
    assert found.match.kind == "fuzzy"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_name_of_any_letters_is_found_in_any_form(name: str) -> None:
    if not normalized_words(name):
        return
    vocabulary = Vocabulary([VocabularyEntry("1", name, (name,))])
    assert vocabulary.match(name) is not None
    for form in ("NFC", "NFD"):
        match = vocabulary.match(unicodedata.normalize(form, name))
        assert match is not None, form


@given(st.text("ab é😷,", max_size=30))
def test_found_places_are_inside_the_text_in_order_and_apart(text: str) -> None:
    vocabulary = Vocabulary(
        [VocabularyEntry("1", "a é", ("a é",)), VocabularyEntry("2", "b", ("b",))]
    )
    found = vocabulary.find(text)
    stop = 0
    for one in found:
        assert stop <= one.span.start < one.span.stop <= len(text)
        assert normalized_words(text[one.span.start : one.span.stop]) in {("a", "é"), ("b",)}
        stop = one.span.stop


def test_a_word_longer_than_any_of_the_vocabulary_costs_no_time() -> None:
    text = "cold " + "a" * 200_000 + " cold"
    began = time.process_time()
    found = VOCABULARY.find(text)
    assert [one.span.start for one in found] == [0, 0, 200_006, 200_006]
    assert time.process_time() - began < 5

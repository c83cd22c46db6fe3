"""Each kind of identifier is found by its form, its check digit or the word before it."""

from __future__ import annotations

import time

import pytest

from localensemble.privacy.identifiers.kinds import KINDS, kind_of_heading, kinds_in
from localensemble.privacy.identifiers.scan import scan_columns
from scripts.bench.identifiers import MAKERS, measure

FOUND = {
    "A": ("Mrs O'Brien came in", "signed: Anna Kowalski", "Herr Müller"),
    "B": ("12 High Street", "Leeds LS1 4AB", "Springfield, IL 62704", "PO Box 12", "Parkallee 7"),
    "C": (
        "on 2021-03-04",
        "3/4/1951",
        "12 March 2020",
        "March 12, 2020",
        "a 93-year-old",
        "aged 97",
    ),
    "D": ("+44 20 7946 0958", "(212) 555-0123", "07700 900123", "call 020 7946 0958"),
    "E": ("fax 020 7946 0958", "Fax: +1 212 555 0123"),
    "F": ("a.b+c@mail.example.org",),
    "G": ("219-09-9999", "SSN: 219099999"),
    # 943 476 5919 is the number that the NHS gives as an example.
    "H": ("MRN 0012345", "943 476 5919", "hospital id: H123456"),
    "I": ("member ID: XK12345678", "1EG4-TE5-MK73"),
    # ISO 13616's example, and the number that card issuers give for tests.
    "J": ("GB82 WEST 1234 5698 7654 32", "4111 1111 1111 1111", "account number 12345678"),
    "K": ("GMC 1234567", "license no. 12345678", "AB1234563"),
    # 49 CFR 565.15 explains the check digit with a number of ones.
    "L": ("1M8GDM9AXKP042788", "license plate 123 ABC", "AB12 CDE"),
    "M": ("serial number SN1234567", "(01)00844588003288", "00:1a:2b:3c:4d:5e"),
    "N": ("https://people.example.org/7", "www.example.org"),
    "O": ("from 192.0.2.17.", "2001:db8::1"),
    "P": ("his fingerprint", "a retinal scan"),
    "Q": ("IMG_0001.jpg", "data:image/png;base64,xx"),
    "R": ("passport no 123456789", "123e4567-e89b-12d3-a456-426614174000"),
}
NOT_FOUND = (
    "BP 128/82, pulse 76, temp 36.8, sats 98% on air",
    "amoxicillin 500 mg for 7 days, then 0.625 mg",
    "a 67-year-old woman, FEV1 of 48%",
    "in 2019 the score was 7/10",
    "4111 1111 1111 1112",
    "000-12-3456 and 666-12-3456 and 900-12-3456",
    "9434765918",
    "GB83 WEST 1234 5698 7654 32",
    "1M8GDM9A1KP042788",
    "99/99/2020 and 2020-13-45",
    "999.1.2.3 and 12:30:15",
    "",
)


@pytest.mark.parametrize(
    ("letter", "text"), [(letter, text) for letter, texts in FOUND.items() for text in texts]
)
def test_an_identifier_is_found(letter: str, text: str) -> None:
    assert letter in list(kinds_in(f"Seen today: {text}"))


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_like_an_identifier_is_not_counted(text: str) -> None:
    assert list(kinds_in(text)) == []


def test_there_are_eighteen_kinds_with_the_letters_of_the_regulation() -> None:
    assert "".join(kind.letter for kind in KINDS) == "ABCDEFGHIJKLMNOPQR"
    assert MAKERS.keys() == FOUND.keys() == {kind.letter for kind in KINDS}


@pytest.mark.parametrize(
    ("heading", "letter"),
    [("Surname", "A"), ("patient_name", "A"), ("DOB", "C"), ("zip code", "B"), ("MRN", "H"),
     ("e-mail", "F"), ("text", None), ("name_of_drug", None), ("rating", None)],
)  # fmt: skip
def test_a_heading_announces_a_kind(heading: str, letter: str | None) -> None:
    assert kind_of_heading(heading) == letter


def test_counts_are_of_cells_and_of_identifiers() -> None:
    rows = [("Ann", "call 07700 900123 or 07700 900124"), ("", "nothing"), ("Bo", "")]
    scanned = scan_columns(("first name", "note"), rows)
    counts = [(one.column, one.kind, one.cells, one.found) for one in scanned.identifiers]
    assert counts == [("first name", "A", 2, 2), ("note", "D", 1, 2)]
    assert (scanned.rows, scanned.columns) == (3, 2)


def test_precision_and_recall_on_made_up_sentences_stay_at_least_what_the_documents_state() -> None:
    right, found, planted, ordinary = measure(rows=2000, seed=1)
    assert sum(right.values()) / sum(found.values()) >= 0.98
    assert sum(right.values()) / sum(planted.values()) >= 0.88
    assert ordinary <= 15


@pytest.mark.parametrize(
    "part", ["1.", "a.", "a-", "a@", "A-", "1 ", "12-34-", "Ab ", "fax 1 ", "1 Ab ", "ab:", "A1"]
)
def test_a_long_cell_takes_no_longer_than_its_length_explains(part: str) -> None:
    started = time.process_time()
    for _ in kinds_in(part * 20_000):
        pass
    assert time.process_time() - started < 5

"""The eighteen kinds of identifiers of HIPAA's Safe Harbor (45 CFR 164.514(b)(2)(i)), by patterns.

The kinds have the letters of the regulation. A pattern finds what has a recognizable form, or
follows a word that announces it. It cannot find a name without a title, a rare occupation, or
whatever else identifies a person by its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from localensemble.core.identity import sha256_json
from localensemble.privacy.identifiers import number_checks as checks

_CODE = r"[A-Z]{0,4}[-:#]?\s?\d[\dA-Z-]{3,}"
_IS = r"(?:\s?(?:number|no\.?|nr\.?|num\.?|id|code|#))?\s?(?:is\b|[:#=])?\s?"
_MONTH = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|ma[yi]|june?|juni|july?|juli"
    r"|aug(?:ust)?|sep(?:t(?:ember)?)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)"
)
_AGE = "AGE OVER 89"
_OLD = r"(?:9\d|1[01]\d)"
_NUMBER_PARTS = r"(?:[ .-]?\(?\d{1,6}\)?){2,5}"


@dataclass(frozen=True, slots=True)
class IdentifierKind:
    """One kind of identifier.

    Attributes:
        letter: its letter in the regulation.
        name: its name in tables.
        headings: words in the heading of a column whose every cell is of this kind.
    """

    letter: str
    name: str
    headings: str


KINDS = (
    IdentifierKind("A", "name", r"(first|last|full|family|given|patient|middle)?_?\s?name|surname"),
    IdentifierKind("B", "place", r"address|street|city|town|(zip|postal|post)(_?\s?code)?|county"),
    IdentifierKind("C", "date or age over 89", r"dob|(date|day)_?\s?of_?\s?birth|birth_?\s?date"),
    IdentifierKind("D", "telephone number", r"(tele)?phone(_?\s?number)?|tel|mobile|cell"),
    IdentifierKind("E", "fax number", r"(tele)?fax(_?\s?number)?"),
    IdentifierKind("F", "e-mail address", r"e-?mail(_?\s?address)?"),
    IdentifierKind("G", "social security number", r"ssn|social_?\s?security(_?\s?number)?"),
    IdentifierKind(
        "H", "medical record number", r"mrn|nhs(_?\s?(number|no))?|hospital_?\s?(id|no)"
    ),
    IdentifierKind("I", "health plan number", r"(member|insurance|policy|plan)_?\s?(id|number|no)"),
    IdentifierKind("J", "account number", r"iban|account(_?\s?(id|number|no))?|card_?\s?number"),
    IdentifierKind(
        "K", "license number", r"(driver'?s?_?\s?)?licen[sc]e_?\s?(number|no|id)|npi|gmc"
    ),
    IdentifierKind("L", "vehicle number", r"vin|(number|license)_?\s?plate|registration_?\s?plate"),
    IdentifierKind("M", "device number", r"(device|serial)_?\s?(id|number|no)|imei|udi"),
    IdentifierKind("N", "web address", r"url|web_?\s?(site|address|page)|homepage"),
    IdentifierKind("O", "IP address", r"ip(_?\s?address)?"),
    IdentifierKind(
        "P", "biometric data", r"finger_?\s?prints?|voice_?\s?prints?|retina|iris(_?\s?scan)?"
    ),
    IdentifierKind("Q", "picture", r"photo(graph)?s?|picture|image(_?\s?file)?"),
    IdentifierKind(
        "R", "other code", r"passport(_?\s?(no|number))?|(case|study|subject)_?\s?(no|number)"
    ),
)


@dataclass(frozen=True, slots=True)
class Identifier:
    """Where an identifier is in a text, and of which kind it is.

    Attributes:
        letter: the letter of the kind.
        placeholder: what may stand for it, such as ``DATE``.
    """

    start: int
    stop: int
    letter: str
    placeholder: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    letter: str
    form: re.Pattern[str]
    check: Callable[[str], bool] = lambda _: True
    placeholder: str = ""


def _any_case(
    letter: str,
    form: str,
    check: Callable[[str], bool] = lambda _: True,
    *,
    placeholder: str = "",
) -> _Pattern:
    return _Pattern(letter, re.compile(form, flags=re.IGNORECASE), check, placeholder)


def _as_written(letter: str, form: str, check: Callable[[str], bool] = lambda _: True) -> _Pattern:
    return _Pattern(letter, re.compile(form), check)


# In this order: what one pattern took, a later one does not see.
_PATTERNS = (
    _any_case("N", r"\b(?:https?://|www\.)[^\s<>\"']+"),
    _any_case("F", r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b"),
    _any_case(
        "Q", r"\bdata:image/\w+|(?<![\w-])[\w-]{1,100}\.(?:jpe?g|png|gif|bmp|tiff?|heic|dcm)\b"
    ),
    _any_case("P", r"\b(?:finger|voice|palm)\s?prints?\b|\b(?:retina|iris)l?\s?(?:scan|image)s?\b"),
    _any_case("M", rf"\b(?:serial|device|imei|udi|s/n)\b{_IS}{_CODE}|\(01\)\d{{14}}"),
    _any_case("M", r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"),
    _any_case("H", rf"\b(?:mrn|(?:medical|hospital|patient)\s(?:record|id)|chart)\b{_IS}{_CODE}"),
    _any_case("I", rf"\b(?:member|insurance|policy|health\splan|medicare|medicaid)\b{_IS}{_CODE}"),
    _as_written("I", r"\b[1-9][A-Z][A-Z\d]\d-?[A-Z][A-Z\d]\d-?[A-Z]{2}\d{2}\b"),
    _any_case("K", r"\b[A-Z]{2}\d{7}\b", checks.is_dea_number),
    _any_case("K", rf"\b(?:licen[sc]e|certificate|npi|gmc|dea|nmc)\b(?!\splate){_IS}{_CODE}"),
    _any_case(
        "L", rf"\b(?:(?:license|number|registration)\splate|vin)\b{_IS}[A-Z\d][A-Z\d -]{{3,}}"
    ),
    _as_written("L", r"\b[A-HJ-NPR-Z\d]{17}\b", checks.is_vehicle_number),
    _as_written("L", r"\b[A-Z]{2}\d{2}\s[A-Z]{3}\b"),
    _as_written(
        "J", r"\b[A-Z]{2}\d{2}(?:\s?[A-Z\d]{4}){3,7}(?:\s?[A-Z\d]{1,3})?\b", checks.is_iban
    ),
    _any_case("J", r"\b[3-6](?:\d[ -]?){11,17}\d\b", checks.has_luhn),
    _any_case("J", rf"\b(?:bank\s)?account\b{_IS}{_CODE}"),
    _any_case(
        "R", rf"\b(?:passport|case|accession|study\sid|subject|barcode|reference)\b{_IS}{_CODE}"
    ),
    _any_case("R", r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    _any_case("O", r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)", checks.is_ip_address),
    _any_case(
        "O", r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])", checks.is_ip_address
    ),
    _as_written(
        "G", r"(?<![\d-])\d{3}[- ]\d{2}[- ]\d{4}(?![\d-])", checks.is_social_security_number
    ),
    _any_case("G", r"\b(?:ssn|social\ssecurity)\b\D{0,12}\d{9}\b"),
    _any_case("E", rf"\b(?:tele)?fax\b{_IS}\+?{_NUMBER_PARTS}"),
    _any_case("H", r"(?<![\d-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d-])", checks.is_nhs_number),
    _any_case(
        "C",
        r"(?<![\d/.-])(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2}))"
        r"(?![\d/-]|\.\d)",
        checks.is_date,
    ),
    _any_case("C", rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s)?{_MONTH}\b\.?(?:,?\s\d{{2,4}}\b)?"),
    _any_case(
        "C", rf"\b{_MONTH}\.?\s\d{{1,2}}(?:st|nd|rd|th)?\b(?!\s?(?:mg|ml|%))(?:,?\s\d{{4}}\b)?"
    ),
    _any_case(
        "C",
        rf"\b{_OLD}[- ]?(?:years?|yrs?|y)\b[- ]?(?:old|of\sage)?|\b{_OLD}\s?y/?o\b",
        placeholder=_AGE,
    ),
    _any_case(
        "C",
        rf"\b(?:aged?|alter)\b\s?(?:of\s|is\s|[:=]\s?)?{_OLD}\b(?!\s?%)",
        placeholder=_AGE,
    ),
    _any_case("D", r"(?<![\w+])\+\d{1,3}[ .-]?\(?\d{1,5}\)?(?:[ .-]?\d{2,5}){1,4}\b"),
    _any_case("D", r"(?<![\w-])\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}\b"),
    _any_case(
        "D", r"(?<![\w-])\(?0\d{2,5}\)?[ /-]\d{3,4}(?:[ -]?\d{3,4}){1,2}\b|(?<![\w-])07\d{9}\b"
    ),
    _any_case(
        "D",
        rf"\b(?:tele)?(?:phone|tel|mobile|cell|call|ring)\b\.?{_IS}(?:at\s|on\s)?"
        r"\+?\d[\d ()-]{5,}\d",
    ),
    _any_case("B", r"\bp\.?\s?o\.?\sbox\s\d+\b"),
    _as_written(
        "B",
        r"\b\d{1,5}[a-z]?,?\s(?:[A-Z][\w'.-]*\s){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln"
        r"|Drive|Dr|Court|Ct|Boulevard|Blvd|Close|Crescent|Terrace|Way|Square|Place)\b",
    ),
    _as_written(
        "B", r"\b[A-ZÄÖÜ][\wäöüß-]{2,40}(?:straße|strasse|weg|gasse|allee|platz)\s\d{1,4}\b"
    ),
    _as_written("B", r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b"),
    _as_written(
        "B",
        r"\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]"
        r"|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])\s\d{5}(?:-\d{4})?\b",
    ),
    _as_written(
        "A",
        r"\b(?:Mrs?|Ms|Miss|Dr|Prof|Herrn?|Frau|Sir|Nurse|Sister|Doctor|Professor)\b\.?\s"
        r"(?:[A-Z]\.\s?)*[A-ZÄÖÜ][\w'-]+(?:\s[A-ZÄÖÜ][\w'-]+)?",
    ),
    _as_written(
        "A",
        r"\b(?:[Nn]ame(?:d|\sis|:)|[Pp]atient:?|[Ss]igned:?|called)\s"
        r"[A-ZÄÖÜ][\w'-]+\s[A-ZÄÖÜ][\w'-]+",
    ),
)
_HEADINGS = tuple(
    (kind.letter, re.compile(rf"(?:{kind.headings})", flags=re.IGNORECASE)) for kind in KINDS
)


# Kinds whose name is not what stands for an identifier.
_PLACEHOLDERS = {kind.letter: kind.name.upper() for kind in KINDS} | {"C": "DATE"}
# No pattern matches it as a letter, digit or space, so that none joins what is before and after.
_MASK = "|"


def kinds_in(text: str) -> Iterator[str]:
    """Yield the letter of the kind of each identifier that a text contains."""
    return (one.letter for one in identifiers_in(text))


def identifiers_in(text: str) -> Iterator[Identifier]:
    """Yield each identifier that a text contains, in the order of the patterns."""
    for pattern in _PATTERNS:
        left = []
        end = 0
        for found in pattern.form.finditer(text):
            if pattern.check(found[0]):
                start, stop = found.span()
                yield Identifier(
                    start,
                    stop,
                    pattern.letter,
                    pattern.placeholder or _PLACEHOLDERS[pattern.letter],
                )
                left += [text[end:start], _MASK * (stop - start)]
                end = stop
        if end:
            text = "".join(left) + text[end:]


def patterns_sha256() -> str:
    """Return the hash of all patterns, their order, their checks and what stands for them."""
    return sha256_json(
        [
            [one.letter, one.placeholder, one.form.pattern, one.form.flags, one.check.__name__]
            for one in _PATTERNS
        ]
    )


def kind_of_heading(heading: str) -> str | None:
    """Return the kind that the heading of a column announces; None if it announces none."""
    plain = heading.strip()
    return next((letter for letter, form in _HEADINGS if form.fullmatch(plain)), None)
